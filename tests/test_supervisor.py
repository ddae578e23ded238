"""`firewatch up`: what dies is started anew, all of it stops together, and nothing outlives its supervisor."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.sandbox.drill import Story
from bot.sandbox.stage import Stage
from tests.node import wait_for

ROLES = ("slack", "worker", "worker --steps", "clock")


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
