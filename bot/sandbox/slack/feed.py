"""The feed of changes: numbered, kept for a while, told to listeners in order; and the one lock behind it all."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. `number` counts up without gaps, so a listener can ask for what it missed."""

    number: int
    kind: str
    at: float
    channel: str = ""
    ts: str = ""
    user: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Change], None]

#: How many changes a listener may fall behind before it has to read everything anew.
KEPT = 10_000


class Feed:
    """What a state that others watch is built on. Safe to use from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        #: Notified at every change and at everything the wire records, so a waiter never sleeps blindly.
        self.changed = threading.Condition(threading.RLock())
        self._feed: deque[Change] = deque(maxlen=KEPT)
        self._untold: deque[Change] = deque()
        self._telling = False
        self._listeners: list[Listener] = []
        self._numbers = itertools.count(1)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold everything still; what is read inside belongs together."""
        with self.changed:
            yield

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every change, in order, under the lock: it must not block. Answers the way out."""
        with self.changed:
            self._listeners.append(listener)

        def leave() -> None:
            with self.changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def since(self, number: int) -> list[Change]:
        """The changes after `number`, oldest first, as far back as they are kept."""
        with self.changed:
            return [one for one in self._feed if one.number > number]

    @property
    def last_number(self) -> int:
        """The number of the latest change, 0 before the first."""
        with self.changed:
            return self._feed[-1].number if self._feed else 0

    def await_change(self, after: int, timeout: float) -> None:
        """Return once there is a change later than `after`, or when `timeout` seconds have passed."""
        with self.changed:
            if self.last_number <= after:
                self.changed.wait(timeout)

    def tell(self, kind: str, channel: str = "", ts: str = "", user: str = "", **data: Any) -> None:
        with self.changed:
            change = Change(next(self._numbers), kind, self.now(), channel, ts, user, data)
            self._feed.append(change)
            self._untold.append(change)
            self.changed.notify_all()
            if self._telling:
                return  # a listener changed something: that is told after what the listener is being told
            self._telling = True
            try:
                while self._untold:
                    told = self._untold.popleft()
                    for listener in list(self._listeners):
                        listener(told)
            finally:
                self._telling = False
