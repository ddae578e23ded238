"""What is saved in one breath: records by their versions, Events, what falls due, what became of ledgers' rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.domain.errors import FirewatchError
from bot.domain.incident import Event


class Conflict(FirewatchError):
    """Someone else saved that record first. Read it again and decide again."""


@dataclass(frozen=True, slots=True)
class Put:
    """One record to save: ``version`` is the one that was read (0: it must not exist yet)."""

    kind: str
    id: str
    version: int
    body: Mapping[str, Any]
    seconds: int = 0


@dataclass(slots=True)
class Commit:
    """Everything that is saved in one breath."""

    puts: list[Put] = field(default_factory=list)
    events: list[tuple[int, Event]] = field(default_factory=list)
    due: dict[str, datetime | None] = field(default_factory=dict)
    ledgers: dict[str, Sequence[Any]] = field(default_factory=dict)
    opened: dict[str, Sequence[int]] = field(default_factory=dict)
    closed: dict[str, Mapping[int, Any]] = field(default_factory=dict)
    audit: Mapping[str, str] = field(default_factory=dict)
    counts: list[str] = field(default_factory=list)
