"""The incident: open it, note what is done, show it, resolve it

Section 7 of the runbook, first half.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.border import outgoing_name
from bot.domain.call import Call
from bot.domain.cards import cards, topic
from bot.domain.errors import Refused, Unreachable
from bot.domain.incident import Event, Incident, ack_due, postmortem_due, update_due
from bot.domain.parameters import Text
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, File, Reply
from bot.outside.github.protocol import Tracker
from bot.outside.pagerduty.protocol import Pager
from bot.outside.slack.protocol import Chat
from bot.outside.statuspage.protocol import StatusPage
from bot.tools import Tools
from handlers.drafting import Draft
from handlers.evidence import card_facts, gathered
from handlers.listing import lists
from handlers.outside import PageResolve, PagerNote, PagerResolve
from handlers.which import alert_key, here, summary_key

LISTED = 20
EVENTS_SHOWN = 30


# ---------------------------------------------------------------- opening


@action("/incident open", Risk.ACT, form=True, incident=False)
def open_incident(
    call: Call,
    tools: Tools,
    title: Text,
    severity: Literal["sev1", "sev2", "sev3", "sev4"] = "sev2",
    service: str | None = None,
) -> Reply:
    """Open an incident with a channel of its own, people invited, a pinned summary and its clocks started.

    title: what is wrong, in a few words
    severity: sev1 is the worst
    service: one of the services in the catalogue
    """
    if len(title) > 150:
        raise Refused(f"A title is at most 150 characters long; this one has {len(title)}.")
    if service and service not in tools.catalogue.services:
        known = list(tools.catalogue.services)
        near = get_close_matches(service, known, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(known)}." if known else ""
        raise Refused(f"The catalogue has no service `{service}`.", hint)
    # Whoever opens one by hand has it in hand: the clock of the updates starts at once.
    opened = tools.incidents.opened_by(call.id) or Incident(
        number=tools.incidents.next_number(),
        title=title,
        severity=severity,
        opened_at=call.at,
        opened_by=call.actor,
        key=call.id,
        service=service or "",
        origin=call.channel,
    ).acknowledge(call.actor, call.at, lead=call.actor)
    facts = {"number": opened.number, "title": title, "severity": severity, "by": call.actor}
    return Reply(
        "incident/opened",
        facts,
        to="nobody",
        incident=opened,
        event={"kind": "opened"},
        begins=[Begin(Room(opened.number), incident=opened.number)],
    )


@procedure("room", called="opening the channel")
@dataclass(frozen=True, slots=True)
class Room:
    """Gives an incident its channel: each step does one thing that Slack keeps, and notes it before the next."""

    number: int
    moved: bool = False

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        incident = tools.incidents.get(self.number)
        key = summary_key(incident)
        match under_way.step:
            case "start" if self.moved:
                return Next("summary")
            case "start":
                return _channel(incident, under_way, tools)
            case "invite":
                users = dict.fromkeys([incident.opened_by, *tools.people.oncall()])
                with suppress(Refused):
                    tools.need(Chat).invite(incident.channel, [user for user in users if user.startswith(("U", "W"))])
                return Next("summary")
            case "summary":
                facts = summary_facts(incident, tools)
                return Next("pin", say=[Reply("incident/summary", facts, channel=incident.channel, key=key)])
            case "pin":
                return _pinned(incident, self.moved, tools)
            case "evidence":
                seen = replace(incident, evidence=tuple(gathered(incident, tools)))
                return Next("alert", incident=seen)
            case "alert":
                card = Reply(
                    "oncall/alert_card", card_facts(incident, tools), channel=incident.channel, key=alert_key(incident)
                )
                return Next("announce", say=[card])
            case _:
                return _announced(incident)


def _channel(incident: Incident, under_way: Procedure, tools: Tools) -> Next:
    """A channel of its own; where Slack will not have one, the incident lives where it was opened."""
    try:
        channel = incident.channel or tools.need(Chat).create_channel(outgoing_name(incident), under_way.started)
    except Unreachable:
        raise
    except Refused as no:
        if not incident.origin:
            raise
        facts = {"number": incident.number, "why": no.sentence}
        homeless = Reply("incident/no_channel", facts, channel=incident.origin)
        return Next("summary", incident=replace(incident, channel=incident.origin), say=[homeless])
    return Next("invite", incident=replace(incident, channel=channel))


def _pinned(incident: Incident, moved: bool, tools: Tools) -> Next:
    """Pin the summary once it is there, and keep which message it is."""
    _, ts = tools.posted(summary_key(incident))
    if not ts:
        return Next("pin", wait=1.0)
    with suppress(Refused):
        tools.need(Chat).pin(incident.channel, ts)
    with suppress(Refused):
        tools.need(Chat).bookmark(incident.channel, "Live summary", tools.need(Chat).link(incident.channel, ts))
    step = "" if moved else "evidence" if incident.alerts else "announce"
    return Next(step, incident=replace(incident, summary=ts))


def _announced(incident: Incident) -> Next:
    """Say where it was opened that it has a channel."""
    facts = {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "by": incident.opened_by,
        "room": incident.channel,
        "show": ACTIONS["/incident show"].sentence(incident.number),
    }
    if not incident.origin or incident.origin == incident.channel:
        return Next("")
    return Next("", say=[Reply("incident/announced", facts, channel=incident.origin)])


@cards
def summary_and_alert(incident: Incident, tools: Tools) -> Sequence[Reply]:
    """The messages that show how an incident stands: those that were posted are edited whenever it changes."""
    shown = [Reply("incident/summary", summary_facts(incident, tools), key=summary_key(incident))]
    if incident.alerts:
        shown.append(Reply("oncall/alert_card", card_facts(incident, tools), key=alert_key(incident)))
    return shown


@topic
def state_and_title(incident: Incident, tools: Tools) -> Reply:
    """What the topic of an incident's channel says."""
    return Reply("incident/topic", {"incident": incident})


