"""What the tests of the store put into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.call import Call
from bot.domain.incident import Incident
from bot.store.commit import Put

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def call(id: str = "call1") -> Call:
    return Call(id, "U1", "C1", "/jobs", NOW)


def incident(number: int = 1, **more: Any) -> Incident:
    return Incident(number, "Uploads fail", "sev2", NOW, "U1", f"key{number}", **more)


def put(kept: Incident) -> Put:
    return Put("incident", str(kept.number), kept.version, kept.to_json())


def rows_of(*ids: str) -> list[list[Any]]:
    return [[id, "upload", "it broke", 1_700_000_000_000 + place] for place, id in enumerate(ids)]
