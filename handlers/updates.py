"""The incident's course: updates every 15 minutes, severity, lead, snooze, mitigation, and what customers are told

Section 7 of the runbook, and the status page of section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.border import outgoing
from bot.domain.call import Call
from bot.domain.errors import FirewatchError, Refused
from bot.domain.incident import Event, Incident, update_due
from bot.domain.parameters import Text, User, duration_words
from bot.domain.reply import Begin, File, Reply
from bot.outside.pagerduty.protocol import Pager
from bot.outside.queues.protocol import Queues
from bot.outside.statuspage.protocol import StatusPage
from bot.tools import Tools
from handlers.incident import mirrored
from handlers.outside import PageCreate, PagerSeverity, PageUpdate
from handlers.which import about, here

LONGEST = 2500
"""Characters of an update that the message shows; with more, the whole of it is in a file below."""


def last_update(call: Call, tools: Tools) -> Mapping[str, Any]:
    """What the form of an update begins with: what was said last."""
    incident = about(call, tools)
    return {key: value for key, value in incident.update.items() if value} if incident else {}


@action("/incident update", Risk.ACT, form=last_update)
def update(
    call: Call,
    tools: Tools,
    text: Text,
    impact: str | None = None,
    known: str | None = None,
    doing: str | None = None,
    next: timedelta | None = None,
    public: bool = False,
) -> Reply:
    """Post a status update.

    text: how things stand; the clock of the next update starts anew
    impact: who is affected, and how
    known: what is known of the cause
    doing: what is being done
    next: when the next update follows, such as 10m; at most as long as `[clocks]` allows for its severity
    public: also to the status page, which it is put on if it is not there yet
    """
    incident = here(call, tools)
    pace = tools.catalogue.pace(incident.severity)
    if next is not None and next < timedelta(minutes=1):
        raise Refused("The next update follows in `1m` at the soonest.")
    if public:
        tools.need(StatusPage)
        if as_it_leaves(text) != text:
            values = {"impact": impact, "known": known, "doing": doing, "next": next, "public": True}
            return unlike("/incident update", incident, text, {key: each for key, each in values.items() if each})
    said = {"text": text[:LONGEST], "impact": impact or "", "known": known or "", "doing": doing or ""}
    after = incident.updated(call.at, said, call.at + next if next else None)
    after = replace(after, figures=figures(incident, tools))
    due = update_due(after, pace)
    facts = {
        **said,
        "by": call.actor,
        "public": public,
        "due": due.timestamp() if due else None,
        "severity": incident.severity,
        "most": pace.update if next and next > pace.update else None,
        "length": len(text) if len(text) > LONGEST else 0,
    }
    begins = mirrored(after, call, tools, f"Update: {text}")
    if public:
        begins.append(told(incident, text))
    files = [File("update.txt", "The whole update", text=text)] if len(text) > LONGEST else []
    event = {"kind": "update", "text": f"Update: {text}"}
    return Reply("incident/update", facts, incident=after, event=event, begins=begins, files=files)


@action("/incident severity", Risk.ACT)
def severity(call: Call, tools: Tools, severity: Literal["sev1", "sev2", "sev3", "sev4"]) -> Reply:
    """Change the severity, and with it the pace of its clocks.

    severity: sev1 is the worst
    """
    incident = here(call, tools)
    incident.still_open()
    if incident.severity == severity:
        raise Refused(f"Incident {incident.number} is {severity} already.")
    facts = {"before": incident.severity, "after": severity, "by": call.actor}
    begins = []
    if tools.find(Pager) and incident.alert:
        begins = [Begin(PagerSeverity(incident.alert, severity), incident=incident.number)]
    after = replace(incident, severity=severity)
    return Reply("incident/severity", facts, incident=after, event={"kind": "severity"}, begins=begins)


@action("/incident lead", Risk.ACT)
def lead(call: Call, tools: Tools, user: User) -> Reply:
    """Say who leads.

    user: a mention, such as @maria
    """
    incident = here(call, tools)
    incident.still_open()
    if incident.lead == user:
        raise Refused(f"<@{user}> leads already.")
    facts = {"before": incident.lead, "after": user, "by": call.actor}
    return Reply("incident/lead", facts, incident=replace(incident, lead=user), event={"kind": "lead"})


@action("/incident snooze", Risk.ACT, form=True)
def snooze(call: Call, tools: Tools, span: timedelta, why: Text) -> Reply:
    """Put off the next update, with a reason on record.

    span: for how long, such as 30m; at most 4h
    why: why nothing is to be said until then
    """
    if not timedelta(minutes=1) <= span <= timedelta(hours=4):
        raise Refused("A snooze lasts from 1m to 4h.")
    incident = here(call, tools).snooze(call.at + span)
    due = update_due(incident, tools.catalogue.pace(incident.severity)) or call.at + span
    facts = {"until": due.timestamp(), "why": why, "by": call.actor}
    event = {"kind": "snooze", "text": f"Updates put off for {duration_words(span)}: {why}"}
    return Reply("incident/snoozed", facts, incident=incident, event=event)


@action("/incident mitigate", Risk.ACT)
def mitigate(call: Call, tools: Tools) -> Reply:
    """Say that customers no longer suffer, though the cause is still there."""
    incident = here(call, tools).mitigate(call.at)
    facts = {"by": call.actor, "seconds": incident.lasted(call.at).total_seconds()}
    begins = mirrored(incident, call, tools, "Mitigated.")
    return Reply("incident/mitigated", facts, incident=incident, event={"kind": "mitigated"}, begins=begins)


@action("/incident reopen", Risk.ACT, form=True)
def reopen(call: Call, tools: Tools, why: Text) -> Reply:
    """Open a resolved incident again.

    why: what showed that it is not over
    """
    incident = here(call, tools).reopen(call.at)
    return Reply("incident/reopened", {"why": why, "by": call.actor}, incident=incident, event={"kind": "reopened"})


def _published(call: Call, tools: Tools) -> Mapping[str, Any]:
    incident = about(call, tools)
    return {"text": draft(incident)} if incident else {}


@action("/incident publish", Risk.ACT, form=_published)
def publish(call: Call, tools: Tools, text: Text) -> Reply:
    """Put the incident on the status page.

    text: what customers are told
    """
    incident = here(call, tools)
    incident.still_open()
    tools.need(StatusPage)
    if incident.status_page:
        raise Refused("It is on the status page already.", "`/incident update TEXT --public` says what is new there.")
    if as_it_leaves(text) != text:
        return unlike("/incident publish", incident, text, {})
    facts = {"text": text, "by": call.actor}
    event = {"kind": "publishing"}
    return Reply("incident/publishing", facts, note=True, event=event, begins=[told(incident, text)])


def told(incident: Incident, text: str) -> Begin:
    """Tell customers: what is new, or the first word."""
    if incident.status_page:
        return Begin(PageUpdate(incident.number, incident.status_page, text), incident=incident.number)
    return Begin(PageCreate(incident.number, incident.title, text), incident=incident.number)


def as_it_leaves(text: str) -> str:
    """The text as customers would read it."""
    return outgoing(text).strip() or "…"


def unlike(name: str, incident: Incident, text: str, values: Mapping[str, Any]) -> Reply:
    """Ask first where customers would read something else than was written, showing what they would read."""
    leaves = as_it_leaves(text)
    again = ACTIONS[name].sentence(incident.number, text=leaves, **values)
    return Reply("incident/as_it_goes_out", {"text": leaves, "publish": again}, to="asker")


def draft(incident: Incident) -> str:
    """A first word to customers, from what was last said of the impact."""
    impact = " ".join(incident.update.get("impact", "").split()).rstrip(".") or incident.title
    return f"We are investigating a problem: {impact}. We will tell you more within the hour."


def figures(incident: Incident, tools: Tools) -> Mapping[str, int]:
    """Its queue now: ``depth``, ``failed``, ``workers``; nothing where it has none or that cannot be asked."""
    service = tools.catalogue.services.get(incident.service)
    if service is None or not service.queue:
        return {}
    try:
        seen = tools.need(Queues).get(service.queue).status()
    except FirewatchError:
        return {}
    return {"depth": seen.depth, "failed": seen.failed, "workers": seen.workers}


TOLD = 4
"""Events that a reminder shows: the latest."""

QUIET = ("update", "opened", "acknowledged", "runbook", "missed")
"""Kinds of Events that are no news to whoever has to write an update."""


def since_last(incident: Incident, tools: Tools) -> tuple[list[Mapping[str, Any]], int]:
    """What happened since the last update, for the reminder of the next; and how much more than is shown."""
    start = incident.updated_at or incident.acknowledged_at or incident.opened_at

    def new(event: Event) -> bool:
        return event.at > start and event.kind not in QUIET

    events = [each for each in tools.incidents.timeline(incident.number) if new(each)]
    shown: list[Mapping[str, Any]] = [
        {"at": each.at.timestamp(), "actor": each.actor, "text": each.text} for each in events[-TOLD:]
    ]
    return shown, len(events) - len(shown)
