"""Reminders of ten thousand open incidents: how late they are, what a look at the clock costs, and whether any is lost.

The first figure is of `firewatch clock` as it is deployed, with a real Redis and the real time: each incident's next
update falls due at a moment of its own within one minute, and a reminder is on the line once its call is on record and
due. The last one has two worker processes and a Slack that allows 300 messages a minute, under a clock that is twice
as fast.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis

from bot.domain.incident import Incident
from bot.doors import clock
from bot.outside.parts import load
from bot.sandbox.queues.redis import RedisServer
from bot.sandbox.stage import NightStage
from bot.store.commit import Commit, Put
from bot.store.store import Store
from bot.wiring import house
from tests.bench import Figure, part

MANY = 10_000
MINUTE = 60.0
UPDATE = timedelta(minutes=15)
HANDED = 700
RATE = 2
PREFIX = "duty"


@part(f"{MANY:,} updates due within a minute: p99 from due to on the line", reach="≤ 2 s, none lost")
def late() -> Iterator[Figure]:
    with _redis() as (url, folder):
        yield _late(url, folder)


@part(f"a tick over {MANY:,} open incidents, none due", reach="≤ 5 ms")
def tick() -> Iterator[Figure]:
    with _redis() as (url, folder):
        yield _tick(url, folder)


@part(f"{HANDED} reminders handed to a Slack that allows 300 a minute", reach="each once")
def handed() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="firewatch-bench-") as folder:
        yield _handed(Path(folder))


@contextmanager
def _redis() -> Iterator[tuple[str, Path]]:
    """The address of an empty one, and a folder to work in."""
    with tempfile.TemporaryDirectory(prefix="firewatch-bench-") as folder, RedisServer(Path(folder) / "redis") as url:
        yield url, Path(folder)


def _incident(number: int, due: datetime, channel: str) -> Incident:
    acknowledged = due - UPDATE
    return Incident(
        number=number,
        title=f"Uploads fail {number}",
        severity="sev2",
        opened_at=acknowledged,
        opened_by="UONCALL",
        key=f"bench{number}",
        state="acknowledged",
        acknowledged_at=acknowledged,
        acknowledged_by="UONCALL",
        channel=channel,
        status_page="there",
    )


def _filled(store: Store, dues: list[tuple[datetime, str]]) -> None:
    for number, (due, channel) in enumerate(dues, 1):
        body = replace(_incident(number, due, channel)).to_json()
        store.commit(Commit([Put("incident", str(number), 0, body)], due={f"duty:{number}": due}))


def _environment(url: str) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith(("SLACK_", "REDIS_", "FIREWATCH_"))}
    return {**own, "SLACK_BOT_TOKEN": "xoxb-1-a", "SLACK_APP_TOKEN": "xapp-1-a", "REDIS_URL": url}


@contextmanager
def _clock(url: str, folder: Path) -> Iterator[None]:
    with (folder / "clock.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "clock"],
            cwd=folder,
            env={
                **_environment(url),
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path) or str(Path.cwd()),
            },
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def _late(url: str, folder: Path) -> Figure:
    redis = Redis.from_url(url, decode_responses=True)
    store = Store(redis)
    # What is made now falls due later: making it takes some seconds.
    first = datetime.now(UTC) + timedelta(seconds=25)
    _filled(store, [(first + timedelta(seconds=MINUTE * each / MANY), f"C{each:09}") for each in range(MANY)])
    with _clock(url, folder):
        until = time.monotonic() + 25 + MINUTE + 60
        while (taken := _taken(redis)) < MANY and time.monotonic() < until:
            time.sleep(0.5)
    late = sorted(_lateness(redis))
    p99 = late[int(len(late) * 0.99)] if late else float("inf")
    return Figure(f"{p99:.2f} s, {MANY - taken:,} lost", met=p99 <= 2 and taken == MANY)


def _taken(redis: Redis) -> int:
    return sum(1 for _ in redis.scan_iter(match=f"firewatch:call:{PREFIX}*xupdatex*", count=5000))


def _lateness(redis: Redis) -> Iterator[float]:
    keys = list(redis.scan_iter(match=f"firewatch:call:{PREFIX}*xupdatex*", count=5000))
    for start in range(0, len(keys), 1000):
        with redis.pipeline(transaction=False) as pipe:
            for key in keys[start : start + 1000]:
                pipe.hget(key, "b")
            for body in pipe.execute():
                call = json.loads(body)["call"]
                due = datetime.fromisoformat(call["text"].split()[-1])
                yield (datetime.fromisoformat(call["at"]) - due).total_seconds()


def _tick(url: str, folder: Path) -> Figure:
    """None is due for an hour."""
    redis = Redis.from_url(url, decode_responses=True)
    soon = datetime.now(UTC) + timedelta(hours=1)
    _filled(Store(redis), [(soon, f"C{each:09}") for each in range(MANY)])
    desk = house(load(_environment(url), folder)).desk
    clock.tick(desk)
    times = []
    for _ in range(300):
        begun = time.perf_counter()
        if clock.tick(desk):
            raise RuntimeError("something is due")
        times.append((time.perf_counter() - begun) * 1000)
    middle = statistics.median(times)
    return Figure(f"{middle:.2f} ms", met=middle <= 5)


def _handed(folder: Path) -> Figure:
    with NightStage(folder, rate=RATE, roles=[]) as stage:
        workspace = stage.slack.workspace
        with workspace.locked():
            channels = [
                workspace.add_channel(f"inc-{number}-bench", "UFIREWATCH", members=("UFIREWATCH", "UONCALL")).id
                for number in range(1, HANDED + 1)
            ]
        store = Store(Redis.from_url(stage.redis_url, decode_responses=True), rate=RATE)
        first = stage.clock() + timedelta(minutes=1)
        spread = timedelta(minutes=1) / HANDED
        _filled(store, [(first + spread * each, channel) for each, channel in enumerate(channels)])
        for role in ("slack", "worker", "steps", "clock"):
            stage.start(role)
        until = time.monotonic() + 120
        said: Counter[str] = Counter()
        while len(said) < HANDED and time.monotonic() < until:
            time.sleep(0.5)
            said = Counter(
                channel for channel in channels for each in stage.slack.channel(channel).messages
                if each.text.startswith("Update due: 15 min")
            )  # fmt: skip
        refused = sum(each.status == 429 for each in stage.slack.calls)
    twice = sum(count > 1 for count in said.values())
    ours = f"{len(said) - twice} once, {twice} twice, {HANDED - len(said)} lost; it said 429 {refused} times"
    return Figure(ours, met=len(said) == HANDED and not twice)
