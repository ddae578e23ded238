"""What time makes due beside calls and procedures: reminders, cards that are out of date, polling, samples.

All of it may be done by any process and more than once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.domain.call import Call
from bot.domain.errors import Gone, Later, Refused
from bot.domain.incident import Duty, Incident, duties
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

POLL_EVERY = timedelta(seconds=30)
SAMPLE_EVERY = timedelta(seconds=30)
SAID_FOR = timedelta(days=6)
"""What was due longer ago is not said any more: that it was, is remembered for a week."""


class Rounds:
    """One a process, made by the desk. ``asked``: what PagerDuty says when it is asked, as Calls for ``take``."""

    def __init__(
        self,
        store: Store,
        workspace: Workspace,
        renderer: Renderer,
        tools: Callable[[], Tools],
        now: Callable[[], datetime],
        cards: Callable[[Incident, Tools], Sequence[Reply]],
        asked: Callable[[], Sequence[Call]],
        take: Callable[[Sequence[Call]], Sequence[bool]],
    ) -> None:
        self.store = store
        self.workspace = workspace
        self.renderer = renderer
        self.tools = tools
        self.now = now
        self.cards = cards
        self.asked = asked
        self.take = take

    def card(self, number: int) -> None:
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
                    facts = {"now": tools.now, "channel": channel, **card.facts}
                    message = rendered(self.renderer, card.template, facts, number)
                    message = naming(message, label_of(incident, self.renderer), channel)
                    self.workspace.update(channel, ts, message)
            # Where it lives in another's channel, the topic is not its to set.
            if incident.channel != incident.origin and self.store.known(f"topic:{number}") != topic:
                self.workspace.set_topic(incident.channel, topic)
                self.store.know(f"topic:{number}", topic)
        except Gone as gone:
            lost_channel(self.store, incident.channel, gone.sentence, self.now())
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

    def poll(self) -> None:
        """Look for what a webhook missed; with no public address this is all there is."""
        self.store.remind("poll:", self.now() + POLL_EVERY)
        try:
            calls = self.asked()
        except (Refused, Later) as away:
            log.warning("PagerDuty was not asked", extra={"why": str(away)})
            return
        if calls:
            self.take(calls)

    def sample(self) -> None:
        """Note each queue's depth, for the picture of the last hour."""
        self.store.remind("sample:", self.now() + SAMPLE_EVERY)
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
        text=f"/duty {duty.name} {incident.number} {duty.at.isoformat()}",
        at=now,
        door="clock",
    )
