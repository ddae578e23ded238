"""Killed at any line of the road: nothing is lost, nothing is said twice, nothing is done twice.

A trace function counts the lines of the files that take, answer, record and deliver, and raises at the n-th of them
what nobody catches. What a killed process held runs out, and another one goes on from what is on record. The kill tests
do the same to processes, at random; here it is done to one place after the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from bot.road.desk import Desk
from bot.store.store import Store
from tests.parts import Night

ROAD = Path(sys.modules[Desk.__module__].__file__ or "").parent
STORE = Path(sys.modules[Store.__module__].__file__ or "").parent
MORTAL = {
    str(file)
    for file in [*ROAD.glob("*.py"), STORE / "store.py", STORE / "due.py", STORE / "posted.py", STORE / "ledgers.py"]
    if file.name not in ("people.py", "intake.py")
}
UNTOUCHED = {"_keep", "lease"}
"""A lock that is held when its process dies is no lock any more; here it would be one for ever."""


class Died(BaseException):
    """The process is gone: nothing after this line happens."""


@contextmanager
def dies_at(line: int) -> Iterator[None]:
    left = line

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in MORTAL or frame.f_code.co_name in UNTOUCHED:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                raise Died
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def killed_everywhere(
    redis_url: str,
    folder: Path,
    stride: int,
    flow: Callable[[Night], None],
    prepare: Callable[[Night], None] | None = None,
) -> Iterator[tuple[int, Night]]:
    """The flow, killed at the n-th line and taken up by another process; gives how each ended.

    ``stride``: how many lines lie between two deaths; every single one would take a minute.
    """
    night = Night(redis_url, folder)
    for line in range(1, 100_000, stride):
        night.house.redis.flushdb()
        night.fresh()
        if prepare:
            prepare(night)
        try:
            with dies_at(line):
                flow(night)
                night.rests(60)
            died = False
        except Died:
            died = True
            for lease in night.house.redis.scan_iter("firewatch:lease:*"):
                night.house.redis.delete(lease)
            night.clock.passes(5)
            flow(night)  # Slack delivers again what was not acknowledged; pressing twice is pressing once
            night.rests(900)
        yield line, night
        if not died:
            return


def once(night: Night, line: int, text: str) -> None:
    found = [shown for shown in night.slack.shown if text in shown.text]
    assert len(found) == 1, f"killed at line {line}: {night.slack.texts()}"


def test_an_answer_is_given_once(redis_url: str, tmp_path: Path) -> None:
    def flow(night: Night) -> None:
        night.house.desk.take(night.call("/incident note restarted", id="call1", channel=rooms[-1]))

    rooms: list[str] = []

    def prepare(night: Night) -> None:
        rooms.append(night.opens())
        night.rests(60)

    runs = 0
    for line, night in killed_everywhere(redis_url, tmp_path, 13, flow, prepare):
        once(night, line, "restarted")
        notes = [event for event in night.house.store.timeline(1) if event.kind == "note"]
        assert len(notes) == 1, f"killed at line {line}"
        summary = night.slack.find(night.slack.pins[0][1])
        assert "restarted" in summary.all, f"killed at line {line}"
        runs += 1
    assert runs > 20


def test_a_plan_is_shown_once_and_done_once(redis_url: str, tmp_path: Path) -> None:
    def flow(night: Night) -> None:
        night.house.desk.take(night.call("/jobs pause reposts", id="call1"))
        night.rests()
        if "Confirm" in night.last.all:
            night.house.desk.take(night.call(night.last.button("Confirm"), id="call2", message=night.last.ts))

    runs = 0
    for line, night in killed_everywhere(redis_url, tmp_path, 17, flow):
        assert [shown.text for shown in night.slack.shown] == ["reposts: running → paused, by <@UONCALL>"], line
        assert set(night.queue.switched) == {"pause"}, line
        assert night.house.store.metrics()["calls:/plan:done"] == 1
        runs += 1
    assert runs > 20


def test_an_incident_is_opened_once(redis_url: str, tmp_path: Path) -> None:
    def flow(night: Night) -> None:
        night.house.desk.take(night.call("/incident open Uploads fail", id="call1"))

    runs = 0
    for line, night in killed_everywhere(redis_url, tmp_path, 37, flow):
        assert [each.number for each in night.house.store.incidents("all", 9)] in ([1], [2]), line
        assert len(night.slack.channels) == len(night.slack.pins) == 1, line
        once(night, line, "open: Uploads fail")
        number = night.house.store.incidents("all", 9)[0].number
        assert [event.kind for event in night.house.store.timeline(number)] == ["opened"], line
        runs += 1
    assert runs > 20
