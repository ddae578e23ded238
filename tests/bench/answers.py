"""How soon an answer stands in the channel: typed, taken, answered and posted, by the whole bot as processes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bot.sandbox.queues.pipeline import seed
from bot.sandbox.stage import Stage
from tests.bench import Figure, part

ASKED = 60


@part(
    "command to first answer in the channel (`/jobs status`), idle",
    reach="p50 ≤ 150 ms, p99 ≤ 500 ms",
)
def answered() -> Iterator[Figure]:
    """`/jobs status`, one after the other, on an idle bot over Socket Mode."""
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder), rate_limits="off") as stage:
        seed(stage.redis_url)
        times = sorted([_answered(stage) for _ in range(ASKED + 5)][5:])
    middle, worst = statistics.median(times) * 1000, times[int(len(times) * 0.99) - 1] * 1000
    yield Figure(f"p50 {middle:.0f} ms, p99 {worst:.0f} ms", met=middle <= 150 and worst <= 500)


def _answered(stage: Stage) -> float:
    """Seconds from the command to the message."""
    channel = stage.slack.channel("ops")
    before = len(channel.messages)
    begun = time.perf_counter()
    stage.slack.oncall.types("ops", "/jobs status repost-dispatch")
    stage.slack.wait_for(lambda: len(channel.messages) > before, 10)
    return time.perf_counter() - begun
