"""The store on a real Redis: all or nothing, once each, and nobody waits for the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.incident import Event
from bot.store.commit import Commit, Conflict, Put
from bot.store.store import Store
from tests.store.made import NOW, after, incident, put, rows_of


def test_a_record_is_read_as_it_was_saved(store: Store) -> None:
    assert store.get("plan", "p1") is None
    store.commit(Commit([Put("plan", "p1", 0, {"state": "asked"})]))
    assert store.get("plan", "p1") == ({"state": "asked"}, 1)


def test_state_events_dues_and_rows_are_saved_together(store: Store) -> None:
    event = Event(NOW, "U1", "opened", "Incident 1 opened")
    change = Commit(
        puts=[put(incident(channel="C9")), Put("plan", "p1", 0, {"state": "asked"}, 60)],
        events=[(1, event)],
        due={"card:1": NOW},
        ledgers={"p1": rows_of("a", "b")},
        opened={"p1": [0]},
        closed={"p1": {1: {"end": "gone"}}},
        audit={"text": "/incident open"},
        counts=["calls:/incident open:done"],
    )
    store.commit(change)
    assert store.incident(1) == incident(channel="C9", version=1)
    assert (store.number_of("C9"), store.opened_by("key1")) == (1, incident(channel="C9", version=1))
    assert store.timeline(1) == [event]
    assert store.due_at("card:1") == NOW
    assert [row[0] for row in store.ledger("p1").rows(0, 9)] == ["a", "b"]
    assert list(store.ledger("p1").open(9)) == [0]
    assert store.ledger("p1").closed() == {1: {"end": "gone"}}
    assert store.metrics() == {"calls:/incident open:done": 1}
    assert 0 < store.redis.ttl(store.key("plan", "p1")) <= 60
    assert store.redis.ttl(store.key("incident", 1)) == -1


def everything(store: Store) -> dict[str, Any]:
    """Key → what stands there, as it can be compared."""
    read: dict[str, Callable[[str], Any]] = {
        "hash": store.redis.hgetall,
        "zset": lambda key: store.redis.zrange(key, 0, -1, withscores=True),
        "list": lambda key: store.redis.lrange(key, 0, -1),
        "set": store.redis.smembers,
        "stream": store.redis.xrange,
        "string": store.redis.get,
    }
    return {key: read[str(store.redis.type(key))](key) for key in store.redis.scan_iter()}


@pytest.mark.parametrize("version", [0, 2])
def test_of_a_record_that_somebody_else_saved_first_nothing_is_saved(store: Store, version: int) -> None:
    store.commit(Commit([Put("plan", "p1", 0, {"state": "asked"})]))
    change = Commit(
        puts=[put(incident()), Put("plan", "p1", version, {"state": "confirmed"})],
        events=[(1, Event(NOW, "U1", "opened", "x"))],
        due={"card:1": NOW},
        ledgers={"p1": rows_of("a")},
        audit={"text": "x"},
        counts=["x"],
    )
    before = everything(store)
    with pytest.raises(Conflict):
        store.commit(change)
    assert everything(store) == before


def test_of_two_who_read_the_same_one_saves(connect: Callable[..., Store]) -> None:
    """Between the reading and the saving of one lies the saving of the other, at the very last moment."""
    one, other = connect(), connect()
    one.commit(Commit([Put("plan", "p1", 0, {"by": "nobody"})]))
    won: list[str] = []
    start = threading.Barrier(8)

    def saves(store: Store, name: str) -> None:
        start.wait()
        try:
            store.commit(Commit([Put("plan", "p1", 1, {"by": name})]))
        except Conflict:
            return
        won.append(name)

    threads = [threading.Thread(target=saves, args=(each, f"{n}")) for n, each in enumerate([one, other] * 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert one.get("plan", "p1") == ({"by": won[0]}, 2)
    assert len(won) == 1


def test_a_resolved_incident_is_on_record_but_not_among_the_open(store: Store) -> None:
    store.commit(Commit([put(incident(1)), put(incident(2))]))
    first = store.incident(1)
    assert first
    store.commit(Commit([put(first.resolve("U1", NOW, "x"))]))
    assert [each.number for each in store.incidents("open", 9)] == [2]
    assert [each.number for each in store.incidents("all", 9)] == [2, 1]
    assert [each.number for each in store.incidents("all", 1)] == [2]
    assert store.open_count() == 1


def test_the_timeline_is_in_the_order_in_which_things_happened(store: Store) -> None:
    late, early = Event(after(60), "U1", "note", "late"), Event(NOW, "U1", "note", "early")
    store.commit(Commit(events=[(1, late)]))
    store.commit(Commit(events=[(1, early)]))
    assert store.timeline(1) == [early, late]


def test_numbers_are_given_once(connect: Callable[..., Store]) -> None:
    assert [connect().next_number() for _ in range(3)] == [1, 2, 3]
