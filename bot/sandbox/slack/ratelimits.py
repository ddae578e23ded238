"""Slack's rate limits as token buckets: a tier per method, and one message a second per channel.

Tiers are calls a minute per method: 1, 20, 50, 100 (Slack's "Rate limits"). chat.postMessage has its own rule: about
one a second per channel, short bursts let through, several hundred a minute in the whole workspace.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
#: auth.test and api.test allow "hundreds of requests per minute".
SPECIAL_PER_MINUTE = 300
CHANNEL_PER_SECOND = 1.0
#: Slack gives no figure for "short bursts"; five is what a careful sender should not exceed.
CHANNEL_BURST = 5
WORKSPACE_PER_MINUTE = 300
#: Tier 1 says "1+ per minute": a handful in a row goes through, as when a client reconnects.
TIER_1_BURST = 10


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimits:
    """`wait` takes one from every bucket that applies, or none and answers how long until it could."""

    def __init__(self, now: Callable[[], float], *, real: bool = True) -> None:
        self.real = real
        self._now = now
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def wait(self, method: str, tier: int | None, channel: str = "") -> int:
        """Whole seconds for `Retry-After`; 0 when the call may go on."""
        if not self.real:
            return 0
        applies: list[tuple[tuple[str, ...], float, float]] = []
        if method == "chat.postMessage":
            applies.append((("workspace",), WORKSPACE_PER_MINUTE / 60, WORKSPACE_PER_MINUTE))
            if channel:
                applies.append((("channel", channel), CHANNEL_PER_SECOND, CHANNEL_BURST))
        elif tier is None:
            applies.append(((method,), SPECIAL_PER_MINUTE / 60, SPECIAL_PER_MINUTE))
        else:
            quota = PER_MINUTE[tier]
            applies.append(((method,), quota / 60, max(quota, TIER_1_BURST)))
        now, late, taken = self._now(), 0.0, []
        for key, rate, most in applies:
            bucket = self._buckets.setdefault(key, _Bucket(most, now))
            bucket.left = min(most, bucket.left + max(0.0, now - bucket.at) * rate)
            bucket.at = now
            if bucket.left < 1:
                late = max(late, (1 - bucket.left) / rate)
            taken.append(bucket)
        if late > 0:
            return max(1, math.ceil(late))
        for bucket in taken:
            bucket.left -= 1
        return 0
