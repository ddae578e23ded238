"""The incident: its states, its Events and the duties that time makes due. Standard library only.

An Incident is a value. ``acknowledge``, ``resolve`` and the others give back the next one or raise Refused; whoever
saves it saves, in the same transaction, the Event that says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, Self

from bot.domain.errors import Refused

State = Literal["open", "acknowledged", "mitigated", "resolved"]
SEVERITIES = ("sev1", "sev2", "sev3", "sev4")
Severity = Literal["sev1", "sev2", "sev3", "sev4"]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline. ``at`` is when it happened, which for a pinned message is when that was written.

    ``by`` names who put it there, when that is someone else than ``actor``; ``jobs`` the job ids it touched; ``ref``
    the reference in the logs, ``key`` that of the message that said so. ``receipt``: it tells of something that was
    done through Firewatch.
    """

    at: datetime
    actor: str
    kind: str
    text: str
    by: str = ""
    link: str = ""
    jobs: tuple[str, ...] = ()
    ref: str = ""
    key: str = ""
    receipt: bool = False

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What another version of this program has added is passed over."""
        values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        return cls(**{**values, "at": datetime.fromisoformat(data["at"]), "jobs": tuple(data.get("jobs", ()))})


@dataclass(frozen=True, slots=True)
class Incident:
    """What is being fought. Times are aware UTC datetimes, None until they have happened.

    ``key`` is the id of the call that opened it, so that the same call never opens two. ``summary`` is the message
    that is pinned in its channel. ``alerts`` are PagerDuty's ids, the first one first; ``alerted_at`` is PagerDuty's
    own time, from which the clock of the acknowledgement runs.
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
    """The channel in which it was opened; it lives there where it could have none of its own."""
    lost: str = ""
    """Why its channel cannot be used any more (archived, deleted, left by the bot), "" while it can."""
    moves: int = 0
    """How often it has moved to another channel."""
    summary: str = ""
    alerts: tuple[str, ...] = ()
    alerted_at: datetime | None = None
    over: tuple[str, ...] = ()
    """Those of its alerts that PagerDuty holds for resolved."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    cause: str = ""
    updated_at: datetime | None = None
    update: Mapping[str, str] = field(default_factory=dict)
    """The last update, by field: ``text``, ``impact``, ``known``, ``doing``."""
    figures: Mapping[str, int] = field(default_factory=dict)
    """Its queue at the last update (``depth``, ``failed``, ``workers``): what the next reminder compares with."""
    next_update: datetime | None = None
    """When the next update was promised, if sooner than it is due."""
    snoozed_until: datetime | None = None
    section: str = ""
    """The runbook's section that is followed."""
    ticked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Step of the runbook → who ticked it (``by``) and when (``at``)."""
    evidence: tuple[Mapping[str, Any], ...] = ()
    """What was seen when its alert came in."""
    status_page: str = ""
    """The id of its incident on the status page."""
    issue: str = ""
    false_alarm: bool = False
    """It turned out to be no incident: nobody owes a postmortem."""
    postmortem_owner: str = ""
    postmortem: str = ""
    """Where the finished postmortem is; "" while it is owed."""
    version: int = 0
    """The version of the record it was read from; 0 for one that is not on record yet. Not part of its JSON."""

    @property
    def name(self) -> str:
        """``inc-12-instagram-uploads-failing``: the channel's name, at most 80 characters (Slack's limit)."""
        return f"inc-{self.number}-{slug(self.title)}"[:76].rstrip("-")

    @property
    def resolved(self) -> bool:
        return self.state == "resolved"

    @property
    def over_and_done(self) -> bool:
        """Nobody has anything left to do on it."""
        return self.resolved and (self.false_alarm or bool(self.postmortem))

    @property
    def own_channel(self) -> str:
        """The channel that was made for it; "" where it lives in one that others share, or may."""
        return self.channel if self.channel != self.origin and not self.moves else ""

    @property
    def home(self) -> str:
        """Where it is spoken about: its channel, or that in which it was opened where it has none; "" for nowhere."""
        return self.channel if self.channel and not self.lost else self.origin

    def lasted(self, now: datetime) -> timedelta:
        return (self.resolved_at or now) - self.opened_at

    def still_open(self) -> None:
        """Raises Refused when it is resolved."""
        if self.resolved:
            raise Refused(
                f"Incident {self.number} was resolved by {mention_of(self.resolved_by)}. "
                "`/incident reopen WHY` opens it again."
            )

    @property
    def alert(self) -> str:
        """The PagerDuty id of its first alert that is not over, else of its first, "" when it was opened by hand."""
        live = [each for each in self.alerts if each not in self.over]
        return next(iter([*live, *self.alerts]), "")

    def acknowledge(self, who: str, at: datetime, lead: str = "") -> Self:
        """``who`` may be a name from elsewhere; ``lead`` a user id, who leads from now on if nobody does."""
        self.still_open()
        if self.acknowledged_at:
            raise Refused(f"Incident {self.number} is acknowledged already, by {mention_of(self.acknowledged_by)}.")
        state: State = "mitigated" if self.mitigated_at else "acknowledged"
        return replace(self, state=state, acknowledged_at=at, acknowledged_by=who, lead=self.lead or lead)

    def updated(self, at: datetime, update: Mapping[str, str], following: datetime | None = None) -> Self:
        """A status update restarts its clock and ends a snooze."""
        self.still_open()
        return replace(self, updated_at=at, update=dict(update), next_update=following, snoozed_until=None)

    def snooze(self, until: datetime) -> Self:
        self.still_open()
        return replace(self, snoozed_until=until)

    def mitigate(self, at: datetime) -> Self:
        self.still_open()
        if self.mitigated_at:
            raise Refused(f"Incident {self.number} is mitigated already.")
        return replace(self, state="mitigated", mitigated_at=at)

    def resolve(self, who: str, at: datetime, cause: str) -> Self:
        self.still_open()
        return replace(self, state="resolved", resolved_at=at, resolved_by=who, cause=cause, snoozed_until=None)

    def reopen(self, at: datetime) -> Self:
        """Back to where it stood before; the clock of the update starts anew."""
        if not self.resolved:
            raise Refused(f"Incident {self.number} is open.")
        state: State = "acknowledged" if self.acknowledged_at else "open"
        return replace(
            self,
            state=state,
            resolved_at=None,
            resolved_by="",
            cause="",
            false_alarm=False,
            mitigated_at=None,
            updated_at=at,
            next_update=None,
        )

    def tick(self, step: str, who: str, at: datetime) -> Self:
        """Tick a step of the runbook, or untick it."""
        ticked = {key: value for key, value in self.ticked.items() if key != step}
        if step not in self.ticked:
            ticked[step] = {"by": who, "at": at.isoformat()}
        return replace(self, ticked=ticked)

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
            if value and (name.endswith(("_at", "_until")) or name == "next_update"):
                values[name] = datetime.fromisoformat(value)
        for name in ("alerts", "over", "evidence"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def meant(living: Sequence[Incident]) -> list[Incident]:
    """Of the incidents of one channel those that a sentence there may mean: the open ones; all, where none is open."""
    return [each for each in living if not each.resolved] or list(living)


def slug(title: str) -> str:
    """A title as part of a channel name: lower case ASCII letters, digits and dashes; never empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "incident"


