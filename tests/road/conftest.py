"""The fixtures of the road: an installation in one process, a procedure and an action that do as the test likes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.reply import Plan, Reply
from bot.tools import Tools
from tests.parts import Night
from tests.road.story import Story


@pytest.fixture
def night(redis_url: str, tmp_path: Path) -> Night:
    return Night(redis_url, tmp_path)


@pytest.fixture
def story(night: Night, monkeypatch: pytest.MonkeyPatch) -> Story:
    return Story(night, monkeypatch)


@pytest.fixture
def trial() -> Iterator[Callable[[Risk, Callable[[Call, Tools], Reply | Plan]], str]]:
    """Makes ``/trial``, an action that answers as the test likes, and gives its sentence."""

    def made(risk: Risk, answer: Callable[[Call, Tools], Reply | Plan]) -> str:
        @action("/trial", risk)
        def trial(call: Call, tools: Tools) -> Reply | Plan:
            """Do as the test likes."""
            return answer(call, tools)

        return "/trial"

    yield made
    ACTIONS.pop("/trial", None)
