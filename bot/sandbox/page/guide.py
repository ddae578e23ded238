"""What to try first, ticked off by what really happened: plans, replays, notes, refusals, as the bot recorded them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import redis

from bot.domain.procedure import Procedure
from bot.sandbox.page.oncall import OnCallPanel
from bot.sandbox.page.pipeline_panel import FRESH, PipelinePanel
from bot.sandbox.queues.pipeline import QUEUE
from bot.sandbox.queues.platforms import PlatformFault
from bot.sandbox.slack.blocks import Message, interactive
from bot.sandbox.slack.people import VisibleSlack
from bot.store.base import AWAY
from bot.store.store import Store

Json = dict[str, Any]

STORY: Final = (
    "A bad night to practise on. Reposts have been failing for 40 minutes: 120 jobs, five causes. "
    "You are Noor, on call. Nothing here reaches the outside."
)

AUDITED: Final = 500
"""Entries of the audit looked through for a refusal, the latest first."""


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One line of the guide. `command` is offered to the composer, `person` to the switcher."""

    key: str
    title: str
    text: str
    command: str = ""
    person: str = ""
    person_name: str = ""


STEPS: Final = (
    GuideStep(
        "looked",
        "Look at what failed",
        "Press “Failed jobs” on the incident's card, or ask for them here, grouped by cause:",
        f"/jobs failed {QUEUE}",
    ),
    GuideStep(
        "planned", "Press “Replay these”", "Under the first cause. You are shown the plan; nothing has moved yet."
    ),
    GuideStep(
        "stopped",
        "Confirm, and see the canary stop",
        "Three jobs go first. Instagram's token is still expired: they fail again, and the others stay where they are.",
    ),
    GuideStep("mended", "Turn the fault off", "Pipeline, next to this guide: switch instagram's token-expired off."),
    GuideStep(
        "replayed",
        "Replay again and read the receipt",
        "Ask again, press “Replay these” and confirm. Each job is followed to its end.",
        f"/jobs failed {QUEUE}",
    ),
    GuideStep(
        "noted",
        "Add a note",
        "Type it, or react to any message with a pin: both are on the incident's timeline.",
        "/incident note Instagram token refreshed, replayed",
    ),
    GuideStep(
        "resolved",
        "Resolve",
        "With the root cause, so that it is on record:",
        "/incident resolve Instagram's token had expired",
    ),
    GuideStep(
        "acked",
        "Be paged, and acknowledge",
        "On call, next to this guide: trigger an alert. It opens a channel of its own; press “Ack” on its card there.",
    ),
    GuideStep(
        "refused",
        "Try it without rights",
        "Tomas is not on call. Act as him and ask for the same replay: he is told who may.",
        f"/jobs replay {QUEUE}",
        "tomas",
        "Tomas",
    ),
)


@dataclass(slots=True)
class _Noticed:
    """What the channels have shown so far."""

    upto: int = 0
    looked: bool = False
    plans: dict[str, None] = field(default_factory=dict)


class Guide:
    """Reads the workspace's feed and the bot's own records; safe to call from any thread, and never raises."""

    def __init__(self, slack: VisibleSlack, panel: PipelinePanel, oncall: OnCallPanel, redis_url: str) -> None:
        self._slack, self._panel, self._oncall = slack, panel, oncall
        self._redis: Any = redis.Redis.from_url(
            redis_url, decode_responses=True, socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self._store = Store(self._redis)
        self._noticed = _Noticed()
        self._done: frozenset[str] = frozenset()
        self._at = 0.0
        self._lock = threading.Lock()

    def look(self) -> Json:
        with self._lock:
            if time.monotonic() - self._at > FRESH:
                with suppress(*AWAY):  # without Redis nothing new is known; what was done stays done
                    self._done = frozenset(self._true())
                self._at = time.monotonic()
            done = self._done
            room = self.room()
        following = next((one.key for one in STEPS if one.key not in done), "")
        steps = [
            {
                "title": one.title,
                "text": one.text,
                "command": one.command,
                "person": one.person,
                "person_name": one.person_name,
                "done": one.key in done,
                "next": one.key == following,
            }
            for one in STEPS
        ]
        return {"story": STORY, "steps": steps, "room": room, "over": not following}

    def room(self) -> str:
        """The name of the channel to be in: the first incident's, #ops while there is none."""
        names = [one.name for one in self._slack.workspace.channels.values() if one.name.startswith("inc-")]
        return names[0] if names else "ops"

    def _true(self) -> Iterator[str]:
        self._notice()
        if self._noticed.looked:
            yield "looked"
        if self._noticed.plans:
            yield "planned"
        replays = [one.data for id in self._noticed.plans if (one := self._procedure(id)) is not None]
        if any((one.get("halt") or {}).get("why") == "canary" for one in replays):
            yield "stopped"
        through = any(self._came_through(one) for one in replays)
        seen = self._panel.look()
        if through or (seen.figures is not None and PlatformFault.TOKEN not in seen.lit["instagram"]):
            yield "mended"
        if through:
            yield "replayed"
        for incident in self._store.incidents("all", 10):
            if any(event.kind == "note" for event in self._store.timeline(incident.number)):
                yield "noted"
            if incident.resolved:
                yield "resolved"
        if self._oncall.acknowledged:
            yield "acked"
        if self._refused():
            yield "refused"

    def _notice(self) -> None:
        for change in self._slack.workspace.since(self._noticed.upto):
            self._noticed.upto = change.number
            said = change.data.get("message")
            if isinstance(said, Message) and said.bot_id:
                for sentence in sentences(said):
                    if sentence.startswith("/jobs replay "):
                        self._noticed.looked = True
                    if sentence.startswith("/plan confirm "):
                        self._noticed.plans[sentence.split()[2]] = None

    def _procedure(self, id: str) -> Procedure | None:
        """What a confirmed plan began: it bears the plan's id."""
        found = self._store.get("procedure", id)
        return Procedure.from_json(found[0]["procedure"]) if found else None

    def _came_through(self, data: Mapping[str, Any]) -> bool:
        ends = data.get("ends") or {}
        return not data.get("halt") and bool(ends.get("completed")) and sum(ends.values()) == data.get("total")

    def _refused(self) -> bool:
        entitled = {user for group in self._slack.workspace.groups.values() for user in group.users}
        entries = self._redis.xrevrange(self._store.key("audit"), count=AUDITED)
        return any(said["outcome"] == "refused" and said["actor"] not in entitled for _, said in entries)

    def close(self) -> None:
        self._redis.close()


def sentences(said: Message) -> Iterator[str]:
    """What the buttons of a message say when they are pressed."""
    for block in said.blocks:
        for element in interactive(block):
            if isinstance(value := element.get("value"), str):
                yield value
