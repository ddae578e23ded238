"""PagerDuty's REST API as ``Pager``: alerts, what is done to them, and paging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain.border import outgoing
from bot.domain.errors import Gone, Refused, Unreachable
from bot.outside.pagerduty.api import safe, unless_gone
from bot.outside.pagerduty.errors import NotInPlan
from bot.outside.pagerduty.people import Actor, PagerDutyPeople
from bot.outside.pagerduty.protocol import OUR_KEY, Acting, Alert, Done, Note, Paged, Person, Policy, Relapse
from bot.outside.pagerduty.shapes import (
    alert,
    fresh,
    mark,
    marked,
    note,
    oncall,
    part,
    parts,
    ranked,
    reference,
    relapses,
    text,
)

IsDue = Callable[[Alert], bool]


class PagerDuty(PagerDutyPeople):
    """``Pager``. Safe to share between threads.

    ``sender``: the e-mail of the user to act as where the one who asks is no PagerDuty user; "" for the key's owner.
    """

    # ------------------------------------------------------------ alerts

    def alert(self, id: str) -> Alert:
        return alert(part(self._get(f"incidents/{safe(id)}", f"alert `{id}`"), "incident"))

    def open(self, services: Sequence[str]) -> Sequence[Alert]:
        if not services:
            return []  # without any, PagerDuty would list those of all
        found = self._pages(
            "incidents",
            "incidents",
            {
                "service_ids": list(services),
                "statuses": ["triggered", "acknowledged"],
                "sort_by": "created_at:asc",
                "date_range": "all",  # else only those of the last month
            },
        )
        return [alert(each) for each in found]

    def resolved(self, services: Sequence[str], since: datetime) -> Sequence[Alert]:
        asked = {"service_ids": list(services), "statuses": ["resolved"], "date_range": "all"}
        found: list[Alert] = []
        for each in self._pages("incidents", "incidents", {**asked, "sort_by": "resolved_at:desc"}) if services else ():
            one = alert(each)
            if (one.resolved or one.changed) < since:
                break
            found.append(one)
        return found

    def relapses(self, id: str, since: datetime) -> Mapping[Relapse, datetime]:
        entries = self._pages(f"incidents/{safe(id)}/log_entries", "log_entries", {"is_overview": "true"})
        return relapses(entries, since)

    # ------------------------------------------------------------ what is done to them

    def acknowledge(self, id: str, by: Acting) -> Done:
        return self._change(id, by, "acknowledged", {"status": "acknowledged"}, lambda now: now.status == "triggered")

    def resolve(self, id: str, by: Acting, resolution: str = "") -> Done:
        said = {"resolution": outgoing(resolution)[:1000]} if resolution else {}
        wanted = {"status": "resolved", **said}
        return self._change(id, by, "resolved", wanted, lambda now: now.open)

    def escalate(self, id: str, level: int, by: Acting) -> Done:
        def due(now: Alert) -> bool:
            return now.status == "triggered" and self.level(now) < level

        now = self.alert(id)
        if due(now) and now.policy:
            policy = unless_gone(lambda: self._policy(now.policy))
            if policy and policy.levels and level > policy.levels:
                most = "1 level" if policy.levels == 1 else f"{policy.levels} levels"
                raise Refused(f"The escalation policy {policy.name} has only {most}: there is nobody further to page.")
        return self._change(id, by, f"escalated to level {level}", {"escalation_level": level}, due)

    def _change(self, id: str, by: Acting, did: str, wanted: Mapping[str, Any], due: IsDue) -> Done:
        """Read, and send what is wanted if it is due. Whom the configured user acts for is named in a note before."""
        now = self.alert(id)
        if not due(now):
            return Done(now, new=False)
        actor = self._actor(by)
        if not actor.own and by.name:
            self.note(id, f"To be {did} by {by.name}, from Slack.", by, f"{did} {now.changed.isoformat()} {by.name}")
        body = {"incident": {"type": "incident_reference", **wanted}}
        try:
            sent = self._send("PUT", f"incidents/{safe(id)}", f"alert `{id}`", body, actor.user.email)
        except (Gone, Unreachable):
            raise
        except Refused:
            now = self.alert(id)
            if due(now):
                raise
            return Done(now, new=False)  # somebody was quicker
        return Done(alert(part(sent, "incident")), new=True, as_user=actor.user.name)

    def note(self, id: str, text: str, by: Acting, key: str) -> bool:
        path, what, signed = f"incidents/{safe(id)}/notes", f"alert `{id}`", mark("note", id, key)
        there = parts(unless_gone(lambda: self._get(path, what)) or {}, "notes")
        if any(signed in str(each.get("content")) for each in there):
            return False
        body = {"note": {"content": marked(outgoing(text), signed)}}
        self._send("POST", path, what, body, self._actor(by).user.email)
        return True

    def notes(self, id: str) -> Sequence[Note]:
        found = parts(self._get(f"incidents/{safe(id)}/notes", f"alert `{id}`"), "notes")
        return sorted((note(each) for each in reversed(found)), key=lambda each: each.at)

    def set_severity(self, id: str, severity: str, by: Acting) -> str:
        try:
            known = self._remembered("priorities", lambda: list(self._pages("priorities", "priorities", {})))
        except (NotInPlan, Gone):
            return ""
        wanted = ranked(known, severity)
        if not wanted:
            return ""
        name = text(wanted, "name") or text(wanted, "summary")
        if self.alert(id).priority != name:
            priority = {"id": text(wanted, "id"), "type": "priority_reference"}
            body = {"incident": {"type": "incident_reference", "priority": priority}}
            self._send("PUT", f"incidents/{safe(id)}", f"alert `{id}`", body, self._actor(by).user.email)
        return name

    # ------------------------------------------------------------ paging

    def page(
        self, target: Person | Policy, why: str, by: Acting, key: str, *, alert: str = "", service: str = ""
    ) -> Paged:
        actor, signed, why = self._actor(by), mark("page", target.id, key), outgoing(why)
        if alert:
            now = self._get(f"incidents/{safe(alert)}", f"alert `{alert}`")["incident"]
            service = service or text(part(now, "service"), "id")
            if any(signed in text(each, "message") for each in parts(now, "responder_requests")):
                return Paged(target.name, alert, text(now, "html_url"), new=False)
            body = {
                "requester_id": actor.user.id,
                "message": marked(why[:500], signed),
                "responder_request_targets": [{"responder_request_target": reference(target)}],
            }
            try:
                self._send(
                    "POST", f"incidents/{safe(alert)}/responder_requests", f"alert `{alert}`", body, actor.user.email
                )
                return Paged(target.name, alert, text(now, "html_url"), new=True)
            except NotInPlan:
                pass  # responders belong to the larger plans; an alert of their own reaches everybody on any
        if not service:
            raise Refused("To page somebody, PagerDuty needs to know about which service: name one in the catalogue.")
        return self._page_anew(target, why, actor, signed, service)

    def _page_anew(self, target: Person | Policy, why: str, actor: Actor, signed: str, service: str) -> Paged:
        key = OUR_KEY + signed.strip("[]").split()[-1]
        asked = {"incident_key": key, "service_ids": [service], "date_range": "all"}
        body = {"incident": fresh(target, why, service, key)}
        there = next(self._pages("incidents", "incidents", asked), None)
        new = there is None
        if there is None:
            try:
                sent = self._send("POST", "incidents", f"service `{service}`", body, actor.user.email)
                there = part(sent, "incident")
            except Unreachable:
                raise
            except Refused:
                # An open one with this key: an earlier try of ours, which was on its way when we looked.
                there, new = next(self._pages("incidents", "incidents", asked), None), False
                if there is None:
                    raise
        return Paged(target.name, text(there, "id"), text(there, "html_url"), new)

    def level(self, alert: Alert) -> int:
        mine = {each.id for each in alert.assigned}
        if not alert.policy or not mine:
            return 1
        asked = {"escalation_policy_ids": [alert.policy], "user_ids": sorted(mine)}
        found = unless_gone(lambda: [oncall(each) for each in self._pages("oncalls", "oncalls", asked)]) or []
        # Who stands on two levels counts for the upper one: better to page nobody again than everybody twice.
        return max((each.level for each in found if each.person.id in mine), default=1)
