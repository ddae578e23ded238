"""Replaying, grouping and following many jobs, beside Node's own BullMQ on the same Redis."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import redis

from bot.outside.queues.bullmq.client import MOST_MOVED, BullQueue
from bot.outside.queues.protocol import Seen
from bot.sandbox.queues.redis import RedisServer
from bot.triage.causes import CauseTable
from tests.bench import RUNS, Figure, part
from tests.node import NodeProcess, install

ROOT = Path(__file__).parents[2]
QUEUE = "bench"
MOVED = 10_000
GROUPED = 100_000
FOLLOWED = 20_000
PING_MS = 50
MEMORY = 64 << 20
EVERY = 0.25
"""Seconds between two polls while jobs are followed, as a replay does it."""

DATA = json.dumps({"post": "7" * 19, "payload": "x" * 960})
STACK = json.dumps(["PlatformError: no\n" + "    at post (/app/dist/platforms/instagram.js:142:19)\n" * 36])
REASONS = (
    "OAuthException: Error validating access token: Session has expired (code 190, subcode 463, fbtrace_id A{0}xQ{1})",
    "403 quotaExceeded: The request cannot be completed because you have exceeded your quota. (project {0})",
    "HTTP 429 Too Many Requests: POST /2/tweets for user {0}, x-rate-limit-remaining 0, x-rate-limit-reset {1}",
    "OAuthException: The video format is not supported (code 352, subcode 2207026, fbtrace_id B{1}y{0})",
    "ETIMEDOUT: POST https://api.x.com/2/media/upload/{0}/append timed out after 30000 ms",
)


def fill(url: str, count: int) -> None:
    """Empty the Redis and leave `count` failed jobs of 1 KB data and 2 KB stack in the queue, of five causes."""
    base = f"bull:{QUEUE}:"
    at = round(time.time() * 1000) - count
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        for start in range(0, count, 1000):
            pipe = client.pipeline(transaction=False)
            for number in range(start, min(start + 1000, count)):
                id = str(number + 1)
                fields: dict[str | bytes, Any] = {
                    "name": ("instagram", "youtube", "twitter", "instagram", "twitter")[number % 5],
                    "data": DATA,
                    "opts": '{"attempts":3,"backoff":{"type":"exponential","delay":1000}}',
                    "timestamp": at - 60_000,
                    "processedOn": at - 100,
                    "finishedOn": at + number,
                    "atm": 3,
                    "ats": 3,
                    "failedReason": REASONS[number % 5].format(number * 7919, at + number),
                    "stacktrace": STACK,
                }
                pipe.hset(base + id, mapping=fields)
                pipe.zadd(f"{base}failed", {id: at + number})
            pipe.execute()
        client.set(f"{base}id", count)
        client.hset(f"{base}meta", mapping={"version": "bullmq:6.7.0", "opts.maxLenEvents": 10_000})


def portions(jobs: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    return (jobs[at : at + MOST_MOVED] for at in range(0, len(jobs), MOST_MOVED))


# ---------------------------------------------------------------- replay


@contextmanager
def pings(url: str) -> Iterator[Callable[[], float]]:
    """Another process asks PING without a pause; the function given tells its worst answer so far (ms)."""
    command = [sys.executable, "-m", "tests.bench.queues", "ping", url]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout
        told.readline()

        def worst() -> float:
            asked.write("\n")
            asked.flush()
            return float(told.readline())

        try:
            yield worst
        finally:
            asked.close()


def _ping(url: str) -> None:
    """The other process: prints its worst ping (ms) since the last time it was asked."""
    import select

    with redis.Redis.from_url(url) as client:
        client.ping()
        print("ready", flush=True)
        worst = 0.0
        while True:
            begun = time.perf_counter()
            client.ping()
            worst = max(worst, time.perf_counter() - begun)
            if select.select([sys.stdin], [], [], 0.001)[0]:
                if not sys.stdin.readline():
                    return
                print(worst * 1000, flush=True)
                worst = 0.0


def replay(url: str, count: int = MOVED) -> float:
    """Seconds to put `count` chosen jobs back."""
    fill(url, count)
    queue = BullQueue(QUEUE, url)
    jobs = list(chain.from_iterable(queue.ended()))
    begun = time.perf_counter()
    for some in portions(jobs):
        assert set(queue.move(some, "bench")) == {"moved"}
    seconds = time.perf_counter() - begun
    assert queue.status().depth == count
    queue.close()
    return seconds


def replay_node(url: str, count: int = MOVED) -> float:
    """Seconds for Node's getJob and retry, 500 at once, in a fresh process like ours."""
    fill(url, count)
    with NodeProcess(url, QUEUE) as node:
        answer = node.ask("replay", timeout=300, ids=[str(number + 1) for number in range(count)], at_once=500)
    return float(answer["seconds"])


def waits(url: str) -> tuple[float, float]:
    """The worst ping of another client (ms): during as long a rest, and during a replay."""
    with pings(url) as worst:
        worst()
        time.sleep(1)
        resting = worst()
        fill(url, MOVED)
        queue = BullQueue(QUEUE, url)
        jobs = list(chain.from_iterable(queue.ended()))
        worst()
        for some in portions(jobs):
            queue.move(some, "bench")
        moving = worst()
        queue.close()
    return resting, moving


