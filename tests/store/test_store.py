"""The store on a real Redis: all or nothing, once each, and nobody waits for the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from bot.domain import due
from bot.domain.call import Call
from bot.domain.due import Due, DueKind
from bot.domain.errors import Later
from bot.domain.incident import Event, Incident
from bot.domain.procedure import Procedure
from bot.store.commit import Commit, Conflict, Put
from bot.store.due import SAFETY
from bot.store.store import Store

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def connect(redis_url: str) -> Iterator[Callable[..., Store]]:
    """Gives the store of one more process."""
    made: list[Redis] = []

    def connected(lease: float = 5.0) -> Store:
        made.append(Redis.from_url(redis_url, decode_responses=True))
        return Store(made[-1], lease=lease)

    yield connected
    for redis in made:
        redis.close()


@pytest.fixture
def store(connect: Callable[..., Store]) -> Store:
    return connect()


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def call(id: str = "call1") -> Call:
    return Call(id, "U1", "C1", "/jobs", NOW)


def incident(number: int = 1, **more: Any) -> Incident:
    return Incident(number, "Uploads fail", "sev2", NOW, "U1", f"key{number}", **more)


def put(kept: Incident) -> Put:
    return Put("incident", str(kept.number), kept.version, kept.to_json())


def rows_of(*ids: str) -> list[list[Any]]:
    return [[id, "upload", "it broke", 1_700_000_000_000 + place] for place, id in enumerate(ids)]


# ---------------------------------------------------------------- commit


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


# ---------------------------------------------------------------- calls and what is due


def test_a_call_is_taken_once_and_due_until_it_is_done(store: Store) -> None:
    assert store.take([call()], NOW) == [True]
    assert store.take([call()], after(1)) == [False]
    assert store.take([call("call2"), call()], after(1)) == [True, False]
    assert store.get("call", "call1") == ({"call": call().to_json()}, 1)
    assert store.due_at("call:call1") == after(SAFETY * store.lease_seconds)
    assert store.take([call("said")], NOW, "reminder", at_once=True) == [True]
    assert (store.due_at("reminder:said"), store.due_at("call:said")) == (NOW, None)


def test_two_clocks_are_given_each_thing_once(connect: Callable[..., Store]) -> None:
    one, other = connect(), connect()
    names = {f"card:{number}" for number in range(300)}
    one.commit(Commit(due=dict.fromkeys(names, NOW)))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda store=store: found.extend(name for name, _ in store.due_now(NOW, 500, 200)))
        for store in (one, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(found) == sorted(names)
    assert one.due_now(NOW) == []


def test_what_is_claimed_and_not_finished_falls_due_again(store: Store) -> None:
    store.remind("card:1", NOW)
    [(name, mark)] = store.due_now(NOW)
    assert store.due_now(after(4.9)) == []
    [(again, later)] = store.due_now(after(5))
    assert again == name
    assert later != mark


def test_only_what_was_claimed_is_finished(store: Store) -> None:
    store.remind("card:1", NOW)
    [(name, mark)] = store.due_now(NOW)
    assert store.stands(name, mark)
    store.remind("card:1", after(1))  # it fell due anew while it was being done
    assert not store.stands(name, mark)
    store.finish(name, mark)
    assert store.due_at("card:1") == after(1)
    [(name, mark)] = store.due_now(after(1))
    store.finish(name, mark)
    assert store.due_at("card:1") is None
    assert not store.stands(name, mark)


def test_finishing_without_a_mark_finishes_nothing(store: Store) -> None:
    store.remind("card:1", NOW)
    store.finish("card:1", "")
    assert store.due_at("card:1") == NOW


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due, "DUE_KINDS", {"asked": DueKind("asked", "calls"), "quick": DueKind("quick", "clock")})


@pytest.mark.usefixtures("lanes")
def test_what_finds_no_room_in_its_lane_stays_due(store: Store) -> None:
    store.commit(Commit(due={**{f"card:{n}": NOW for n in range(5)}, **{f"asked:{n}": NOW for n in range(5)}}))
    found = [name for name, _ in store.due_now(NOW, calls=2, others=3)]
    assert sorted(Due.parse(name).kind for name in found) == ["asked", "asked", "card", "card", "card"]
    assert store.due_now(NOW, calls=0, others=0) == []
    assert len(store.due_now(NOW)) == 5


@pytest.mark.usefixtures("lanes")
def test_what_the_clock_does_itself_waits_for_no_room(store: Store) -> None:
    store.commit(Commit(due={"quick:1": NOW, "quickly:1": NOW, "quick": NOW}))
    assert sorted(name for name, _ in store.due_now(NOW, calls=0, others=0)) == ["quick", "quick:1"]
    assert [name for name, _ in store.due_now(NOW)] == ["quickly:1"], "a kind is known by its whole name"


def test_the_earliest_goes_first(store: Store) -> None:
    store.commit(Commit(due={"card:2": after(-1), "card:1": after(-2), "card:3": NOW}))
    assert [name for name, _ in store.due_now(NOW, others=2)] == ["card:1", "card:2"]


def test_a_reminder_may_leave_an_earlier_one_alone(store: Store) -> None:
    store.remind("sample:", NOW)
    store.remind("sample:", after(60), keep=True)
    assert store.next_due() == NOW
    assert store.backlog(after(3)) == (1, 3.0)


# ---------------------------------------------------------------- leases


def test_one_holds_a_lease_and_the_others_do_not(connect: Callable[..., Store]) -> None:
    one, other = connect(), connect()
    with one.lease("procedure:1") as mine:
        assert mine
        with other.lease("procedure:1") as theirs, other.lease("procedure:2") as free:
            assert (theirs, free) == (False, True)
    with other.lease("procedure:1") as theirs:
        assert theirs


def eventually(happened: Callable[[], object], seconds: float = 5.0) -> bool:
    waiting, left = threading.Event(), seconds
    while left > 0 and not happened():
        waiting.wait(0.01)
        left -= 0.01
    return bool(happened())


def test_a_lease_lasts_as_long_as_its_holder_is_at_it(connect: Callable[..., Store]) -> None:
    one, other = connect(lease=0.2), connect(lease=0.2)
    with one.lease("procedure:1"):
        renewed = [0]

        def longer() -> bool:
            with other.lease("procedure:1") as theirs:
                assert not theirs
            renewed[0] += 1
            return renewed[0] > 60

        assert eventually(longer)


def test_a_dead_holder_loses_its_lease(connect: Callable[..., Store]) -> None:
    dead, other = connect(lease=0.2), connect(lease=0.2)
    holding = dead.lease("procedure:1")
    assert holding.__enter__()
    dead._held.clear()  # as SIGKILL would: nobody renews it, nobody gives it back

    def free() -> bool:
        with other.lease("procedure:1") as mine:
            return bool(mine)

    assert not free()
    assert eventually(free)


def test_whoever_lost_a_lease_does_not_give_back_another_ones(connect: Callable[..., Store]) -> None:
    slow, other, third = connect(), connect(), connect()
    with slow.lease("procedure:1"):
        slow.redis.delete(slow.key("lease", "procedure:1"))
        with other.lease("procedure:1") as mine:
            assert mine
            slow._release(keys=[slow.key("lease", "procedure:1")], args=["slow's token"])
            with third.lease("procedure:1") as stolen:
                assert not stolen


def test_one_clock_leads_until_it_resigns_or_dies(connect: Callable[..., Store]) -> None:
    one, other = connect(lease=0.2), connect(lease=0.2)
    assert one.lead("clock", "one")
    assert one.lead("clock", "one")
    assert not other.lead("clock", "other")
    other.resign("clock", "other")
    assert not other.lead("clock", "other")
    one.resign("clock", "one")
    assert other.lead("clock", "other")
    assert eventually(lambda: one.lead("clock", "one"))


# ---------------------------------------------------------------- messages


def test_a_message_is_tried_since_its_first_try_and_posted_once(store: Store) -> None:
    assert store.posting("call:1", NOW) == ("", None)
    assert store.posting("call:1", after(9)) == ("", NOW)
    assert store.where("call:1") == ("", "")
    store.posted("call:1", "C1", "1.2")
    assert store.posting("call:1", after(9)) == ("1.2", NOW)
    assert store.where("call:1") == ("C1", "1.2")


def test_a_throttle_lets_one_through(store: Store) -> None:
    assert [store.throttle("card:1", 9), store.throttle("card:1", 9), store.throttle("card:2", 9)] == [
        True,
        False,
        True,
    ]
    assert store.hushed("card:1")
    assert not store.hushed("card:3")
    store.hush("card:3", 9)
    assert not store.throttle("card:3", 9)


def test_the_first_to_say_something_is_heard(store: Store) -> None:
    assert [store.first("press:1", name, 9) for name in ("a", "b", "a")] == ["a", "a", "a"]


def test_what_is_known_is_what_was_said_last(store: Store) -> None:
    assert store.known("topic:1") == ""
    store.know("topic:1", "a")
    store.know("topic:1", "b")
    assert store.known("topic:1") == "b"


# ---------------------------------------------------------------- memory


def answers(*values: object) -> Callable[[], object]:
    left = list(values)

    def fetch() -> object:
        value = left.pop(0)
        if isinstance(value, Exception):
            raise value
        return value

    return fetch


def stale(store: Store) -> None:
    store.redis.delete(store.key("memo", "oncall"))


def test_what_was_fetched_is_remembered_and_fetched_again_when_it_is_old(store: Store) -> None:
    fetch = answers(["U1"], ["U2"])
    assert [store.remembered("oncall", 60, fetch) for _ in range(3)] == [["U1"]] * 3
    stale(store)
    assert store.remembered("oncall", 60, fetch) == ["U2"]


@pytest.mark.parametrize("away", [Later(3, "away"), ConnectionRefusedError()])
def test_when_it_cannot_be_fetched_the_old_will_do_for_a_while(store: Store, away: Exception) -> None:
    fetch = answers(["U1"], away, ["U2"])
    store.remembered("oncall", 60, fetch)
    stale(store)
    assert [store.remembered("oncall", 60, fetch) for _ in range(3)] == [["U1"]] * 3
    stale(store)
    assert store.remembered("oncall", 60, fetch) == ["U2"]


def test_what_never_could_be_fetched_is_not_made_up(store: Store) -> None:
    with pytest.raises(Later):
        store.remembered("oncall", 60, answers(Later(3, "away")))


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
