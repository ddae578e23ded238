"""How the first reminder of an update begins, and the alert of the incident that it is about."""

from __future__ import annotations

from tests.conversations.nights import Night

DUE = "Update due: 15 min"


def alert(night: Night) -> str:
    return night.incident().alert
