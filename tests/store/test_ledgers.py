"""Procedures and their rows, samples and signs of life, as the store keeps them."""

from __future__ import annotations

from bot.domain.procedure import Procedure
from bot.store.commit import Commit, Put
from bot.store.store import Store
from tests.store.made import NOW, after, rows_of

# ---------------------------------------------------------------- procedures and their rows


def begun(id: str, kind: str = "replay", step: str = "start") -> Put:
    return Put("procedure", id, 0, {"procedure": Procedure(id, kind, step, "U1", "C1", NOW).to_json()})


def running(store: Store) -> list[str]:
    return [body["procedure"]["id"] for body, version in store.running() if version]


def test_the_procedures_under_way_are_those_with_a_next_step(store: Store) -> None:
    store.commit(Commit([begun("a"), begun("b"), begun("c", "room"), begun("d", step="")]))
    assert running(store) == ["a", "b", "c"]
    ended = Procedure("a", "replay", "", "U1", "C1", NOW)
    store.commit(Commit([Put("procedure", "a", 1, {"procedure": ended.to_json()})]))
    assert running(store) == ["b", "c"]


def test_a_ledger_keeps_its_rows_in_order_and_what_became_of_each(store: Store) -> None:
    rows = [[str(n), "upload", "x", n, n % 2 == 0] for n in range(2500)]
    store.commit(Commit(ledgers={"p": rows}))
    ledger = store.ledger("p")
    assert ledger.count() == 2500
    assert ledger.rows(0, 2500) == rows
    assert ledger.rows(2498, 9999) == rows[2498:]
    assert ledger.rows(5, 5) == []
    store.commit(Commit(opened={"p": [3, 2400, 7]}))
    assert ledger.open(2) == {3: rows[3], 7: rows[7]}
    store.commit(Commit(closed={"p": {3: {"end": "completed"}}}))
    assert ledger.open(9) == {7: rows[7], 2400: rows[2400]}
    assert ledger.closed() == {3: {"end": "completed"}}


def test_a_new_plan_of_the_same_name_has_new_rows(store: Store) -> None:
    store.commit(Commit(ledgers={"p": rows_of("a", "b")}))
    store.commit(Commit(ledgers={"p": rows_of("c")}))
    assert [row[0] for row in store.ledger("p").rows(0, 9)] == ["c"]


# ---------------------------------------------------------------- samples, signs of life


def test_samples_of_a_day_are_kept(store: Store) -> None:
    store.sample("q", after(-27 * 3600), 1)
    store.sample("q", after(-60), 7)
    store.sample("q", NOW, 9)
    assert store.depth("q", after(-48 * 3600)) == [(after(-60), 7), (NOW, 9)]
    assert store.depth("q", after(-30)) == [(NOW, 9)]


def test_a_role_is_alive_when_it_last_said_so(store: Store) -> None:
    assert store.last_alive("worker") is None
    store.alive("worker", NOW)
    assert store.last_alive("worker") == NOW
