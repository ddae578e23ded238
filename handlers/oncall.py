"""On call: acknowledge, see who is on call, page help

Section 7 of the runbook, its first five minutes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.action import Risk, action
from bot.domain.call import Call
from bot.domain.errors import FirewatchError
from bot.domain.incident import Incident, update_due
from bot.domain.parameters import Text
from bot.domain.reply import Begin, Reply
from bot.outside.pagerduty.protocol import Pager
from bot.tools import Tools
from handlers.outside import PagerAck, PagerPage
from handlers.updates import figures
from handlers.which import about, here

# ---------------------------------------------------------------- acknowledging


@action("/ack", Risk.ACT)
def ack(call: Call, tools: Tools, alert: str | None = None, /) -> Reply:
    """Acknowledge the alert of this channel, in your own name.

    alert: PagerDuty's id of another alert
    """
    incident = tools.incidents.of_alert(alert) if alert else here(call, tools)
    if alert and (incident is None or incident.acknowledged_at):
        # One that no incident here is about, one that joined later, or one whose acknowledgement has run out there.
        tools.need(Pager)
        facts = {"alert": alert, "by": call.actor}
        return Reply("oncall/acking", facts, begins=[Begin(PagerAck(alert, call.actor))])
    assert incident is not None
    after = incident.acknowledge(call.actor, call.at, lead=call.actor)
    after = replace(after, figures=figures(incident, tools))
    begins = []
    if tools.find(Pager):
        begins = [
            Begin(PagerAck(each, call.actor, incident.number), incident=incident.number)
            for each in incident.alerts
            if each not in incident.over
        ]
    return acknowledged(after, tools, begins)


def acknowledged(incident: Incident, tools: Tools, begins: list[Begin]) -> Reply:
    """What is said of an acknowledgement, wherever it was made."""
    at = incident.acknowledged_at or tools.now
    due = update_due(incident, tools.catalogue.pace(incident.severity))
    facts = {
        "number": incident.number,
        "by": incident.acknowledged_by,
        "lead": incident.lead,
        "seconds": (at - (incident.alerted_at or incident.opened_at)).total_seconds(),
        "due": due.timestamp() if due else None,
        "update": "/incident update",
    }
    event = {"kind": "acknowledged", "actor": incident.acknowledged_by, "at": at}
    return Reply("oncall/acknowledged", facts, channel=incident.channel, incident=incident, event=event, begins=begins)


# ---------------------------------------------------------------- who is on call


@action("/oncall show", Risk.LOOK)
def show(call: Call, tools: Tools) -> Reply:
    """Show who is on call now, until when, and who is next."""
    turns: list[dict[str, Any]] = []
    down = ""
    pager = tools.find(Pager)
    if pager:
        services = [each.pagerduty for each in tools.catalogue.services.values() if each.pagerduty]
        try:
            found = pager.oncall(services, tools.now, tools.now + timedelta(days=7)) if services else []
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
        "off": None if pager else tools.off(Pager),
    }
    return Reply("oncall/show", facts)


@action("/oncall page", Risk.ACT, form=True)
def page(call: Call, tools: Tools, who: str, why: Text) -> Reply:
    """Page a person or an escalation policy through PagerDuty.

    who: a mention such as @maria, or the name or id of an escalation policy
    why: what they are needed for
    """
    tools.need(Pager)
    incident = about(call, tools)
    page = PagerPage(
        who=who,
        why=why,
        by=call.actor,
        key=call.id,
        alert=incident.alert if incident else "",
        service=pager_service(incident, tools),
    )
    return Reply(
        "oncall/paging",
        {"who": _named(who), "why": why, "by": call.actor},
        note=True,
        begins=[Begin(page, incident=incident.number if incident else None)],
    )


def pager_service(incident: Incident | None, tools: Tools) -> str:
    """PagerDuty's id of the service to page somebody for: the incident's, else the first in the catalogue."""
    services = tools.catalogue.services
    own = services.get(incident.service) if incident else None
    return next((each.pagerduty for each in [own, *services.values()] if each and each.pagerduty), "")


def _named(who: str) -> str:
    return who.removeprefix("<@").partition("|")[0].removesuffix(">") if who.startswith("<@") else who
