"""A procedure told step by step, for the tests of what takes it forward and of what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Reply
from bot.store.commit import Commit, Put
from bot.tools import Tools
from tests.parts import Night
from tests.played import played


class Story:
    """A procedure told step by step: each is a Next, an exception, or a function that gives one of them."""

    def __init__(self, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
        self.night = night
        self.script: dict[str, list[Any]] = {}
        self.taken: list[str] = []
        self.kind = "story"
        self.data = played(monkeypatch, self.kind, self._step, gives_up=timedelta(hours=12))

    def _step(self, data: Any, under_way: Procedure, tools: Tools) -> Next:
        self.taken.append(under_way.step)
        script = self.script[under_way.step]
        what = script.pop(0) if len(script) > 1 else script[0]
        if callable(what) and not isinstance(what, type):
            what = what(under_way, tools)
        if isinstance(what, BaseException):
            raise what
        assert isinstance(what, Next)
        return what

    def tells(self, **script: Any) -> None:
        self.script = {name: steps if isinstance(steps, list) else [steps] for name, steps in script.items()}

    def begins(self, id: str = "p1", incident: int | None = None, **data: Any) -> None:
        now = self.night.clock()
        procedure = Procedure(id, self.kind, "start", "UONCALL", "COPS", now, data, incident=incident, ref="ref12345")
        due: dict[str, datetime | None] = {f"procedure:{id}": now}
        self.night.house.store.commit(Commit([Put("procedure", id, 0, {"procedure": procedure.to_json()})], due=due))

    def record(self, id: str = "p1") -> Mapping[str, Any]:
        found = self.night.house.store.get("procedure", id)
        assert found
        return found[0]

    def over(self, id: str = "p1") -> bool:
        return not self.record(id)["procedure"]["step"] and self.night.house.store.due_at(f"procedure:{id}") is None


def note(text: str, **more: Any) -> Reply:
    return Reply("incident/noted", {"text": text}, **more)


def texts(night: Night) -> Sequence[str]:
    return [text.removeprefix("Note by <@UONCALL>: ") for text in night.slack.texts()]
