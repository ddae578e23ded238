"""The postmortem: drafted at once, owned by someone, due 24 hours after the resolution

Section 7 of the runbook, after the resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.action import ACTIONS, Begin, Call, File, FirewatchError, Refused, Reply, Risk, User, action
from bot.incident import Incident, postmortem_due
from bot.procedure import Ledger, Next, Procedure, procedure
from bot.tools import Tools
from handlers.incident import here

RECEIPTS = ("replay", "switch")


@action("/postmortem draft", Risk.ACT)
def draft(call: Call, tools: Tools) -> Reply:
    """Draft the postmortem from the record: a Markdown file, and its outline in the channel."""
    return drafted(here(call, tools), tools)


@procedure("draft")
def drafting(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """The draft that follows a resolution by itself."""
    return Next("", under_way.data, say=[drafted(tools.incidents.get(under_way.data["number"]), tools)])


def drafted(incident: Incident, tools: Tools) -> Reply:
    """The draft, as a message with the file under it."""
    facts = draft_facts(incident, tools)
    name = f"postmortem-{incident.name}.md"
    title, own = f"Postmortem of incident {incident.number}", incident.channel != incident.origin
    files = [File(name, title, template="postmortem.md", facts=facts, canvas=own)]
    if picture := _picture(incident, tools):
        files.append(picture)
    shown = {
        key: facts[key]
        for key in ("number", "title", "cause", "seconds", "to_ack", "due", "owner", "total", "receipts")
    }
    shown |= {"own": "/postmortem owner", "done": "/postmortem done"}
    return Reply(
        "postmortem/draft",
        shown,
        channel=incident.channel,
        note=True,
        event={"kind": "postmortem", "text": "Postmortem drafted"},
        files=files,
    )


def draft_facts(incident: Incident, tools: Tools) -> dict[str, Any]:
    """Everything the draft is made of."""
    events = tools.incidents.timeline(incident.number)
    since = incident.alerted_at or incident.opened_at
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity))
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "service": incident.service,
        "lead": incident.lead,
        "owner": incident.postmortem_owner,
        "opened_at": incident.opened_at,
        "alerted_at": incident.alerted_at,
        "acknowledged_at": incident.acknowledged_at,
        "acknowledged_by": incident.acknowledged_by,
        "mitigated_at": incident.mitigated_at,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "cause": incident.cause,
        "impact": incident.update.get("impact", ""),
        "known": incident.update.get("known", ""),
        "seconds": ((incident.resolved_at or tools.now) - since).total_seconds(),
        "to_ack": (incident.acknowledged_at - since).total_seconds() if incident.acknowledged_at else None,
        "due": due,
        "total": len(events),
        "events": [
            {"at": each.at, "actor": each.actor, "text": each.text, "link": each.link, "by": each.by} for each in events
        ],
        "receipts": [
            {"at": each.at.timestamp(), "actor": each.actor, "text": each.text, "jobs": len(each.jobs)}
            for each in events
            if each.kind in RECEIPTS
        ],
        "evidence": list(incident.evidence),
        "alerts": list(incident.alerts),
        "names": _names([incident.lead, incident.resolved_by, *(each.actor for each in events)], tools),
    }


def _names(users: list[str], tools: Tools) -> Mapping[str, str]:
    """User ids → names, for a file in which nobody resolves them. Without Slack the ids stay."""
    names: dict[str, str] = {}
    for user in dict.fromkeys(user for user in users if user.startswith(("U", "W"))):
        try:
            names[user] = tools.chat.name(user)
        except FirewatchError:
            break
    return names


def _picture(incident: Incident, tools: Tools) -> File | None:
    """The queue over the incident, if its service has one."""
    service = tools.catalogue.services.get(incident.service)
    if service is None or not service.queue:
        return None
    since = (incident.alerted_at or incident.opened_at) - timedelta(minutes=10)
    until = incident.resolved_at or tools.now
    step = max(timedelta(minutes=1), (until - since) / 60)
    try:
        buckets = tools.queues.get(service.queue).history(since, until, step)
    except FirewatchError:
        return None
    depth = [(at.timestamp(), count) for at, count in tools.samples.depth(service.queue, since) if at <= until]
    facts = {
        "title": service.queue,
        "depth": depth,
        "buckets": [(each.at.timestamp(), each.failed, each.completed) for each in buckets],
        "now": until.timestamp(),
    }
    return File(f"{service.queue}.png", f"{service.queue} over the incident", picture="queue", facts=facts)


@action("/postmortem show", Risk.LOOK)
def show(call: Call, tools: Tools) -> Reply:
    """Show whether the postmortem is owed, by whom, and until when."""
    incident = here(call, tools)
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity))
    facts = {
        "number": incident.number,
        "state": incident.state,
        "owner": incident.postmortem_owner,
        "link": incident.postmortem,
        "due": due.timestamp() if due else None,
        "late": bool(due and due < tools.now),
        "draft": ACTIONS["/postmortem draft"].sentence(),
    }
    return Reply("postmortem/show", facts)


@action("/postmortem owner", Risk.ACT, form=True)
def owner(call: Call, tools: Tools, user: User) -> Reply:
    """Say who writes the postmortem.

    user: a mention, such as @maria
    """
    incident = here(call, tools)
    facts = {"number": incident.number, "before": incident.postmortem_owner, "after": user, "by": call.actor}
    return Reply("postmortem/owner", facts, incident=replace(incident, postmortem_owner=user), event={"kind": "owner"})


@action("/postmortem done", Risk.ACT, form=True)
def done(call: Call, tools: Tools, link: str) -> Reply:
    """Say where the finished postmortem is; the reminders end.

    link: its address, beginning with https://
    """
    incident = here(call, tools)
    if not link.startswith(("https://", "http://")):
        raise Refused("A link begins with https://.")
    if not incident.resolved:
        raise Refused(f"Incident {incident.number} is not resolved yet.", "`/incident resolve CAUSE` first.")
    seconds = (call.at - (incident.resolved_at or call.at)).total_seconds()
    facts = {"number": incident.number, "link": link, "by": call.actor, "seconds": seconds}
    return Reply(
        "postmortem/done",
        facts,
        incident=replace(incident, postmortem=link),
        event={"kind": "postmortem", "link": link},
    )


@action("/postmortem track", Risk.ACT)
def track(call: Call, tools: Tools) -> Reply:
    """Open an issue in the tracker, with the cause, the actions taken and their receipts."""
    incident = here(call, tools)
    if tools.tracker is None:
        raise Refused(tools.off("github"))
    if incident.issue:
        raise Refused("There is an issue already.", incident.issue)
    facts = {"number": incident.number, "by": call.actor}
    data = {
        "number": incident.number,
        "title": f"Incident {incident.number}: {incident.title}",
        "body": _body(incident, tools),
    }
    return Reply("postmortem/tracking", facts, to="asker", begins=[Begin("track", data)])


def _body(incident: Incident, tools: Tools) -> str:
    """Plain Markdown lists; the tracker's client masks and escapes nothing further."""
    events = tools.incidents.timeline(incident.number)
    lines = [f"- {each.at:%Y-%m-%d %H:%M} UTC {each.text}" for each in events]
    return f"**Cause:** {incident.cause or 'not known yet'}\n\n**What was done**\n\n" + "\n".join(lines)
