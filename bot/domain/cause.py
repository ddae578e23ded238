"""Cause: why jobs failed, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Retry = Literal["now", "look", "after_refresh", "tomorrow", "never"]
"""When the job may be replayed. ``look``: nobody knows its cause, so that someone looks at it first."""

Standing = Literal["now", "maybe_out", "look", "after_refresh", "tomorrow", "never"]
"""What people are told of it: ``maybe_out`` is ``now`` for a job that may have posted before it failed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why jobs failed. ``key`` is stable and short enough to be typed: ``--cause instagram-token-expired``."""

    key: str
    title: str
    platform: str
    meaning: str
    advice: str
    retry: Retry
    source: str
    maybe_out: bool = False
    """Whether the job may have done its work before it failed: a time-out, a lost connection, a stalled job."""

    @property
    def standing(self) -> Standing:
        return "maybe_out" if self.maybe_out and self.retry == "now" else self.retry
