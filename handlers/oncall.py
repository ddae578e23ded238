"""On call: alerts, acknowledgement, who is on call, and what time makes due

Section 7 of the runbook. What a clock or a pager says comes in as sentences too, which only they can say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.action import ACTIONS, Begin, Call, FirewatchError, Refused, Reply, Risk, Text, Unanswered, action
from bot.incident import Duty, Incident, duties, update_due
from bot.outside import Alert
from bot.tools import Tools
from handlers.incident import here
from handlers.updates import draft, since_last

# ---------------------------------------------------------------- acknowledging


@action("/ack", Risk.ACT)
def ack(call: Call, tools: Tools, alert: str | None = None, /) -> Reply:
    """Acknowledge the alert of this channel, in your own name.

    alert: PagerDuty's id of another alert
    """
    incident = tools.incidents.of_alert(alert) if alert else here(call, tools)
    if incident is None:
        if tools.pager is None:
            raise Refused(tools.off("pagerduty"))
        data = {"alert": alert, "by": call.actor}
        return Reply("oncall/acking", {"alert": alert, "by": call.actor}, begins=[Begin("pager-ack", data)])
    after = incident.acknowledge(call.actor, call.at, lead=call.actor)
    since = incident.alerted_at or incident.opened_at
    facts = {
        "number": incident.number,
        "by": call.actor,
        "seconds": (call.at - since).total_seconds(),
        "due": _due(after, tools),
        "update": "/incident update",
    }
    begins = [
        Begin("pager-ack", {"number": incident.number, "alert": each, "by": call.actor}) for each in incident.alerts
    ]
    if not tools.pager:
        begins = []
    return Reply("oncall/acknowledged", facts, incident=after, event={"kind": "acknowledged"}, begins=begins)


def _due(incident: Incident, tools: Tools) -> float | None:
    due = update_due(incident, tools.catalogue.pace(incident.severity))
    return due.timestamp() if due else None


# ---------------------------------------------------------------- who is on call


@action("/oncall show", Risk.LOOK)
def show(call: Call, tools: Tools) -> Reply:
    """Show who is on call now, until when, and who is next."""
    turns: list[dict[str, Any]] = []
    down = ""
    if tools.pager:
        services = [each.pagerduty for each in tools.catalogue.services.values() if each.pagerduty]
        try:
            found = tools.pager.oncall(services, tools.now, tools.now + timedelta(days=7)) if services else []
            turns = [
                {
                    "name": each.person.name,
                    "level": each.level,
                    "policy": each.policy_name,
                    "now": each.now(tools.now),
                    "since": each.since.timestamp() if each.since else None,
                    "until": each.until.timestamp() if each.until else None,
                }
                for each in found
            ][:20]
        except FirewatchError as away:
            down = str(away)
    facts = {
        "oncall": list(tools.people.oncall()),
        "leads": list(tools.people.leads()),
        "turns": turns,
        "down": down,
        "off": None if tools.pager else tools.off("pagerduty"),
    }
    return Reply("oncall/show", facts)


@action("/oncall page", Risk.ACT, form=True)
def page(call: Call, tools: Tools, who: str, why: Text) -> Reply:
    """Page a person or an escalation policy through PagerDuty.

    who: a mention such as @maria, or the name or id of an escalation policy
    why: what they are needed for
    """
    if tools.pager is None:
        raise Refused(tools.off("pagerduty"))
    incident = tools.incidents.of_channel(call.channel)
    service = next((each for each in tools.catalogue.services.values() if each.pagerduty), None)
    if incident and incident.service in tools.catalogue.services:
        service = tools.catalogue.services[incident.service]
    data = {
        "number": incident.number if incident else None,
        "alert": incident.alert if incident else "",
        "service": service.pagerduty if service else "",
        "who": who,
        "why": why,
        "by": call.actor,
        "key": call.id,
    }
    return Reply(
        "oncall/paging",
        {"who": _named(who), "why": why, "by": call.actor},
        note=True,
        begins=[Begin("pager-page", data)],
    )


def _named(who: str) -> str:
    return who.removeprefix("<@").partition("|")[0].removesuffix(">") if who.startswith("<@") else who


# ---------------------------------------------------------------- alerts


@action("/alert", Risk.LOOK, hidden=True, doors=("pagerduty",))
def alert(call: Call, tools: Tools, verb: str, alert: str, note: str | None = None, /) -> Reply:
    """Take in what PagerDuty says of an alert.

    verb: what became of it
    alert: PagerDuty's id
    note: the id of a note
    """
    if tools.pager is None:
        raise Unanswered("PagerDuty is off")
    incident = tools.incidents.of_alert(alert)
    seen = tools.pager.alert(alert)
    if seen.merged_into:
        seen = tools.pager.alert(seen.merged_into)
    if incident is None:
        return _triggered(call, tools, seen, verb)
    match verb:
        case "acknowledged" if seen.acknowledged and not incident.acknowledged_at and not incident.resolved:
            return _acknowledged_elsewhere(call, tools, incident, seen)
        case "resolved" if not incident.resolved:
            return _said(call, incident, seen, "oncall/alert_resolved")
        case "reopened" | "unacknowledged" | "escalated" if not incident.resolved and seen.open:
            return _said(call, incident, seen, f"oncall/alert_{verb}")
        case "annotated" if note:
            return _annotated(tools, incident, alert, note)
    raise Unanswered(f"{verb} changes nothing here")


def _triggered(call: Call, tools: Tools, seen: Alert, verb: str) -> Reply:
    """An alert nobody here knows: it joins the open incident of its service, or opens one."""
    services = tools.catalogue.services
    service = next((each for each in services.values() if each.pagerduty == seen.service), None)
    if service is None:
        raise Unanswered("of a service that is not in the catalogue")
    if not seen.open:
        raise Unanswered("over before anyone here heard of it")
    facts = {"alert": _alert_facts(seen), "service": service.name}
    open_now = [each for each in tools.incidents.open() if each.service == service.name]
    if open_now:
        incident = open_now[-1]
        joined = replace(incident, alerts=(*incident.alerts, seen.id), alerted_at=incident.alerted_at or seen.created)
        return Reply(
            "oncall/joined",
            facts,
            channel=incident.channel or incident.origin,
            incident=joined,
            event={"kind": "alert", "actor": "PagerDuty", "link": seen.url},
        )
    opened = tools.incidents.opened_by(call.id) or Incident(
        number=tools.incidents.next_number(),
        title=seen.title[:150],
        severity="sev2" if seen.urgency == "high" else "sev3",
        opened_at=call.at,
        opened_by="PagerDuty",
        key=call.id,
        service=service.name,
        origin=service.channel,
        alerts=(seen.id,),
        alerted_at=seen.created,
    )
    if seen.acknowledged:
        opened = _acknowledged_by(opened, tools, seen)
    return Reply(
        "incident/opened",
        {"number": opened.number, "title": opened.title, "severity": opened.severity, "by": "PagerDuty"},
        to="nobody",
        incident=opened,
        event={"kind": "opened", "actor": "PagerDuty", "link": seen.url},
        begins=[Begin("room", {"number": opened.number})],
    )


def _acknowledged_by(incident: Incident, tools: Tools, seen: Alert) -> Incident:
    first = seen.acknowledged[0]
    user = tools.chat.user_of(first.by.email)
    return incident.acknowledge(user or first.by.name, first.at, lead=user)


def _acknowledged_elsewhere(call: Call, tools: Tools, incident: Incident, seen: Alert) -> Reply:
    after = _acknowledged_by(incident, tools, seen)
    since = incident.alerted_at or incident.opened_at
    facts = {
        "number": incident.number,
        "by": after.acknowledged_by,
        "seconds": (seen.acknowledged[0].at - since).total_seconds(),
        "due": _due(after, tools),
        "update": "/incident update",
    }
    event = {"kind": "acknowledged", "actor": after.acknowledged_by, "at": seen.acknowledged[0].at}
    return Reply("oncall/acknowledged", facts, channel=incident.channel, incident=after, event=event)


def _said(call: Call, incident: Incident, seen: Alert, template: str) -> Reply:
    facts = {"alert": _alert_facts(seen), "number": incident.number, "resolve": "/incident resolve", "ack": "/ack"}
    event = {"kind": "alert", "actor": "PagerDuty", "link": seen.url}
    return Reply(template, facts, channel=incident.channel or incident.origin, incident=incident, event=event)


def _annotated(tools: Tools, incident: Incident, alert: str, note: str) -> Reply:
    """A note that somebody wrote in PagerDuty belongs on the timeline; the bot's own came from there."""
    assert tools.pager is not None
    found = next((each for each in tools.pager.notes(alert) if each.id == note), None)
    if found is None or found.ours:
        raise Unanswered("our own note")
    event = {"kind": "note", "actor": found.author, "at": found.at, "text": found.text}
    return Reply(
        "incident/noted",
        {"text": found.text, "actor": found.author},
        channel=incident.channel,
        incident=incident,
        event=event,
    )


