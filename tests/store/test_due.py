"""What is due on a real Redis: given to one clock, and due again until it is finished."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from bot.domain import due
from bot.domain.due import Due, DueKind
from bot.store.commit import Commit
from bot.store.due import SAFETY
from bot.store.store import Store
from tests.store.made import NOW, after, call


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
