"""The road itself: every sentence, whoever said it and however, is taken, read, decided on, answered and put on record here.

The doors ``take`` a call: that is all they do. A worker ``attend``s to whatever is due: calls, procedures, plans that run out,
cards to bring up to date. Each of these may be attended to by any process, more than once, and after a death in between.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot import policy
from bot.action import (
    ACTIONS,
    Action,
    Begin,
    Call,
    Incomplete,
    Later,
    Misworded,
    Plan,
    Refused,
    Reply,
    Risk,
    Text,
    Unreachable,
    read,
)
from bot.incident import Incident
from bot.outbox import Outbox, Posting
from bot.people import Roster
from bot.procedure import Procedure
from bot.render import Message, Renderer
from bot.steps import Steps
from bot.store import WEEK, Commit, Conflict, Put, Store
from bot.tools import Tools, Workspace

log = logging.getLogger(__name__)

PLAN_LIFE = timedelta(minutes=10)
TRIES = 8


class Line(Protocol):
    """Where work waits for a worker."""

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        """Names of what is due, each with its mark (see ``Store.due_now``)."""
        ...


class Desk:
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
        summary: Callable[[Incident, Tools], Mapping[str, Any]],
    ) -> None:
        self.store = store
        self.summary = summary
        self.line = line
        self.workspace = workspace
        self.renderer = renderer
        self.outbox = outbox
        self.people = people
        self.tools = tools
        self.now = now
        self.steps = Steps(store, renderer, outbox, tools, now)

    # ------------------------------------------------------------ the door's half

    def take(self, call: Call) -> bool:
        """Remember the call and hand it to a worker; False when this very call was taken before."""
        return self.take_all([call])[0]

    def take_all(self, calls: Sequence[Call]) -> Sequence[bool]:
        """``take`` for many, in as few round trips as for one. A call that is remembered but not handed over, because
        the process died here, is handed over by the clock."""
        new = self.store.take(calls, self.now())
        self.line.push([(f"call:{call.id}", "") for call, first in zip(calls, new, strict=True) if first])
        return new

    # ------------------------------------------------------------ the worker's half

    def attend(self, member: str, mark: str = "") -> None:
        """Do what is due under this name, if nobody else is at it. What stays due is taken up again by the clock."""
        kind, _, id = member.partition(":")
        with self.store.lease(member) as mine:
            if not mine:
                return
            match kind:
                case "call":
                    self._call(id)
                case "procedure":
                    self.steps.attend(id)
                case "plan":
                    self._expire(id)
                    self.store.finish(member, mark)
                case "card":
                    self._card(int(id))
                    self.store.finish(member, mark)
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
        posting = self.answer(call)
        try:
            if posting:
                self.outbox.deliver(posting)
        except Later as later:
            log.info("answer waits", extra={"ref": call.ref, "why": later.why, "seconds": later.seconds})
            self.store.remind(f"call:{id}", self.now() + timedelta(seconds=later.seconds))
            return
        body, version = self.store.get("call", id) or ({"call": call.to_json()}, 0)
        body.pop("posting", None)
        self.store.commit(Commit([Put("call", id, version, {**body, "done": True}, WEEK)], due={f"call:{id}": None}))

    def answer(self, call: Call) -> Posting | None:
        """Perform a call that was taken, and save what came of it with what is to be said about it, in one transaction.

        Two presses at once: whoever saves second decides again on what the first has made of things.
        """
        call = replace(call, incident=self.store.number_of(call.channel))
        for _ in range(TRIES):
            change, posting = self._heard(call)
            body, version = self.store.get("call", call.id) or ({"call": call.to_json()}, 0)
            if "posting" in body:
                return Posting.from_json(body["posting"])
            change.puts.append(
                Put(
                    "call",
                    call.id,
                    version,
                    {**body, "posting": posting.to_json()} if posting else body,
                    WEEK,
                )
            )
            try:
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
                decision = self._decide(action, call)
                answer = action.answer(call, self.tools(), arguments)
                if isinstance(answer, Plan):
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
        except Refused as no:
            outcome = "refused"
            posting = self._whisper(call, "desk/refused", {"sentence": no.sentence, "hint": no.hint})
        except Later as later:
            outcome = "unreachable"
            posting = self._whisper(call, "desk/unreachable", {"why": later.why, "again": call.text})
        except Conflict:
            raise
        except Exception:
            outcome = "failed"
            log.exception("failed", extra={"ref": call.ref, "text": call.text, "actor": call.actor})
            posting = self._whisper(call, "desk/failed", {"ref": call.ref, "again": call.text})
        if outcome != "done":
            change = Commit()
        name = action.name if action else call.text.partition(" ")[0][:20]
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
        if not self.people.serves(call.channel, call.channel_name, call.incident):
            raise Refused("I do not serve this channel.", f"Served here: {', '.join(self.people.served)}.")

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
        facts = {
            "title": action.summary.rstrip("."),
            "fields": [
                {
                    "name": p.name,
                    "label": p.name.replace("_", " ").capitalize(),
                    "kind": "select" if p.choices else "multiline" if p.type is Text else "text",
                    "options": [[choice, choice] for choice in p.choices] or None,
                    "initial": incomplete.given.get(p.name) or p.default,
                    "optional": not p.required,
                    "hint": p.help,
                }
                for p in action.parameters
                if not p.flag
            ],
        }
        view = self.renderer.view("desk/form", facts)
        context = {
            "channel": call.channel,
            "channel_name": call.channel_name,
            "thread": call.thread,
            "text": call.text,
        }
        form = replace(view, callback_id=action.name, private_metadata=json.dumps(context))
        try:
            self.workspace.open_form(call.trigger, form.to_slack())
        except (Refused, Later):
            return self._whisper(call, "desk/form_expired", {**usage, "again": call.text})
        return None

    # ------------------------------------------------------------ answer

    def said(self, call: Call, reply: Reply, change: Commit) -> Posting | None:
        """A reply → what to post, with what it changes added to ``change``."""
        message = self.renderer.render(reply.template, _facts(call, reply.facts))
        self.steps.record(change, reply, message, call.incident, call.actor, call.at, call.ref)
        if reply.begins:
            self._begin(change, _short(call.id), reply.begins, call, confirmer="")
        if reply.to == "nobody":
            return None
        mode = {"channel": "post", "asker": "whisper", "home": "home"}[reply.to]
        at = replace(call, channel=reply.channel, thread="") if reply.channel else call
        return self._posting(at, message, mode, reply.key, files=reply.files)

    def _posting(self, call: Call, message: Message, mode: Any = "post", key: str = "", files: Any = ()) -> Posting:
        return Posting(
            mode,
            key or f"call:{call.id}",
            call.channel,
            message.to_dict(),
            user=call.actor,
            thread=call.thread,
            response_url=call.response_url,
            files=[asdict(file) for file in files],
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
        _, verb, id = (call.text.split() + ["", ""])[:3]
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
        if verb == "cancel":
            if call.actor != asked.actor:
                self._decide(action, call)
            state = "cancelled"
        else:
            policy.may_confirm(action.risk, asked.actor, call.actor, self.people)
            if body["revision"] and self._revision(asked, action) != body["revision"]:
                state = "outdated"
            else:
                state = "confirmed"
                begins = Begin(body["begins"]["kind"], body["begins"]["data"])
                self._begin(change, id, begins, asked, call.actor)
        change.puts.append(Put("plan", id, version, {**body, "state": state, "by": call.actor}, WEEK))
        change.due[f"plan:{id}"] = None
        plan = Plan(body["template"], Begin(""), body["facts"])
        card = self._plan_card(
            asked, plan, {"plan": id, "risk": action.risk, "confirmer": "", "state": state, "by": call.actor}
        )
        return self._posting(asked, card, "edit", f"plan:{id}")

    def _revision(self, asked: Call, action: Action) -> str:
        """What the target looks like now, by asking the very same question again."""
        _, arguments = read(asked.text, asked.at)
        try:
            answer = action.answer(asked, self.tools(), arguments)
        except Unreachable:
            raise
        except Refused as no:
            return f"refused: {no.sentence}"
        return answer.revision if isinstance(answer, Plan) else ""

    def _expire(self, id: str) -> None:
        found = self.store.get("plan", id)
        if not found or found[0]["state"] != "asked" or datetime.fromisoformat(found[0]["expires"]) > self.now():
            return
        body, version = found
        try:
            self.store.commit(Commit([Put("plan", id, version, {**body, "state": "expired"}, WEEK)]))
        except Conflict:
            return
        asked, plan = Call.from_json(body["call"]), Plan(body["template"], Begin(""), body["facts"])
        card = self._plan_card(asked, plan, {"plan": id, "risk": "", "confirmer": "", "state": "expired"})
        self._soon(Posting("edit", f"plan:{id}", asked.channel, card.to_dict()))

    def _begin(self, change: Commit, id: str, begins: Begin, asked: Call, confirmer: str) -> None:
        procedure = Procedure(
            id,
            begins.kind,
            "start",
            asked.actor,
            asked.channel,
            self.now(),
            begins.data,
            confirmer,
            asked.incident if asked.incident is not None else self.store.number_of(asked.channel),
            ref=asked.ref,
        )
        found = self.store.get("procedure", id)
        change.puts.append(
            Put("procedure", id, found[1] if found else 0, {"procedure": procedure.to_json()}, 30 * 86400)
        )
        if begins.rows:
            change.ledgers[id] = begins.rows
        change.due[f"procedure:{id}"] = self.now()

    # ------------------------------------------------------------ cards and samples

    def _card(self, number: int) -> None:
        """Bring the pinned summary up to date."""
        incident = self.store.incident(number)
        if not incident or not incident.summary:
            return
        message = self.renderer.render("incident/summary", self.summary(incident, self.tools()))
        topic = self.renderer.render("incident/topic", {"incident": incident}).text
        try:
            self.workspace.update(incident.channel, incident.summary, message)
            if self.store.known(f"topic:{number}") != topic:
                self.workspace.set_topic(incident.channel, topic)
                self.store.know(f"topic:{number}", topic)
        except Refused as no:
            log.warning("summary not updated", extra={"incident": number, "why": no.sentence})
        except Later as later:
            self.store.remind(f"card:{number}", self.now() + timedelta(seconds=later.seconds))

    def _sample(self) -> None:
        """Note each queue's depth, for the picture of the last hour."""
        self.store.remind("sample:", self.now() + timedelta(seconds=30))
        tools = self.tools()
        for name in tools.queues.names():
            try:
                self.store.sample(name, tools.now, tools.queues.get(name).status().depth)
            except (Refused, Later) as down:
                log.warning("no sample", extra={"queue": name, "why": str(down)})

    def _soon(self, posting: Posting) -> None:
        try:
            self.outbox.deliver(posting)
        except Later as later:
            log.info("not delivered now", extra={"key": posting.key, "why": later.why})


class Unanswered(Refused):
    """Nothing to say: the second of two presses, or a reaction that was not meant for us."""


def _facts(call: Call, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {"actor": call.actor, "channel": call.channel, "now": call.at, "said": call.text, **facts}


def _short(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest()[:12]
