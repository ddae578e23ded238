"""What went out, and what was fetched lately: said once, and not asked again too soon."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain.errors import Later
from bot.store.store import Store
from tests.store.made import NOW, after

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
