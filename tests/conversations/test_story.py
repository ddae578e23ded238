"""The story that `firewatch drill replay` plays, played and checked."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.drill import replay as replay_story
from bot.sandbox.queues.pipeline import seed
from bot.sandbox.stage import Stage
from bot.sandbox.story import Story


def test_the_story_of_the_drill(tmp_path: Path) -> None:
    with Stage(tmp_path, rate_limits="real") as stage:
        seed(stage.redis_url)
        with stage.pipeline() as pipeline:
            room = replay_story(Story(stage.slack, stage.queue), pipeline)
        told = [message for message in stage.slack.channel(room).messages if message.text.startswith("Replay done")]
        assert len(told) == 1
        assert "47 of 47 completed, 0 failed again" in told[0].text
        assert any("replay-" in file.name for file in stage.slack.workspace.files.values())