def _alert_facts(seen: Alert) -> dict[str, Any]:
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


# ---------------------------------------------------------------- what time makes due


@action("/duty", Risk.LOOK, hidden=True, doors=("clock",))
def duty(call: Call, tools: Tools, name: str, number: int, at: datetime, /) -> Reply:
    """Remind of what is due, if it still is.

    name: which duty
    number: of which incident
    at: since when it is due
    """
    incident = tools.incidents.get(number)
    pace = tools.catalogue.pace(incident.severity)
    owed = next((each for each in duties(incident, pace, tools.now) if each.name == name and each.at == at), None)
    if owed is None:
        raise Unanswered("no longer due")
    return REMINDERS[owed.name](incident, owed, tools)


def _ack_soon(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    facts = {"oncall": list(tools.people.oncall()), "since": (incident.alerted_at or incident.opened_at).timestamp()}
    return _reminder("oncall/ack_soon", incident, {**facts, "ack": "/ack"})


def _ack_missed(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    return _escalation("oncall/ack_missed", incident, tools, {"ack": "/ack"})


def _update(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    service = tools.catalogue.services.get(incident.service)
    figures = None
    if service and service.queue:
        try:
            status = tools.queues.get(service.queue).status()
            figures = {
                "queue": service.queue,
                "depth": status.depth,
                "failed": status.failed,
                "workers": status.workers,
            }
        except FirewatchError:
            figures = None
    last = incident.updated_at or incident.acknowledged_at or incident.opened_at
    facts = {
        "since": last.timestamp(),
        "events": list(since_last(incident, tools)),
        "figures": figures,
        "state": incident.state,
        "update": "/incident update",
        "snooze": "/incident snooze",
    }
    return _reminder("oncall/update_due", incident, facts)


def _update_missed(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    lead = incident.lead or next(iter(tools.people.oncall()), "")
    if not lead:
        raise Unanswered("nobody leads and nobody is on call")
    facts = {"number": incident.number, "title": incident.title, "room": incident.channel, "lead": lead}
    return replace(_reminder("oncall/update_missed", incident, facts), channel=tools.chat.dm(lead), note=True)


def _update_missed_twice(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    return _escalation("oncall/update_missed_twice", incident, tools, {"update": "/incident update"})


def _status_page(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    if tools.status_page is None:
        raise Unanswered("no status page")
    at = Call("", "", incident.channel, "", tools.now)
    text = draft(at, tools)
    facts = {"draft": text, "publish": ACTIONS["/incident publish"].sentence(text=text), "edit": "/incident publish"}
    return _reminder("oncall/status_page", incident, {**facts, "opened": incident.opened_at.timestamp()})


def _postmortem(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    facts = {
        "number": incident.number,
        "title": incident.title,
        "owner": incident.postmortem_owner or incident.lead,
        "due": (incident.resolved_at or tools.now).timestamp()
        + tools.catalogue.pace(incident.severity).postmortem.total_seconds(),
        "late": owed.name != "postmortem-soon",
        "draft": ACTIONS["/postmortem draft"].sentence(),
    }
    reminder = _reminder("oncall/postmortem_due", incident, facts)
    lead = incident.lead or next(iter(tools.people.leads()), "")
    if owed.name == "postmortem-late" and lead:
        return replace(reminder, channel=tools.chat.dm(lead))
    return reminder


def _reminder(template: str, incident: Incident, facts: Mapping[str, Any]) -> Reply:
    return Reply(template, {"number": incident.number, **facts}, channel=incident.channel or incident.origin)


def _escalation(template: str, incident: Incident, tools: Tools, facts: Mapping[str, Any]) -> Reply:
    """Say it, put it on record, and page the next level."""
    begins: Sequence[Begin] = []
    if tools.pager and incident.alert:
        begins = [Begin("pager-escalate", {"number": incident.number, "alert": incident.alert})]
    pages = {"pages": bool(begins), "oncall": list(tools.people.oncall())}
    reply = _reminder(template, incident, {**facts, **pages})
    return replace(reply, note=True, event={"kind": "escalated"}, incident=incident, begins=begins)


REMINDERS = {
    "ack-soon": _ack_soon,
    "ack-missed": _ack_missed,
    "update": _update,
    "update-missed": _update_missed,
    "update-missed-twice": _update_missed_twice,
    "status-page": _status_page,
    "postmortem-soon": _postmortem,
    "postmortem": _postmortem,
    "postmortem-late": _postmortem,
}
