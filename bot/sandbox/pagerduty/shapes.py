"""The account's things as PagerDuty writes them: in REST's words, and in those of webhooks, which differ in places."""

from __future__ import annotations

from typing import Any

from bot.sandbox.pagerduty.account import Account
from bot.sandbox.pagerduty.model import (
    EscalationPolicy,
    IncidentNote,
    Json,
    LogEntry,
    PagerDutyIncident,
    PagerDutyService,
    PagerDutyUser,
    Schedule,
    iso,
)

WEB = "https://reposter.pagerduty.example"
_ROOMS = {
    "user": "users",
    "service": "services",
    "schedule": "schedules",
    "escalation_policy": "escalation_policies",
    "incident": "incidents",
    "priority": "priorities",
}


class Shapes:
    """``base`` is the API's own address, for the ``self`` of each thing."""

    def __init__(self, account: Account, base: str) -> None:
        self._account = account
        self._base = base

    def reference(self, kind: str, id: str) -> Json:
        """``{"id": …, "type": "user_reference", "summary": …}``"""
        return self._thing(kind, id, f"{kind}_reference", self._name(kind, id))

    def agent(self, id: str) -> Json | None:
        if not id:
            return None
        return self.reference("user" if id in self._account.users else "service", id)

    def user(self, one: PagerDutyUser) -> Json:
        return {
            **self._thing("user", one.id, "user", one.name),
            "name": one.name,
            "email": one.email,
            "time_zone": "Etc/UTC",
            "role": one.role,
            "teams": [],
            "contact_methods": [],
            "notification_rules": [],
        }

    def service(self, one: PagerDutyService) -> Json:
        return {
            **self._thing("service", one.id, "service", one.name),
            "name": one.name,
            "status": "active",
            "acknowledgement_timeout": one.acknowledgement,
            "auto_resolve_timeout": one.resolution,
            "escalation_policy": self.reference("escalation_policy", one.policy),
        }

    def policy(self, one: EscalationPolicy) -> Json:
        rules = [
            {
                "id": f"{one.id}R{number}",
                "escalation_delay_in_minutes": int(one.delay // 60),
                "targets": [self._target(target) for target in level],
            }
            for number, level in enumerate(one.levels, 1)
        ]
        return {
            **self._thing("escalation_policy", one.id, "escalation_policy", one.name),
            "name": one.name,
            "escalation_rules": rules,
            "num_loops": 0,
        }

    def _target(self, id: str) -> Json:
        return self.reference("user" if id in self._account.users else "schedule", id)

    def schedule(self, one: Schedule) -> Json:
        return {
            **self._thing("schedule", one.id, "schedule", one.name),
            "name": one.name,
            "time_zone": "Etc/UTC",
            "users": [self.reference("user", user) for user in one.users],
        }

    def priority(self, id: str) -> Json:
        name = self._account.priorities[id]
        return {**self._thing("priority", id, "priority", name), "name": name, "description": ""}

    def oncall(
        self, policy: EscalationPolicy, level: int, user: str, schedule: str, turn: tuple[float, float] | None
    ) -> Json:
        return {
            "escalation_policy": self.reference("escalation_policy", policy.id),
            "escalation_level": level,
            "schedule": self.reference("schedule", schedule) if schedule else None,
            "user": self.reference("user", user),
            "start": iso(turn[0]) if turn else None,
            "end": iso(turn[1]) if turn else None,
        }

    def incident(self, one: PagerDutyIncident) -> Json:
        """As REST shows it."""
        now = self._account.now()
        waiting = [("unacknowledge", one.lapses), ("escalate", one.escalates)]
        return {
            **self._thing("incident", one.id, "incident", f"[#{one.number}] {one.title}"),
            "incident_number": one.number,
            "title": one.title,
            "created_at": iso(one.created),
            "updated_at": iso(one.updated),
            "status": one.status,
            "incident_key": one.key,
            "service": self.reference("service", one.service),
            "assignments": [
                {"at": iso(at), "assignee": self.reference("user", user)} for user, at in one.assigned if one.open
            ],
            "assigned_via": "direct_assignment" if one.directly else "escalation_policy",
            # While it is triggered, this is the time of its last change of any kind: PagerDuty's own words.
            "last_status_change_at": iso(one.updated if one.status == "triggered" else one.changed),
            "last_status_change_by": self.agent(one.changed_by),
            "resolved_at": iso(one.resolved),
            "first_trigger_log_entry": {"id": one.log[0].id, "type": "trigger_log_entry_reference"},
            "alert_counts": {"all": 0, "triggered": 0, "resolved": 0},
            "is_mergeable": True,
            "escalation_policy": self.reference("escalation_policy", one.policy),
            "teams": [],
            "pending_actions": [{"type": kind, "at": iso(at)} for kind, at in waiting if at is not None and at > now],
            "acknowledgements": [
                {"at": iso(at), "acknowledger": self.reference("user", user)} for user, at in one.acknowledged
            ],
            "alert_grouping": None,
            "priority": self.priority(one.priority) if one.priority else None,
            "resolve_reason": self._merged(one),
            "incidents_responders": [],
            "responder_requests": [self.responder_request(one, each) for each in one.responder_requests],
            "urgency": one.urgency,
        }

    def webhook_data(self, one: PagerDutyIncident) -> Json:
        """As a webhook shows it: ``number``, and neither acknowledgements nor the time of the last change."""
        return {
            **self._thing("incident", one.id, "incident", ""),
            "number": one.number,
            "status": one.status,
            "incident_key": one.key,
            "created_at": iso(one.created),
            "title": one.title,
            "service": self.reference("service", one.service),
            "assignees": [self.reference("user", user) for user, _ in one.assigned],
            "escalation_policy": self.reference("escalation_policy", one.policy),
            "teams": [],
            "priority": self.reference("priority", one.priority) if one.priority else None,
            "urgency": one.urgency,
            "conference_bridge": None,
            "resolve_reason": self._merged(one),
        }

    def _merged(self, one: PagerDutyIncident) -> Json | None:
        if not one.merged_into:
            return None
        return {"type": "merge_resolve_reason", "incident": self.reference("incident", one.merged_into)}

    def responder_request(self, one: PagerDutyIncident, request: Json) -> Json:
        targets = [
            {"responder_request_target": {"id": id, "type": kind, "incidents_responders": []}}
            for id, kind in request["targets"]
        ]
        return {
            "incident": self.reference("incident", one.id),
            "requester": self.reference("user", request["requester"]),
            "requested_at": iso(request["at"]),
            "message": request["message"],
            "responder_request_targets": targets,
        }

    def note(self, one: IncidentNote) -> Json:
        return {
            "id": one.id,
            "user": self.reference("user", one.user),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": one.content,
            "created_at": iso(one.at),
        }

    def log_entry(self, incident: PagerDutyIncident, one: LogEntry) -> Json:
        return {
            "id": one.id,
            "type": one.kind,
            "summary": one.summary,
            "self": f"{self._base}/log_entries/{one.id}",
            "html_url": None,
            "created_at": iso(one.at),
            "agent": self.agent(one.agent),
            "channel": {"type": "api"},
            "incident": self.reference("incident", incident.id),
            **one.more,
        }

    def _thing(self, kind: str, id: str, type: str, summary: str) -> Json:
        room = _ROOMS[kind]
        found: dict[str, Any] = {
            "id": id,
            "type": type,
            "summary": summary,
            "self": f"{self._base}/{room}/{id}",
            "html_url": f"{WEB}/{room}/{id}",
        }
        return found if summary else {name: value for name, value in found.items() if name != "summary"}

    def _name(self, kind: str, id: str) -> str:
        account = self._account
        if kind == "incident":
            incident = account.incidents.get(id)
            return f"[#{incident.number}] {incident.title}" if incident else id
        if kind == "priority":
            return account.priorities.get(id, id)
        rooms: dict[str, Any] = {
            "user": account.users,
            "service": account.services,
            "schedule": account.schedules,
            "escalation_policy": account.policies,
        }
        found = rooms[kind].get(id)
        return str(found.name) if found else id
