"""RQ's door: RQ really runs it, in a process of its own, and neither it nor its Redis may be gone for good."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from bot.domain.call import Call
from bot.doors import worker
from bot.doors.worker import CALLS, LONGEST, STEPS, RqWorkQueue
from bot.outside.parts import load
from bot.road.gate import Gate
from bot.sandbox.queues.redis import RedisServer
from bot.sandbox.stage import Stage
from bot.wiring import gate


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    with server:
        yield server


@pytest.fixture(scope="module")
def stage(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A worker alone: no door and no clock, so that what it does it was told by RQ."""
    folder = tmp_path_factory.mktemp("stage")
    environment = {"FIREWATCH_LEASE": "0.5"}
    with Stage(folder, redis_url=server.url, roles=["worker"], rate_limits="off", environment=environment) as stage:
        yield stage


@pytest.fixture(scope="module")
def door(stage: Stage) -> Gate:
    return gate(load(stage.environment, stage.folder, "worker"))


def eventually(happened: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def call(id: str) -> Call:
    return Call(id, "UONCALL", "COPS", "/incident list", datetime.now(UTC))


def answered(door: Gate, id: str) -> bool:
    found = door.store.get("call", id)
    return bool(found and "done" in found[0])


def test_what_a_door_takes_a_worker_answers(stage: Stage, door: Gate) -> None:
    assert door.reception.take(call("one"))
    eventually(lambda: answered(door, "one"))
    assert door.store.due_at("call:one") is None
    assert [each.text for each in stage.slack.seen_by("noor", "ops") if each.visible_to] == ["No open incident"]
    seen = door.store.last_alive("worker")
    assert seen
    assert (datetime.now(UTC) - seen).total_seconds() < 30


def test_a_worker_comes_back_when_its_redis_does(server: RedisServer, stage: Stage, door: Gate) -> None:
    process = stage.processes["worker"]
    server.kill()
    time.sleep(1.2)  # long enough to be noticed: RQ's worker sits in a blocking read
    server.start()
    door.reception.take(call("two"))
    eventually(lambda: answered(door, "two"))
    assert process.poll() is None, "it was not restarted: it waited"


def stopped(process: subprocess.Popen[bytes], number: int) -> int:
    process.send_signal(number)
    return process.wait(10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_when_it_is_asked_to(stage: Stage, door: Gate, number: int) -> None:
    redis, process = door.store.redis, stage.start("steps")
    # By its own number: the other worker may come and go meanwhile.
    eventually(lambda: str(process.pid) in [redis.hget(name, "pid") for name in redis.smembers("rq:workers")])
    assert stopped(process, number) == 0


def test_a_worker_that_is_started_before_its_redis_waits_for_it_and_may_be_stopped(tmp_path: Path) -> None:
    server, log = RedisServer(tmp_path / "late"), tmp_path / "bot.log"
    with Stage(tmp_path, redis_url=server.url, roles=["worker", "steps"]) as stage:
        eventually(lambda: log.read_bytes().count(b"looking again") >= 3)
        assert stopped(stage.processes["steps"], signal.SIGTERM) == 0
        with server, Redis.from_url(server.url) as redis:
            eventually(lambda: redis.scard("rq:workers") == 1)
            assert stopped(stage.processes["worker"], signal.SIGTERM) == 0
    assert b"Traceback" not in log.read_bytes()


# ---------------------------------------------------------------- without a process


def test_calls_wait_apart_from_what_goes_on_by_itself(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        line = RqWorkQueue(redis)
        line.push([("call:1", ""), ("procedure:1", "5.0"), ("card:1", "5.0")])
        line.push([])
        assert (redis.llen(f"rq:queue:{CALLS}"), redis.llen(f"rq:queue:{STEPS}")) == (1, 2)
        assert line.room() == (LONGEST - 1, LONGEST - 2)


def test_a_line_that_is_longer_than_it_may_be_has_no_room(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        line = RqWorkQueue(redis)
        line.push([(f"card:{number}", "5.0") for number in range(LONGEST + 1)])
        assert line.room() == (LONGEST, 0)


class Breaks:
    def attend(self, member: str, mark: str) -> None:
        raise ValueError(member)


def test_what_fails_is_logged_and_left_to_the_clock(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker.Attending, "desk", Breaks())
    worker.attend("card:1", "5.0")
    assert "not done; it comes again" in caplog.text
    assert vars(caplog.records[-1])["member"] == "card:1"


def test_outside_of_a_worker_nothing_is_attended_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.Attending, "desk", None)
    with pytest.raises(RuntimeError, match="in a worker"):
        worker.attend("card:1")
