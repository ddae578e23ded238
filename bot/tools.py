"""Every side effect a handler may have, as Protocols in the runbook's own words.

Handlers see these and nothing else: what speaks BullMQ, Slack or Redis lives in ``outside/`` and ``store``, and a test
may hand a handler anything of the same shape. All times are aware datetimes in UTC; all durations are timedeltas, but
for a job's ``finished`` time, which stays the queue's own integer (milliseconds since 1970) because it is compared for
equality: it is the guard that keeps a job from being moved twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from bot.domain.cause import Cause
from bot.domain.errors import Refused
from bot.domain.policy import People

if TYPE_CHECKING:
    from bot.domain.incident import Event, Incident, Pace
    from bot.domain.procedure import Ledger
    from bot.triage.runbook import Runbook


class Triage(Protocol):
    """Failed reasons → causes, from the project's own table."""

    def cause(self, reason: str, name: str = "") -> Cause:
        """The cause of one failed reason. ``name`` is the job's name, which often tells the platform."""
        ...

    def known(self) -> Iterable[Cause]: ...


T = TypeVar("T")


class Incidents(Protocol):
    """The incidents on record."""

    def get(self, number: int) -> Incident: ...

    def living_in(self, channel: str) -> Sequence[Incident]:
        """The incidents whose channel this is, over or not, the newest first."""
        ...

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


@dataclass(frozen=True, slots=True)
class Running(Generic[T]):
    """A procedure under way: what it knows, who asked for it and where, and its rows."""

    id: str
    data: T
    asker: str
    channel: str
    incident: int | None
    started: datetime
    ledger: Ledger[Any]


class Procedures(Protocol):
    """Which procedures are under way, and the stop of one."""

    def running(self, work: type[T]) -> Sequence[Running[T]]:
        """Those of the kind that this dataclass is."""
        ...

    def stop(self, id: str, by: str) -> None:
        """Ask it to stop, which it sees at its next step; asking twice is asking once. Raises Refused when it ended."""
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


class ServiceCatalogue(Protocol):
    """What `firewatch.toml` says that handlers need."""

    @property
    def services(self) -> Mapping[str, Service]: ...

    def pace(self, severity: str) -> Pace:
        """How soon an incident of this severity falls due."""
        ...


class Systems(Protocol):
    """The outside systems, each known by the Protocol that it offers."""

    def find(self, kind: type[T]) -> T | None:
        """None while it is off."""
        ...

    def off(self, kind: type[Any]) -> str:
        """How to turn it on."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a handler is given."""

    now: datetime
    triage: Triage
    people: People
    incidents: Incidents
    samples: Samples
    procedures: Procedures
    catalogue: ServiceCatalogue
    runbook: Runbook
    systems: Systems
    write: Callable[[str, Mapping[str, Any]], str]
    """A template of Markdown and its facts → the text."""
    posted: Callable[[str], tuple[str, str]]
    """Channel and ``ts`` of the message that has this key; both "" while it has not been posted."""

    def find(self, kind: type[T]) -> T | None:
        """The outside system that offers this Protocol, None while it is off."""
        return self.systems.find(kind)

    def need(self, kind: type[T]) -> T:
        """The same; raises Refused, with how to turn it on, while it is off."""
        found = self.systems.find(kind)
        if found is None:
            raise Refused(self.systems.off(kind))
        return found

    def off(self, kind: type[Any]) -> str:
        """How to turn on a system that is off, in a sentence for the person who asked for it."""
        return self.systems.off(kind)
