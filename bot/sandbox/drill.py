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

from redis import Redis
from redis.exceptions import RedisError

from bot.sandbox.night import night
from bot.sandbox.queues.pipeline import Pipeline, seed
from bot.sandbox.stage import NightStage, Stage
from bot.sandbox.story import Missed, Story
from bot.sandbox.transcript import Transcript


def replay(story: Story, pipeline: Pipeline) -> str:
    """A token has expired; the engineer replays too early, mends it, replays again. Returns the room's name."""
    noor, tomas = story.slack.oncall, story.slack.guest

    noor.types("ops", "/incident open Instagram uploads failing --severity sev2").ok()
    room = story.room(1)
    story.sees("ops", "Incident 1 open")

    noor.types(room, f"/jobs failed {story.queue}").ok()
    card = story.sees(room, f"{story.queue}: 120 failed jobs")

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

    noor.types(room, f"/jobs failed {story.queue}").ok()
    card = story.sees(room, f"{story.queue}: 120 failed jobs", after=stopped)
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

    tells: Callable[[Story, Pipeline], str]
    stage: Callable[[Path, str], Stage]
    gist: str


DRILLS: Mapping[str, Drill] = {
    "replay": Drill(
        replay, lambda folder, url: Stage(folder, redis_url=url), "120 failed jobs, 47 replayed, one receipt."
    ),
    "night": Drill(
        night,
        lambda folder, url: NightStage(folder, redis_url=url),
        "paged, acknowledged, kept up to date, told to customers, resolved, written up; nothing missed, nothing twice.",
    ),
}


def play(name: str) -> int:
    """Play it in a folder that is gone afterwards. Returns the exit code."""
    began = time.monotonic()
    try:
        url = given_redis()
    except Missed as missed:
        print(f"firewatch: {missed}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="firewatch-drill-") as folder:
        drill = DRILLS[name]
        stage = drill.stage(Path(folder), url)
        try:
            with stage:
                seed(stage.redis_url, now=datetime.fromtimestamp(stage.slack.workspace.now(), UTC))
                with stage.pipeline() as pipeline:
                    room = drill.tells(Story(stage.slack, stage.queue, stage.far_ends), pipeline)
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
