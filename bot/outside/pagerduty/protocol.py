"""The pager: who is called at night, and what about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from bot.domain.call import Call, digest

AlertStatus = Literal["triggered", "acknowledged", "resolved"]


Relapse = Literal["unacknowledged", "reopened"]


Urgency = Literal["high", "low"]


ACTOR = "pagerduty"
"""Who says what became of an alert."""

STALE = timedelta(days=1)
"""Older news is no news: PagerDuty itself gives up after some 20 minutes, and polling looks back as far as this."""

OUR_KEY = "firewatch-"
"""Begins the deduplication key of every alert that ``Pager.page`` makes."""


@dataclass(frozen=True, slots=True)
class Acting:
    """In whose name something is done. ``name`` is what a note calls them when the pager does not know ``email``."""

    email: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Someone the pager can page. ``email`` is "" where the pager gave only a reference."""

    id: str
    name: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """An escalation policy: whom to page, and whom next when they do not answer. ``levels``: 0 where not told."""

    id: str
    name: str
    levels: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the pager had it when it was read. What the channel calls an alert is an *incident* to PagerDuty.

    ``created`` is the pager's own time, from which the five minutes run. ``key`` is its deduplication key;
    ``service`` and ``policy`` are ids. ``resolved`` is None while it is open. ``merged_into``: the id of the alert that
    this one became part of.
    """

    id: str
    number: int
    title: str
    status: AlertStatus
    urgency: Urgency
    service: str
    service_name: str
    created: datetime
    changed: datetime
    """When its status changed last. While it is triggered, PagerDuty gives the time of its last change of any kind."""
    url: str = ""
    key: str = ""
    priority: str = ""
    policy: str = ""
    policy_name: str = ""
    assigned: tuple[Person, ...] = ()
    acknowledged: tuple[Acknowledgement, ...] = ()
    resolved: datetime | None = None
    changed_by: str = ""
    merged_into: str = ""

    @property
    def open(self) -> bool:
        return self.status != "resolved"

    @property
    def ours(self) -> bool:
        """Made by this bot, for ``Pager.page`` to page somebody by."""
        return self.key.startswith(OUR_KEY)

    @property
    def acknowledgers(self) -> str:
        """``Noor Haddad and Linnea Berg``; "" when nobody has acknowledged it."""
        return " and ".join(dict.fromkeys(each.by.name for each in self.acknowledged))


@dataclass(frozen=True, slots=True)
class Done:
    """The alert as it is now. ``new``: whether this call made it so, or somebody (an earlier try, say) before it.

    ``as_user``: the PagerDuty user in whose name it was done, "" if nothing was.
    """

    alert: Alert
    new: bool
    as_user: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    at: datetime
    author: str
    text: str
    ours: bool = False
    """Written by this bot, so that it is not mirrored back to where it came from."""


@dataclass(frozen=True, slots=True)
class OnCall:
    """Someone's turn. ``since`` None: always was; ``until`` None: for good. ``level`` 1 is paged first."""

    person: Person
    level: int
    policy: str
    policy_name: str
    schedule: str = ""
    schedule_name: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def now(self, at: datetime) -> bool:
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class Paged:
    """Who was paged, by name, through which alert. ``new``: False when an earlier try had done it."""

    who: str
    alert: str
    url: str
    new: bool


class Pager(Protocol):
    """Who is paged, and what about."""

    def alert(self, id: str) -> Alert:
        """Raises Gone when the pager does not know it (any more)."""
        ...

    def open(self, services: Sequence[str]) -> Sequence[Alert]:
        """Alerts of these services that are triggered or acknowledged, the oldest first, however old."""
        ...

    def resolved(self, services: Sequence[str], since: datetime) -> Sequence[Alert]:
        """Alerts of these services that were resolved since then, the latest first."""
        ...

    def relapses(self, id: str, since: datetime) -> Mapping[Relapse, datetime]:
        """When an alert that is triggered last fell back to it after that time, from acknowledged or from resolved."""
        ...

    def acknowledge(self, id: str, by: Acting) -> Done:
        """Acknowledge it if it is triggered: as this person, or as the configured user with a note that names them.

        An alert that is acknowledged is left alone, because a second acknowledgement would restart the pager's own
        timer: ``alert.acknowledgers`` says who did. So is one that is resolved.
        """
        ...

    def resolve(self, id: str, by: Acting, resolution: str = "") -> Done:
        """Resolve it, unless it is resolved."""
        ...

    def note(self, id: str, text: str, by: Acting, key: str) -> bool:
        """Write a note; False when the one with this key is there already. A text that is too long is cut."""
        ...

    def notes(self, id: str) -> Sequence[Note]:
        """Oldest first."""
        ...

    def set_severity(self, id: str, severity: str, by: Acting) -> str:
        """``sev1`` → the account's priority of that name or rank (``SEV-1``, ``P1``): its name, "" when it has none."""
        ...

    def escalate(self, id: str, level: int, by: Acting) -> Done:
        """Page this level of the alert's policy (1 is the first), if it is triggered and stands below that level."""
        ...

    def level(self, alert: Alert) -> int:
        """The level of the policy at which those who hold the alert stand; 1 when that cannot be told."""
        ...

    def page(
        self, target: Person | Policy, why: str, by: Acting, key: str, *, alert: str = "", service: str = ""
    ) -> Paged:
        """Page a person or a policy: as responders to ``alert``, else with an alert of their own on ``service``.

        Where the account's plan has no responders, an alert of its own is made even if ``alert`` is given.
        """
        ...

    def user(self, email: str) -> Person | None:
        """Who has this e-mail address, if anybody."""
        ...

    def person(self, id: str) -> Person | None:
        """Who this is, with their e-mail address: an alert gives only a reference to its people."""
        ...

    def named(self, word: str) -> Person | None:
        """Who is called so: by full name, first name, or what stands before the @ of their address; None if not one."""
        ...

    def policy(self, word: str) -> Policy:
        """An escalation policy by id or by name. Raises Gone, with a near miss, when there is none."""
        ...

    def oncall(self, services: Sequence[str], at: datetime, until: datetime) -> Sequence[OnCall]:
        """The turns between the two times, by policy, level and time, of these services' policies."""
        ...

    def on_schedule(self, schedule: str, at: datetime) -> Sequence[Person]:
        """Who is on call in this schedule at that time, with their e-mail addresses."""
        ...


def transition(alert: str, verb: str, at: datetime) -> Call:
    """The sentence of what became of an alert: the same Call by whichever road it was learnt, webhook or polling."""
    return alert_call(f"/alert {verb} {alert}", digest(ACTOR, alert, verb, int(at.timestamp())), at)


def alert_call(text: str, id: str, at: datetime) -> Call:
    """A sentence that only PagerDuty can say."""
    return Call(id=id, actor=ACTOR, channel="", text=text, at=at, door="pagerduty")
