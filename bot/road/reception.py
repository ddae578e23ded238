"""The desk's half that a door needs: a call is remembered, with when it falls due, and handed to a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.call import Call
from bot.domain.due import Due, due_kind
from bot.store.base import AWAY
from bot.store.store import Store

log = logging.getLogger(__name__)

CALL = due_kind("call", lane="calls")
"""A sentence that a person said: they wait for the answer."""


class WorkQueue(Protocol):
    """Where work waits for a worker."""

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        """Names of what is due, each with its mark (see ``Store.due_now``)."""
        ...

    def room(self) -> tuple[int, int]:
        """How many more calls, and how many more of everything else, it can take now."""
        ...


class Reception:
    """Takes calls: all that a door asks of the house."""

    def __init__(self, store: Store, line: WorkQueue, now: Callable[[], datetime]) -> None:
        self.store = store
        self.line = line
        self.now = now

    def take(self, call: Call) -> bool:
        """Remember the call and hand it to a worker; False when this very call was taken before."""
        return self.take_all([call])[0]

    def take_all(self, calls: Sequence[Call]) -> Sequence[bool]:
        """``take`` for many, in as few round trips as for one.

        A call that is remembered but not handed over, because the process or Redis died here, is taken all the same:
        the clock hands it over.
        """
        new = self.store.take(calls, self.now())
        try:
            self.line.push(
                [(str(Due(CALL.name, call.id)), "") for call, first in zip(calls, new, strict=True) if first]
            )
        except AWAY as away:
            log.warning("left to the clock", extra={"why": str(away), "calls": [call.ref for call in calls]})
        return new
