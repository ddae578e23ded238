"""The incident: its states, its Events and the duties that time makes due. Standard library only.

An Incident is a value. ``acknowledge``, ``resolve`` and the others give back the next one or raise Refused; whoever saves it
saves, in the same transaction, the Event that says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, Self

from bot.action import Refused

State = Literal["open", "acknowledged", "mitigated", "resolved"]
SEVERITIES = ("sev1", "sev2", "sev3", "sev4")
Severity = Literal["sev1", "sev2", "sev3", "sev4"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. ``at`` is when it happened, which for a pinned message is when that was written.

    ``by`` names who put it there, when that is someone else than ``actor``; ``jobs`` the job ids it touched; ``ref`` the
    reference in the logs.
    """

    at: datetime
    actor: str
    kind: str
    text: str
    by: str = ""
    link: str = ""
    jobs: tuple[str, ...] = ()
    ref: str = ""

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "at": datetime.fromisoformat(data["at"]), "jobs": tuple(data.get("jobs", ()))})


@dataclass(frozen=True, slots=True)
class Incident:
    """What is being fought. Times are aware UTC datetimes, None until they have happened.

    ``key`` is the id of the call that opened it, so that the same call never opens two. ``summary`` is the message that is
    pinned in its channel.
    """

    number: int
    title: str
    severity: str
    opened_at: datetime
    opened_by: str
    key: str
    state: State = "open"
    service: str = ""
    lead: str = ""
    channel: str = ""
    origin: str = ""
    summary: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    cause: str = ""
    updated_at: datetime | None = None
    snoozed_until: datetime | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    """Where else this incident lives: PagerDuty's id, the status page's, the postmortem's address…"""
    version: int = 0
    """The version of the record it was read from; 0 for one that is not on record yet. Not part of its JSON."""

    @property
    def name(self) -> str:
        """``inc-12-instagram-uploads-failing``: the channel's name, at most 80 characters (Slack's limit)."""
        return f"inc-{self.number}-{slug(self.title)}"[:76].rstrip("-")

    @property
    def resolved(self) -> bool:
        return self.state == "resolved"

    def lasted(self, now: datetime) -> timedelta:
        return (self.resolved_at or now) - self.opened_at

    def still_open(self) -> None:
        """Raises Refused when it is resolved."""
        if self.resolved:
            raise Refused(
                f"Incident {self.number} was resolved by <@{self.resolved_by}>. `/incident reopen WHY` opens it again."
            )

    def acknowledge(self, who: str, at: datetime) -> Self:
        self.still_open()
        if self.acknowledged_at:
            raise Refused(f"Incident {self.number} is acknowledged already, by <@{self.acknowledged_by}>.")
        return replace(
            self,
            state="acknowledged",
            acknowledged_at=at,
            acknowledged_by=who,
            lead=self.lead or who,
            updated_at=at,
        )

    def resolve(self, who: str, at: datetime, cause: str) -> Self:
        self.still_open()
        return replace(self, state="resolved", resolved_at=at, resolved_by=who, cause=cause, snoozed_until=None)

    def to_json(self) -> dict[str, Any]:
        return {
            each.name: value.isoformat() if isinstance(value := getattr(self, each.name), datetime) else value
            for each in fields(self)
            if each.name != "version"
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values: dict[str, Any] = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        for name, value in values.items():
            if value and (name.endswith("_at") or name.endswith("_until")):
                values[name] = datetime.fromisoformat(value)
        return cls(**values)


def slug(title: str) -> str:
    """A title as part of a channel name: lower case ASCII letters, digits and dashes; never empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "incident"


class Pace(Protocol):
    """How soon each duty falls due, by the catalogue; the runbook's section 7 says 5 min, 15 min and 24 h."""

    @property
    def ack(self) -> timedelta: ...

    @property
    def update(self) -> timedelta: ...

    @property
    def postmortem(self) -> timedelta: ...


def ack_due(incident: Incident, pace: Pace) -> datetime | None:
    """When somebody must have acknowledged it; None once somebody has."""
    if incident.resolved or incident.acknowledged_at:
        return None
    return incident.opened_at + pace.ack


def update_due(incident: Incident, pace: Pace) -> datetime | None:
    """When the channel is owed the next update: from acknowledgement until resolution, later when snoozed."""
    if incident.resolved or not incident.acknowledged_at:
        return None
    due = (incident.updated_at or incident.acknowledged_at) + pace.update
    return max(due, incident.snoozed_until) if incident.snoozed_until else due


def postmortem_due(incident: Incident, pace: Pace) -> datetime | None:
    """When the postmortem must be drafted; None before resolution and once it is done."""
    if not incident.resolved_at or "postmortem" in incident.links:
        return None
    return incident.resolved_at + pace.postmortem
