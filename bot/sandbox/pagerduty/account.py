"""What a PagerDuty account holds and does: users, turns, policies, services, incidents with their log, and its timers.

Whatever happens to an incident is an event that is told to those who listen. Times are seconds since 1970 by ``now``.
Nothing here knows HTTP. Callers hold the server's lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.sandbox.pagerduty.model import (
    EscalationPolicy,
    IncidentNote,
    Json,
    LogEntry,
    PagerDutyError,
    PagerDutyIncident,
    PagerDutyService,
    PagerDutyUser,
    Schedule,
)

Listener = Callable[[str, "PagerDutyIncident", Json], None]
"""Event type (``incident.triggered``), the incident, and what else the event tells."""


class Account:
    """One account. ``abilities`` is what its plan allows; without ``coordinated_responding`` nobody can be added."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.users: dict[str, PagerDutyUser] = {}
        self.schedules: dict[str, Schedule] = {}
        self.policies: dict[str, EscalationPolicy] = {}
        self.services: dict[str, PagerDutyService] = {}
        self.priorities: dict[str, str] = {}
        self.incidents: dict[str, PagerDutyIncident] = {}
        self.abilities = {"coordinated_responding", "priorities", "teams", "urgencies"}
        self.listeners: list[Listener] = []
        self.paged: list[tuple[float, str, str]] = []
        """Whose phone rang: when, user id, incident id."""
        self._counter = itertools.count(1)
        self._numbers = itertools.count(1)

    # ------------------------------------------------------------ what happens

    def trigger(
        self,
        title: str,
        service: str,
        urgency: str = "high",
        *,
        key: str = "",
        policy: str = "",
        assignees: Sequence[str] = (),
        priority: str = "",
        agent: str = "",
    ) -> PagerDutyIncident:
        """A new incident; whoever is on call at level 1, or the assignees, are paged."""
        if service not in self.services:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Service not found")
        same = [one for one in self.incidents.values() if one.open and key and (one.service, one.key) == (service, key)]
        if same:
            raise PagerDutyError(
                400,
                2002,
                "Arguments Caused Error",
                "Open incident with matching dedup key already exists on this service",
            )
        at, number = self._at(), next(self._numbers)
        incident = PagerDutyIncident(
            id=self._id("Q"),
            number=number,
            title=title,
            service=service,
            policy=policy or self.services[service].policy,
            urgency=urgency,
            key=key or f"{number:032x}",
            created=at,
            updated=at,
            changed=at,
            changed_by=agent or service,
            priority=priority,
        )
        self.incidents[incident.id] = incident
        self._log(incident, "trigger", agent or service, f"Triggered: {title}")
        if assignees:
            self._assign(incident, assignees, directly=True)
        else:
            self._to_level(incident, 1)
        self._tell("incident.triggered", incident, agent)
        return incident

    def acknowledge(self, id: str, user: str) -> PagerDutyIncident:
        incident = self.incident(id)
        if not incident.open:
            raise PagerDutyError(400, 1001, "Incident Already Resolved")
        at = self._touch(incident, user)
        incident.status, incident.escalates = "acknowledged", None
        incident.acknowledged = [each for each in incident.acknowledged if each[0] != user] + [(user, at)]
        limit = self.services[incident.service].acknowledgement
        incident.lapses = at + limit if limit else None
        self._log(incident, "acknowledge", user, "Acknowledged")
        self._tell("incident.acknowledged", incident, user)
        return incident

    def unacknowledge(self, id: str, agent: str = "") -> PagerDutyIncident:
        """What happens when the acknowledgement's time is up: triggered again, and everybody is paged anew."""
        incident = self.incident(id)
        self._touch(incident, agent or incident.service)
        incident.status, incident.acknowledged, incident.lapses = "triggered", [], None
        self._log(incident, "unacknowledge", agent or incident.service, "The acknowledgement lapsed")
        self._ring(incident)
        incident.escalates = self.now() + self.policies[incident.policy].delay
        self._tell("incident.unacknowledged", incident, agent)
        return incident

    def resolve(self, id: str, user: str = "", resolution: str = "", merged_into: str = "") -> PagerDutyIncident:
        """By a user, or by the service itself."""
        incident = self.incident(id)
        if not incident.open:
            raise PagerDutyError(400, 1001, "Incident Already Resolved")
        incident.resolved = self._touch(incident, user or incident.service)
        incident.status, incident.assigned, incident.acknowledged = "resolved", [], []
        incident.escalates = incident.lapses = None
        incident.merged_into = merged_into
        more = {"channel": {"type": "note", "summary": resolution}} if resolution else {}
        self._log(incident, "resolve", user or incident.service, "Resolved", more)
        self._tell("incident.resolved", incident, user)
        return incident

    def reopen(self, id: str, user: str) -> PagerDutyIncident:
        incident = self.incident(id)
        self._touch(incident, user)
        incident.status, incident.resolved, incident.merged_into = "triggered", None, ""
        self._log(incident, "trigger", user, "Reopened")
        self._to_level(incident, 1)
        self._tell("incident.reopened", incident, user)
        return incident

    def escalate(self, id: str, level: int, agent: str = "") -> PagerDutyIncident:
        """To this level of its policy; an acknowledged incident is triggered again by it."""
        incident = self.incident(id)
        if not incident.open:
            raise PagerDutyError(400, 1001, "Incident Already Resolved")
        if not 1 <= level <= len(self.policies[incident.policy].levels):
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Escalation level is invalid")
        self._touch(incident, agent or incident.service)
        incident.status, incident.acknowledged, incident.lapses = "triggered", [], None
        self._log(incident, "escalate", agent or incident.service, f"Escalated to level {level}")
        self._to_level(incident, level)
        self._tell("incident.escalated", incident, agent)
        return incident

    def reassign(self, id: str, users: Sequence[str], agent: str) -> PagerDutyIncident:
        incident = self.incident(id)
        self._touch(incident, agent)
        incident.status, incident.acknowledged, incident.lapses = "triggered", [], None
        self._assign(incident, users, directly=True)
        self._tell("incident.reassigned", incident, agent)
        return incident

    def annotate(self, id: str, user: str, content: str) -> IncidentNote:
        incident = self.incident(id)
        if len(incident.notes) >= 2000:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "An incident takes at most 2000 notes")
        note = IncidentNote(self._id("P", 7), user, content, self._touch(incident))
        incident.notes.append(note)
        self._log(incident, "annotate", user, "Annotated")
        self._tell("incident.annotated", incident, user, {"note": note})
        return note

    def prioritize(self, id: str, priority: str, user: str) -> PagerDutyIncident:
        incident = self.incident(id)
        if priority not in self.priorities:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Priority not found")
        self._touch(incident)
        incident.priority = priority
        self._tell("incident.priority_updated", incident, user)
        return incident

    def ask_help(self, id: str, requester: str, message: str, targets: Sequence[tuple[str, str]]) -> Json:
        """Page responders: each target is its id and ``user`` or ``escalation_policy``."""
        incident = self.incident(id)
        if "coordinated_responding" not in self.abilities:
            raise PagerDutyError(402, 2014, "Account does not have the coordinated_responding ability")
        at = self._touch(incident)
        request = {"requester": requester, "message": message, "targets": list(targets), "at": at}
        incident.responder_requests.append(request)
        for target, kind in targets:
            for user in [target] if kind == "user" else self.on_level(self.policies[target], 1, at):
                self.paged.append((at, user, incident.id))
                self._tell("incident.responder.added", incident, requester, {"responder": user, "message": message})
        return request

    def merge(self, source: str, into: str, user: str) -> PagerDutyIncident:
        """``source`` becomes a part of ``into``, and is resolved by that."""
        self.incident(into)
        return self.resolve(source, user, merged_into=into)

    def forget(self, id: str) -> None:
        """Gone without a word, as when its service is deleted."""
        del self.incidents[id]

    def tick(self) -> None:
        """Do what time has made due: escalate, let acknowledgements lapse, resolve what ends by itself."""
        now = self.now()
        for one in list(self.incidents.values()):
            service, levels = self.services[one.service], len(self.policies[one.policy].levels)
            if one.open and service.resolution and one.created + service.resolution <= now:
                self.resolve(one.id)
            elif one.status == "acknowledged" and one.lapses is not None and one.lapses <= now:
                self.unacknowledge(one.id)
            elif one.status == "triggered" and one.escalates is not None and one.escalates <= now:
                if one.level < levels:
                    self.escalate(one.id, one.level + 1)
                else:
                    one.escalates = None

    # ------------------------------------------------------------ looking

    def incident(self, id: str) -> PagerDutyIncident:
        if id not in self.incidents:
            raise PagerDutyError(404, 2100, "Not Found")
        return self.incidents[id]

    def by_email(self, email: str) -> PagerDutyUser | None:
        return next((one for one in self.users.values() if one.email.casefold() == email.casefold()), None)

    def on_level(self, policy: EscalationPolicy, level: int, at: float) -> list[str]:
        """User ids whom a level pages at this time."""
        found: dict[str, None] = {}
        for target in policy.levels[level - 1]:
            if target in self.users:
                found[target] = None
            else:
                found.update(
                    dict.fromkeys(user for user, since, _ in self.schedules[target].turns(at, at) if since <= at)
                )
        return list(found)

    # ------------------------------------------------------------ within

    def _at(self) -> float:
        return self.now()

    def _touch(self, incident: PagerDutyIncident, changed_by: str = "") -> float:
        incident.updated = at = self._at()
        if changed_by:
            incident.changed, incident.changed_by = at, changed_by
        return at

    def _to_level(self, incident: PagerDutyIncident, level: int) -> None:
        policy = self.policies[incident.policy]
        incident.level = level
        self._assign(incident, self.on_level(policy, level, self.now()), directly=False)
        incident.escalates = self.now() + policy.delay

    def _assign(self, incident: PagerDutyIncident, users: Sequence[str], *, directly: bool) -> None:
        at = self._at()
        incident.assigned, incident.directly = [(user, at) for user in users], directly
        incident.escalates = None
        self._log(incident, "assign", incident.service, f"Assigned to {', '.join(users)}")
        self._ring(incident)

    def _ring(self, incident: PagerDutyIncident) -> None:
        self.paged += [(self._at(), user, incident.id) for user, _ in incident.assigned]

    def _log(
        self, incident: PagerDutyIncident, kind: str, agent: str, summary: str, more: Mapping[str, Any] | None = None
    ) -> None:
        entry = LogEntry(self._id("R"), f"{kind}_log_entry", self._at(), agent, summary, more or {})
        incident.log.append(entry)

    def _tell(self, kind: str, incident: PagerDutyIncident, agent: str, more: Json | None = None) -> None:
        for listener in self.listeners:
            listener(kind, incident, {"agent": agent, **(more or {})})

    def _id(self, first: str, length: int = 14) -> str:
        return f"{first}{next(self._counter):0{length - 1}X}"
