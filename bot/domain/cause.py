"""Cause: why jobs failed, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Retry = Literal["now", "after_refresh", "tomorrow", "never"]


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
