"""The road itself: every sentence, whoever said it, is taken, read, decided on, answered and put on record here.

The doors ``take`` a call: that is all they do. A worker ``attend``s to whatever is due: calls, procedures, plans that
run out, cards to bring up to date. Each of these may be attended to by any process, more than once, and after a death
in between.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot import policy
from bot.action import (
    ACTIONS,
    Action,
    Begin,
    Call,
    Incomplete,
    Later,
    Misworded,
    Parameter,
    Plan,
    Refused,
    Reply,
    Risk,
    Text,
    Unanswered,
    Unreachable,
    User,
    written,
)
from bot.grammar import read
from bot.incident import Duty, Incident, duties
from bot.outbox import Outbox, Posting, packed
from bot.people import Roster
from bot.procedure import Procedure
from bot.reception import Line, Reception
from bot.render import Message, Renderer
from bot.steps import Steps
from bot.store import LOST, WEEK, Commit, Conflict, Put, Store
from bot.tools import Tools, Workspace

log = logging.getLogger(__name__)

CLOCK = "clock"
"""Who says what time makes due."""

MACHINES = ("clock", "pagerduty")
MACHINES_AGAIN = 10.0
"""Seconds until a sentence of a machine that needs an outside system which is away is taken up again."""

POLL_EVERY = timedelta(seconds=30)
SAID_FOR = timedelta(days=6)
"""What was due longer ago is not said any more: that it was, is remembered for a week."""

BESIDE = timedelta(milliseconds=200)
"""Until what somebody else was at is looked at again."""

PLAN_LIFE = timedelta(minutes=10)
TRIES = 8
FAILURES = 5
HOME = "/home"


class Desk(Reception):
    """One a process. Everything it needs is given to it by ``wiring``."""

    def __init__(
        self,
        store: Store,
        line: Line,
        workspace: Workspace,
        renderer: Renderer,
        outbox: Outbox,
        people: Roster,
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
        cards: Callable[[Incident, Tools], Sequence[Reply]],
        poll: Callable[[], Sequence[Call]] = list,
    ) -> None:
        super().__init__(store, line, now)
        self.cards = cards
        self.poll = poll
        self.workspace = workspace
        self.renderer = renderer
        self.outbox = outbox
        self.people = people
        self.tools = tools
        self.steps = Steps(store, renderer, outbox, tools, now)

    # ------------------------------------------------------------ the worker's half

    def attend(self, member: str, mark: str = "") -> None:
        """Do what is due under this name, if nobody else is at it. What stays due is taken up again by the clock.

        ``mark``: what the clock claimed it with. When that no longer stands, it was done, put off or claimed anew.
        """
        kind, _, id = member.partition(":")
        with self.store.lease(member) as mine:
            if not mine:
                if mark:
                    # Whoever is at it may be about to leave, and not see that it has fallen due: so not a lease later.
                    self.store.postpone(member, mark, self.now() + BESIDE)
                return
            if mark and not self.store.stands(member, mark):
                return
            match kind:
                case "call":
                    self._call(id)
                case "procedure":
                    self.steps.attend(id)
                case "files":
                    self._files(id, mark)
                case "plan":
                    self._expire(id)
                    self.store.finish(member, mark)
                case "card":
                    self._card(int(id))
                    self.store.finish(member, mark)
                case "duty":
                    if not mark:
                        now = self.now()
                        mark = repr(now.timestamp())
                        self.store.remind(member, now)
                    self.duties([(member, mark)])
                case "poll":
                    self._poll()
                case "sample":
                    self._sample()
                case _:
                    log.error("nobody knows what this is", extra={"member": member})
                    self.store.finish(member, mark)

    def _call(self, id: str) -> None:
        found = self.store.get("call", id)
        if found is None or "done" in found[0]:
            self.store.commit(Commit(due={f"call:{id}": None}))
            return
        call = Call.from_json(found[0]["call"])
        try:
            posting = self.answer(call)
            if posting and not self._overtaken(posting):
                self.outbox.deliver(replace(posting, files=()))
        except Later as later:
            log.info("answer waits", extra={"ref": call.ref, "why": later.why, "seconds": later.seconds})
            self.store.remind(f"call:{id}", self.now() + timedelta(seconds=later.seconds))
            return
        except LOST:
            raise
        except Exception:
            log.exception("answer failed", extra={"ref": call.ref, "text": call.text, "actor": call.actor})
            if not self._failed(id):
                return
        body, version = self.store.get("call", id) or ({"call": call.to_json()}, 0)
        over = Commit([Put("call", id, version, {"call": body["call"], "done": True}, WEEK)], due={f"call:{id}": None})
        if posting := self._posted(body):
            self._released(over, posting)
            if posting.files:
                files = Put("files", id, 0, {"posting": posting.to_json()}, WEEK)
                over.puts.append(files)
                over.due[f"files:{id}"] = self.now()
        self.store.commit(over)

    def _files(self, id: str, mark: str) -> None:
        """Send what belongs under an answer, after it: a picture takes longer to draw than anybody wants to wait."""
        if found := self.store.get("files", id):
            try:
                self.outbox.attach(Posting.from_json(found[0]["posting"]))
            except Later as later:
                self.store.remind(f"files:{id}", self.now() + timedelta(seconds=later.seconds))
                return
        self.store.finish(f"files:{id}", mark)

    def _failed(self, id: str) -> bool:
        """Count a failure that nobody could be told of. True when it has come to be the last try."""
        body, version = self.store.get("call", id) or ({}, 0)
        failures = body.get("failures", 0) + 1
        again = self.now() + timedelta(seconds=2.0**failures)
        self.store.commit(
            Commit([Put("call", id, version, {**body, "failures": failures}, WEEK)], due={f"call:{id}": again})
        )
        return bool(failures >= FAILURES)

    def _overtaken(self, posting: Posting) -> bool:
        """Whether what a plan began has gone on to speak for itself on the plan's card."""
        begun = self._begun_by(posting)
        return begun is not None and begun.step != "start"

    def _released(self, over: Commit, posting: Posting) -> None:
        """Once its card says that a plan is confirmed, what it began may go on to speak there."""
        begun = self._begun_by(posting)
        if begun and begun.step == "start":
            over.due[f"procedure:{begun.id}"] = self.now()

    def _begun_by(self, posting: Posting) -> Procedure | None:
        if posting.mode != "edit" or not posting.key.startswith("plan:"):
            return None
        found = self.store.get("procedure", posting.key.removeprefix("plan:"))
        return Procedure.from_json(found[0]["procedure"]) if found else None

    def _posted(self, body: Mapping[str, Any]) -> Posting | None:
        return Posting.from_json(body["posting"]) if body.get("posting") else None

    def answer(self, call: Call) -> Posting | None:
        """Perform a call, and save what came of it with what is to be said about it, in one transaction.

        It is performed once: whoever comes later is given what was to be said. Two presses at once: whoever saves
        second decides again on what the first has made of things.
        """
        call = replace(call, incident=self.store.number_of(call.channel))
        for _ in range(TRIES):
            body, version = self.store.get("call", call.id) or ({"call": call.to_json()}, 0)
            if "posting" in body or "done" in body:
                return self._posted(body)
            try:
                change, posting = self._heard(call)
                said = {**body, "posting": posting.to_json() if posting else None}
                change.puts.append(Put("call", call.id, version, said, WEEK))
                self.store.commit(change)
            except Conflict as conflict:
                log.info("decided again", extra={"ref": call.ref, "why": str(conflict)})
                continue
            return posting
        return self._whisper(call, "desk/busy", {"again": call.text})

    def _heard(self, call: Call) -> tuple[Commit, Posting | None]:
        """One try at a call: what to save and what to say. Changes nothing itself."""
        change = Commit()
        outcome, action = "done", None
        try:
            if call.quiet and call.incident is None:
                raise Unanswered("said in passing")
            self._served(call)
            self._once(call)
            if call.text.startswith("/plan "):
                posting = self._decided(call, change)
            else:
                action, arguments = self._read(call)
                if action.doors and call.door not in action.doors:
                    raise Refused(f"`{action.name}` is not for people to say.")
                decision = self._decide(action, call)
                answer = action.answer(call, self.tools(), arguments)
                if isinstance(answer, Plan):
                    if decision != "ask":
                        raise TypeError(f"{action.name} asks for a confirmation that its risk does not know")
                    posting = self._ask(call, action, answer, change)
                elif decision == "ask" and answer.begins:
                    raise TypeError(f"{action.name} changes something and has to answer with a Plan")
                else:
                    posting = self.said(call, answer, change)
        except Incomplete as incomplete:
            outcome, posting = "incomplete", self._form(call, incomplete)
        except Misworded as wrong:
            outcome = "misworded"
            facts = {
                "sentence": wrong.sentence,
                "usage": list(wrong.usage),
                "notes": list(wrong.notes),
                "near": wrong.near,
                "said": call.text,
            }
            posting = self._whisper(call, "desk/usage", facts)
        except Unanswered as no_answer:
            outcome, posting = str(no_answer), None
        except Unreachable as away:
            if call.door in MACHINES:
                raise Later(MACHINES_AGAIN, away.sentence) from away
            outcome = "unreachable"
            posting = self._whisper(call, "desk/refused", {"sentence": away.sentence, "hint": away.hint})
        except Refused as no:
            outcome = "refused"
            posting = self._whisper(call, "desk/refused", {"sentence": no.sentence, "hint": no.hint})
        except Later as later:
            if call.door in MACHINES:
                raise
            outcome = "unreachable"
            posting = self._whisper(call, "desk/unreachable", {"why": later.why, "again": call.text})
        except (Conflict, *LOST):
            raise
        except Exception:
            outcome = "failed"
            log.exception("failed", extra={"ref": call.ref, "text": call.text, "actor": call.actor})
            posting = self._whisper(call, "desk/failed", {"ref": call.ref, "again": call.text})
        if outcome != "done":
            change = Commit()
            if call.door in MACHINES:
                log.warning(
                    "a machine was not answered", extra={"ref": call.ref, "text": call.text, "outcome": outcome}
                )
                posting = None
        name = action.name if action else _noun(call.text)
        log.info("answered", extra={"ref": call.ref, "action": name, "outcome": outcome, "actor": call.actor})
        change.counts.append(f"calls:{name}:{outcome}")
        if action is None or action.risk is not Risk.LOOK:
            change.audit = {
                "at": call.at.isoformat(),
                "ref": call.ref,
                "actor": call.actor,
                "channel": call.channel,
                "text": call.text[:2000],
                "outcome": outcome,
            }
        return change, posting

    # ------------------------------------------------------------ read and decide

    def _served(self, call: Call) -> None:
        """Raises Refused in a channel that is not served. The app's own page is no channel, and is everyone's."""
        if not call.channel or call.text == HOME:
            return
        name = call.channel_name or self.store.known(f"channel:{call.channel}")
        if call.door in MACHINES:
            return
        if not self.people.serves(call.channel, name, call.incident):
            raise Refused("I do not serve this channel.", f"Served here: {', '.join(self.people.served)}.")
        if call.channel_name and call.incident is None:
            # Neither a reaction nor a terminal says what the channel is called.
            self.store.know(f"channel:{call.channel}", call.channel_name)

    def _once(self, call: Call) -> None:
        """Two presses of one button by one person within two seconds are one."""
        if not call.message:
            return
        press = hashlib.sha256(f"{call.actor} {call.message} {call.text}".encode()).hexdigest()[:16]
        if self.store.first(f"press:{press}", call.id, 2.0) != call.id:
            raise Unanswered("pressed twice")

    def _read(self, call: Call) -> tuple[Action, dict[str, Any]]:
        try:
            return read(call.text, call.at)
        except Incomplete as incomplete:
            self._decide(incomplete.action, call)
            raise

    def _decide(self, action: Action, call: Call) -> policy.Decision:
        try:
            return policy.decide(action.risk, call.actor, self.people)
        except Refused as no:
            raise Refused(f"`{action.name}`: {no.sentence}", no.hint) from no

    def _form(self, call: Call, incomplete: Incomplete) -> Posting | None:
        """Ask for the missing words in a form; where none can be opened, say what is missing."""
        action = incomplete.action
        usage = {"sentence": incomplete.sentence, "usage": [action.usage], "notes": [], "near": "", "said": call.text}
        if not action.form or not call.trigger:
            return self._whisper(call, "desk/usage", usage)
        first = action.form(call, self.tools()) if callable(action.form) else {}
        facts = {
            "title": action.name,
            "summary": action.summary,
            "fields": [
                {
                    "name": p.name,
                    "label": p.name.replace("_", " ").capitalize(),
                    "kind": _kind(p),
                    "options": [[choice, choice] for choice in p.choices or (YES_NO if p.flag else ())] or None,
                    "initial": _begun(p, incomplete.given.get(p.name) or first.get(p.name)) or _initial(p),
                    "optional": not p.required,
                    "hint": p.help,
                }
                for p in action.parameters
            ],
        }
        view = self.renderer.view("desk/form", facts)
        context = {"channel": call.channel, "channel_name": call.channel_name, "thread": call.thread}
        # Slack keeps 3,000 characters for a form; what was said stands in its fields as well.
        remembered = json.dumps({**context, "text": call.text}, ensure_ascii=False)
        if len(remembered) > 3000:
            remembered = json.dumps({**context, "text": action.name})
        form = replace(view, callback_id=action.name, private_metadata=remembered)
        try:
            self.workspace.open_form(call.trigger, form.to_slack())
        except (Refused, Later):
            return self._whisper(call, "desk/form_expired", {**usage, "again": call.text})
        return None

    # ------------------------------------------------------------ answer

    def said(self, call: Call, reply: Reply, change: Commit) -> Posting | None:
        """A reply → what to post, with what it changes added to ``change``."""
        message = self.renderer.render(reply.template, _facts(call, reply.facts))
        key = reply.key or f"call:{call.id}"
        self.steps.record(change, reply, message, call.incident, call.actor, call.at, call.ref, key)
        asked = replace(call, channel=reply.channel) if reply.channel and not call.channel else call
        for place, begins in enumerate(reply.begins):
            self._begin(change, _short(call.id) + (f"-{place}" if place else ""), begins, asked, confirmer="")
        if reply.to == "nobody":
            return None
        key = reply.key
        if reply.edit and not key and call.message:
            key = f"message:{call.message}"
            self.store.posted(key, call.channel, call.message)
        mode = "edit" if reply.edit else {"channel": "post", "asker": "whisper", "home": "home"}[reply.to]
        at = replace(call, channel=reply.channel, thread="", response_url="") if reply.channel else call
        return self._posting(at, message, mode, key, files=reply.files)

    def _posting(self, call: Call, message: Message, mode: Any = "post", key: str = "", files: Any = ()) -> Posting:
        return Posting(
            mode,
            key or f"call:{call.id}",
            call.channel or call.actor,
            message.to_dict(),
            user=call.actor,
            thread=call.thread,
            response_url=call.response_url,
            files=[packed(file, self.renderer) for file in files],
        )

    def _whisper(self, call: Call, template: str, facts: Mapping[str, Any]) -> Posting:
        return self._posting(call, self.renderer.render(template, _facts(call, facts)), "whisper")

    def begun(self, call: Call) -> str:
        """The id of the procedure that this call would begin."""
        return _short(call.id)

    # ------------------------------------------------------------ plans

    def _ask(self, call: Call, action: Action, plan: Plan, change: Commit) -> Posting:
        """Store the exact plan, and show it to the one who may confirm it."""
        id, expires = _short(call.id), self.now() + PLAN_LIFE
        rule = policy.RULES[action.risk]
        message = self._plan_card(
            call, plan, {"plan": id, "risk": action.risk, "confirmer": rule.confirmer, "state": "asked"}
        )
        body = {
            "call": call.to_json(),
            "action": action.name,
            "template": plan.template,
            "facts": plan.facts,
            "begins": {"kind": plan.begins.kind, "data": dict(plan.begins.data)},
            "revision": plan.revision,
            "expires": expires.isoformat(),
            "state": "asked",
        }
        stored = self.store.get("plan", id)
        change.puts.append(Put("plan", id, stored[1] if stored else 0, body, WEEK))
        change.ledgers[id] = plan.begins.rows
        change.due[f"plan:{id}"] = expires
        return self._posting(call, message, key=f"plan:{id}", files=plan.files)

    def _plan_card(self, call: Call, plan: Plan, state: Mapping[str, Any]) -> Message:
        """The plan as its own template shows it, and below it what every plan ends with."""
        facts = {
            "template": f"{plan.template}.j2",
            "by": "",
            "again": call.text,
            "lasts": PLAN_LIFE,
            **plan.facts,
            **state,
        }
        return self.renderer.render("desk/plan", _facts(call, facts))

    def _decided(self, call: Call, change: Commit) -> Posting | None:
        """``/plan confirm ID`` and ``/plan cancel ID``: what the two buttons under a plan say."""
        _, verb, id = [*call.text.split(), "", ""][:3]
        found = self.store.get("plan", id)
        if verb not in ("confirm", "cancel") or not found:
            raise Refused("That plan is not on record any more; nothing was done.", "Ask for it again.")
        body, version = found
        asked = Call.from_json(body["call"])
        action = ACTIONS[body["action"]]
        if body["state"] != "asked":
            raise Refused(f"That plan was {body['state']} already; nothing more was done.")
        if datetime.fromisoformat(body["expires"]) <= self.now():
            raise Refused("That plan has expired; nothing was done.", f"Ask again: `{asked.text}`")
        why = ""
        if verb == "cancel":
            if call.actor != asked.actor:
                self._decide(action, call)
            state = "cancelled"
        else:
            policy.may_confirm(action.risk, asked.actor, call.actor, self.people)
            why = self._outdated(asked, action, body["revision"]) if body["revision"] else ""
            if why:
                state = "outdated"
            else:
                state = "confirmed"
                begins = Begin(body["begins"]["kind"], body["begins"]["data"])
                self._begin(change, id, begins, asked, call.actor)
        change.puts.append(Put("plan", id, version, {**body, "state": state, "by": call.actor}, WEEK))
        change.due[f"plan:{id}"] = None
        plan = Plan(body["template"], Begin(""), body["facts"])
        decided = {"plan": id, "risk": action.risk, "confirmer": "", "state": state, "by": call.actor, "why": why}
        at = replace(asked, response_url=call.response_url or asked.response_url)
        return self._posting(at, self._plan_card(asked, plan, decided), "edit", f"plan:{id}")

    def _outdated(self, asked: Call, action: Action, revision: str) -> str:
        """Why the plan is no longer what would be done, by asking the very same question again; "" when it is."""
        try:
            _, arguments = read(asked.text, asked.at)
            answer = action.answer(asked, self.tools(), arguments)
        except Unreachable:
            raise
        except Refused as no:
            return no.sentence
        same = isinstance(answer, Plan) and answer.revision == revision
        return "" if same else "things have changed since this was asked."

    def _expire(self, id: str) -> None:
        """Put on record that a plan's time is up, and say so on its card; Later means that it is said then."""
        body, version = self.store.get("plan", id) or ({"state": ""}, 0)
        if body["state"] == "asked" and datetime.fromisoformat(body["expires"]) <= self.now():
            body = {**body, "state": "expired"}
            try:
                self.store.commit(Commit([Put("plan", id, version, body, WEEK)]))
            except Conflict:
                return
        if body["state"] != "expired":
            return
        asked, plan = Call.from_json(body["call"]), Plan(body["template"], Begin(""), body["facts"])
        card = self._plan_card(asked, plan, {"plan": id, "risk": "", "confirmer": "", "state": "expired"})
        try:
            self.outbox.deliver(self._posting(asked, card, "edit", f"plan:{id}"))
        except Later as later:
            self.store.remind(f"plan:{id}", self.now() + timedelta(seconds=later.seconds))

    def _begin(self, change: Commit, id: str, begins: Begin, asked: Call, confirmer: str) -> None:
        procedure = Procedure(
            id,
            begins.kind,
            "start",
            asked.actor,
            asked.channel or asked.actor,
            self.now(),
            begins.data,
            confirmer,
            begins.data.get("number", asked.incident),
            ref=asked.ref,
        )
        found = self.store.get("procedure", id)
        change.puts.append(
            Put("procedure", id, found[1] if found else 0, {"procedure": procedure.to_json()}, 30 * 86400)
        )
        if begins.rows:
            change.ledgers[id] = begins.rows
        # A confirmed plan first says so on its card (see ``_released``); should that not be possible, it begins anyway.
        change.due[f"procedure:{id}"] = self.now() + timedelta(seconds=self.store.lease_seconds if confirmer else 0)

    # ------------------------------------------------------------ cards and samples

    def _card(self, number: int) -> None:
        """Bring the pinned summary up to date."""
        incident = self.store.incident(number)
        if not incident or not incident.summary:
            return
        tools = self.tools()
        topic = self.renderer.render("incident/topic", {"incident": incident}).text
        try:
            for card in self.cards(incident, tools):
                channel, ts = self.store.where(card.key)
                if ts:
                    message = self.renderer.render(card.template, {"now": tools.now, "channel": channel, **card.facts})
                    self.workspace.update(channel, ts, message)
            if self.store.known(f"topic:{number}") != topic:
                self.workspace.set_topic(incident.channel, topic)
                self.store.know(f"topic:{number}", topic)
        except Refused as no:
            log.warning("cards not updated", extra={"incident": number, "why": no.sentence})
        except Later as later:
            self.store.remind(f"card:{number}", self.now() + timedelta(seconds=later.seconds))

    def duties(self, due: Sequence[tuple[str, str]]) -> None:
        """Say what time has made due on incidents, each as a sentence of its own, and be back for what is next.

        The id of each is made of the incident, the duty and its time: however often and by whomever it is said, it is
        one call. For the clock: of ``duty:N`` with its mark, many at once, for ten thousand may fall due in a minute.
        It hands the sentences over as the line has room for them.
        """
        now, catalogue = self.now(), self.tools().catalogue
        known = {each.number: each for each in self.store.several([member.partition(":")[2] for member, _ in due])}
        calls: list[Call] = []
        after: list[tuple[str, str, datetime | None]] = []
        for member, mark in due:
            incident = known.get(int(member.partition(":")[2]))
            owed = duties(incident, catalogue.pace(incident.severity), now) if incident else []
            calls += [_reminding(incident, duty, now) for duty in owed if incident and now - SAID_FOR < duty.at <= now]
            after.append((member, mark, next((duty.at for duty in owed if duty.at > now), None)))
        if calls:
            self.store.take(calls, now, at_once=True)
        self.store.put_off(after)

    def _poll(self) -> None:
        """Look for what a webhook missed; with no public address this is all there is."""
        self.store.remind("poll:", self.now() + POLL_EVERY)
        try:
            calls = self.poll()
        except (Refused, Later) as away:
            log.warning("PagerDuty was not asked", extra={"why": str(away)})
            return
        if calls:
            self.take_all(calls)

    def _sample(self) -> None:
        """Note each queue's depth, for the picture of the last hour."""
        self.store.remind("sample:", self.now() + timedelta(seconds=30))
        tools = self.tools()
        for name in tools.queues.names():
            try:
                self.store.sample(name, tools.now, tools.queues.get(name).status().depth)
            except (Refused, Later) as down:
                log.warning("no sample", extra={"queue": name, "why": str(down)})


