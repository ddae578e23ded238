"""Takes procedures forward, one step at a time, and says what they have to say.

The record, what its rows have come to, its Events and its unsent messages are saved together before anything is sent.
So a step may be taken twice, by whoever finds it due; what it says is said once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.call import Call
from bot.domain.due import Due, due_kind
from bot.domain.errors import Later, Refused, Unreachable
from bot.domain.incident import Event
from bot.domain.procedure import PROCEDURES, Next, Procedure, ProcedureKind, called
from bot.domain.recorded import to_record, to_row
from bot.domain.reply import Reply
from bot.messages.mrkdwn import recorded
from bot.messages.render import Message, Renderer
from bot.road.naming import label_of, naming, rendered
from bot.road.posting import Delivers, Posting, packed
from bot.store.base import LOST, MONTH
from bot.store.commit import Commit, Conflict, Put
from bot.store.store import Store
from bot.tools import Tools

log = logging.getLogger(__name__)

PROCEDURE = due_kind("procedure")

SLICE = 0.5
"""Seconds for which a worker stays with one procedure before others get their turn."""

CARD_EVERY = 2.0
"""Seconds between two edits of a card: 30 a minute, where Slack allows chat.update 50."""

AWAY = 5.0
"""Seconds until an outside system that could not be reached is tried again."""

SOON, AWAY_LONG = 12, 30.0
"""So many times it is tried again that soon, then every so many seconds."""

PENDING = 3
"""So many times a procedure has had to wait for an outside system before the channel hears of it."""

FAILURES = 5
SAID = 20


class Steps:
    """One a process, made by the desk."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        outbox: Delivers,
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.renderer = renderer
        self.outbox = outbox
        self.tools = tools
        self.now = now

    def begin(
        self, change: Commit, id: str, begun: Mapping[str, Any], rows: Sequence[Any], asked: Call, confirmer: str
    ) -> None:
        """Put a procedure's first record, its rows, and when it falls due, into ``change``; ``begun`` as ``begun``."""
        procedure = Procedure(
            id,
            begun["kind"],
            "start",
            asked.actor,
            asked.channel or asked.actor,
            self.now(),
            begun["data"],
            confirmer,
            begun.get("incident", asked.incident),
            ref=asked.ref,
        )
        found = self.store.get("procedure", id)
        change.puts.append(Put("procedure", id, found[1] if found else 0, {"procedure": procedure.to_json()}, MONTH))
        if rows:
            change.ledgers[id] = [to_row(each) for each in rows]
        # A confirmed plan first says so on its card (see ``Desk``); should that not be possible, it begins anyway.
        change.due[str(Due(PROCEDURE.name, id))] = self.now() + timedelta(
            seconds=self.store.lease_seconds if confirmer else 0
        )

    def attend(self, due: Due, mark: str = "") -> None:
        """Take the steps that are due, for a slice of time.

        Leaves the next one due, or nothing when all is done and said.
        """
        id = due.of
        until = time.monotonic() + SLICE
        while True:
            found = self.store.get("procedure", id)
            if not found:
                self.store.commit(Commit(due={str(due): None}))
                return
            try:
                wait = self._advance(found[0], found[1])
            except Conflict:
                continue
            if wait is None or wait > 0:
                return
            if time.monotonic() > until:
                self.store.remind(str(due), self.now())
                return

    def _advance(self, body: dict[str, Any], version: int) -> float | None:
        """One step, saved and said. Returns the seconds until the next one, None when there is none."""
        procedure = Procedure.from_json(body["procedure"])
        if procedure.ended:
            return self._flush(procedure.id)
        member = str(Due(PROCEDURE.name, procedure.id))
        ended, change, data = dict(body), Commit(), procedure.data
        try:
            kind = PROCEDURES[procedure.kind]
            ledger = kind.ledger(self.store.ledger(procedure.id))
            following: Next = kind.read(procedure.data).step(procedure, self.tools(), ledger)
            data = self._data(kind, procedure, following)
            sent = self._spoken(procedure, following, change, version)
            ended["failures"] = 0
        except Later as later:
            return self._later(procedure, later.seconds, later.why)
        except LOST:
            raise
        except Refused as no:
            if isinstance(no, Unreachable) and not self._too_late(procedure):
                return self._later(procedure, AWAY, no.sentence)
            ended["refused"] = True
            facts = {"sentence": no.sentence, "hint": no.hint, "called": called(procedure.kind)}
            change, following = Commit(), Next("", say=[Reply("desk/stopped", facts, note=True)])
            sent = self._spoken(procedure, following, change, version)
        except Exception:
            log.exception(
                "step failed", extra={"ref": procedure.ref, "procedure": procedure.id, "step": procedure.step}
            )
            ended["failures"] = body.get("failures", 0) + 1
            change, following = Commit(), Next(procedure.step, wait=2.0 ** ended["failures"])
            if ended["failures"] >= FAILURES:
                facts = {"ref": procedure.ref, "called": called(procedure.kind), "step": procedure.step}
                following = Next("", say=[Reply("desk/broken", facts, note=True)])
                ended["broken"] = True
            sent = self._spoken(procedure, following, change, version)
        after = replace(procedure, step=following.step, data=data)
        ended |= {
            "procedure": after.to_json(),
            "outbox": [*body.get("outbox", []), *(each.to_json() for each in sent)],
        }
        # For `firewatch do --wait`: the latest that was said, and how much there was in all.
        fresh = [each.message for each in sent if each.mode == "post"]
        ended |= {"said": [*body.get("said", []), *fresh][-SAID:], "told": body.get("told", 0) + len(fresh)}
        change.puts.append(Put("procedure", procedure.id, version, ended, MONTH))
        change.opened[procedure.id] = following.opened
        change.closed[procedure.id] = following.closed
        # Without a wait the next step is taken here and now; should we die first, it falls due like anything else.
        wait = following.wait or self.store.lease_seconds
        change.due[member] = self.now() + timedelta(seconds=wait if following.step else 0)
        self.store.commit(change)
        if following.card and following.step:
            self._show(procedure, following.card)
        if not following.step:
            return self._flush(procedure.id)
        if ended["outbox"] and not self.store.hushed(f"outbox:{procedure.id}"):
            self._flush(procedure.id)
        return following.wait

    def _data(self, kind: ProcedureKind, procedure: Procedure, following: Next) -> Mapping[str, Any]:
        """What goes on record of what it knows: as it was, unless the step has changed it."""
        if following.data is None:
            return procedure.data
        if not isinstance(following.data, kind.work):
            raise TypeError(f"a step of {kind.name} gave {type(following.data).__name__} as its data")
        return to_record(following.data)

    def _too_late(self, procedure: Procedure) -> bool:
        """Whether it has waited for what is away for so long that to do it now would mislead."""
        gives_up = PROCEDURES[procedure.kind].gives_up
        return gives_up is not None and self.now() - procedure.started > gives_up

    def _later(self, procedure: Procedure, seconds: float, why: str) -> float:
        """Come back to it; when that has happened a few times, the channel is told what is pending."""
        log.info("step waits", extra={"ref": procedure.ref, "why": why, "procedure": procedure.id})
        waits = self.store.counted(f"waits:{procedure.id}")
        if waits > SOON:
            seconds = max(seconds, AWAY_LONG)
        self.store.remind(str(Due(PROCEDURE.name, procedure.id)), self.now() + timedelta(seconds=seconds))
        if waits == PENDING:
            reply = Reply("desk/pending", {"why": why, "called": called(procedure.kind)})
            message = self._named(procedure, reply)
            try:
                self.outbox.deliver(
                    Posting("post", f"procedure:{procedure.id}:pending", procedure.channel, message.to_dict())
                )
            except Later as later:
                log.info("not said now", extra={"procedure": procedure.id, "why": later.why})
        return seconds

    def _spoken(self, procedure: Procedure, following: Next, change: Commit, version: int) -> Sequence[Posting]:
        """What this step says, put on record in ``change``; the card's last state is a message that must arrive."""
        postings = []
        for place, reply in enumerate(following.say):
            message = self._rendered(procedure, reply)
            key = reply.key or f"procedure:{procedure.id}:{version}:{place}"
            self.record(change, reply, message, procedure.incident, procedure.asker, self.now(), procedure.ref, key)
            if reply.to != "nobody":
                channel = reply.channel or procedure.channel
                files = [packed(file, self.renderer) for file in reply.files]
                label = self._label(procedure, reply)
                shown = naming(message, label, channel).to_dict()
                postings.append(Posting("post", key, channel, shown, procedure.asker, files=files, label=label))
        if following.incident:
            incident = following.incident
            change.puts.append(Put("incident", str(incident.number), incident.version, incident.to_json()))
            change.due[f"card:{incident.number}"] = change.due[f"duty:{incident.number}"] = self.now()
        if following.card and not following.step:
            message = self._named(procedure, following.card)
            postings.insert(0, Posting("edit", self._card_key(procedure), procedure.channel, message.to_dict()))
        return postings

    def record(
        self,
        change: Commit,
        reply: Reply,
        message: Message,
        number: int | None,
        actor: str,
        at: datetime,
        ref: str,
        key: str,
    ) -> None:
        """Put what is said on the incident's timeline, with the incident's new state where there is one."""
        if reply.incident:
            incident = reply.incident
            number = incident.number
            change.puts.append(Put("incident", str(number), incident.version, incident.to_json()))
            change.due[f"duty:{number}"] = self.now()
        if number is None or not (reply.incident or reply.note):
            return
        fields = {"at": at, "actor": actor, "kind": reply.template, "text": recorded(message.text), **reply.event}
        event = Event(**fields, jobs=tuple(reply.jobs), ref=ref, key=key, receipt=reply.receipt)
        change.events.append((number, event))
        change.due[f"card:{number}"] = self.now()

    def _show(self, procedure: Procedure, card: Reply) -> None:
        """An edit on the way: it may be left out, so it is neither waited for nor repeated."""
        if not self.store.throttle(f"card:{procedure.id}", CARD_EVERY):
            return
        try:
            message = self._named(procedure, card).to_dict()
            shown = hashlib.sha256(json.dumps(message).encode()).hexdigest()
            if self.store.known(f"card:{procedure.id}") != shown:
                self.outbox.deliver(Posting("edit", self._card_key(procedure), procedure.channel, message))
                self.store.know(f"card:{procedure.id}", shown)
        except Later as later:
            self.store.hush(f"card:{procedure.id}", later.seconds)
        except LOST:
            raise
        except Exception:
            log.exception("card not shown", extra={"ref": procedure.ref, "procedure": procedure.id})

    def _flush(self, id: str) -> float | None:
        """Send what is unsent, in order, and strike it out. Returns the seconds to wait when Slack asks for it."""
        found = self.store.get("procedure", id)
        body, version = found or ({"procedure": None}, 0)
        outbox = body.get("outbox", [])
        member, wait = str(Due(PROCEDURE.name, id)), None
        for place, posting in enumerate(outbox):
            try:
                self.outbox.deliver(Posting.from_json(posting))
            except Later as later:
                log.info("message waits", extra={"procedure": id, "why": later.why, "seconds": later.seconds})
                outbox, wait = outbox[place:], later.seconds
                self.store.hush(f"outbox:{id}", wait)
                break
            except LOST:
                raise
            except Exception:
                tries = self.store.counted(f"message:{posting['key']}")
                log.exception("message failed", extra={"procedure": id, "key": posting["key"], "tries": tries})
                if tries < FAILURES:
                    outbox, wait = outbox[place:], 2.0**tries
                    self.store.hush(f"outbox:{id}", wait)
                    break
        else:
            outbox = []
        change = Commit([Put("procedure", id, version, {**body, "outbox": outbox}, MONTH)])
        if not body["procedure"]["step"]:
            change.due[member] = self.now() + timedelta(seconds=wait) if wait is not None else None
        self.store.commit(change)
        return wait

    def _rendered(self, procedure: Procedure, reply: Reply) -> Message:
        facts = {
            "actor": procedure.asker,
            "channel": procedure.channel,
            "confirmer": procedure.confirmer,
            "now": self.now(),
            **reply.facts,
        }
        number = reply.number if reply.number is not None else procedure.incident
        return rendered(self.renderer, reply.template, facts, number)

    def _label(self, procedure: Procedure, reply: Reply) -> Mapping[str, Any]:
        number = reply.number if reply.number is not None else procedure.incident
        incident = reply.incident or (self.store.incident(number) if number is not None else None)
        return label_of(incident, self.renderer)

    def _named(self, procedure: Procedure, reply: Reply) -> Message:
        """The message as it is posted: outside the incident's own channel it names the incident."""
        message, label = self._rendered(procedure, reply), self._label(procedure, reply)
        return naming(message, label, reply.channel or procedure.channel)

    def _card_key(self, procedure: Procedure) -> str:
        """A confirmed plan's card becomes the card of what it began."""
        return f"plan:{procedure.id}" if procedure.confirmer else f"procedure:{procedure.id}"
