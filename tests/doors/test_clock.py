"""Time's door: any number of clocks, one at work, and nothing lost when it dies or Redis does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from bot.doors import clock
from bot.road.desk import Desk
from tests.parts import Night


@pytest.fixture
def night(redis_url: str, tmp_path: Path) -> Night:
    return Night(redis_url, tmp_path, lease=0.3)


def eventually(happened: Callable[[], object], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.005)


class Ticker:
    """A clock that counts what it has handed over, and can be stopped or killed."""

    def __init__(self, night: Night) -> None:
        self.desk: Desk = night.again(line=self).desk
        self.handed: list[str] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=clock.run, args=(self.desk, self.stop), daemon=True)
        self.space = (500, 500)

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        self.handed += [member for member, _ in members]
        for member, mark in members:
            self.desk.store.finish(member, mark)

    def room(self) -> tuple[int, int]:
        return self.space

    @property
    def cards(self) -> list[str]:
        return [member for member in self.handed if member.startswith("card:")]


@contextmanager
def ticking(*tickers: Ticker) -> Iterator[None]:
    for ticker in tickers:
        ticker.thread.start()
    try:
        yield
    finally:
        for ticker in tickers:
            ticker.stop.set()
            ticker.thread.join(5)


def test_what_is_due_is_handed_over_and_what_is_not_waits(night: Night) -> None:
    desk = night.house.desk
    desk.store.remind("card:1", night.clock())
    night.clock.passes(60)
    desk.store.remind("card:2", night.clock())
    night.clock.passes(-1)
    assert clock.tick(desk) == 1
    assert [member for member, _ in night.line.waiting] == ["card:1"]


def test_a_full_line_is_given_nothing_and_nothing_is_lost(night: Night) -> None:
    desk = night.house.desk
    for name in ("card:1", "card:2", "call:1"):
        desk.store.remind(name, night.clock())
    night.line.space = (0, 1)
    assert clock.tick(desk) == 1
    night.line.space = (0, 0)
    assert clock.tick(desk) == 0
    night.line.space = (9, 9)
    assert clock.tick(desk) == 2


def test_of_two_clocks_one_leads_and_each_thing_is_handed_over_once(night: Night) -> None:
    one, other = Ticker(night), Ticker(night)
    store = night.house.desk.store
    with ticking(one, other):
        for number in range(50):
            store.remind(f"card:{number}", night.clock())
        eventually(lambda: len(one.cards) + len(other.cards) >= 50)
    assert sorted(one.cards + other.cards) == sorted(f"card:{number}" for number in range(50))
    assert not (one.cards and other.cards)


def test_when_the_leading_clock_stops_or_dies_the_other_takes_over(night: Night) -> None:
    one, other, third = Ticker(night), Ticker(night), Ticker(night)
    store = night.house.desk.store
    with ticking(one):
        eventually(lambda: store.last_alive("clock"))
        with ticking(other):
            one.stop.set()
            one.thread.join(5)
            store.remind("card:1", night.clock())
            eventually(lambda: other.cards == ["card:1"])
            # One that is killed gives nothing back; its lease runs out by itself.
            other.desk.store.resign = lambda name, me: None  # type: ignore[method-assign]
    with ticking(third):
        store.remind("card:2", night.clock())
        eventually(lambda: third.cards == ["card:2"])


def test_a_redis_that_is_away_is_waited_for(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    ticker = Ticker(night)
    lead, left = ticker.desk.store.lead, [ConnectionLost("refused")] * 2
    waited: list[float | None] = []
    wait = ticker.stop.wait

    def away(name: str, me: str) -> bool:
        if left:
            raise left.pop()
        return lead(name, me)

    def soon(timeout: float | None = None) -> bool:
        waited.append(timeout)
        return wait(min(timeout or 0.0, 0.01))

    monkeypatch.setattr(ticker.desk.store, "lead", away)
    monkeypatch.setattr(ticker.stop, "wait", soon)
    night.house.desk.store.remind("card:1", night.clock())
    with ticking(ticker):
        eventually(lambda: ticker.cards == ["card:1"])
    assert waited[:2] == [1.0, 1.0]


def test_a_clock_says_that_it_lives_and_starts_what_recurs(night: Night) -> None:
    ticker = Ticker(night)
    with ticking(ticker):
        eventually(lambda: {"sample:", "poll:"} <= set(ticker.handed))
    assert ticker.desk.store.last_alive("clock") == night.clock()
