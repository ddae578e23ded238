"""Every side effect a handler may have, as Protocols in the runbook's own words.

Handlers see these and nothing else: what speaks BullMQ, Slack or Redis lives in ``clients/`` and ``store``, and a test
may hand a handler anything of the same shape. All times are aware datetimes in UTC; all durations are timedeltas, but
for a job's ``finished`` time, which stays the queue's own integer (milliseconds since 1970) because it is compared for
equality: it is the guard that keeps a job from being moved twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from bot.domain.incident import Event, Incident, Pace
    from bot.outside.protocols import Pager, StatusPage, Tracker
    from bot.triage.runbook import Runbook

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


Retry = Literal["now", "after_refresh", "tomorrow", "never"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why jobs failed. ``key`` is stable and short enough to be typed: ``--cause instagram-token-expired``."""

    key: str
    title: str
    platform: str
    meaning: str
    advice: str
    retry: Retry
    source: str


class Triage(Protocol):
    """Failed reasons → causes, from the project's own table."""

    def cause(self, reason: str, name: str = "") -> Cause:
        """The cause of one failed reason. ``name`` is the job's name, which often tells the platform."""
        ...

    def known(self) -> Iterable[Cause]: ...


class People(Protocol):
    """Who someone is and what they may do."""

    def is_oncall(self, user: str) -> bool: ...

    def is_lead(self, user: str) -> bool: ...

    def oncall(self) -> Sequence[str]:
        """User ids of everyone on call, in the order of the catalogue."""
        ...

    def leads(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the channel. ``at`` is when it was written; ``link`` leads back to it."""

    author: str
    text: str
    at: datetime
    link: str


class Chat(Protocol):
    """The workspace, for what a handler needs beyond its reply. Errors: Refused ("no"), Later ("ask again")."""

    def message(self, channel: str, ts: str) -> Said: ...

    def create_channel(self, name: str, since: datetime) -> str:
        """Create the channel, or adopt the one of that name which this bot made since ``since``; returns its id."""
        ...

    def invite(self, channel: str, users: Sequence[str]) -> None:
        """Those already there, and those who cannot be invited, are passed over."""
        ...

    def set_topic(self, channel: str, topic: str) -> None: ...

    def pin(self, channel: str, ts: str) -> None: ...

    def bookmark(self, channel: str, title: str, link: str) -> None: ...

    def link(self, channel: str, ts: str) -> str: ...

    def name(self, user: str) -> str:
        """A person's name."""
        ...

    def email(self, user: str) -> str:
        """A person's e-mail address, "" when Slack does not tell it."""
        ...

    def user_of(self, email: str) -> str:
        """The user id of whoever has this e-mail address, "" when nobody has."""
        ...

    def channel_name(self, channel: str) -> str:
        """A channel's name, "" for a conversation that has none."""
        ...

    def dm(self, user: str) -> str:
        """The channel in which the bot speaks to this person alone."""
        ...


class Incidents(Protocol):
    """The incidents on record."""

    def get(self, number: int) -> Incident: ...

    def of_channel(self, channel: str) -> Incident | None: ...

    def of_alert(self, alert: str) -> Incident | None:
        """The incident that this alert of PagerDuty's opened or joined."""
        ...

    def opened_by(self, key: str) -> Incident | None:
        """The incident that this very call has opened already, if a death of the process came between."""
        ...

    def next_number(self) -> int: ...

    def open(self) -> Sequence[Incident]:
        """Those that are not resolved, the newest first."""
        ...

    def recent(self, count: int) -> Sequence[Incident]: ...

    def timeline(self, number: int) -> Sequence[Event]:
        """Its Events by the time they happened, oldest first."""
        ...


class Samples(Protocol):
    """What the clock saw of each queue's depth over the last hours."""

    def depth(self, queue: str, since: datetime) -> Sequence[tuple[datetime, int]]: ...


class Replays(Protocol):
    """Which jobs are being replayed at this moment, and by whom."""

    def running(self, queue: str = "") -> Sequence[Mapping[str, Any]]:
        """The replays under way: ``id``, ``queue``, ``asker``, ``total``, ``channel``."""
        ...

    def holders(self, queue: str) -> Mapping[str, str]:
        """job id → the user whose running replay holds it."""
        ...

    def stop(self, id: str, by: str) -> None:
        """Ask a replay to move no more jobs; asking twice is asking once. Raises Refused when it has ended."""
        ...


class Service(Protocol):
    """One thing that can be on fire, by the catalogue. Empty strings are parts it does not have."""

    @property
    def name(self) -> str: ...

    @property
    def pagerduty(self) -> str: ...

    @property
    def channel(self) -> str: ...

    @property
    def queue(self) -> str: ...

    @property
    def runbook(self) -> str: ...


class Catalogue(Protocol):
    """What `firewatch.toml` says that handlers need."""

    @property
    def services(self) -> Mapping[str, Service]: ...

    def pace(self, severity: str) -> Pace:
        """How soon an incident of this severity falls due."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a handler is given."""

    now: datetime
    queues: Queues
    triage: Triage
    people: People
    chat: Chat
    incidents: Incidents
    samples: Samples
    replays: Replays
    catalogue: Catalogue
    runbook: Runbook
    off: Callable[[Any], str]
    """How to turn on a part that is off: "pagerduty", "statuspage", "github"."""
    pager: Pager | None
    status_page: StatusPage | None
    tracker: Tracker | None
    write: Callable[[str, Mapping[str, Any]], str]
    """A template of Markdown and its facts → the text."""
    posted: Callable[[str], tuple[str, str]]
    """Channel and ``ts`` of the message that has this key; both "" while it has not been posted."""


class Message(Protocol):
    """What a template said: ``text`` for the lock screen and screen readers, ``blocks`` beside it."""

    @property
    def text(self) -> str: ...

    @property
    def blocks(self) -> Sequence[Mapping[str, Any]]: ...


class Workspace(Chat, Protocol):
    """What the desk itself needs of Slack. Errors: Refused for its "no", Later for 429, 5xx and a lost connection."""

    def post(self, channel: str, message: Message, key: str, thread: str = "", since: datetime | None = None) -> str:
        """Post and return the ``ts``.

        ``key`` goes out as message metadata; with ``since``, the channel's history from then on is first searched for
        that key, and the message found is returned instead of posting it again.
        """
        ...

    def update(self, channel: str, ts: str, message: Message) -> None: ...

    def whisper(self, channel: str, user: str, message: Message, response_url: str = "", thread: str = "") -> None:
        """To one person alone: through the response_url while it lives, else ephemerally, else directly."""
        ...

    def respond(self, response_url: str, message: Message) -> None:
        """Into the channel through the response_url: for channels in which the bot is not."""
        ...

    def upload(
        self, channel: str, name: str, title: str, content: bytes, thread: str = "", since: datetime | None = None
    ) -> str:
        """Put a file there, once: with ``since``, one of that name that went there after it is taken for this one."""
        ...

    def canvas(self, channel: str, markdown: str) -> None:
        """Make this the channel's canvas. Raises Refused where it has one, and where the plan has none."""
        ...

    def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Raises Refused when the trigger has expired or was used."""
        ...

    def publish_home(self, user: str, view: Mapping[str, Any]) -> None: ...

    def members(self, group: str) -> Sequence[str]:
        """User ids in a user group, named by handle or id."""
        ...

    def identity(self) -> Mapping[str, str]:
        """By auth.test: ``user_id``, ``bot_id``, ``team_id``, ``team``, ``url`` and ``scopes`` (comma separated)."""
        ...
