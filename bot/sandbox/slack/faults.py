"""Trouble on demand: the next calls of a method fail, hang or lose their answer, as they sometimes do at Slack."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Literal

Reset = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a call. `reset`: the connection is torn down before the call takes effect, or after it has."""

    method: str
    times: int = 1
    status: int = 0
    error: str = ""
    retry_after: int = 1
    reset: Reset | None = None
    delay: float = 0.0


class Faults:
    """`slack.faults.next("chat.postMessage", times=2, status=429, retry_after=1)`; `*` is any method.

    Calls to response URLs and uploads go by the names `response_url` and `upload`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def next(
        self,
        method: str,
        *,
        times: int = 1,
        status: int = 0,
        error: str = "",
        retry_after: int = 1,
        reset: Reset | None = None,
        delay: float = 0.0,
    ) -> None:
        """The next `times` calls of `method` go wrong.

        `status` 429 carries `Retry-After: retry_after`, 5xx an error page; `error` is answered as `{"ok": false}`;
        `delay` (seconds) alone makes the answer slow. Several faults for one method are used in the order given.
        """
        if times < 1 or not (status or error or reset or delay):
            raise ValueError("a fault needs times >= 1 and something to go wrong")
        with self._lock:
            self._waiting.append(Fault(method, times, status, error, retry_after, reset, delay))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """What has not happened yet."""
        with self._lock:
            return tuple(self._waiting)

    def take(self, method: str) -> Fault | None:
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.method in (method, "*"):
                    if fault.times > 1:
                        self._waiting[index] = replace(fault, times=fault.times - 1)
                    else:
                        del self._waiting[index]
                    return fault
        return None
