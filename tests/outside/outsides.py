"""What the tests of the outside systems share: a clock to move, people who act, and a view of the calls made."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.outside.pagerduty.protocol import Acting
from bot.sandbox.serving import Loopback

NOOR = Acting("noor@reposter.example", "Noor Haddad")
TOMAS = Acting("tomas@reposter.example", "Tomas Reyes")
"""He is known to Slack and not to PagerDuty."""


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.at = float(int(time.time()))

    def __call__(self) -> float:
        return self.at

    def passes(self, **span: float) -> datetime:
        self.at += timedelta(**span).total_seconds()
        return self.now

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


def changes(system: Loopback) -> Sequence[str]:
    """The calls that could change something, and that were answered with a yes."""
    return [each.asked.name for each in system.calls if each.asked.method != "GET" and each.status < 300]
