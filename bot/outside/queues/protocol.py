"""The reposting system's queues as handlers see them, whatever library keeps them.

All times are aware datetimes in UTC; all durations are timedeltas, but for a job's ``finished`` time, which stays the
queue's own integer (milliseconds since 1970) because it is compared for equality: it is the guard that keeps a job from
being moved twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

Ended = Literal["failed", "completed"]
"""The two states from which a job can be put back on its queue."""


Moved = Literal["moved", "already", "changed", "gone"]
"""moved: back on its queue now. already: this token moved it before. changed: not as it was seen. gone: no such job."""


Whereabouts = Literal["waiting", "active", "delayed", "completed", "failed", "gone"]


class Seen(NamedTuple):
    """An ended job as it was seen when a plan was made. ``finished`` (ms since 1970) guards against moving it twice.

    A tuple, because a hundred thousand of them are made at a time: a frozen dataclass takes seven times as long.
    """

    id: str
    name: str
    reason: str
    finished: int
    keeps: bool = True
    """False when the job's own options remove it once it completes (BullMQ's removeOnComplete)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a moved job is now. ``reason`` and ``finished`` are set when it failed again; ``due`` (ms since 1970) tells
    of a delayed job when its next turn comes, where the queue knows."""

    id: str
    state: Whereabouts
    reason: str = ""
    finished: int = 0
    due: int = 0


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """One queue at one moment. ``depth`` is what waits to be taken now: waiting + paused + prioritized, not delayed."""

    name: str
    backend: str
    version: str
    """The library that owns the queue, as it names itself (``bullmq:6.7.0``), or ``""`` when it does not."""
    paused: bool
    waiting: int
    active: int
    delayed: int
    failed: int
    completed: int
    depth: int
    oldest: datetime | None
    """When the job that has waited longest was added; None when none waits."""
    per_minute: float
    """Jobs completed a minute over the last five minutes, from what the queue still holds."""
    workers: int


@dataclass(frozen=True, slots=True)
class Job:
    """One job with everything the queue knows of it. ``data`` is as the producer gave it: not masked."""

    id: str
    name: str
    state: str
    data: Any
    reason: str
    stack: str
    attempts_made: int
    attempts: int
    added: datetime | None
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What ended within one step of time that begins at ``at``."""

    at: datetime
    failed: int
    completed: int


class Queue(Protocol):
    """A queue of the reposting system, whatever library keeps it.

    Every method raises Unreachable when the queue's Redis cannot be reached, Later when it is busy or the connection
    broke, and Refused when it will not have it.
    """

    @property
    def name(self) -> str: ...

    @property
    def max_replay(self) -> int: ...

    def status(self) -> QueueStatus: ...

    def history(self, since: datetime, until: datetime, step: timedelta) -> Sequence[Bucket]:
        """How many jobs failed and completed in each step between the two times, oldest first."""
        ...

    def ended(self, status: Ended = "failed", since: datetime | None = None) -> Iterator[Sequence[Seen]]:
        """The jobs in that state, in the order they ended (oldest first), in pages of at most 1,000."""
        ...

    def seen(self, ids: Sequence[str], status: Ended = "failed") -> Sequence[Seen | None]:
        """Those very jobs, None where there is no such job in that state; in the order asked for."""
        ...

    def job(self, id: str) -> Job | None: ...

    def near(self, id: str) -> str | None:
        """The id of an existing job that resembles this one, for a "did you mean"."""
        ...

    def ready(self) -> None:
        """Raises Refused when ``move`` would be refused now, whatever the jobs."""
        ...

    def move(self, jobs: Sequence[Seen], token: str, status: Ended = "failed") -> Sequence[Moved]:
        """Put jobs back on the queue, each atomically and only if it is still as it was seen; attempts start anew.

        ``token`` names who moves: the same token never moves one job twice, however often it asks, and learns
        ("already") that it had done so. At most 2,000 jobs a call. Raises Refused when the queue cannot take them (a
        paused queue of BullMQ 5, or of a version that cannot be told). Fewer words than jobs: it took those, and would
        not take the next.
        """
        ...

    def follow(self, jobs: Sequence[Seen]) -> Sequence[Outcome]:
        """Where each moved job is now: polled, because an event stream forgets."""
        ...

    def switchable(self, *, paused: bool) -> None:
        """Raises Refused when ``pause`` (or ``resume``) would be refused now."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Queues(Protocol):
    """The queues named in the catalogue."""

    def names(self) -> Sequence[str]: ...

    def get(self, name: str) -> Queue:
        """Raises Refused, with a near miss, when the catalogue has no such queue."""
        ...