def _reminding(incident: Incident, duty: Duty, now: datetime) -> Call:
    return Call(
        id=f"duty{incident.number}x{duty.name.replace('-', '')}x{int(duty.at.timestamp() * 1000)}",
        actor=CLOCK,
        channel=incident.channel or incident.origin,
        text=f"/duty {duty.name} {incident.number} {duty.at.isoformat()}",
        at=now,
        door="clock",
    )


YES_NO = ("no", "yes")


def _kind(p: Parameter) -> str:
    if p.choices or p.flag:
        return "select"
    return "multiline" if p.type is Text else "user" if p.type is User else "text"


def _begun(p: Parameter, word: str | None) -> str | None:
    """What its field begins with: for a person, whose field takes no words, the id."""
    return word.strip("<@>").partition("|")[0] if word and p.type is User else word


def _initial(p: Parameter) -> str | None:
    if p.flag:
        return YES_NO[bool(p.default)]
    return None if p.default is None else written(p.type, p.default)


def _facts(call: Call, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"actor": call.actor, "channel": call.channel, "now": call.at, "said": call.text, **facts}


def _noun(text: str) -> str:
    """The noun of a sentence that could not be read, for the figures: never just anything that someone typed."""
    noun = text.partition(" ")[0].lower()
    return noun if noun == "/plan" or any(each.noun == noun for each in ACTIONS.values()) else "other"


def _short(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:12]
