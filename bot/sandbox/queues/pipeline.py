"""A repost pipeline that can be broken with a switch: a producer and a worker on BullMQ.

    with Pipeline(url) as pipeline:                    # in this process, on a thread with its own event loop
        pipeline.switches.on("instagram", Fault.TOKEN)

    python -m bot.sandbox.queues.pipeline --redis URL --seed  # as a process of its own, until SIGTERM or Ctrl-C

The switches stand in Redis, so that any process may flip them: the page's, a test's, the worker's own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import redis
from bullmq import Queue, Worker  # type: ignore[import-untyped]

from bot.sandbox.queues.platforms import DESTINATIONS, PlatformError, PlatformFault, failed_reason, job_data, stack

QUEUE: Final = "repost-dispatch"
VERSION: Final = "bullmq:6.7.0"
"""What Node's Queue writes of itself; the Python package shares its scripts but leaves no name."""
OPTIONS: Final[Mapping[str, Any]] = {
    "attempts": 2,
    "backoff": {"type": "fixed", "delay": 300},
    "removeOnComplete": {"age": 3600, "count": 5000},
    "removeOnFail": {"age": 7 * 24 * 3600},
}
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 10.0

BROKEN: Final[Mapping[tuple[str, PlatformFault], int]] = {
    ("instagram", PlatformFault.TOKEN): 47,
    ("youtube", PlatformFault.QUOTA): 28,
    ("twitter", PlatformFault.RATE): 21,
    ("instagram", PlatformFault.MEDIA): 15,
    ("twitter", PlatformFault.TIMEOUT): 9,
}
"""The bad night the sandbox opens with: how many of its 120 failed jobs have which of five causes."""


class Switches:
    """Which destination is broken, and how: one set in Redis, read before each job."""

    def __init__(self, url: str, queue: str = QUEUE) -> None:
        # Any: see bot.outside.queues.connection.
        self._redis: Any = redis.Redis.from_url(url, decode_responses=True)
        self._key = f"sandbox:{queue}:faults"

    def on(self, destination: str, fault: PlatformFault) -> None:
        _known(destination)
        self._redis.sadd(self._key, f"{destination}:{fault}")

    def off(self, destination: str, fault: PlatformFault | None = None) -> None:
        """Mend that fault, or all of the destination's."""
        _known(destination)
        self._redis.srem(self._key, *(f"{destination}:{each}" for each in ([fault] if fault else PlatformFault)))

    def mend(self) -> None:
        """Everything works."""
        self._redis.delete(self._key)

    def faults(self) -> Mapping[str, Sequence[PlatformFault]]:
        """destination → its faults that are on, the one that its jobs fail with first."""
        lit = self._redis.smembers(self._key)
        return {each: [fault for fault in PlatformFault if f"{each}:{fault}" in lit] for each in DESTINATIONS}

    def close(self) -> None:
        self._redis.close()


class Pipeline:
    """Producer and worker of one queue, on a thread of their own.

    `every`: seconds between two new jobs, None for no producer. `takes`: seconds a job runs, from and to.
    `concurrency`: jobs at once. `stop()` lets the jobs that run come to their end.
    """

    def __init__(
        self,
        url: str,
        queue: str = QUEUE,
        *,
        prefix: str = "bull",
        every: float | None = 3.0,
        takes: tuple[float, float] = (0.05, 0.4),
        concurrency: int = 4,
        name: str = "",
    ) -> None:
        self.queue = queue
        self.switches = Switches(url, queue)
        self._url = url
        self._prefix = prefix
        self._every = every
        self._takes = takes
        self._concurrency = concurrency
        self._worker_name = name
        self._chance = random.Random()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Returns when the worker takes jobs. Raises what kept it from that."""
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._in_thread, name=f"pipeline {self.queue}", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError(f"The pipeline {self.queue} did not start within {START_SECONDS:.0f} s.")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        if self._thread is None or self._loop is None or self._stop is None:
            return
        with suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS)
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.switches.close()

    def _in_thread(self) -> None:
        try:
            asyncio.run(self.run())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until `stop` is set, or `stop()` is called from any thread."""
        self._loop = asyncio.get_running_loop()
        self._stop = stop or asyncio.Event()
        options = {"connection": self._url, "prefix": self._prefix}
        queue = Queue(self.queue, options)
        try:
            await queue.client.hset(queue.keys["meta"], "version", VERSION)
            await self._work(queue, options, self._stop)
        finally:
            await queue.close()

    async def _work(self, queue: Queue, options: Mapping[str, Any], stop: asyncio.Event) -> None:
        # An idle worker that is closed between two questions still waits out its drainDelay.
        worker_options = {**options, "concurrency": self._concurrency, "autorun": False, "drainDelay": 1}
        if self._worker_name:
            worker_options["name"] = self._worker_name
        worker = Worker(self.queue, self._process, worker_options)
        running = asyncio.ensure_future(worker.run())
        stopping = asyncio.ensure_future(stop.wait() if not self._every else self._produce(queue, stop))
        try:
            await _begun(worker, running)
            self._ready.set()
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            await _ended(worker, running)
            await stopping

    async def _produce(self, queue: Queue, stop: asyncio.Event) -> None:
        """Until `stop` is set. Not cancelled: that may be lost on its way through a call to Redis."""
        while not stop.is_set():
            destination = self._chance.choice(DESTINATIONS)
            await queue.add(destination, job_data(destination, datetime.now(UTC), self._chance), dict(OPTIONS))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), (self._every or 0) * self._chance.uniform(0.5, 1.5))

    async def _process(self, job: Any, token: str) -> Mapping[str, Any]:
        await asyncio.sleep(self._chance.uniform(*self._takes))
        faults = await asyncio.to_thread(self.switches.faults)
        for fault in faults.get(job.name, ()):
            raise PlatformError(failed_reason(job.name, fault, datetime.now(UTC), self._chance))
        return {"published": f"{job.name}:{self._chance.randrange(10**16, 10**17)}"}