def summary_facts(incident: Incident, tools: Tools) -> dict[str, Any]:
    """What the pinned summary and ``/incident show`` say of an incident."""
    pace = tools.catalogue.pace(incident.severity)
    events = [event for event in tools.incidents.timeline(incident.number) if event.kind != "opened"]
    ack, update = ack_due(incident, pace), update_due(incident, pace)
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "service": incident.service,
        "lead": incident.lead,
        "room": incident.channel,
        "opened_at": incident.opened_at.timestamp(),
        "opened_by": incident.opened_by,
        "cause": incident.cause,
        "resolved_by": incident.resolved_by,
        "seconds": incident.lasted(tools.now).total_seconds(),
        "ack_due": ack.timestamp() if ack else None,
        "update_due": update.timestamp() if update else None,
        "late": any(due is not None and due < tools.now for due in (ack, update)),
        "events": [_line(event) for event in events[-5:]],
        "event_count": len(events),
        "timeline": ACTIONS["/incident timeline"].sentence(incident.number),
        "failed": _failed(incident, tools),
    }


def _failed(incident: Incident, tools: Tools) -> str | None:
    """The sentence that shows the failed jobs of the service's queue, if it has one."""
    service = tools.catalogue.services.get(incident.service)
    return ACTIONS["/jobs failed"].sentence(queue=service.queue) if service and service.queue else None


def _line(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.timestamp(),
        "actor": event.actor,
        "kind": event.kind,
        "text": event.text,
        "by": event.by,
        "link": event.link,
        "jobs": len(event.jobs),
    }


# ---------------------------------------------------------------- the timeline


@action("/incident note", Risk.ACT, form=True)
def note(call: Call, tools: Tools, text: Text) -> Reply:
    """Put an annotation on the incident's timeline.

    text: what was seen or done
    """
    incident = here(call, tools)
    begins = mirrored(incident, call, tools, text)
    event = {"kind": "note", "text": text}
    return Reply("incident/noted", {"text": text}, incident=incident, event=event, begins=begins)


def mirrored(incident: Incident, call: Call, tools: Tools, text: str) -> list[Begin]:
    """The note that PagerDuty gets of what is said here; none for an incident without an alert."""
    if not incident.alert or not tools.find(Pager):
        return []
    return [Begin(PagerNote(incident.alert, text, call.id), incident=incident.number)]


@action("/incident keep", Risk.ACT, hidden=True)
def keep(call: Call, tools: Tools, channel: str, ts: str) -> Reply:
    """Put a message of the channel on the timeline, with its own time and author.

    channel: where it was written
    ts: which one it is
    """
    incident = here(call, tools)
    if channel not in (incident.home, call.channel):
        raise Refused(f"That message is from another channel than incident {incident.number}: pin it there.")
    said = tools.need(Chat).message(channel, ts)
    event = {
        "kind": "note",
        "at": said.at,
        "actor": said.author,
        "text": said.text,
        "by": call.actor,
        "link": said.link,
    }
    for known in tools.incidents.timeline(incident.number):
        if known.kind == "note" and known.at == said.at and known.actor == said.author:
            raise Refused("That message is on the timeline already.")
    facts = {"author": said.author, "text": said.text, "at": said.at.timestamp(), "link": said.link}
    return Reply("incident/kept", facts, to="asker", incident=incident, event=event)


