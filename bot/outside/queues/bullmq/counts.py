"""What a BullMQ queue looks like as a whole: counts, oldest job, throughput, workers, and its last hours."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bot.outside.queues.connection import Connection
from bot.outside.queues.protocol import Bucket, QueueStatus

WINDOW: Final = timedelta(minutes=5)
EVENTS: Final = 10_000
"""Entries BullMQ keeps of a queue's events, unless told otherwise."""


class Figures:
    """`status` and `history` of one queue."""

    def __init__(self, connection: Connection, name: str, prefix: str, keys: Mapping[str, str]) -> None:
        self._connection = connection
        self._name = name
        self._base = f"{prefix}:{name}:"
        self._keys = keys
        # Node names a worker's connection so; Python's package leaves the queue's name as it is.
        self._node_worker = f"{prefix}:{base64.b64encode(name.encode()).decode()}"
        self._python_worker = f"{prefix}:{name}"

    def status(self) -> QueueStatus:
        keys = self._keys
        with self._connection.reading() as client:
            pipe = client.pipeline(transaction=False)
            pipe.hmget(keys["meta"], "paused", "version")
            for key in ("wait", "paused", "active"):
                pipe.llen(keys[key])
            for key in ("prioritized", "delayed", "failed", "completed"):
                pipe.zcard(keys[key])
            pipe.lindex(keys["wait"], -1)
            (paused, version), wait, held, active, prioritized, delayed, failed, completed, tail = pipe.execute()
            # Before BullMQ 5 an entry that begins so was a sign for the workers, not a job.
            wait -= isinstance(tail, str) and tail.startswith("0:")
            return QueueStatus(
                name=self._name,
                backend="bullmq",
                version=version or "",
                paused=paused is not None,
                waiting=wait,
                active=active,
                delayed=delayed,
                failed=failed,
                completed=completed,
                depth=wait + held + prioritized,
                oldest=self._oldest(client),
                per_minute=self._per_minute(client),
                workers=self._workers(),
            )

    def history(self, since: datetime, until: datetime, step: timedelta) -> Sequence[Bucket]:
        starts: list[datetime] = []
        at = since
        while at < until:
            starts.append(at)
            at += step
        if not starts:
            return []
        with self._connection.reading() as client:
            pipe = client.pipeline(transaction=False)
            for start in starts:
                end = f"({milliseconds(min(start + step, until))}"
                pipe.zcount(self._keys["failed"], milliseconds(start), end)
                pipe.zcount(self._keys["completed"], milliseconds(start), end)
            counts = pipe.execute()
        return [
            Bucket(start, failed, completed)
            for start, failed, completed in zip(starts, counts[::2], counts[1::2], strict=True)
        ]

    def _oldest(self, client: Any) -> datetime | None:
        """The earliest added of those next to be taken. Of prioritized jobs the first and the last fifty: the one that
        waits longest is likeliest at the front or, being least urgent, at the very end."""
        pipe = client.pipeline(transaction=False)
        for key in ("wait", "paused"):
            pipe.lrange(self._keys[key], -10, -1)
        pipe.zrange(self._keys["prioritized"], 0, 49)
        pipe.zrange(self._keys["prioritized"], -50, -1)
        ids = {id for part in pipe.execute() for id in part}
        for id in ids:
            pipe.hget(self._base + id, "timestamp")
        times = [whole(added) for added in (pipe.execute() if ids else []) if added]
        return from_milliseconds(min(times)) if times else None

    def _per_minute(self, client: Any) -> float:
        """From the completed jobs still held; where they are removed at once, from BullMQ's own metrics if its workers
        keep them, else from the events."""
        minutes = WINDOW.total_seconds() / 60
        now = round(time.time() * 1000)
        since = now - round(WINDOW.total_seconds() * 1000)
        metrics = f"{self._base}metrics:completed"
        pipe = client.pipeline(transaction=False)
        pipe.zcount(self._keys["completed"], since, "+inf")
        pipe.hget(metrics, "prevTS")
        pipe.lrange(f"{metrics}:data", 0, int(minutes) - 1)
        held, latest, counts = pipe.execute()
        done = float(held)
        if whole(latest) >= since:
            done = max(done, float(sum(whole(count) for count in counts)))
        if not done:
            events = client.xrevrange(self._keys["events"], min=str(since), count=EVENTS)
            done = float(sum(fields.get("event") == "completed" for _, fields in events))
            if len(events) == EVENTS:  # a busy queue's events do not reach back so far
                minutes = max((now - whole(events[-1][0].partition("-")[0])) / 60_000, 1 / 60)
        return done / minutes

    def _workers(self) -> int:
        """Workers connected now: Node's BullMQ gives each one a connection of its name (`…:w:NAME` when it was named),
        Python's package two. -1 where the Redis does not show its clients."""
        names = self._connection.client_names()
        if names is None:
            return -1
        node = sum(_is_worker(name, self._node_worker) for name in names)
        python = sum(_is_worker(name, self._python_worker) for name in names)
        return node + (python + 1) // 2


def _is_worker(name: str, worker: str) -> bool:
    return name == worker or name.startswith(f"{worker}:w:")


def milliseconds(at: datetime) -> int:
    """Since 1970, as BullMQ writes a time."""
    return round(at.timestamp() * 1000)


def from_milliseconds(written: object) -> datetime | None:
    """A time as BullMQ writes it; None for none, and for what is no time."""
    try:
        return datetime.fromtimestamp(whole(written) / 1000, UTC) if whole(written) > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def whole(written: object) -> int:
    """A number from Redis; 0 for none, and for what is no number."""
    try:
        return int(float(str(written)))
    except (ValueError, OverflowError):
        return 0
