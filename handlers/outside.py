"""What is told to PagerDuty, the status page and the tracker: each a procedure, so that none of them holds up Slack

Every step here is safe to repeat: the calls themselves look first, or bear a key (see ``bot/outside``).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import Gone, Refused, Unreachable
from bot.domain.incident import Incident, duties
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Reply
from bot.outside.github.protocol import Tracker
from bot.outside.pagerduty.protocol import Acting, Alert, OnCall, Pager, Person, Policy
from bot.outside.slack.protocol import Chat
from bot.outside.statuspage.protocol import StatusPage
from bot.tools import Tools

BOT = Acting(name="Firewatch")
ESCALATED = {"kind": "escalated", "actor": "Firewatch"}

OVER = "This is resolved."
"""The last word to customers."""

GIVES_UP = timedelta(hours=12)
"""A word to PagerDuty, the status page or the tracker that comes later than this would mislead."""


def acting(user: str, tools: Tools) -> Acting:
    """In whose name: the person's own, where it is one of this workspace."""
    if not user.startswith(("U", "W")):
        return BOT
    return Acting(tools.need(Chat).email(user), tools.need(Chat).name(user))


# ---------------------------------------------------------------- PagerDuty


@procedure("pager-ack", called="the acknowledgement in PagerDuty", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerAck:
    """Acknowledges an alert as whoever said so; says who was first, when that was somebody else."""

    alert: str
    by: str
    number: int | None = None

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        done = tools.need(Pager).acknowledge(self.alert, acting(self.by, tools))
        alert = done.alert
        facts = {
            "alert": alert.id,
            "title": alert.title,
            "url": alert.url,
            "by": self.by,
            "acknowledgers": alert.acknowledgers,
        }
        if done.new:
            return Next("") if self.number else Next("", say=[Reply("oncall/acked", facts)])
        template = "oncall/acked_before" if alert.open else "oncall/acked_too_late"
        return Next("", say=[Reply(template, facts, note=True)])


@procedure("pager-note", called="a note in PagerDuty", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerNote:
    """Mirrors what was said here as a note on the alert. An alert that is gone there takes no notes."""

    alert: str
    text: str
    key: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        with suppress(Gone):
            tools.need(Pager).note(self.alert, self.text, acting(under_way.asker, tools), self.key)
        return Next("")


@procedure("pager-severity", called="the severity in PagerDuty", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerSeverity:
    """Sets the account's own priority of that rank, where it has one."""

    alert: str
    severity: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        tools.need(Pager).set_severity(self.alert, self.severity, acting(under_way.asker, tools))
        return Next("")


@procedure("pager-resolve", called="resolving in PagerDuty", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerResolve:
    """Resolves the alert too, unless it is."""

    alert: str
    text: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        tools.need(Pager).resolve(self.alert, acting(under_way.asker, tools), self.text)
        return Next("")


@procedure("pager-escalate", called="paging the next level", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerEscalate:
    """Pages the next level. Whom is noted before anyone is paged, so that a repeated step pages the same.

    An alert that waits is escalated. Where there is none, or it is in somebody's hands, the next level's people are
    paged beside it: to escalate it would trigger it anew, and page everybody who is at it already. So are those of the
    last level, once more, where there is no further one.
    """

    number: int
    alert: str
    service: str
    why: str
    duty: str
    at: datetime
    level: int = 0
    people: tuple[Person, ...] = ()
    beside: bool = False

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        pager, incident = tools.need(Pager), tools.incidents.get(self.number)
        if under_way.step == "start":
            return self._chosen(pager, incident, tools)
        try:
            if self.beside:
                return self._said(incident, **self._paged(pager))
            done = pager.escalate(self.alert, self.level, BOT)
        except Unreachable:
            raise
        except Refused as no:
            return self._said(incident, why=no.sentence)
        names = [each.name for each in done.alert.assigned]
        paged = done.new or (done.alert.status == "triggered" and pager.level(done.alert) == self.level)
        why = "" if paged else f"the alert is {done.alert.status} by now."
        return self._said(incident, names=names, url=done.alert.url, paged=paged, why=why)

    def _chosen(self, pager: Pager, incident: Incident, tools: Tools) -> Next:
        """Whom to page, and how; or why nobody."""
        alert = _known(pager, self.alert)
        if no := self._needless(incident, alert, tools):
            return self._said(incident, why=no)
        turns = _turns(pager, alert.service if alert else self.service, tools)
        level = 1 + _level(pager, alert, turns)
        top = max((each.level for each in turns), default=level)
        beside = alert is None or alert.status != "triggered" or level > top
        level = min(level, top)
        people = tuple(each.person for each in turns if each.level == level)
        open_one = alert.id if alert and alert.open else ""
        return Next("page", replace(self, alert=open_one, level=level, people=people, beside=beside))

    def _needless(self, incident: Incident, alert: Alert | None, tools: Tools) -> str:
        """Why nobody needs to be paged any more: PagerDuty may have been away for long since it was asked for."""
        now_due = duties(incident, tools.catalogue.pace(incident.severity), tools.now)
        if not any((each.name, each.at) == (self.duty, self.at) for each in now_due):
            return "what was missed has been done meanwhile."
        if self.duty == "ack-missed" and alert and alert.status != "triggered":
            return f"the alert is {alert.status} by now."
        return ""

    def _paged(self, pager: Pager) -> dict[str, Any]:
        """Page each of the level's people beside the alert."""
        if not self.people:
            return {"why": f"the escalation policy has nobody on level {self.level}."}
        key, why = f"escalate {self.number} {self.at.isoformat()}", f"Help needed: {self.why}"
        paged = [
            pager.page(each, why, BOT, f"{key} {each.id}", alert=self.alert, service=self.service)
            for each in self.people
        ]
        return {"names": [each.who for each in paged], "url": paged[0].url, "paged": True}

    def _said(self, incident: Incident, **found: Any) -> Next:
        facts = {"number": incident.number, "level": self.level, "names": [], "url": "", "paged": False, "why": ""}
        # The incident's channel as it is now: it may not have had one when this began.
        said = Reply(
            "oncall/escalated", {**facts, **found}, channel=incident.channel, note=True, event=ESCALATED, receipt=True
        )
        return Next("", say=[said])


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


def _level(pager: Pager, alert: Alert | None, turns: Sequence[OnCall]) -> int:
    """The level that has been paged: that of whoever has the alert in hand, the first where nobody has."""
    if alert and alert.status == "triggered":
        return pager.level(alert)
    holders = {each.by.id for each in alert.acknowledged} if alert else set()
    return min((each.level for each in turns if each.person.id in holders), default=1)


@procedure("pager-page", called="paging", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PagerPage:
    """Pages a person (a mention, by their e-mail address) or a policy; in a form, a person too is but a name."""

    who: str
    why: str
    by: str
    key: str
    alert: str = ""
    service: str = ""

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        pager = tools.need(Pager)
        done = pager.page(
            self._target(pager, tools),
            self.why,
            acting(self.by, tools),
            self.key,
            alert=self.alert,
            service=self.service,
        )
        facts = {"who": done.who, "url": done.url, "why": self.why, "by": self.by}
        return Next("", say=[Reply("oncall/paged", facts, note=True, event={"kind": "paged"}, receipt=True)])

    def _target(self, pager: Pager, tools: Tools) -> Person | Policy:
        if not self.who.startswith("<@"):
            return _called(pager, self.who)
        user = self.who[2:].partition("|")[0].rstrip(">")
        found = pager.user(tools.need(Chat).email(user))
        if found is None:
            raise Refused(f"PagerDuty knows nobody with the e-mail address of <@{user}>.", "Page a policy instead.")
        return found


def _called(pager: Pager, word: str) -> Person | Policy:
    try:
        return pager.policy(word)
    except Gone:
        found = pager.named(word.removeprefix("@"))
        if found is None:
            raise
        return found


# ---------------------------------------------------------------- the status page, the tracker


@procedure("page-create", called="the status page", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PageCreate:
    """Puts it on the status page, and keeps the id that came back before anything else.

    The page may have been away for long: what is over before it was said is not said, and what was over by the time it
    was is resolved there at once.
    """

    number: int
    title: str
    text: str
    id: str = ""
    url: str = ""
    new: bool = False

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        page, incident = tools.need(StatusPage), tools.incidents.get(self.number)
        match under_way.step:
            case "start":
                if incident.resolved:
                    raise Refused("The incident is resolved by now, so customers were told nothing.")
                return Next("create")
            case "create":
                posted = page.create(self.title, self.text, f"incident-{self.number}")
                found = replace(self, id=posted.id, url=posted.url, new=posted.new)
                return Next("said", found, incident=replace(incident, status_page=posted.id))
            case _:
                if not self.new:
                    page.update(self.id, self.text)  # of two who were first at once, one made it
                if incident.resolved:
                    page.resolve(self.id, OVER)
                facts = {"url": self.url, "by": under_way.asker}
                said = Reply("incident/published", facts, note=True, event={"kind": "published"}, receipt=True)
                return Next("", say=[said])


@procedure("page-update", called="the update on the status page", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PageUpdate:
    """Says what is new on the status page. What was resolved there and is open again here is opened there, too."""

    number: int
    id: str
    text: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        incident = tools.incidents.get(self.number)
        tools.need(StatusPage).update(self.id, self.text, reopen=not incident.resolved)
        return Next("")


@procedure("page-resolve", called="resolving on the status page", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class PageResolve:
    """Says on the status page that it is over."""

    id: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        tools.need(StatusPage).resolve(self.id, OVER)
        return Next("")


@procedure("track", called="opening the tracker issue", gives_up=GIVES_UP)
@dataclass(frozen=True, slots=True)
class Track:
    """Opens the tracker's issue, and keeps its address."""

    number: int
    title: str
    body: str
    url: str = ""
    issue: int = 0

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        tracker, incident = tools.need(Tracker), tools.incidents.get(self.number)
        if under_way.step == "start":
            made = tracker.create(self.title, self.body, f"incident-{self.number}", since=incident.opened_at)
            found = replace(self, url=made.url, issue=made.number)
            return Next("said", found, incident=replace(incident, issue=made.url))
        facts = {"url": self.url, "issue": self.issue, "by": under_way.asker}
        return Next("", say=[Reply("postmortem/tracked", facts, note=True, receipt=True)])
