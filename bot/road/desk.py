"""The road itself: every sentence, whoever said it, is taken, parse, decided on, answered and put on record here.

The doors ``take`` a call: that is all they do. A worker ``attend``s to whatever is due: calls, procedures, plans that
run out, cards to bring up to date. Each of these may be attended to by any process, more than once, and after a death
in between.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain import policy
from bot.domain.action import ACTIONS, Incomplete, Risk
from bot.domain.border import for_record
from bot.domain.call import Call
from bot.domain.due import DUE_KINDS, Due, due_kind
from bot.domain.errors import Later, Misworded, Refused, Several, Unanswered, Unreachable
from bot.domain.grammar import parse, with_incident
from bot.domain.incident import Incident
from bot.domain.procedure import Procedure, begun
from bot.domain.reply import Plan, Reply
from bot.messages.render import Renderer
from bot.outside.slack.protocol import Workspace
from bot.road.about import about_incident
from bot.road.due import CARD, DUTY, REMINDER, SAMPLE, Rounds
from bot.road.forms import Forms
from bot.road.naming import label_of, naming, rendered
from bot.road.outbox import Outbox
from bot.road.people import Roster
from bot.road.plans import PLAN, Plans
from bot.road.posting import Mode, Posting, packed
from bot.road.procedures import PROCEDURE, Steps
from bot.road.reception import CALL, Reception, WorkQueue
from bot.store.base import LOST, WEEK
from bot.store.commit import Commit, Conflict, Put
from bot.store.store import Store
from bot.tools import Tools

log = logging.getLogger(__name__)

MACHINES = ("clock", "pagerduty")
MACHINES_AGAIN = 10.0
"""Seconds until a sentence of a machine that needs an outside system which is away is taken up again."""

BESIDE = timedelta(milliseconds=200)
"""Until what somebody else was at is looked at again."""

FILES = due_kind("files")
"""What belongs under an answer."""

MODES: Mapping[str, Mode] = {"channel": "post", "asker": "whisper", "home": "home"}
"""``Reply.to`` → how that is sent."""

WHICH = 10
"""Incidents among which is asked: the newest."""

TRIES = 8
FAILURES = 5
HOME = "/home"


class Desk(Reception):
    """One a process. Everything it needs is given to it by ``wiring``."""

    def __init__(
        self,
        store: Store,
        line: WorkQueue,
        workspace: Workspace,
        renderer: Renderer,
        outbox: Outbox,
        people: Roster,
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
    ) -> None:
        super().__init__(store, line, now)
        self.workspace = workspace
        self.renderer = renderer
        self.outbox = outbox
        self.people = people
        self.tools = tools
        self.steps = Steps(store, renderer, outbox, tools, now)
        self.forms = Forms(workspace, renderer, store, tools)
        self.plans = Plans(store, renderer, outbox, people, self.steps.begin, tools, now)
        self.rounds = Rounds(store, workspace, renderer, tools, now, self.take_all)
        self.own: Mapping[str, Callable[[Due, str], None]] = {
            CALL.name: self._call,
            REMINDER.name: self._call,
            FILES.name: self._files,
            PLAN.name: self._plan,
            PROCEDURE.name: self.steps.attend,
            CARD.name: self.rounds.card,
            DUTY.name: self.rounds.duty,
            SAMPLE.name: self.rounds.sample,
        }

    # ------------------------------------------------------------ the worker's half

    def attend(self, member: str, mark: str = "") -> None:
        """Do what is due under this name, if nobody else is at it. What stays due is taken up again by the clock.

        ``mark``: what the clock claimed it with. When that no longer stands, it was done, put off or claimed anew.
        """
        with self.store.lease(member) as mine:
            if not mine:
                if mark:
                    # Whoever is at it may be about to leave, and not see that it has fallen due: so not a lease later.
                    self.store.postpone(member, mark, self.now() + BESIDE)
                return
            if mark and not self.store.stands(member, mark):
                return
            due = Due.parse(member)
            kind, own = DUE_KINDS.get(due.kind), self.own.get(due.kind)
            if own:
                own(due, mark)
            elif kind and kind.does:
                self.rounds.recur(kind, due.of)
            else:
                log.error("nobody knows what this is", extra={"member": member})
                self.store.finish(member, mark)

    def _plan(self, due: Due, mark: str) -> None:
        self.plans.expire(due.of)
        self.store.finish(str(due), mark)

    def _call(self, due: Due, mark: str) -> None:
        id, member = due.of, str(due)
        found = self.store.get("call", id)
        if found is None or "done" in found[0]:
            self.store.commit(Commit(due={member: None}))
            return
        call = Call.from_json(found[0]["call"])
        try:
            posting = self.answer(call)
            if posting and not self._overtaken(posting):
                self.outbox.deliver(replace(posting, files=()))
        except Later as later:
            log.info("answer waits", extra={"ref": call.ref, "why": later.why, "seconds": later.seconds})
            self.store.remind(member, self.now() + timedelta(seconds=later.seconds))
            return
        except LOST:
            raise
        except Exception:
            log.exception("answer failed", extra={"ref": call.ref, "text": call.text, "actor": call.actor})
            if not self._failed(due):
                return
        body, version = self.store.get("call", id) or ({"call": call.to_json()}, 0)
        over = Commit([Put("call", id, version, {"call": body["call"], "done": True}, WEEK)], due={member: None})
        if posting := self._posted(body):
            self._released(over, posting)
            if posting.files:
                files = Put("files", id, 0, {"posting": posting.to_json()}, WEEK)
                over.puts.append(files)
                over.due[str(Due(FILES.name, id))] = self.now()
        self.store.commit(over)

    def _files(self, due: Due, mark: str) -> None:
        """Send what belongs under an answer, after it: a picture takes longer to draw than anybody wants to wait."""
        if found := self.store.get("files", due.of):
            try:
                self.outbox.attach(Posting.from_json(found[0]["posting"]))
            except Later as later:
                self.store.remind(str(due), self.now() + timedelta(seconds=later.seconds))
                return
        self.store.finish(str(due), mark)

    def _failed(self, due: Due) -> bool:
        """Count a failure that nobody could be told of. True when it has come to be the last try."""
        body, version = self.store.get("call", due.of) or ({}, 0)
        failures = body.get("failures", 0) + 1
        again = self.now() + timedelta(seconds=2.0**failures)
        self.store.commit(
            Commit([Put("call", due.of, version, {**body, "failures": failures}, WEEK)], due={str(due): again})
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
            living = self.store.living_in(call.channel) if call.channel else []
            if call.quiet and not living:
                raise Unanswered("said in passing")
            self._served(call, living)
            self._once(call)
            if call.text.startswith("/plan "):
                posting = self.plans.decided(call, change)
            else:
                action, arguments, named = parse(call.text, call.at)
                if action.doors and call.door not in action.doors:
                    raise Refused(f"`{action.name}` is not for people to say.")
                decision = policy.may_say(action, call.actor, self.people)
                call = about_incident(call, action, named, self.store)
                answer = action.answer(call, self.tools(), arguments)
                if isinstance(answer, Plan):
                    if decision != "ask":
                        raise TypeError(f"{action.name} asks for a confirmation that its risk does not know")
                    posting = self.plans.ask(call, action, answer, change)
                elif decision == "ask" and answer.begins:
                    raise TypeError(f"{action.name} changes something and has to answer with a Plan")
                else:
                    posting = self.said(call, answer, change)
        except Incomplete as incomplete:
            outcome, posting = self._asked_for(call, incomplete)
        except Several as several:
            outcome, posting = "several", self._which(call, several)
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
                "text": for_record(call.text)[:2000],
                "outcome": outcome,
            }
        return change, posting

    # ------------------------------------------------------------ read and decide

    def _served(self, call: Call, living: Sequence[Incident]) -> None:
        """Raises Refused in a channel that is not served. The app's own page is no channel, and is everyone's."""
        if not call.channel or call.text == HOME:
            return
        name = call.channel_name or self.store.known(f"channel:{call.channel}")
        if call.door in MACHINES:
            return
        if call.channel.startswith("D") and (self.people.is_oncall(call.actor) or self.people.is_lead(call.actor)):
            return  # where the bot reminds them directly, its buttons work
        if not self.people.serves(call.channel, name, bool(living)):
            raise Refused("I do not serve this channel.", f"Served here: {', '.join(self.people.served)}.")
        if call.channel_name and not living:
            # Neither a reaction nor a terminal says what the channel is called.
            self.store.know(f"channel:{call.channel}", call.channel_name)

    def _once(self, call: Call) -> None:
        """Two presses of one button by one person within two seconds are one."""
        if not call.message:
            return
        press = hashlib.sha256(f"{call.actor} {call.message} {call.text}".encode()).hexdigest()[:16]
        if self.store.first(f"press:{press}", call.id, 2.0) != call.id:
            raise Unanswered("pressed twice")

    def _asked_for(self, call: Call, incomplete: Incomplete) -> tuple[str, Posting | None]:
        """What is answered to a sentence that lacks words: a form, where this person may say it."""
        action = incomplete.action
        try:
            policy.may_say(action, call.actor, self.people)
            call = about_incident(call, action, incomplete.incident, self.store)
            return "incomplete", self.forms.ask(call, incomplete)
        except Several as several:
            return "several", self._which(call, several)
        except Refused as no:
            return "refused", self._whisper(call, "desk/refused", {"sentence": no.sentence, "hint": no.hint})

    def _which(self, call: Call, several: Several) -> Posting:
        """Ask which incident a sentence is about: each as a button that says the sentence about that one."""
        found = self.store.several([str(number) for number in several.numbers[:WHICH]])
        incidents = [
            {"number": each.number, "title": each.title, "sentence": with_incident(call.text, each.number)}
            for each in found
        ]
        first = with_incident(call.text, several.numbers[0])
        return self._whisper(call, "desk/several", {"incidents": incidents, "said": call.text, "again": first})

    # ------------------------------------------------------------ answer

    def said(self, call: Call, reply: Reply, change: Commit) -> Posting | None:
        """A reply → what to post, with what it changes added to ``change``."""
        number = reply.number if reply.number is not None else call.incident
        message = rendered(self.renderer, reply.template, call.facts(reply.facts), number)
        name = reply.key or f"call:{call.id}"
        self.steps.record(change, reply, message, call.incident, call.actor, call.at, call.ref, name)
        asked = replace(call, channel=reply.channel) if reply.channel and not call.channel else call
        for place, begins in enumerate(reply.begins):
            id = call.begins + (f"-{place}" if place else "")
            self.steps.begin(change, id, begun(begins), begins.rows, asked, confirmer="")
        if reply.to == "nobody":
            return None
        key = reply.key
        if reply.edit and not key and call.message:
            key = f"message:{call.message}"
            self.store.posted(key, call.channel, call.message)
        mode: Mode = "edit" if reply.edit else MODES[reply.to]
        incident = (reply.incident or self.store.incident(number)) if number is not None else None
        there = reply.channel or self._room(call, reply, incident)
        at = replace(call, channel=there, thread="", response_url="") if there else call
        label = label_of(incident, self.renderer)
        files = [packed(file, self.renderer) for file in reply.files]
        posting = replace(Posting.of(at, naming(message, label, at.channel), mode, key, files), label=label)
        if incident and there and there != reply.channel:
            facts = {"number": incident.number, "room": there, "text": message.text}
            posting = replace(posting, also=[self._whisper(call, "desk/said_there", facts).to_json()])
        return posting

    def _room(self, call: Call, reply: Reply, incident: Incident | None) -> str:
        """The channel of an incident on which something was done from elsewhere: all who work on it read it there."""
        if incident is None or reply.edit or reply.to != "channel" or not (reply.incident or reply.note):
            return ""
        return incident.home if incident.home not in ("", call.channel) else ""

    def _whisper(self, call: Call, template: str, facts: Mapping[str, Any]) -> Posting:
        return Posting.of(call, self.renderer.render(template, call.facts(facts)), "whisper")


def _noun(text: str) -> str:
    """The noun of a sentence that could not be read, for the figures: never just anything that someone typed."""
    noun = text.partition(" ")[0].lower()
    return noun if noun == "/plan" or any(each.noun == noun for each in ACTIONS.values()) else "other"