@action("/incident timeline", Risk.LOOK)
def timeline(call: Call, tools: Tools, number: int | None = None, /) -> Reply:
    """Show everything on record, in the order it happened.

    number: which incident; without it, this channel's
    """
    incident = _which(call, tools, number)
    events = tools.incidents.timeline(incident.number)
    lines = [_line(event) for event in events]
    files = []
    if len(events) > EVENTS_SHOWN:
        text = "\n".join(_plain(event) for event in events) + "\n"
        files = [File(f"incident-{incident.number}-timeline.txt", "The whole timeline", text=text)]
    facts = {
        "number": incident.number,
        "title": incident.title,
        "events": lines[-EVENTS_SHOWN:],
        "total": len(lines),
    }
    return Reply("incident/timeline", facts, about=incident.number, files=files)


def _plain(event: Event) -> str:
    pinned_by = f" (pinned by {event.by})" if event.by else ""
    jobs = f" [jobs {', '.join(event.jobs)}]" if event.jobs else ""
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.actor}{pinned_by}  {event.text}{jobs}"


# ---------------------------------------------------------------- looking


@action("/incident show", Risk.LOOK)
def show(call: Call, tools: Tools, number: int | None = None, /) -> Reply:
    """Show how an incident stands: state, lead, clocks, the latest on its timeline.

    number: which incident; without it, this channel's
    """
    incident = _which(call, tools, number)
    return Reply("incident/summary", summary_facts(incident, tools), about=incident.number)


def _which(call: Call, tools: Tools, number: int | None) -> Incident:
    if number is None:
        return here(call, tools)
    if call.incident not in (None, number) and not call.concluded:
        raise Refused(f"Name one incident, not #{call.incident} and {number}.")
    return tools.incidents.get(number)


@action("/incident list", Risk.LOOK, incident=False)
def list_incidents(call: Call, tools: Tools) -> Reply:
    """List the open incidents, and the latest that are over."""
    open_now = tools.incidents.open()
    over = [each for each in tools.incidents.recent(LISTED) if each.resolved][:5]
    shown = lists(open_now, tools)[:LISTED]
    facts = {"open": shown, "total": len(open_now), "over": lists(over, tools)}
    return Reply("incident/list", facts, to="asker")


# ---------------------------------------------------------------- resolving


@action("/incident resolve", Risk.ACT, form=True)
def resolve(call: Call, tools: Tools, cause: Text) -> Reply:
    """Resolve the incident, with its root cause on record.

    cause: what was at the root of it
    """
    incident = here(call, tools).resolve(call.actor, call.at, cause)
    reply = _resolved(incident, tools)
    return replace(reply, begins=[Begin(Draft(incident.number), incident=incident.number), *reply.begins])


@action("/incident dismiss", Risk.ACT, hidden=True)
def dismiss(call: Call, tools: Tools) -> Reply:
    """Say that it is no incident: it is resolved, and nobody owes a postmortem."""
    incident = here(call, tools).resolve(call.actor, call.at, "Not an incident")
    return _resolved(replace(incident, false_alarm=True), tools)


def _resolved(incident: Incident, tools: Tools) -> Reply:
    """The summary card of what is over, and what is resolved with it: the alerts, and what customers were told of."""
    since, ended = incident.alerted_at or incident.opened_at, incident.resolved_at or tools.now
    acked = incident.acknowledged_at
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity))
    facts = {
        "number": incident.number,
        "title": incident.title,
        "cause": incident.cause,
        "by": incident.resolved_by,
        "seconds": (ended - since).total_seconds(),
        "to_ack": (acked - since).total_seconds() if acked else None,
        "postmortem_due": due.timestamp() if due else None,
        "timeline": ACTIONS["/incident timeline"].sentence(incident.number),
        "track": ACTIONS["/postmortem track"].sentence() if tools.find(Tracker) and due else None,
        "owner": "/postmortem owner",
    }
    begins = []
    if tools.find(Pager):
        begins += [
            Begin(PagerResolve(alert, f"Resolved: {incident.cause}"), incident=incident.number)
            for alert in incident.alerts
            if alert not in incident.over
        ]
    if tools.find(StatusPage) and incident.status_page:
        begins.append(Begin(PageResolve(incident.status_page), incident=incident.number))
    return Reply("incident/resolved", facts, incident=incident, event={"kind": "resolved"}, begins=begins)
