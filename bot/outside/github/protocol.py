"""The tracker: where follow-ups are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Issue:
    number: int
    url: str
    new: bool


class Tracker(Protocol):
    """Where follow-ups are kept."""

    def create(
        self, title: str, body: str, key: str, labels: Sequence[str] = (), since: datetime | None = None
    ) -> Issue:
        """Open an issue, or find the one with this key. ``since`` (when the incident began) keeps the search short."""
        ...

    def look(self) -> None:
        """Change nothing; raise what anything else would."""
        ...
