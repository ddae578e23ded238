"""Leases on a real Redis: one holder, and nobody waits for a dead one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from bot.store.store import Store


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
    """Its expiry is taken off, and the next renewal of its holder sets it again, however late that comes."""
    one, other = connect(lease=3.0), connect(lease=3.0)
    key = one.key("lease", "procedure:1")
    with one.lease("procedure:1"):
        for _ in range(2):
            assert one.redis.persist(key)
            assert eventually(lambda: 0 < one.redis.pttl(key) <= 3000, seconds=10.0)
        with other.lease("procedure:1") as theirs:
            assert not theirs


def test_a_dead_holder_loses_its_lease(connect: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    dead, other = connect(lease=1.0), connect(lease=1.0)

    def away(*given: object) -> None:
        raise ConnectionLost("as after SIGKILL: nobody renews it, nobody gives it back")

    def free() -> bool:
        with other.lease("procedure:1") as mine:
            return bool(mine)

    with dead.lease("procedure:1") as mine:
        assert mine
        with monkeypatch.context() as patched:
            patched.setattr(dead.redis, "evalsha", away)
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
    one, other = connect(lease=1.0), connect(lease=1.0)
    assert one.lead("clock", "one")
    assert one.lead("clock", "one")
    assert not other.lead("clock", "other")
    other.resign("clock", "other")
    assert not other.lead("clock", "other")
    one.resign("clock", "one")
    assert other.lead("clock", "other")
    assert eventually(lambda: one.lead("clock", "one"))
