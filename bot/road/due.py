"""What time makes due beside calls and procedures: reminders, cards that are out of date, samples, what recurs.

All of it may be done by any process and more than once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.domain.call import Call
from bot.domain.cards import CARDS, TOPICS
from bot.domain.due import Due, DueKind, due_kind
from bot.domain.errors import Gone, Later, Refused
from bot.domain.incident import DUTY_DUE, Duty, Incident, duties
from bot.domain.reply import Reply
from bot.messages.render import Renderer
from bot.outside.queues.protocol import Queues
from bot.outside.slack.protocol import Workspace
from bot.road.about import lost_channel
from bot.road.naming import label_of, naming, rendered
from bot.store.store import Store
from bot.tools import Tools

log = logging.getLogger(__name__)

CLOCK = "clock"
"""Who says what time makes due."""

REMINDER = due_kind("reminder")
"""A sentence of the clock's: nobody waits, and ten thousand of them must not stand before somebody's question."""

DUTY = due_kind("duty", lane="clock")
CARD = due_kind("card")
SAMPLE_EVERY = timedelta(seconds=30)
SAMPLE = due_kind("sample", every=SAMPLE_EVERY)
SAID_FOR = timedelta(days=6)
"""What was due longer ago is not said any more: that it was, is remembered for a week."""


class Rounds:
    """One a process, made by the desk. ``take``: where the sentences go that come of what recurs."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        renderer: Renderer,
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
        take: Callable[[Sequence[Call]], Sequence[bool]],
    ) -> None:
        self.store = store
        self.workspace = workspace
        self.renderer = renderer
        self.tools = tools
        self.now = now
        self.take = take

    def card(self, due: Due, mark: str) -> None:
        """Bring what shows how the incident stands up to date."""
        incident = self.store.incident(int(due.of))
        if incident and incident.summary:
            self._shown(incident)
        self.store.finish(str(due), mark)

    def _shown(self, incident: Incident) -> None:
        tools, number = self.tools(), incident.number
        try:
            for card in [card for shows in CARDS for card in shows(incident, tools)]:
                channel, ts = self.store.where(card.key)
                if ts:
                    facts = {"now": tools.now, "channel": channel, **card.facts}
                    message = rendered(self.renderer, card.template, facts, number)
                    message = naming(message, label_of(incident, self.renderer), channel)
                    self.workspace.update(channel, ts, message)
            # Where it lives in another's channel, the topic is not its to set.
            if incident.own_channel:
                for says in TOPICS:
                    self._topic(incident, says(incident, tools))
        except Gone as gone:
            lost_channel(self.store, incident.channel, gone.sentence, self.now())
        except Refused as no:
            log.warning("cards not updated", extra={"incident": number, "why": no.sentence})
        except Later as later:
            self.store.remind(str(Due(CARD.name, str(number))), self.now() + timedelta(seconds=later.seconds))

    def _topic(self, incident: Incident, said: Reply) -> None:
        topic = self.renderer.render(said.template, said.facts).text
        if self.store.known(f"topic:{incident.number}") != topic:
            self.workspace.set_topic(incident.channel, topic)
            self.store.know(f"topic:{incident.number}", topic)

    def duty(self, due: Due, mark: str) -> None:
        """As ``duties``, for one incident: where it is a worker that does it."""
        if not mark:
            now = self.now()
            mark = repr(now.timestamp())
            self.store.remind(str(due), now)
        self.duties([(str(due), mark)])

    def duties(self, due: Sequence[tuple[str, str]]) -> None:
        """Say what time has made due on incidents, each as a sentence of its own, and be back for what is next.

        The id of each is made of the incident, the duty and its time: however often and by whomever it is said, it is
        one call. For the clock: of ``duty:N`` with its mark, many at once, for ten thousand may fall due in a minute.
        It hands the sentences over as the line has room for them.
        """
        now, catalogue = self.now(), self.tools().catalogue
        known = {each.number: each for each in self.store.several([Due.parse(name).of for name, _ in due])}
        calls: list[Call] = []
        after: list[tuple[str, str, datetime | None]] = []
        for member, mark in due:
            incident = known.get(int(Due.parse(member).of))
            owed = duties(incident, catalogue.pace(incident.severity), now) if incident else []
            calls += [_reminding(incident, duty, now) for duty in owed if incident and now - SAID_FOR < duty.at <= now]
            after.append((member, mark, next((duty.at for duty in owed if duty.at > now), None)))
        if calls:
            self.store.take(calls, now, REMINDER.name, at_once=True)
        self.store.put_off(after)

    def recur(self, kind: DueKind, of: str = "") -> None:
        """Do what recurs, after it has been put off to its next time: so it is done once in that time at most."""
        if kind.every is None or kind.does is None:
            raise TypeError(f"{kind.name} does not recur")
        self.store.remind(str(Due(kind.name, of)), self.now() + kind.every)
        try:
            calls = kind.does(of, self.tools())
        except (Refused, Later) as away:
            log.warning("not done this time", extra={"due": kind.name, "why": str(away)})
            return
        if calls:
            self.take(calls)

    def sample(self, due: Due, mark: str) -> None:
        """Note each queue's depth, for the picture of the last hour."""
        self.store.remind(str(due), self.now() + SAMPLE_EVERY)
        tools = self.tools()
        for name in tools.need(Queues).names():
            try:
                self.store.sample(name, tools.now, tools.need(Queues).get(name).status().depth)
            except (Refused, Later) as down:
                log.warning("no sample", extra={"queue": name, "why": str(down)})


def _reminding(incident: Incident, duty: Duty, now: datetime) -> Call:
    return Call(
        id=f"duty{incident.number}x{duty.name.replace('-', '')}x{int(duty.at.timestamp() * 1000)}",
        actor=CLOCK,
        channel=incident.channel or incident.origin,
        text=f"{DUTY_DUE} {duty.name} {incident.number} {duty.at.isoformat()}",
        at=now,
        door="clock",
    )
