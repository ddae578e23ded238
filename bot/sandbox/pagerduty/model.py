"""What a PagerDuty account is made of. Times are seconds since 1970."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]
Status = Literal["triggered", "acknowledged", "resolved"]
DAY = 86_400.0
ESCALATION = 30 * 60.0
"""Seconds until the next level is paged; PagerDuty's own default."""

ACKNOWLEDGED = 30 * 60.0
"""Seconds after which an acknowledgement lapses; PagerDuty's own default."""


class PagerDutyError(Exception):
    """A request that the account refuses, in PagerDuty's words and with its code."""

    def __init__(self, status: int, code: int, message: str, *errors: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.errors = status, code, message, errors


@dataclass(frozen=True, slots=True)
class PagerDutyUser:
    id: str
    name: str
    email: str
    role: str = "user"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Turns of ``length`` seconds, one user after the other, counted from ``start``."""

    id: str
    name: str
    users: tuple[str, ...]
    start: float
    length: float = 7 * DAY

    def turns(self, since: float, until: float) -> list[tuple[str, float, float]]:
        """(user, from, to) of each turn that touches the time between; the times are the turn's own."""
        found: list[tuple[str, float, float]] = []
        number = int((since - self.start) // self.length)
        while True:
            begin = self.start + number * self.length
            if begin > until:
                return found
            if begin + self.length > since:
                found.append((self.users[number % len(self.users)], begin, begin + self.length))
            number += 1


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """``levels``: each a row of user ids and schedule ids."""

    id: str
    name: str
    levels: tuple[tuple[str, ...], ...]
    delay: float = ESCALATION


@dataclass(slots=True)
class PagerDutyService:
    """``acknowledgement`` and ``resolution``: seconds until an acknowledgement lapses or an incident ends by itself."""

    id: str
    name: str
    policy: str
    acknowledgement: float | None = ACKNOWLEDGED
    resolution: float | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    id: str
    kind: str
    at: float
    agent: str
    summary: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentNote:
    id: str
    user: str
    content: str
    at: float


@dataclass(slots=True)
class PagerDutyIncident:
    id: str
    number: int
    title: str
    service: str
    policy: str
    urgency: str
    key: str
    created: float
    updated: float
    status: Status = "triggered"
    changed: float = 0.0
    changed_by: str = ""
    resolved: float | None = None
    level: int = 1
    escalates: float | None = None
    assigned: list[tuple[str, float]] = field(default_factory=list)
    directly: bool = False
    acknowledged: list[tuple[str, float]] = field(default_factory=list)
    lapses: float | None = None
    priority: str = ""
    merged_into: str = ""
    notes: list[IncidentNote] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    responder_requests: list[Json] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status != "resolved"


def iso(at: float | None) -> str | None:
    """As REST writes it: whole seconds, which leaves the rest out."""
    return None if at is None else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_ms(at: float) -> str:
    """As webhooks write it: with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