DUTY_DUE = "/duty"
"""What the clock says of a duty: ``/duty NAME NUMBER TIME``."""

CHANNEL_LOST = "/incident lost"
"""What the clock says when an incident's channel cannot be used any more."""


class Pace(Protocol):
    """How soon each duty falls due, by the catalogue; the runbook's section 7 says 5 min, 15 min and 24 h."""

    @property
    def ack(self) -> timedelta: ...

    @property
    def update(self) -> timedelta: ...

    @property
    def postmortem(self) -> timedelta: ...


MISSED = timedelta(minutes=5)
"""How long after it was due an update counts as missed."""

PUBLIC = timedelta(minutes=30)
"""How long an incident is open before customers are owed a word: the runbook's section 3."""

POSTMORTEM_WARNING = timedelta(hours=4)
DAY = timedelta(days=1)


def ack_due(incident: Incident, pace: Pace) -> datetime | None:
    """When somebody must have acknowledged it; None once somebody has, or once PagerDuty pages nobody any more."""
    if incident.resolved or incident.acknowledged_at:
        return None
    if incident.alerts and set(incident.alerts) <= set(incident.over):
        return None
    return (incident.alerted_at or incident.opened_at) + pace.ack


def update_due(incident: Incident, pace: Pace) -> datetime | None:
    """When the channel is owed the next update: from acknowledgement until resolution, later when snoozed."""
    if incident.resolved or not incident.acknowledged_at:
        return None
    due = max(incident.updated_at or incident.acknowledged_at, incident.acknowledged_at) + pace.update
    if incident.next_update:
        due = min(due, incident.next_update)
    return max(due, incident.snoozed_until) if incident.snoozed_until else due


def postmortem_due(incident: Incident, pace: Pace) -> datetime | None:
    """When the postmortem must be done; None before resolution, once it is, and after a false alarm."""
    if not incident.resolved_at or incident.postmortem or incident.false_alarm:
        return None
    return incident.resolved_at + pace.postmortem


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that time makes due: ``name`` says what, ``at`` when, and both together which one it is."""

    name: Literal[
        "ack-soon",
        "ack-missed",
        "update",
        "update-missed",
        "update-missed-twice",
        "status-page",
        "postmortem-soon",
        "postmortem",
        "postmortem-late",
    ]
    at: datetime


def duties(incident: Incident, pace: Pace, now: datetime) -> Sequence[Duty]:
    """What is due on this incident and what will be next: derived from its state alone, so a restart forgets nothing.

    Of a duty that comes again and again (an update every 15 min, a late postmortem every day) the latest that is due is
    given and the one after it, so that what was slept through is said once, not ten times.
    """
    found: list[Duty] = []
    if due := ack_due(incident, pace):
        found += [Duty("ack-soon", due - pace.ack * 2 / 5), Duty("ack-missed", due)]
    if due := update_due(incident, pace):
        found += [Duty("update", at) for at in _recurring(due, pace.update, now)]
        found += [Duty("update-missed", due + MISSED), Duty("update-missed-twice", due + pace.update + MISSED)]
    if not incident.resolved and not incident.status_page:
        found.append(Duty("status-page", incident.opened_at + PUBLIC))
    if due := postmortem_due(incident, pace):
        found += [Duty("postmortem-soon", due - min(POSTMORTEM_WARNING, pace.postmortem / 6)), Duty("postmortem", due)]
        found += [Duty("postmortem-late", at) for at in _recurring(due + DAY, DAY, now)]
    return sorted(found, key=lambda duty: duty.at)


def _recurring(first: datetime, every: timedelta, now: datetime) -> Sequence[datetime]:
    """The latest of these times that has come, if any has, and the next."""
    if now < first:
        return [first]
    latest = first + (now - first) // every * every
    return [latest, latest + every]


def mention_of(who: str) -> str:
    """A user id as a mention; a name from elsewhere as it is."""
    return f"<@{who}>" if re.fullmatch(r"[UW][A-Z0-9]{2,}", who) else who or "nobody"
