"""Alerts: what PagerDuty says comes in as sentences too, which only it can say

Section 7 of the runbook. A webhook and polling end in the same sentence; it names the alert, and how things stand is
read from PagerDuty when it is attended to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.action import Risk, action
from bot.domain.call import Call
from bot.domain.due import due
from bot.domain.errors import Gone, Later, Unanswered
from bot.domain.incident import Incident
from bot.domain.reply import Begin, Reply
from bot.domain.tokens import literal
from bot.outside.pagerduty.protocol import STALE, Alert, Pager, transition
from bot.outside.slack.protocol import Chat
from bot.tools import Tools
from handlers.incident import Room
from handlers.oncall import acknowledged
from handlers.updates import figures

PASSED = timedelta(minutes=10)
"""How long ago an alert that nobody here saw open may have ended, to be told of."""

ECHO = timedelta(minutes=2)
"""An escalation that comes so soon after our own is our own."""


@action("/alert", Risk.LOOK, hidden=True, doors=("pagerduty",), incident=False)
def alert(call: Call, tools: Tools, verb: str, alert: str, note: str | None = None, /) -> Reply:
    """Take in what PagerDuty says of an alert.

    verb: what became of it
    alert: PagerDuty's id
    note: the id of a note
    """
    pager = tools.find(Pager)
    if pager is None:
        raise Unanswered("PagerDuty is off")
    incident = tools.incidents.of_alert(alert)
    try:
        seen = pager.alert(alert)
        into = pager.alert(seen.merged_into) if seen.merged_into else None
    except Gone:
        return _gone(incident, alert)
    if into and incident:
        return _merged(tools, incident, seen, into)
    if into:
        incident, seen = tools.incidents.of_alert(into.id), into
    if incident is None:
        return _unknown(call, tools, seen, verb)
    match verb:
        case "acknowledged" if seen.acknowledged and not incident.acknowledged_at and not incident.resolved:
            _housed(incident)
            after = replace(acknowledged_by(incident, tools, seen), figures=figures(incident, tools))
            return acknowledged(after, tools, [])
        case "resolved" if not incident.resolved and not seen.open and seen.id not in incident.over:
            return _said(incident, seen, "oncall/alert_resolved", over=(*incident.over, seen.id))
        case "reopened" if seen.open:
            return _said(incident, seen, "oncall/alert_reopened", over=_without(incident.over, seen.id))
        case "unacknowledged" if seen.status == "triggered" and not incident.resolved:
            return _said(incident, seen, "oncall/alert_unacknowledged")
        case "escalated" if seen.open and not incident.resolved and not _ours(tools, incident, seen):
            return _said(incident, seen, "oncall/alert_escalated")
        case "annotated" if note:
            return _annotated(tools, incident, alert, note)
    raise Unanswered(f"{verb} changes nothing here")


# ---------------------------------------------------------------- alerts that nobody here knows


def _unknown(call: Call, tools: Tools, seen: Alert, verb: str) -> Reply:
    """It joins the open incident of its service, or opens one."""
    services = tools.catalogue.services
    service = next((each for each in services.values() if each.pagerduty == seen.service), None)
    if service is None:
        raise Unanswered("of a service that is not in the catalogue")
    if seen.ours:
        raise Unanswered("made by us, to page somebody")
    facts = {"alert": alert_facts(seen), "service": service.name, "ack": f"/ack {seen.id}"}
    if not seen.open:
        ended = seen.resolved or seen.changed
        if verb != "triggered" or not service.channel or tools.now - ended > PASSED:
            raise Unanswered("over before anyone here heard of it")
        return Reply("oncall/passed", facts | {"ended": ended.timestamp()}, channel=service.channel)
    open_now = [each for each in tools.incidents.open() if each.service == service.name]
    if open_now:
        return _joined(open_now[-1], seen, facts)
    opened = tools.incidents.opened_by(call.id) or Incident(
        number=tools.incidents.next_number(),
        title=" ".join(seen.title.split())[:150] or f"Alert {seen.id}",
        severity="sev2" if seen.urgency == "high" else "sev3",
        opened_at=call.at,
        opened_by="PagerDuty",
        key=call.id,
        service=service.name,
        origin=service.channel,
        alerts=(seen.id,),
        alerted_at=seen.created,
    )
    if seen.acknowledged and not opened.acknowledged_at:
        opened = acknowledged_by(opened, tools, seen)
    return Reply(
        "incident/opened",
        {"number": opened.number, "title": opened.title, "severity": opened.severity, "by": "PagerDuty"},
        to="nobody",
        channel=service.channel,
        incident=opened,
        event={"kind": "opened", "actor": "PagerDuty", "link": seen.url, "at": seen.created},
        begins=[Begin(Room(opened.number), incident=opened.number)],
    )


def _joined(incident: Incident, seen: Alert, facts: dict[str, Any]) -> Reply:
    _housed(incident)
    joined = replace(incident, alerts=(*incident.alerts, seen.id), alerted_at=incident.alerted_at or seen.created)
    return Reply(
        "oncall/joined",
        facts | {"waits": seen.status == "triggered"},
        channel=incident.channel,
        incident=joined,
        event={"kind": "alert", "actor": "PagerDuty", "link": seen.url},
    )


# ---------------------------------------------------------------- what became of those that are known


def acknowledged_by(incident: Incident, tools: Tools, seen: Alert) -> Incident:
    """As somebody did elsewhere: whoever has no account here is named, and does not lead."""
    first = min(seen.acknowledged, key=lambda each: each.at)
    pager = tools.find(Pager)
    known = first.by if first.by.email or pager is None else pager.person(first.by.id)
    user = tools.need(Chat).user_of(known.email) if known and known.email else ""
    return incident.acknowledge(user or first.by.name or "somebody", first.at, lead=user)


def _merged(tools: Tools, incident: Incident, seen: Alert, into: Alert) -> Reply:
    """What it became part of is this incident's alert from now on, unless it is another's already."""
    if seen.id in incident.over:
        raise Unanswered("merged, and said so")
    _housed(incident)
    other = tools.incidents.of_alert(into.id)
    alerts = incident.alerts if other else (*incident.alerts, into.id)
    over = (*incident.over, seen.id)
    elsewhere = other.channel if other and other.number != incident.number else ""
    facts = {"alert": alert_facts(seen), "into": alert_facts(into), "elsewhere": elsewhere}
    return Reply(
        "oncall/alert_merged",
        facts,
        channel=incident.channel,
        incident=replace(incident, alerts=alerts, over=over),
        event={"kind": "alert", "actor": "PagerDuty", "link": into.url},
    )


def _gone(incident: Incident | None, alert: str) -> Reply:
    if incident is None or alert in incident.over:
        raise Unanswered("PagerDuty does not know it any more")
    return Reply(
        "oncall/alert_gone",
        {"alert": alert, "resolve": "/incident resolve"},
        channel=incident.channel or incident.origin,
        incident=replace(incident, over=(*incident.over, alert)),
        event={"kind": "alert", "actor": "PagerDuty"},
    )


def _said(incident: Incident, seen: Alert, template: str, over: tuple[str, ...] | None = None) -> Reply:
    _housed(incident)
    facts = {
        "alert": alert_facts(seen),
        "number": incident.number,
        "resolved": incident.resolved,
        "resolve": "/incident resolve",
        "reopen": "/incident reopen",
        "ack": f"/ack {seen.id}",
    }
    after = incident if over is None else replace(incident, over=over)
    event = {"kind": "alert", "actor": "PagerDuty", "link": seen.url}
    return Reply(template, facts, channel=incident.channel, incident=after, event=event)


def _annotated(tools: Tools, incident: Incident, alert: str, note: str) -> Reply:
    """A note that somebody wrote in PagerDuty belongs on the timeline; the bot's own came from there."""
    found = next((each for each in tools.need(Pager).notes(alert) if each.id == note), None)
    if found is None or found.ours:
        raise Unanswered("our own note")
    _housed(incident)
    text = literal(found.text)  # PagerDuty knows no mentions: none can be meant
    event = {"kind": "note", "actor": found.author, "at": found.at, "text": text}
    facts = {"text": text, "actor": found.author}
    return Reply("incident/noted", facts, channel=incident.channel, incident=incident, event=event)


