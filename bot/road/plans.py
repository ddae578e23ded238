"""Plans: shown exactly as they will be carried out to whoever may confirm them, and dead once that is no longer so.

A plan is stored, with the rows it chose and what was seen of each, before anybody is shown it. It is confirmed once,
by the right person, before its time is up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain import policy
from bot.domain.action import ACTIONS, Action
from bot.domain.call import Call
from bot.domain.due import Due, due_kind
from bot.domain.errors import Later, Refused, Unreachable
from bot.domain.grammar import parse
from bot.domain.procedure import begun
from bot.domain.recorded import to_row
from bot.domain.reply import Plan
from bot.messages.render import Message, Renderer
from bot.road.naming import label_of, naming, rendered
from bot.road.people import Roster
from bot.road.posting import Delivers, Posting, packed
from bot.store.base import WEEK
from bot.store.commit import Commit, Conflict, Put
from bot.store.store import Store
from bot.tools import Tools

PLAN = due_kind("plan")
"""A plan whose time is up."""

PLAN_LIFE = timedelta(minutes=10)


class Plans:
    """One a process, made by the desk. ``begin``: how a procedure is begun (see ``procedures``)."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        outbox: Delivers,
        people: Roster,
        begin: Callable[[Commit, str, Mapping[str, Any], Sequence[Any], Call, str], None],
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.renderer = renderer
        self.outbox = outbox
        self.people = people
        self.begin = begin
        self.tools = tools
        self.now = now

    def ask(self, call: Call, action: Action, plan: Plan, change: Commit) -> Posting:
        """Store the exact plan, and show it to the one who may confirm it."""
        id, expires = call.begins, self.now() + PLAN_LIFE
        rule = policy.RULES[action.risk]
        state = {"plan": id, "risk": action.risk, "confirmer": rule.confirmer, "state": "asked"}
        message = self._card(call, plan.template, plan.facts, state)
        body = {
            "call": call.to_json(),
            "action": action.name,
            "template": plan.template,
            "facts": plan.facts,
            "begins": begun(plan.begins),
            "revision": plan.revision,
            "expires": expires.isoformat(),
            "state": "asked",
        }
        stored = self.store.get("plan", id)
        change.puts.append(Put("plan", id, stored[1] if stored else 0, body, WEEK))
        change.ledgers[id] = [to_row(each) for each in plan.begins.rows]
        change.due[str(Due(PLAN.name, id))] = expires
        files = [packed(file, self.renderer) for file in plan.files]
        return Posting.of(call, message, key=f"plan:{id}", files=files)

    def _card(self, call: Call, template: str, own: Mapping[str, Any], state: Mapping[str, Any]) -> Message:
        """The plan as its own template shows it, and below it what every plan ends with."""
        facts = {
            "template": f"{template}.j2",
            "by": "",
            "again": call.text,
            "lasts": PLAN_LIFE,
            **own,
            **state,
        }
        message = rendered(self.renderer, "desk/plan", call.facts(facts), call.incident)
        incident = self.store.incident(call.incident) if call.incident is not None else None
        return naming(message, label_of(incident, self.renderer), call.channel)

    def decided(self, call: Call, change: Commit) -> Posting | None:
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
                policy.may_say(action, call.actor, self.people)
            state = "cancelled"
        else:
            policy.may_confirm(action.risk, asked.actor, call.actor, self.people)
            why = self._outdated(asked, action, body["revision"]) if body["revision"] else ""
            if why:
                state = "outdated"
            else:
                state = "confirmed"
                self.begin(change, id, body["begins"], (), asked, call.actor)
        change.puts.append(Put("plan", id, version, {**body, "state": state, "by": call.actor}, WEEK))
        change.due[str(Due(PLAN.name, id))] = None
        decided = {"plan": id, "risk": action.risk, "confirmer": "", "state": state, "by": call.actor, "why": why}
        at = replace(asked, response_url=call.response_url or asked.response_url)
        return Posting.of(at, self._card(asked, body["template"], body["facts"], decided), "edit", f"plan:{id}")

    def _outdated(self, asked: Call, action: Action, revision: str) -> str:
        """Why the plan is no longer what would be done, by asking the very same question again; "" when it is."""
        try:
            _, arguments, _ = parse(asked.text, asked.at)
            answer = action.answer(asked, self.tools(), arguments)
        except Unreachable:
            raise
        except Refused as no:
            return no.sentence
        same = isinstance(answer, Plan) and answer.revision == revision
        return "" if same else "things have changed since this was asked."

    def expire(self, id: str) -> None:
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
        asked, state = Call.from_json(body["call"]), {"plan": id, "risk": "", "confirmer": "", "state": "expired"}
        card = self._card(asked, body["template"], body["facts"], state)
        try:
            self.outbox.deliver(Posting.of(asked, card, "edit", f"plan:{id}"))
        except Later as later:
            self.store.remind(str(Due(PLAN.name, id)), self.now() + timedelta(seconds=later.seconds))
