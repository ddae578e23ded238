"""How often each action ended in which way, as the metrics count it."""

from __future__ import annotations

from tests.parts import Night


def outcomes(night: Night) -> dict[str, int]:
    return {name.removeprefix("calls:"): count for name, count in night.house.store.metrics().items()}
