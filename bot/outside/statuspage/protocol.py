"""The status page: what customers are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

PublicStatus = Literal["investigating", "identified", "monitoring", "resolved"]


Impact = Literal["none", "minor", "major", "critical"]


@dataclass(frozen=True, slots=True)
class Posted:
    """An incident on the status page. ``new``: False when it was there before."""

    id: str
    url: str
    status: PublicStatus
    new: bool


class StatusPage(Protocol):
    """What customers are told. Nothing is ever said here by itself: somebody pressed a button."""

    def create(
        self,
        title: str,
        body: str,
        key: str,
        *,
        status: PublicStatus = "investigating",
        impact: Impact | None = None,
        components: Mapping[str, str] | None = None,
    ) -> Posted:
        """Put an incident on the page. The id that comes back is to be stored before anything else is done.

        ``components``: component id → its status (``degraded_performance``, ``partial_outage``, ``major_outage``…).
        """
        ...

    def update(self, id: str, body: str, status: PublicStatus | None = None, reopen: bool = False) -> Posted:
        """Say what is new; without a status it stays as it is, unless ``reopen`` is to open again what is over there.

        The very text that was said last is not said twice.
        """
        ...

    def resolve(self, id: str, body: str) -> Posted:
        """Say that it is over, unless that was said."""
        ...

    def look(self) -> None:
        """Change nothing; raise what anything else would."""
        ...
