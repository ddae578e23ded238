"""Duties: what time makes due comes in as sentences too, which only the clock can say

Section 7 of the runbook. What is due is derived from the incident (see ``bot/domain/incident.py``), and worded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Later, Unanswered
from bot.domain.incident import DUTY_DUE, MISSED, Duty, Incident, duties, postmortem_due
from bot.domain.reply import Begin, Reply
from bot.outside.pagerduty.protocol import Pager
from bot.outside.slack.protocol import Chat
from bot.outside.statuspage.protocol import StatusPage
from bot.tools import Tools
from handlers.oncall import pager_service
from handlers.outside import PagerEscalate
from handlers.updates import draft, figures, since_last


@action(DUTY_DUE, Risk.LOOK, hidden=True, doors=("clock",), incident=False)
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


# ---------------------------------------------------------------- acknowledgement


def _ack_soon(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    due = owed.at + tools.catalogue.pace(incident.severity).ack * 2 / 5
    facts = {"oncall": list(tools.people.oncall()), "due": due.timestamp()}
    return _reminder("oncall/ack_soon", incident, facts | _waiting(incident), tools)


def _ack_missed(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    return _escalation("oncall/ack_missed", incident, owed, tools, _waiting(incident))


def _waiting(incident: Incident) -> dict[str, Any]:
    """Since when it waits; and while it has no channel of its own, what is meant and which alert a button is about."""
    homeless = not incident.channel
    return {
        "since": (incident.alerted_at or incident.opened_at).timestamp(),
        "what": incident.title if homeless else "this",
        "ack": f"/ack {incident.alert}" if homeless and incident.alert else "/ack",
    }


# ---------------------------------------------------------------- updates


def _update(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    last = incident.updated_at or incident.acknowledged_at or incident.opened_at
    events, more = since_last(incident, tools)
    facts = {
        "since": max(last, incident.acknowledged_at or last).timestamp(),
        "first": incident.updated_at is None,
        "events": events,
        "more": more,
        "figures": changed(incident, tools),
        "state": incident.state,
        "severity": incident.severity,
        "update": "/incident update",
        "snooze": "/incident snooze",
    }
    return _reminder("oncall/update_due", incident, facts, tools)


def changed(incident: Incident, tools: Tools) -> list[dict[str, Any]]:
    """The queue's figures: ``now``, and ``before``, as they were at the last update (None where that is not known)."""
    return [
        {"what": what, "before": incident.figures.get(what), "now": count}
        for what, count in figures(incident, tools).items()
    ]


def _update_missed(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    lead = incident.lead or next(iter(tools.people.oncall()), "")
    if not lead:
        raise Unanswered("nobody leads and nobody is on call")
    facts = {"title": incident.title, "room": incident.channel, "late": MISSED, "state": incident.state}
    return replace(_reminder("oncall/update_missed", incident, facts, tools), channel=tools.need(Chat).dm(lead))


def _update_missed_twice(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    last = incident.updated_at or incident.acknowledged_at or incident.opened_at
    facts = {"since": last.timestamp(), "update": "/incident update"}
    return _escalation("oncall/update_missed_twice", incident, owed, tools, facts)


# ---------------------------------------------------------------- the status page, the postmortem


def _status_page(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    if tools.find(StatusPage) is None:
        raise Unanswered("the status page is off")
    text = draft(incident)
    facts = {"draft": text, "publish": ACTIONS["/incident publish"].sentence(text=text), "edit": "/incident publish"}
    return _reminder("oncall/status_page", incident, {**facts, "opened": incident.opened_at.timestamp()}, tools)


def _postmortem(incident: Incident, owed: Duty, tools: Tools) -> Reply:
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity)) or tools.now
    facts = {
        "title": incident.title,
        "room": incident.channel,
        "owner": incident.postmortem_owner,
        "lead": incident.lead,
        "due": due.timestamp(),
        "late": owed.name != "postmortem-soon",
        "own": "/postmortem owner",
        "done": "/postmortem done",
    }
    lead = incident.lead or next(iter(tools.people.leads()), "")
    if owed.name == "postmortem-late" and lead:
        return replace(_reminder("oncall/postmortem_late", incident, facts, tools), channel=tools.need(Chat).dm(lead))
    return _reminder("oncall/postmortem_due", incident, facts, tools)


# ---------------------------------------------------------------- shared


def _reminder(template: str, incident: Incident, facts: Mapping[str, Any], tools: Tools) -> Reply:
    channel = _spoken_of(incident, tools)
    return Reply(template, {"number": incident.number, **facts}, channel=channel, about=incident.number)


def _spoken_of(incident: Incident, tools: Tools) -> str:
    """Where its reminders go: its channel; else where it was opened; else to whoever leads, or is on call."""
    if incident.home:
        return incident.home
    for user in (incident.lead, *tools.people.oncall()):
        if user:
            return tools.need(Chat).dm(user)
    raise Later(60.0, f"incident {incident.number} has no channel, no lead, and nobody is on call")


def _escalation(template: str, incident: Incident, owed: Duty, tools: Tools, facts: Mapping[str, Any]) -> Reply:
    """Say it, put it on record, and page the next level: that is not put off because Slack has no channel for it."""
    alert = next((each for each in incident.alerts if each not in incident.over), "")
    service = pager_service(incident, tools)
    begins: Sequence[Begin] = []
    if tools.find(Pager) and (alert or service):
        page = PagerEscalate(incident.number, alert, service, why=incident.title, duty=owed.name, at=owed.at)
        begins = [Begin(page, incident=incident.number)]
    facts = {"number": incident.number, "pages": bool(begins), "oncall": list(tools.people.oncall()), **facts}
    event = {"kind": "missed", "actor": "Firewatch"}
    channel = incident.home or incident.channel
    return Reply(template, facts, channel=channel, incident=incident, event=event, begins=begins)


REMINDERS: Mapping[str, Callable[[Incident, Duty, Tools], Reply]] = {
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
