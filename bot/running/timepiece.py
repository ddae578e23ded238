"""A clock that was moved, for drills and tests: it began somewhere else and may go faster. Standard library only.

Leases, throttles and HTTP go by the real time whatever this says.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_WRITTEN: Final = re.compile(r"(?P<start>[0-9T:.+-]+Z?)@(?P<since>\d{1,12}(?:\.\d{1,6})?)(?:\*(?P<rate>\d{1,4}))?")
FASTEST: Final = 600


@dataclass(frozen=True, slots=True)
class Timepiece:
    """It stood at ``start`` at the real time ``since`` (seconds since 1970), and goes ``rate`` times as fast since."""

    start: datetime
    since: float
    rate: int = 1

    def __call__(self) -> datetime:
        return self.start + timedelta(seconds=(time.time() - self.since) * self.rate)

    def seconds(self) -> float:
        return self().timestamp()

    def __str__(self) -> str:
        """As ``read`` takes it."""
        return f"{self.start.astimezone(UTC).isoformat().replace('+00:00', 'Z')}@{self.since:.3f}*{self.rate}"

    @classmethod
    def read(cls, text: str) -> Self:
        """``2026-11-23T03:00:00Z@1763866800*60``. Raises ValueError."""
        found = _WRITTEN.fullmatch(text.strip())
        if not found:
            raise ValueError(text)
        start, rate = datetime.fromisoformat(found["start"]), int(found["rate"] or 1)
        if not 1 <= rate <= FASTEST:
            raise ValueError(text)
        return cls(start if start.tzinfo else start.replace(tzinfo=UTC), float(found["since"]), rate)
