"""What a drill's story is told with: people act in the Slack, and what must follow is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from bot.sandbox.far_ends import FarEnd
from bot.sandbox.queues.pipeline import QUEUE
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.forms import elements
from bot.sandbox.slack.people import Person, VisibleSlack
from bot.sandbox.slack.workspace import Channel
from bot.sandbox.transcript import Transcript

T = TypeVar("T")


class Missed(Exception):
    """Something that the story tells did not happen: which, and what was said instead."""


class Story:
    """What stories are told with: wait for what must happen, and fail with a sentence when it does not."""

    def __init__(self, slack: VisibleSlack, queue: str = QUEUE, far_ends: Iterable[FarEnd] = ()) -> None:
        self.slack, self.queue, self.far_ends = slack, queue, tuple(far_ends)

    def sees(self, channel: str, beginning: str, after: Message | None = None, seconds: float = 30.0) -> Message:
        """The latest message of the channel whose text begins so, once there is one later than ``after``."""

        def found() -> Message | None:
            known = self.slack.channel(channel).messages
            alike = [each for each in known if each.text.startswith(beginning) and (not after or each.at > after.at)]
            return alike[-1] if alike else None

        return self._awaited(found, f"#{channel} says “{beginning}…”", channel, seconds)

    def is_told(self, user: str, channel: str, beginning: str, seconds: float = 30.0) -> Message:
        """The latest message that only this person sees."""

        def found() -> Message | None:
            mine = [each for each in self.slack.seen_by(user, channel) if each.visible_to]
            alike = [each for each in mine if each.text.startswith(beginning)]
            return alike[-1] if alike else None

        return self._awaited(found, f"{user} is told “{beginning}…”", channel, seconds)

    def press_first(self, person: Person, card: Message, label: str) -> None:
        """Press the topmost of several buttons that are called the same."""
        alike = [each for each in elements(self.slack.now_of(card).blocks) if each.label == label]
        if not alike:
            raise Missed(f"there is no “{label}” to press on “{card.text}”")
        person.presses(card, alike[0].element["action_id"]).ok()

    def room(self, number: int, seconds: float = 30.0) -> str:
        """The name of an incident's channel, once it stands with its summary pinned."""

        def found() -> Channel | None:
            channels = self.slack.workspace.channels.values()
            made = [each for each in channels if each.name.startswith(f"inc-{number}-") and each.pins]
            return made[0] if made else None

        return self._awaited(found, f"incident {number} has a channel", "ops", seconds).name

    def _awaited(self, found: Callable[[], T | None], what: str, channel: str, seconds: float) -> T:
        try:
            result: T = self.slack.wait_for(found, seconds)
        except TimeoutError as never:
            said = Transcript(self.slack.workspace).channel(channel)
            raise Missed(f"it was not seen that {what}\n\n{said}") from never
        return result
