"""`firewatch drill`: a story on a real Redis with the real bot, checked as it goes, printed as a channel shows it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from redis import Redis
from redis.exceptions import RedisError

from bot.sandbox.pipeline import Pipeline, seed
from bot.sandbox.slack import Channel, Message, Person, SlackSandbox
from bot.sandbox.slack.forms import elements
from bot.sandbox.stage import Stage
from bot.sandbox.transcript import Transcript

T = TypeVar("T")


class Missed(Exception):
    """Something that the story tells did not happen: which, and what was said instead."""


class Story:
    """What stories are told with: wait for what must happen, and fail with a sentence when it does not."""

    def __init__(self, slack: SlackSandbox) -> None:
        self.slack = slack

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


def replay(stage: Stage, pipeline: Pipeline) -> str:
    """A token has expired; the engineer replays too early, mends it, replays again. Returns the room's name."""
    slack, story = stage.slack, Story(stage.slack)
    noor, tomas = slack.oncall, slack.guest

    noor.types("ops", "/incident open Instagram uploads failing --severity sev2").ok()
    room = story.room(1)
    story.sees("ops", "Incident 1 open")

    noor.types(room, f"/jobs failed {stage.queue}").ok()
    card = story.sees(room, f"{stage.queue}: 120 failed jobs")

    # Too early: the switch is still on, so the canary fails for the same cause.
    story.press_first(noor, card, "Replay these")
    plan = story.sees(room, "Replay 47 jobs")
    tomas.joins(room)
    tomas.presses(plan, "Confirm").ok()
    story.is_told("tomas", room, "Not done")
    noor.presses(plan, "Confirm").ok()
    stopped = story.sees(room, "Replay stopped: the canary failed again")

    pipeline.switches.off("instagram")
    noor.types(room, "/incident note Refreshed the Instagram token").ok()
    story.sees(room, "Note by")

    noor.types(room, f"/jobs failed {stage.queue}").ok()
    card = story.sees(room, f"{stage.queue}: 120 failed jobs", after=stopped)
    story.press_first(noor, card, "Replay these")
    plan = story.sees(room, "Replay 47 jobs", after=stopped)
    noor.presses(plan, "Confirm").ok()
    story.sees(room, "Replay done: 47 of 47 completed", seconds=60)

    noor.types(room, "/incident resolve The Instagram token had expired and nobody was told").ok()
    story.sees(room, "Resolved after")
    noor.types(room, "/incident timeline").ok()
    story.sees(room, "Timeline of incident 1")
    return room


@dataclass(frozen=True, slots=True)
class Drill:
    """A story, the stage it is played on (a folder and the address of a Redis, "" for one of its own), and its gist."""

    tells: Callable[[Stage, Pipeline], str]
    stage: Callable[[Path, str], Stage]
    gist: str


def _night() -> Drill:
    from bot.sandbox.night import NightStage, night

    gist = (
        "paged, acknowledged, kept up to date, told to customers, resolved, written up; nothing missed, nothing twice."
    )
    return Drill(night, lambda folder, url: NightStage(folder, redis_url=url), gist)


def _replay() -> Drill:
    return Drill(replay, lambda folder, url: Stage(folder, redis_url=url), "120 failed jobs, 47 replayed, one receipt.")


DRILLS: Mapping[str, Callable[[], Drill]] = {"replay": _replay, "night": _night}


def play(name: str) -> int:
    """Play it in a folder that is gone afterwards. Returns the exit code."""
    began = time.monotonic()
    try:
        url = given_redis()
    except Missed as missed:
        print(f"firewatch: {missed}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="firewatch-drill-") as folder:
        drill = DRILLS[name]()
        stage = drill.stage(Path(folder), url)
        try:
            with stage:
                seed(stage.redis_url, now=datetime.fromtimestamp(stage.slack.workspace.now(), UTC))
                with stage.pipeline() as pipeline:
                    room = drill.tells(stage, pipeline)
                print(Transcript(stage.slack.workspace).channel(room, acts=stage.slack.deliveries))
        except Missed as missed:
            print(f"the drill {name} failed: {missed}", file=sys.stderr)
            print((Path(folder) / "bot.log").read_text(encoding="utf-8")[-4000:], file=sys.stderr)
            return 1
        finally:
            if url:
                Redis.from_url(url).flushdb()
    print(f"The drill {name} went as told, in {time.monotonic() - began:.0f} s: {drill.gist}")
    return 0


def given_redis() -> str:
    """REDIS_URL where one is set, else "".

    Raises Missed when its database holds anything, because it is emptied at the end.
    """
    url = os.environ.get("REDIS_URL", "")
    if not url:
        return ""
    try:
        held = int(Redis.from_url(url).dbsize())
    except RedisError as away:
        raise Missed(f"REDIS_URL is set, but it cannot be reached: {away}") from away
    if held:
        raise Missed(f"REDIS_URL names a database with {held} keys; a drill takes an empty one, such as …/15, or none")
    return url
