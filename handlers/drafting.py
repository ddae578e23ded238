"""What a postmortem is drafted from: the record of the incident, its receipts, its queue over that time

Section 7 of the runbook, after the resolution.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.border import outgoing_name
from bot.domain.errors import FirewatchError
from bot.domain.incident import Event, Incident, postmortem_due
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import File, Reply
from bot.outside.queues.protocol import Queues
from bot.outside.slack.protocol import Chat
from bot.tools import Tools

RECEIPTS = ("replay", "jobs/switched", "escalated", "paged", "published")
"""Kinds of Events that are receipts, though they do not say so: they were recorded before an Event could."""


@procedure("draft", called="the postmortem's draft")
@dataclass(frozen=True, slots=True)
class Draft:
    """The draft that follows a resolution by itself."""

    number: int

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        return Next("", say=[drafted(tools.incidents.get(self.number), tools)])


def drafted(incident: Incident, tools: Tools) -> Reply:
    """The draft, as a message with the file under it."""
    queue = _queue(incident, tools)
    facts = draft_facts(incident, tools) | {"queue": _figures(incident, queue)}
    name = f"postmortem-{outgoing_name(incident)}.md"
    title, own = f"Postmortem of incident {incident.number}", bool(incident.own_channel)
    files = [File(name, title, template="postmortem.md", facts=facts, canvas=own)]
    if queue:
        files.append(File(f"{queue['title']}.png", f"{queue['title']} over the incident", picture="queue", facts=queue))
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
    links = _links(incident, events, tools)
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
            {"at": each.at, "actor": each.actor, "text": each.text, "link": link, "by": each.by}
            for each, link in zip(events, links, strict=True)
        ],
        "updates": sum(each.kind == "update" for each in events),
        "receipts": [
            {"at": each.at.timestamp(), "actor": each.actor, "text": each.text, "jobs": len(each.jobs), "link": link}
            for each, link in zip(events, links, strict=True)
            if each.receipt or each.kind in RECEIPTS
        ],
        "alerts": list(incident.alerts),
        "names": _names([incident.lead, incident.resolved_by, *_people(events)], tools),
    }


def _people(events: Sequence[Event]) -> list[str]:
    """Who acted, and whom the words of the record name."""
    return [user for each in events for user in (each.actor, *re.findall(r"<@([UW][A-Z0-9]+)", each.text))]


def _names(users: list[str], tools: Tools) -> Mapping[str, str]:
    """User ids → names, for a file in which nobody resolves them. Without Slack the ids stay."""
    names: dict[str, str] = {}
    for user in dict.fromkeys(user for user in users if user.startswith(("U", "W"))):
        try:
            names[user] = tools.need(Chat).name(user)
        except FirewatchError:
            break
    return names


def _links(incident: Incident, events: Sequence[Event], tools: Tools) -> list[str]:
    """The address of each: what it names itself, else that of the message which said so; "" where there is none.

    Slack is asked for one, that of the pinned summary: others in the channel differ from it by their ``ts`` alone.
    """
    ending = f"p{incident.summary.replace('.', '')}"
    try:
        known = tools.need(Chat).link(incident.channel, incident.summary) if incident.summary else ""
    except FirewatchError:
        known = ""
    room = known.removesuffix(ending) if known.endswith(ending) else ""

    def link(event: Event) -> str:
        channel, ts = tools.posted(event.key) if room and event.key and not event.link else ("", "")
        return f"{room}p{ts.replace('.', '')}" if channel == incident.channel and ts else event.link

    return [link(each) for each in events]


def _queue(incident: Incident, tools: Tools) -> dict[str, Any] | None:
    """The queue over the incident, as its picture shows it; None if its service has none, or it cannot be asked."""
    service = tools.catalogue.services.get(incident.service)
    if service is None or not service.queue:
        return None
    since = (incident.alerted_at or incident.opened_at) - timedelta(minutes=10)
    until = incident.resolved_at or tools.now
    step = sixtieth(until - since)
    try:
        buckets = tools.need(Queues).get(service.queue).history(since, until, step)
    except FirewatchError:
        return None
    depth = [(at.timestamp(), count) for at, count in tools.samples.depth(service.queue, since) if at <= until]
    return {
        "title": service.queue,
        "depth": depth,
        "buckets": [(each.at.timestamp(), each.failed, each.completed) for each in buckets],
        "now": until.timestamp(),
    }


def _figures(incident: Incident, queue: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The queue in numbers: when the alert came, at its deepest, and what ended from then on."""
    if queue is None:
        return None
    began = (incident.alerted_at or incident.opened_at).timestamp()
    during = [count for at, count in queue["depth"] if at >= began]
    ended = [(failed, completed) for at, failed, completed in queue["buckets"] if at >= began]
    seen = {each["what"]: each["facts"] for each in incident.evidence if not each["missing"]}
    return {
        "name": queue["title"],
        "at_first": seen.get("queue"),
        "causes": seen.get("causes", {}).get("top", []),
        "deepest": max(during, default=None),
        "at_last": during[-1] if during else None,
        "failed": sum(failed for failed, _ in ended),
        "completed": sum(completed for _, completed in ended),
    }


def sixtieth(span: timedelta) -> timedelta:
    """Of a span of time, in whole minutes, so that the picture can say how many jobs ended "per 2 min"."""
    return timedelta(minutes=max(1, -(-span // timedelta(hours=1))))
