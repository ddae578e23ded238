"""`firewatch up`: what dies is started anew, all of it stops together, and nothing outlives its supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from bot.running import supervisor
from bot.running.supervisor import RoleProcess
from bot.sandbox.stage import Stage
from bot.sandbox.story import Story
from tests.node import wait_for

ROLES = ("slack", "worker --calls", "worker", "worker --steps", "clock")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder: Path = tmp_path_factory.mktemp("up")
    with Stage(folder, rate_limits="off", environment={"FIREWATCH_LEASE": "0.5"}) as stage:
        yield stage


def started(stage: Stage) -> dict[str, int]:
    """Role → the process id of its latest start, as the supervisor logged it."""
    lines = (stage.folder / "bot.log").read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return {each["role"]: each["pid"] for each in said if each.get("says") == "started"}


def connections(stage: Stage) -> int:
    """How many of the bot's are open: to its Redis (all but this one) and to its Slack."""
    with redis.Redis.from_url(stage.redis_url) as client:
        return len(client.client_list()) - 1 + stage.slack.socket.connections


def answers(stage: Stage) -> None:
    known = stage.slack.channel("ops").messages[-1:]
    stage.slack.wait_for(lambda: stage.slack.socket.connections, 20)
    stage.slack.oncall.types("ops", f"/jobs status {stage.queue}").ok()
    Story(stage.slack).sees("ops", stage.queue, after=known[0] if known else None)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_killed_is_started_anew(stage: Stage, role: str) -> None:
    before = started(stage)
    os.kill(before[role], signal.SIGKILL)
    wait_for(lambda: started(stage)[role] != before[role], what=f"a new {role}")
    assert {each: pid for each, pid in started(stage).items() if each != role} == {
        each: pid for each, pid in before.items() if each != role
    }
    answers(stage)


def test_a_killed_supervisor_takes_its_roles_along_so_that_the_next_finds_its_port_free(stage: Stage) -> None:
    before = started(stage)
    stage.kill("up")
    wait_for(lambda: connections(stage) == 0, what="the end of all roles")
    stage.start("up")
    stage.ready()
    answers(stage)
    assert not set(before.values()) & set(started(stage).values())


def test_a_supervisor_that_is_asked_to_stop_stops_all_and_succeeds(stage: Stage) -> None:
    up = stage.processes["up"]
    up.terminate()
    assert up.wait(20) == 0
    assert connections(stage) == 0


# ---------------------------------------------------------------- without processes


class Process:
    """As much of ``subprocess.Popen`` as a supervisor uses. ``code``: how it has ended already."""

    pid = 1

    def __init__(self, code: int | None = None, stubborn: bool = False) -> None:
        self.code = code
        self.stubborn = stubborn
        self.signals: list[str] = []

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.signals.append("TERM")
        self.code = self.code if self.stubborn else 0

    def kill(self) -> None:
        self.signals.append("KILL")
        self.code = -9

    def wait(self, timeout: float = 0) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("role", timeout)
        return self.code


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The supervisor's time; what is in the list is now."""
    now = [1000.0]
    monkeypatch.setattr("bot.running.supervisor.time.monotonic", lambda: now[0])
    return now


def starts(monkeypatch: pytest.MonkeyPatch, code: int) -> list[Process]:
    """Every process that is started has ended with this code at once."""
    made: list[Process] = []

    def popen(*_: object, **__: object) -> Process:
        made.append(Process(code))
        return made[-1]

    monkeypatch.setattr("bot.running.supervisor.subprocess.Popen", popen)
    return made


def test_what_dies_again_and_again_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    made, role, began = starts(monkeypatch, -9), RoleProcess(["worker"]), []
    for _ in range(6000):
        before = len(made)
        assert supervisor._kept(role)
        if len(made) > before:
            began.append(round(clock[0] - 1000))
        clock[0] += 0.01
    assert began[:6] == [0, 0, 2, 6, 14, 29]
    assert all(later - sooner >= 15 for sooner, later in pairwise(began[5:]))


def test_what_has_lived_for_long_starts_anew_at_once(monkeypatch: pytest.MonkeyPatch, clock: list[float]) -> None:
    made, role = starts(monkeypatch, -9), RoleProcess(["worker"], deaths=5)
    supervisor._kept(role)
    clock[0] += supervisor.STEADY + 1
    supervisor._kept(role)
    supervisor._kept(role)
    assert len(made) == 2


@pytest.mark.parametrize(("code", "goes_on"), [(1, False), (2, False), (-9, True), (0, True)])
def test_what_will_not_start_at_all_is_given_up_after_three_times(
    monkeypatch: pytest.MonkeyPatch, clock: list[float], code: int, goes_on: bool
) -> None:
    made, role, kept = starts(monkeypatch, code), RoleProcess(["slack"]), True
    for _ in range(1000):
        kept = kept and supervisor._kept(role)
        clock[0] += 0.01
    assert kept is goes_on
    assert goes_on or len(made) == 3


def test_what_does_not_stop_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    willing, stubborn, gone = Process(), Process(stubborn=True), Process(code=1)
    roles = [
        RoleProcess([name], cast(Any, process)) for name, process in (("a", willing), ("b", stubborn), ("c", gone))
    ]
    supervisor._stop([*roles, RoleProcess(["d"])])
    assert [each.signals for each in (willing, stubborn, gone)] == [["TERM"], ["TERM", "KILL"], []]