def _ours(tools: Tools, incident: Incident, seen: Alert) -> bool:
    """Whether we have just escalated it ourselves, and said so."""
    return any(
        each.kind == "escalated" and abs(each.at - seen.changed) < ECHO
        for each in tools.incidents.timeline(incident.number)
    )


def _housed(incident: Incident) -> None:
    """Raises Later while its channel is being made: what is to be said there comes after."""
    if not incident.channel:
        raise Later(2.0, f"incident {incident.number} has no channel yet")


def _without(over: tuple[str, ...], alert: str) -> tuple[str, ...]:
    return tuple(each for each in over if each != alert)


def alert_facts(seen: Alert) -> dict[str, Any]:
    """What a template may say of an alert."""
    return {
        "id": seen.id,
        "title": seen.title,
        "url": seen.url,
        "urgency": seen.urgency,
        "service": seen.service_name,
        "created": seen.created.timestamp(),
        "status": seen.status,
        "by": seen.changed_by,
        "acknowledgers": seen.acknowledgers,
    }


# ---------------------------------------------------------------- what a webhook missed


@due("poll", every=timedelta(seconds=30))
def polled(of: str, tools: Tools) -> Sequence[Call]:
    """Look for what a webhook missed; with no public address this is all there is."""
    pager = tools.find(Pager)
    services = [each.pagerduty for each in tools.catalogue.services.values() if each.pagerduty]
    return poll(pager, services, tools.now) if pager and services else []


def poll(pager: Pager, services: Sequence[str], now: datetime) -> list[Call]:
    """What became of these services' alerts within a day, oldest first: what webhooks told, and what they did not.

    Finds alerts that were triggered, acknowledged, resolved, or fell back from either; of escalations, notes and
    responders, on which nothing hangs, only webhooks tell. Two requests, and one for each alert that waits and has
    changed since it was triggered. Raises what ``pager`` raises.
    """
    since = now - STALE
    alerts = [*pager.open(services), *pager.resolved(services, since)]
    calls = [call for alert in alerts for call in _history(pager, alert, since)]
    return sorted((call for call in calls if call.at >= since), key=lambda call: call.at)


def _history(pager: Pager, alert: Alert, since: datetime) -> list[Call]:
    calls = [transition(alert.id, "triggered", alert.created)]
    calls += [transition(alert.id, "acknowledged", each.at) for each in alert.acknowledged]
    if alert.resolved:
        calls.append(transition(alert.id, "resolved", alert.resolved))
    elif alert.status == "triggered" and alert.changed > alert.created and alert.changed >= since:
        calls += [transition(alert.id, verb, at) for verb, at in pager.relapses(alert.id, alert.created).items()]
    return calls
