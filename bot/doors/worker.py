"""RQ's door: work waits in two RQ queues, and a SimpleWorker attends to it in this process.

What people wait for (calls) goes before what goes on by itself (steps, cards, samples). RQ carries only the name of
what is due; what it loses (a killed worker's job is found by RQ itself after 76 s at the best) is found again by the
clock within seconds.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import EnqueueData

from bot.domain.due import lane_of
from bot.store.base import AWAY
from bot.store.store import Store

if TYPE_CHECKING:
    from redis import Redis

log = logging.getLogger(__name__)

CALLS, STEPS = "firewatch-calls", "firewatch-steps"

ATTEND = "firewatch.attend"
"""What a job is called on its queue: a name of its own, which stays when code moves."""

FORMER = ("bot.worker.attend", "bot.doors.worker.attend")
"""What jobs of versions before are called: where their code was."""

LONGEST = 100
"""What the clock lets a queue grow to: half a second of a worker's time, and within a lease on a machine ten times as
slow. An entry that waits for longer than a lease is claimed anew meanwhile, and nothing of it is done. What is due may
wait in the store as well, and there it stands once, however often the clock has looked at it."""


class Attendant(Protocol):
    """``road.desk.Desk``, as far as a worker knows it."""

    @property
    def store(self) -> Store: ...

    @property
    def now(self) -> Callable[[], datetime]: ...

    def attend(self, member: str, mark: str = "") -> None: ...


class Attending:
    """Who attends in this process: set by ``work``, for RQ knows a function only by its name."""

    desk: Attendant | None = None


class RqWorkQueue:
    """``WorkQueue`` over RQ."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._calls = Queue(CALLS, connection=redis)
        self._steps = Queue(STEPS, connection=redis)

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        for queue, mine in (
            (self._calls, [each for each in members if lane_of(each[0]) == "calls"]),
            (self._steps, [each for each in members if lane_of(each[0]) != "calls"]),
        ):
            if mine:
                queue.enqueue_many([_job(each) for each in mine])

    def room(self) -> tuple[int, int]:
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.llen(self._calls.key)
            pipe.llen(self._steps.key)
            calls, steps = pipe.execute()
        return max(0, LONGEST - calls), max(0, LONGEST - steps)


def _job(member: tuple[str, str]) -> EnqueueData:
    return Queue.prepare_data(ATTEND, args=member, result_ttl=0, failure_ttl=3600, timeout=60)


def attend(member: str, mark: str = "") -> None:
    """What RQ calls. A failure stays due and comes again; RQ itself retries nothing."""
    if Attending.desk is None:
        raise RuntimeError("attend is called in a worker, after work()")
    try:
        Attending.desk.attend(member, mark)
    except Exception:
        log.exception("not done; it comes again", extra={"member": member})


class _Job(Job):
    """RQ's job, found by its name and not by where its code is."""

    @property
    def func(self) -> Any:
        return attend if self.func_name in (ATTEND, *FORMER) else super().func


class _Worker(SimpleWorker):
    """RQ's worker, but it looks for a lost Redis every 2 s where RQ waits for up to a minute."""

    max_connection_wait_time = 2.0
    stopping: threading.Event

    def handle_warm_shutdown_request(self) -> None:
        self.stopping.set()

    def check_for_suspension(self, burst: bool) -> None:
        """Asked before each piece of work. A signal that came before RQ's own handlers were in place counts too."""
        if self.stopping.is_set():
            raise StopRequested
        super().check_for_suspension(burst)


def work(desk: Attendant, redis: Redis, queues: Sequence[str] = (CALLS, STEPS), *, burst: bool = False) -> None:
    """Attend to what comes in these queues, the first one first, until told to stop.

    SIGTERM and SIGINT say so: the piece of work at hand is finished first. A Redis that is away, or goes away, is
    waited for. ``burst``: only until the queues are empty.
    """
    Attending.desk = desk
    stopping = threading.Event()
    if burst:
        _worker(list(queues), redis, stopping).work(burst=True, logging_level="WARNING")
        return
    threading.Thread(target=_live, args=(desk, stopping), name="alive", daemon=True).start()
    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    while not stopping.is_set():
        on_stop(stopping)  # until RQ has its own handlers, and after it
        try:
            redis.ping()
            _worker(list(queues), redis, stopping).work(logging_level="WARNING")
        except StopRequested:  # a signal that came between two of RQ's own handlers
            stopping.set()
        except AWAY as away:
            log.warning("Redis is not reachable; looking again", extra={"why": str(away)})
        stopping.wait(0.5)


def _worker(queues: list[str], redis: Redis, stopping: threading.Event) -> _Worker:
    worker = _Worker(
        queues,
        connection=redis,
        job_class=_Job,
        worker_ttl=30,
        maintenance_interval=15,
        job_monitoring_interval=5,
        log_job_description=False,
    )
    worker.stopping = stopping
    return worker


def _live(desk: Attendant, stopping: threading.Event) -> None:
    while True:
        try:
            desk.store.alive("worker", desk.now())
        except AWAY:
            log.warning("Redis is not reachable")
        if stopping.wait(5.0):
            return


def on_stop(stop: threading.Event) -> None:
    """SIGTERM and SIGINT set the event."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
