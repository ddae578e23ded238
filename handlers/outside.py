"""What is told to PagerDuty, the status page and the tracker: each a procedure, so that none of them holds up Slack

Every step here is safe to repeat: the calls themselves look first, or bear a key (see ``bot/outside.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.errors import Gone, Refused, Unreachable
from bot.domain.incident import Duty, Incident, duties
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Reply
from bot.outside.github.protocol import Tracker
from bot.outside.pagerduty.protocol import Acting, Alert, OnCall, Pager, Person, Policy
from bot.outside.slack.protocol import Chat
from bot.outside.statuspage.protocol import StatusPage
from bot.tools import Tools

BOT = Acting(name="Firewatch")
ESCALATED = {"kind": "escalated", "actor": "Firewatch"}

OVER = "This is resolved. We are sorry for it."
"""The last word to customers."""


def acting(user: str, tools: Tools) -> Acting:
    """In whose name: the person's own, where it is one of this workspace."""
    if not user.startswith(("U", "W")):
        return BOT
    return Acting(tools.need(Chat).email(user), tools.need(Chat).name(user))


@procedure("pager-ack")
def acknowledge(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Acknowledge an alert as whoever said so; say who was first, when that was somebody else."""
    data = under_way.data
    done = tools.need(Pager).acknowledge(data["alert"], acting(data["by"], tools))
    alert = done.alert
    facts = {
        "alert": alert.id,
        "title": alert.title,
        "url": alert.url,
        "by": data["by"],
        "acknowledgers": alert.acknowledgers,
    }
    if done.new:
        return Next("", data) if data.get("number") else Next("", data, say=[Reply("oncall/acked", facts)])
    template = "oncall/acked_before" if alert.open else "oncall/acked_too_late"
    return Next("", data, say=[Reply(template, facts, note=True)])


@procedure("pager-note")
def note(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Mirror what was said here as a note on the alert. An alert that is gone there takes no notes."""
    data = under_way.data
    try:
        tools.need(Pager).note(data["alert"], data["text"], acting(under_way.asker, tools), data["key"])
    except Gone:
        return Next("", data)
    return Next("", data)


@procedure("pager-severity")
def severity(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """The account's own priority of that rank, where it has one."""
    data = under_way.data
    tools.need(Pager).set_severity(data["alert"], data["severity"], acting(under_way.asker, tools))
    return Next("", data)


@procedure("pager-resolve")
def resolve(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Resolve the alert too, unless it is."""
    data = under_way.data
    tools.need(Pager).resolve(data["alert"], acting(under_way.asker, tools), data["text"])
    return Next("", data)


@procedure("pager-escalate")
def escalate(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Page the next level. Whom is noted before anyone is paged, so that a repeated step pages the same.

    An alert that waits is escalated. Where there is none, or it is in somebody's hands, the next level's people are
    paged beside it: to escalate it would trigger it anew, and page everybody who is at it already. So are those of the
    last level, once more, where there is no further one.
    """
    pager, data = tools.need(Pager), dict(under_way.data)
    incident = tools.incidents.get(data["number"])
    if under_way.step == "start":
        alert = _known(pager, data["alert"])
        if no := _needless(incident, alert, data, tools):
            return _escalated(incident, {**data, "level": 0}, {"why": no})
        turns = _turns(pager, alert.service if alert else data["service"], tools)
        level = 1 + _level(pager, alert, turns)
        top = max((each.level for each in turns), default=level)
        beside = alert is None or alert.status != "triggered" or level > top
        level = min(level, top)
        people = [[each.person.id, each.person.name, each.person.email] for each in turns if each.level == level]
        found = {"alert": alert.id if alert and alert.open else "", "level": level, "people": people, "beside": beside}
        return Next("page", {**data, **found})
    try:
        if data["beside"]:
            return _escalated(incident, data, _beside(pager, data))
        done = pager.escalate(data["alert"], data["level"], BOT)
    except Unreachable:
        raise
    except Refused as no:
        return _escalated(incident, data, {"why": no.sentence})
    facts: dict[str, Any] = {"names": [each.name for each in done.alert.assigned], "url": done.alert.url}
    facts["paged"] = done.new or (done.alert.status == "triggered" and pager.level(done.alert) == data["level"])
    if not facts["paged"]:
        facts["why"] = f"the alert is {done.alert.status} by now."
    return _escalated(incident, data, facts)


def _known(pager: Pager, alert: str) -> Alert | None:
    try:
        return pager.alert(alert) if alert else None
    except Gone:
        return None


def _turns(pager: Pager, service: str, tools: Tools) -> Sequence[OnCall]:
    try:
        return pager.oncall([service], tools.now, tools.now)
    except Gone:
        return []


def _needless(incident: Incident, alert: Alert | None, data: Mapping[str, Any], tools: Tools) -> str:
    """Why nobody needs to be paged any more: PagerDuty may have been away for long since it was asked for."""
    owed = Duty(data["duty"], datetime.fromisoformat(data["at"]))
    if owed not in duties(incident, tools.catalogue.pace(incident.severity), tools.now):
        return "what was missed has been done meanwhile."
    if owed.name == "ack-missed" and alert and alert.status != "triggered":
        return f"the alert is {alert.status} by now."
    return ""


def _level(pager: Pager, alert: Alert | None, turns: Sequence[OnCall]) -> int:
    """The level that has been paged: that of whoever has the alert in hand, the first where nobody has."""
    if alert and alert.status == "triggered":
        return pager.level(alert)
    holders = {each.by.id for each in alert.acknowledged} if alert else set()
    return min((each.level for each in turns if each.person.id in holders), default=1)


def _escalated(incident: Incident, data: Mapping[str, Any], found: Mapping[str, Any]) -> Next:
    facts = {"number": incident.number, "level": data["level"], "names": [], "url": "", "paged": False, "why": ""}
    # The incident's channel as it is now: it may not have had one when this began.
    said = Reply("oncall/escalated", {**facts, **found}, channel=incident.channel, note=True, event=ESCALATED)
    return Next("", data, say=[said])


def _beside(pager: Pager, data: Mapping[str, Any]) -> dict[str, Any]:
    if not data["people"]:
        return {"why": f"the escalation policy has nobody on level {data['level']}."}
    why, alert, service = f"Help needed: {data['why']}", data["alert"], data["service"]
    key = f"escalate {data['number']} {data['at']}"
    paged = [
        pager.page(Person(*each), why, BOT, f"{key} {each[0]}", alert=alert, service=service) for each in data["people"]
    ]
    return {"names": [each.who for each in paged], "url": paged[0].url, "paged": True}


@procedure("pager-page")
def page(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Page a person (a mention, by their e-mail address) or a policy; in a form, a person too is but a name."""
    pager, data = tools.need(Pager), under_way.data
    target: Person | Policy
    who = data["who"]
    if who.startswith("<@"):
        user = who[2:].partition("|")[0].rstrip(">")
        found = pager.user(tools.need(Chat).email(user))
        if found is None:
            raise Refused(f"PagerDuty knows nobody with the e-mail address of <@{user}>.", "Page a policy instead.")
        target = found
    else:
        target = _called(pager, who)
    done = pager.page(
        target, data["why"], acting(data["by"], tools), data["key"], alert=data["alert"], service=data["service"]
    )
    facts = {"who": done.who, "url": done.url, "why": data["why"], "by": data["by"]}
    return Next("", data, say=[Reply("oncall/paged", facts, note=True, event={"kind": "paged"})])


def _called(pager: Pager, word: str) -> Person | Policy:
    try:
        return pager.policy(word)
    except Gone:
        found = pager.named(word.removeprefix("@"))
        if found is None:
            raise
        return found


@procedure("page-create")
def publish(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Put it on the status page, and keep the id that came back before anything else.

    The page may have been away for long: what is over before it was said is not said, and what was over by the time it
    was is resolved there at once.
    """
    data, page = dict(under_way.data), tools.need(StatusPage)
    incident = tools.incidents.get(data["number"])
    match under_way.step:
        case "start":
            if incident.resolved:
                raise Refused("The incident is resolved by now, so customers were told nothing.")
            return Next("create", data)
        case "create":
            posted = page.create(data["title"], data["text"], f"incident-{data['number']}")
            kept = replace(incident, status_page=posted.id)
            found = {"id": posted.id, "url": posted.url, "new": posted.new}
            return Next("said", {**data, **found}, incident=kept)
        case _:
            if not data["new"]:
                page.update(data["id"], data["text"])  # of two who were first at once, one made it
            if incident.resolved:
                page.resolve(data["id"], OVER)
            return Next(
                "", data, say=[Reply("incident/published", {"url": data["url"], "by": under_way.asker}, note=True)]
            )


@procedure("page-update")
def tell(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Say what is new on the status page. What was resolved there and is open again here is opened there, too."""
    data = under_way.data
    incident = tools.incidents.get(data["number"])
    tools.need(StatusPage).update(data["id"], data["text"], reopen=not incident.resolved)
    return Next("", data)


@procedure("page-resolve")
def over(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Say on the status page that it is over."""
    data = under_way.data
    tools.need(StatusPage).resolve(data["id"], OVER)
    return Next("", data)


@procedure("track")
def track(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """Open the tracker's issue, and keep its address."""
    data = dict(under_way.data)
    tracker = tools.need(Tracker)
    incident = tools.incidents.get(data["number"])
    if under_way.step == "start":
        issue = tracker.create(data["title"], data["body"], f"incident-{data['number']}", since=incident.opened_at)
        return Next(
            "said", {**data, "url": issue.url, "issue": issue.number}, incident=replace(incident, issue=issue.url)
        )
    facts = {"url": data["url"], "issue": data["issue"], "by": under_way.asker}
    return Next("", data, say=[Reply("postmortem/tracked", facts, note=True)])