# ---------------------------------------------------------------- grouping


def group(url: str) -> dict[str, float]:
    """All failed jobs counted by cause, in a fresh process: seconds, causes, jobs, and bytes above its start."""
    command = [sys.executable, "-m", "tests.bench.queues", "group", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _group(url: str) -> None:
    triage = CauseTable.load(ROOT / "templates" / "triage.toml")
    queue = BullQueue(QUEUE, url)
    queue.status()
    before = _peak(reset=True)
    begun = time.perf_counter()
    causes: Counter[str] = Counter()
    for page in queue.ended():
        causes.update(triage.cause(seen.reason, seen.name).key for seen in page)
    seconds = time.perf_counter() - begun
    print(
        json.dumps(
            {"seconds": seconds, "groups": len(causes), "jobs": causes.total(), "bytes": _peak(reset=False) - before}
        )
    )


def _peak(reset: bool) -> int:
    """The most memory this process held at once (bytes); since the last reset where the system can tell (Linux)."""
    status = Path("/proc/self/status")
    if not status.exists():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


# ---------------------------------------------------------------- following


def follow(url: str, node: NodeProcess, count: int = FOLLOWED) -> tuple[int, float]:
    """How many of the replayed jobs were never seen to end, and the seconds until the last had ended."""
    fill(url, count)
    queue = BullQueue(QUEUE, url)
    jobs = list(chain.from_iterable(queue.ended()))
    begun = time.perf_counter()
    for some in portions(jobs):
        queue.move(some, "bench")
    node.ask("work", options={"concurrency": 100})
    under_way = jobs
    deadline = time.monotonic() + 180
    while under_way and time.monotonic() < deadline:
        time.sleep(EVERY)
        outcomes = queue.follow(under_way)
        under_way = [
            job
            for job, outcome in zip(under_way, outcomes, strict=True)
            if outcome.state not in ("completed", "failed")
        ]
    seconds = time.perf_counter() - begun
    node.ask("rest", timeout=60)
    queue.close()
    return len(under_way), seconds


# ---------------------------------------------------------------- the table


@contextmanager
def emptied() -> Iterator[str]:
    """The address of a Redis of the part's own."""
    with tempfile.TemporaryDirectory(prefix="firewatch-bench-") as folder, RedisServer(Path(folder)) as url:
        with redis.Redis.from_url(url) as client:
            client.config_set("auto-aof-rewrite-percentage", "0")  # which would fall on whoever's turn it is
        yield url


@part(
    f"{MOVED:,} chosen jobs put back",
    "meanwhile, the worst wait of another client",
    reach=("≥ 3 ×", f"≤ {PING_MS} ms"),
)
def put_back() -> Iterator[Figure]:
    install()
    moved: list[float] = []
    moved_node: list[float] = []
    waited: list[tuple[float, float]] = []
    with emptied() as url:
        for _ in range(RUNS):
            moved.append(replay(url))
            moved_node.append(replay_node(url))
            waited.append(waits(url))
    ours, theirs = statistics.median(moved), statistics.median(moved_node)
    yield Figure(
        f"{MOVED / ours:,.0f} jobs/s",
        f"Node getJob + retry, Promise.all of 500: {MOVED / theirs:,.0f} jobs/s",
        theirs / ours,
        met=theirs >= 3 * ours,
    )
    resting, worst = (max(each) for each in zip(*waited, strict=True))
    yield Figure(f"{worst:.0f} ms", f"at rest: {resting:.0f} ms", met=worst <= PING_MS)


@part(
    f"{GROUPED:,} failed jobs grouped by cause",
    "its memory above start",
    reach=("≥ 6 ×", f"≤ {MEMORY >> 20} MiB"),
)
def grouped() -> Iterator[Figure]:
    install()
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    with emptied() as url:
        fill(url, GROUPED)
        for _ in range(RUNS):
            ours.append(group(url))
            with NodeProcess(url, QUEUE) as node:
                theirs.append(node.ask("group", timeout=300, page=1000))
    assert all(each["jobs"] == GROUPED for each in ours + theirs)
    by_us = statistics.median(each["seconds"] for each in ours)
    by_node = statistics.median(each["seconds"] for each in theirs)
    yield Figure(
        f"{GROUPED / by_us:,.0f} jobs/s",
        f"Node getJobs in pages of 1,000: {GROUPED / by_node:,.0f} jobs/s",
        by_node / by_us,
        met=by_node >= 6 * by_us,
    )
    memory = max(each["bytes"] for each in ours)
    memory_node = max(each["bytes"] for each in theirs)
    yield Figure(f"{memory / (1 << 20):.0f} MiB", f"Node: {memory_node / (1 << 20):.0f} MiB", met=memory <= MEMORY)


@part(f"{FOLLOWED:,} replayed jobs followed to their end", reach="none lost")
def followed() -> Iterator[Figure]:
    install()
    with emptied() as url, NodeProcess(url, QUEUE) as node:
        lost, seconds = follow(url, node)
    yield Figure(f"{lost} lost, {seconds:.0f} s", met=lost == 0)


if __name__ == "__main__":
    {"ping": _ping, "group": _group}[sys.argv[1]](sys.argv[2])
    os._exit(0)
