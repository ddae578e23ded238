"""RQ's queues behind the same Protocol as BullMQ's.

Keys, registries and the rate limiter are those of the installed package. Two things RQ cannot do:

* It pauses all queues of a Redis at once (`rq suspend`), never one; so `pause` and `resume` are refused.
* It counts retries down and forgets how many there were; a replayed job gets as many as its retry intervals tell.

A job that is gone has finished: RQ forgets results after 500 s unless told otherwise, but failures after a year.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar, cast

from rq.defaults import RQ_KEY_PREFIX
from rq.job import Job as RqJob
from rq.queue import Queue as RqLibraryQueue
from rq.rate_limit import RateLimitRegistry
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.results import Result
from rq.suspension import WORKERS_SUSPENDED
from rq.utils import utcformat
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from bot.domain.errors import Refused
from bot.outside.queues.connection import Connection
from bot.outside.queues.protocol import Bucket, Ended, Job, Moved, Outcome, QueueStatus, Seen, Whereabouts
from bot.outside.queues.rq import reading
from bot.outside.queues.rq.reading import RqEntry

PAGE: Final = 1000
MOST_MOVED: Final = 2000
MOST_AT_ONCE: Final = 500
PORTION: Final = 100
"""Jobs a question whose packed texts are read: at most 20 MB an answer."""
REMEMBERED: Final = timedelta(days=7)
LATEST: Final = 50_000
"""Ended jobs looked at for the figures, the latest of each kind."""
SAMPLE: Final = 500
WINDOW: Final = timedelta(minutes=5)

_LUA: Final = Path(__file__).parent / "lua"
_STATES: Final[dict[bytes, Whereabouts]] = {
    b"started": "active",
    b"scheduled": "delayed",
    b"finished": "completed",
    b"failed": "failed",
    b"stopped": "failed",
    b"canceled": "gone",
}

T = TypeVar("T")


class RqQueue:
    """One queue of RQ. See `tools.Queue` for what each method promises."""

    def __init__(self, name: str, url: str, max_replay: int = 1000) -> None:
        self._name = name
        self._max_replay = max_replay
        self._connection = Connection(url, name, decode=False)
        client = self._connection.client
        self._queue = RqLibraryQueue(name, connection=client)
        self._registries = {
            "failed": FailedJobRegistry(name, connection=client).key,
            "completed": FinishedJobRegistry(name, connection=client).key,
        }
        self._started = StartedJobRegistry(name, connection=client).key
        self._scheduled = ScheduledJobRegistry(name, connection=client).key  # type: ignore[no-untyped-call]
        self._prefixes = [RqJob.redis_job_namespace_prefix, str(Result.get_key(""))]  # type: ignore[no-untyped-call]
        self._index, self._jobs, self._move = (
            client.register_script((_LUA / f"{each}.lua").read_text()) for each in ("index", "jobs", "move")
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def max_replay(self) -> int:
        return self._max_replay

    def close(self) -> None:
        self._connection.close()

    # ------------------------------------------------------------ jobs that ended

    def ended(self, status: Ended = "failed", since: datetime | None = None) -> Iterator[Sequence[Seen]]:
        """Pages of at most 1,000, oldest first, of the jobs that had ended when the reading began."""
        first = round(since.timestamp() * 1000) if since else 0
        index = sorted((at, id) for at, id in self._endings(status) if at >= first)
        for some in _portions(index, PAGE):
            page = [seen for seen in self.seen([id for _, id in some], status) if seen is not None]
            if page:
                yield page

    def _endings(self, status: Ended, latest: int = 0) -> Iterator[tuple[int, str]]:
        """When each job of the registry ended (ms), and its id; of `latest` many when given."""
        with self._connection.reading() as client:
            count = client.zcard(self._registries[status])
            for at in range(max(count - latest, 0) if latest else 0, count, PAGE):
                answer = iter(self._index(keys=[self._registries[status]], args=[*self._prefixes, at, at + PAGE - 1]))
                for id, ended, last in zip(answer, answer, answer, strict=True):
                    yield reading.finished(ended, last), reading.text(id)

    def seen(self, ids: Sequence[str], status: Ended = "failed") -> Sequence[Seen | None]:
        return [
            Seen(id, entry.name, _reason(entry) if status == "failed" else "", entry.finished, keeps=entry.keeps)
            if entry is not None and entry.held == b"1"
            else None
            for id, entry in zip(ids, self._entries(ids, status), strict=True)
        ]

    def _entries(self, ids: Sequence[str], status: Ended) -> list[RqEntry | None]:
        found: list[RqEntry | None] = []
        with self._connection.reading():
            for some in _portions(ids, PORTION):
                answer = self._jobs(
                    keys=[self._registries[status]],
                    args=[*self._prefixes, reading.TRACEBACK, reading.ARGUMENTS, *some],
                )
                found += [RqEntry(*fields) if fields else None for fields in answer]
        return found

    def ready(self) -> None:
        """A suspended RQ takes jobs too: they wait until it resumes."""
        with self._connection.reading() as client:
            client.ping()

    def move(self, jobs: Sequence[Seen], token: str, status: Ended = "failed") -> Sequence[Moved]:
        """One script for all of them: see `lua/move.lua`. Raises Later when the connection broke, so that what
        happened must be asked again."""
        if not jobs:
            return []
        if len(jobs) > MOST_MOVED:
            raise ValueError(f"at most {MOST_MOVED} jobs a call, not {len(jobs)}")
        portions = _portions(jobs, MOST_AT_ONCE)
        return [word for portion in portions for word in self._moved_portion(portion, token, status)]

    def _moved_portion(self, jobs: Sequence[Seen], token: str, status: Ended) -> Sequence[Moved]:
        now = datetime.now(UTC)
        entries = self._entries([job.id for job in jobs], status)
        limits = {
            entry.rate_limit_key: max(reading.number(entry.rate_limit_concurrency), 1)
            for entry in entries
            if entry is not None and entry.rate_limit_key
        }
        with self._connection.changing() as client:
            registries = {key: RateLimitRegistry(reading.text(key), client) for key in limits}
            pipe = client.pipeline()
            for key, registry in registries.items():
                registry.register(limits[key], pipe)
            pipe.execute()
            parts: list[str | bytes] = []
            for job, entry in zip(jobs, entries, strict=True):
                if entry is None or entry.finished != job.finished:
                    # What cannot equal what stands there: the script tells "already" and "gone" from "changed".
                    parts += [job.id, "otherwise", "", "", "", ""]
                    continue
                limit = registries[entry.rate_limit_key].rate_limited_key if entry.rate_limit_key else ""
                parts += [job.id, entry.ended_at, entry.last, entry.retries, limit, entry.ttl]
            words = self._move(
                keys=[
                    self._registries[status],
                    self._queue.key,
                    RqLibraryQueue.redis_queues_keys,
                    f"firewatch:moved:{RQ_KEY_PREFIX}:{self._name}:{token}",
                ],
                args=[
                    *self._prefixes,
                    self._name,
                    round(now.timestamp() * 1000),
                    int(REMEMBERED.total_seconds() * 1000),
                    utcformat(now),
                    *parts,
                ],
            )
            for key, registry in registries.items():
                registry.acquire_and_enqueue(limits[key])
        return cast("Sequence[Moved]", [reading.text(word) for word in words])

    # ------------------------------------------------------------ jobs on their way

    def follow(self, jobs: Sequence[Seen]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for some in _portions(jobs, MOST_AT_ONCE):
            with self._connection.reading() as client:
                pipe = client.pipeline(transaction=False)
                for job in some:
                    pipe.hget(self._prefixes[0] + job.id, "status")
                states = pipe.execute()
            failed = [job.id for job, state in zip(some, states, strict=True) if _STATES.get(state) == "failed"]
            why = dict(zip(failed, self._entries(failed, "failed"), strict=True))
            outcomes += [_outcome(job, state, why.get(job.id)) for job, state in zip(some, states, strict=True)]
        return outcomes

    def job(self, id: str) -> Job | None:
        (entry,) = self._entries([id], "failed")
        if entry is None:
            return None
        with self._connection.reading() as client:
            made = client.xlen(self._prefixes[1] + id)
        state = _STATES.get(entry.status, "waiting")
        return Job(
            id=id,
            name=entry.name,
            state=reading.text(entry.status) or state,
            data=reading.arguments(entry.data, entry.description),
            reason=_reason(entry) if state == "failed" else "",
            stack=entry.error,
            attempts_made=made,
            attempts=max(made, 1) + reading.number(entry.retries_left),
            added=reading.from_rq_time(entry.created_at),
            started=reading.from_rq_time(entry.started_at),
            finished=reading.from_rq_time(entry.ended_at)
            or (datetime.fromtimestamp(entry.finished / 1000, UTC) if entry.finished else None),
        )

    def near(self, id: str) -> str | None:
        with self._connection.reading() as client:
            pipe = client.pipeline(transaction=False)
            for key in self._registries.values():
                pipe.zrevrange(key, 0, SAMPLE - 1)
            pipe.lrange(self._queue.key, 0, SAMPLE - 1)
            ids = [reading.text(known) for part in pipe.execute() for known in part]
        close = difflib.get_close_matches(id.strip(), ids, n=1, cutoff=0.6)
        return close[0] if close else None

    # ------------------------------------------------------------ the queue as a whole

    def status(self) -> QueueStatus:
        with self._connection.reading() as client:
            pipe = client.pipeline(transaction=False)
            pipe.exists(WORKERS_SUSPENDED)
            pipe.llen(self._queue.key)
            for key in (self._started, self._scheduled, *self._registries.values()):
                pipe.zcard(key)
            pipe.lrange(self._queue.key, 0, 9)
            pipe.smembers(WORKERS_BY_QUEUE_KEY % self._name)
            paused, waiting, active, delayed, failed, completed, first, workers = pipe.execute()
            for id in first:
                pipe.hmget(self._prefixes[0] + reading.text(id), "enqueued_at", "created_at")
            times = [reading.from_rq_time(at or added or b"") for at, added in (pipe.execute() if first else [])]
            for worker in workers:
                pipe.hget(worker, "version")
                pipe.exists(worker)
            told = pipe.execute() if workers else []
        since = round((time.time() - WINDOW.total_seconds()) * 1000)
        done = sum(at >= since for at, _ in self._endings("completed", LATEST))
        version = next((reading.text(each) for each in told[::2] if each), "")
        return QueueStatus(
            name=self._name,
            backend="rq",
            version=f"rq:{version}" if version else "",
            paused=bool(paused),
            waiting=waiting,
            active=active,
            delayed=delayed,
            failed=failed,
            completed=completed,
            depth=waiting,
            oldest=min((at for at in times if at), default=None),
            per_minute=done / (WINDOW.total_seconds() / 60),
            workers=sum(told[1::2]),
        )

    def history(self, since: datetime, until: datetime, step: timedelta) -> Sequence[Bucket]:
        starts: list[datetime] = []
        at = since
        while at < until:
            starts.append(at)
            at += step
        begin, end, width = (value * 1000 for value in (since.timestamp(), until.timestamp(), step.total_seconds()))
        counts: dict[Ended, list[int]] = {"failed": [0] * len(starts), "completed": [0] * len(starts)}
        for status, steps in counts.items():
            for ended, _ in self._endings(status, LATEST):
                if begin <= ended < end:
                    steps[min(int((ended - begin) / width), len(starts) - 1)] += 1
        return [Bucket(*each) for each in zip(starts, counts["failed"], counts["completed"], strict=True)]

    def switchable(self, *, paused: bool) -> None:
        does, command = ("pauses", "suspend") if paused else ("resumes", "resume")
        raise Refused(
            f"RQ {does} all queues of a Redis at once, not {self._name} alone, so nothing was changed. "
            f"For all of them there is `rq {command}` on a machine that reaches {self._connection.place}."
        )

    def pause(self) -> None:
        self.switchable(paused=True)

    def resume(self) -> None:
        self.switchable(paused=False)


def _reason(entry: RqEntry) -> str:
    return "stopped on request" if entry.status == b"stopped" else reading.reason(entry.error)


def _outcome(job: Seen, status: bytes | None, entry: RqEntry | None) -> Outcome:
    if status is None:
        return Outcome(job.id, "gone" if job.keeps else "completed")
    state = _STATES.get(status, "waiting")
    if state != "failed" or entry is None:
        return Outcome(job.id, state)
    return Outcome(job.id, state, _reason(entry), entry.finished)


def _portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))
