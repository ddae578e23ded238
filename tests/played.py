"""Procedures that a test plays: their steps are a function of the test's own, their data a few fields for any use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.procedure import PROCEDURES, Ledger, Next, Procedure, ProcedureKind
from bot.domain.reply import Work
from bot.tools import Tools

Step = Callable[[Any, Procedure, Tools], Next]
"""What the procedure knows, its record, tools → what comes Next."""


def played(
    monkeypatch: pytest.MonkeyPatch, name: str, step: Step, gives_up: timedelta | None = None
) -> Callable[..., Work]:
    """Make a kind of procedure of that name, until the test is over; gives its dataclass."""

    @dataclass(frozen=True)
    class Played:
        n: int = 0
        by: str = ""

        def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
            return step(self, under_way, tools)

    monkeypatch.setitem(PROCEDURES, name, ProcedureKind(name, Played, f"the {name}", None, gives_up))
    return Played
