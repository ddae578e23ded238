"""Stages for conversations: the real bot as processes, one a door and test file; or in one process, a night a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.sandbox.queues.pipeline import seed
from bot.sandbox.stage import CATALOGUE, Stage
from bot.sandbox.story import Story
from tests.conversations.nights import Night

QUEUES = ("stops", "skips", "held", "odd", "switched", "lossy", "quiet", "again", "story")
"""A queue for each conversation about jobs, so that none hears another's."""


@pytest.fixture(scope="module", params=["socket", "http"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The whole bot. Slack's rate limits have tests of their own; here they would only make every test wait."""
    folder: Path = tmp_path_factory.mktemp("stage")
    catalogue = CATALOGUE + "".join(f"\n[queues.{name}]\nmax_replay = 500\n" for name in QUEUES)
    with Stage(folder, door=request.param, rate_limits="off", catalogue=catalogue) as stage:
        yield stage


@pytest.fixture
def story(stage: Stage) -> Story:
    return Story(stage.slack)


@pytest.fixture
def room(stage: Stage, story: Story) -> Callable[[str], str]:
    """Opens an incident as the on-call engineer and gives the name of its channel."""

    def opened(title: str) -> str:
        known = set(stage.slack.workspace.channels)
        stage.slack.oncall.types("ops", f"/incident open {title}").ok()

        def found() -> str | None:
            channels = stage.slack.workspace.channels
            new = [
                each for id, each in channels.items() if id not in known and each.name.startswith("inc-") and each.pins
            ]
            return new[0].name if new else None

        name: str = stage.slack.wait_for(found, 20)
        return name

    return opened


@pytest.fixture
def night(redis_url: str, tmp_path: Path) -> Iterator[Night]:
    """Everything in this process, under a clock that is moved by hand. It is Monday, 03:00 UTC."""
    seed(redis_url, now=None)
    with Night(redis_url, tmp_path) as night:
        yield night
