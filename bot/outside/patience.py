"""A far end that hangs is left alone for a while: each call would take its ten seconds of a worker to find out."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Final

from bot.domain.errors import Unreachable

SPARED: Final = 20.0
"""Seconds for which it is not asked again: twice as long as one call waits for an answer."""


class Patience:
    """One a far end and process. ``name``: the far end, as a sentence begins with it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._until = 0.0

    def check(self) -> None:
        """Raises Unreachable, at once, for as long as it is left alone."""
        left = self._until - time.monotonic()
        if left > 0:
            raise Unreachable(f"{self._name} did not answer in time; I ask again in {left:.0f} s.")

    def lose(self) -> None:
        """It did not answer in time. One that refuses or breaks the connection costs nobody's time, and is asked on."""
        self._until = time.monotonic() + SPARED


def keyed(*key: str) -> str:
    """16 characters of a-z and 2-7 that stand for this key wherever it made something: 80 bits of its SHA-256."""
    whole = hashlib.sha256("\x1f".join(key).encode("utf-8", "surrogatepass")).digest()
    return base64.b32encode(whole[:10]).decode().lower()