async def _begun(worker: Any, running: asyncio.Future[None]) -> None:
    while not (worker.running or running.done()):  # noqa: ASYNC110 (it has no event for that)
        await asyncio.sleep(0.005)


async def _ended(worker: Any, running: asyncio.Future[None]) -> None:
    """Close the worker once all that it took has come to its end.

    Its own `close()` waits for what it knows of when it is called. A job that is being fetched just then would stay
    active with nobody at it, and would open the connections again after they were closed.
    """
    worker.closing = True  # nothing further is asked for
    if worker.waiting:
        worker.waiting.cancel()
    try:
        await running
        taken = set(worker.processing)
        while taken:
            done, taken = await asyncio.wait(taken, return_when=asyncio.FIRST_COMPLETED)
            fetched = [job for each in done if (job := each.result()) is not None]
            taken |= {asyncio.ensure_future(worker.processJob(job, job.token)) for job in fetched}
    finally:
        await worker.close()


def seed(
    url: str,
    queue: str = QUEUE,
    *,
    prefix: str = "bull",
    failed: Mapping[tuple[str, PlatformFault], int] | None = None,
    completed: int = 300,
    now: datetime | None = None,
    over: timedelta = timedelta(minutes=40),
    chance: random.Random | None = None,
) -> Sequence[str]:
    """Write a bad night's past into the queue and switch its faults on; returns the failed jobs' ids, oldest first.

    The jobs are as BullMQ leaves failed and completed ones: hash, sorted set and id counter. The failures spread over
    the time before `now`, each cause with its own beginning; the completed jobs over the hour before.
    """
    chance = chance or random.Random(190463)
    now = now or datetime.now(UTC)
    failed = BROKEN if failed is None else failed
    base = f"{prefix}:{queue}:"
    past: list[tuple[datetime, str, PlatformFault | None]] = []
    for (destination, fault), count in failed.items():
        begun = now - over * chance.uniform(0.7, 1.0)
        past += [(begun + (now - begun) * chance.random(), destination, fault) for _ in range(count)]
    past += [(now - timedelta(hours=1) * chance.random(), chance.choice(DESTINATIONS), None) for _ in range(completed)]
    past.sort(key=lambda each: each[0])
    ids: list[str] = []
    with redis.Redis.from_url(url, decode_responses=True) as client:
        pipe: Any = client.pipeline(transaction=True)
        last = int(str(client.incrby(f"{base}id", len(past))))
        for number, (ended, name, cause) in enumerate(past, start=last - len(past) + 1):
            _write(pipe, base, str(number), name, cause, ended, chance)
            if cause is not None:
                ids.append(str(number))
        pipe.hset(f"{base}meta", mapping={"version": VERSION, "opts.maxLenEvents": 10000})
        pipe.execute()
    switches = Switches(url, queue)
    for destination, fault in failed:
        switches.on(destination, fault)
    switches.close()
    return ids


def _write(
    pipe: Any, base: str, id: str, destination: str, fault: PlatformFault | None, ended: datetime, chance: random.Random
) -> None:
    attempts = 1 if fault is None else int(OPTIONS["attempts"])
    started = ended - timedelta(seconds=chance.uniform(0.2, 4))
    added = started - timedelta(seconds=chance.uniform(0.1, 20))
    fields: dict[str, str | int] = {
        "name": destination,
        "data": json.dumps(job_data(destination, added, chance), separators=(",", ":")),
        "opts": json.dumps(dict(OPTIONS), separators=(",", ":")),
        "timestamp": _ms(added),
        "delay": 0,
        "priority": 0,
        "processedOn": _ms(started),
        "finishedOn": _ms(ended),
        "ats": attempts,
        "atm": attempts,
    }
    if fault is None:
        fields["returnvalue"] = json.dumps({"published": f"{destination}:{id}"})
    else:
        fields["failedReason"] = failed_reason(destination, fault, ended, chance)
        fields["stacktrace"] = json.dumps([stack(destination, str(fields["failedReason"]), chance)] * attempts)
    pipe.hset(f"{base}{id}", mapping=fields)
    pipe.zadd(f"{base}{'completed' if fault is None else 'failed'}", {id: _ms(ended)})


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _known(destination: str) -> None:
    if destination not in DESTINATIONS:
        raise ValueError(f"{destination!r} is none of {', '.join(DESTINATIONS)}")


async def _until_signalled(pipeline: Pipeline) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await pipeline.run(stop)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m bot.sandbox.queues.pipeline", description="A repost pipeline to be broken."
    )
    parser.add_argument("--redis", required=True, help="its address, redis://127.0.0.1:6379/0")
    parser.add_argument("--queue", default=QUEUE)
    parser.add_argument("--prefix", default="bull")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between new jobs; 0: none")
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", action="store_true", help="begin with 120 failed jobs of five causes, switches on")
    given = parser.parse_args(arguments)
    if given.seed:
        seed(given.redis, given.queue, prefix=given.prefix)
    pipeline = Pipeline(
        given.redis, given.queue, prefix=given.prefix, every=given.every or None, concurrency=given.concurrency
    )
    asyncio.run(_until_signalled(pipeline))
    pipeline.switches.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
