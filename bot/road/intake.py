"""What the doors share: what was heard, whether it was taken, and what is answered in either case.

A door verifies what comes, makes a Call of it and acknowledges it once the desk has taken it: never before, so that
nothing that was acknowledged can be lost.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from bot.domain.call import Call

log = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Calls taken in one go, at most: as many as come while the ones before are being taken."""


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What goes back over the wire."""

    status: int = 200
    body: str = ""
    kind: str = "text/plain"


OK: Final = WireAnswer()


@dataclass(frozen=True, slots=True)
class Heard:
    """A delivery, understood. ``call``: what is to be taken, if anything. ``answer``: what is said if it was.

    ``otherwise`` is said when it could not be taken, and ``lost`` called, which must not block.
    """

    call: Call | None = None
    answer: WireAnswer = OK
    otherwise: WireAnswer = WireAnswer(503)
    lost: Callable[[], None] | None = None


Receiver = Callable[[Mapping[str, str], bytes], Heard]
"""Headers (lower case names) and body of a POST → what was heard. Computes and does not block."""


class CallTaker(Protocol):
    """Where calls are taken."""

    def take(self, call: Call) -> bool:
        """Remember the call and hand it on; False when it was taken before. Raises when Redis cannot be reached."""
        ...


@runtime_checkable
class Batching(Protocol):
    """A desk that takes many calls in few round trips."""

    def take_all(self, calls: Sequence[Call]) -> Sequence[bool]: ...


def take_all(desk: CallTaker, calls: Sequence[Call]) -> Sequence[bool]:
    return desk.take_all(calls) if isinstance(desk, Batching) else [desk.take(call) for call in calls]


def take_and_answer(desk: CallTaker, heard: Heard) -> WireAnswer:
    """Take it, here and now, and say what to answer."""
    if heard.call is None:
        return heard.answer
    try:
        note(heard.call, desk.take(heard.call))
    except Exception as error:  # whatever the desk's store raises: who spoke must be told
        return not_taken(heard, error)
    return heard.answer


def note(call: Call, new: bool) -> None:
    log.info("taken" if new else "taken before", extra={"ref": call.ref, "actor": call.actor, "channel": call.channel})


def not_taken(heard: Heard, error: Exception, *, trace: bool = True) -> WireAnswer:
    ref = heard.call.ref if heard.call else ""
    log.error("not taken", exc_info=error if trace else None, extra={"ref": ref, "why": f"{error}"[:200]})
    if heard.lost:
        heard.lost()
    return heard.otherwise


class Intake:
    """Takes calls off an event loop, on one thread: while some are taken, those that come meanwhile are gathered.

    One trip to Redis costs some 0.3 ms, for one call or for thirty: this is what the door's throughput rests on, and a
    Redis that hangs holds up nothing but this thread.
    """

    def __init__(self, desk: CallTaker) -> None:
        self._desk = desk
        self._waiting: deque[tuple[Heard, asyncio.Future[WireAnswer]]] = deque()
        self._news = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None

    async def settle(self, heard: Heard) -> WireAnswer:
        """As ``take_and_answer`` does, without blocking the loop."""
        if heard.call is None:
            return heard.answer
        future = asyncio.get_running_loop().create_future()
        with self._news:
            self._waiting.append((heard, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
                self._thread.start()
            elif len(self._waiting) == 1:
                self._news.notify()
        answer: WireAnswer = await future
        return answer

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._waiting:
                    self._news.wait()
                some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
            answers = self._take([heard for heard, _ in some])
            loop = some[0][1].get_loop()
            try:
                loop.call_soon_threadsafe(
                    _tell, [(future, answer) for (_, future), answer in zip(some, answers, strict=True)]
                )
            except RuntimeError:  # the loop is closed: nobody waits for an answer any more
                return

    def _take(self, some: Sequence[Heard]) -> Sequence[WireAnswer]:
        try:
            calls = [heard.call for heard in some if heard.call]
            for call, new in zip(calls, take_all(self._desk, calls), strict=True):
                note(call, new)
        except Exception as error:
            return [not_taken(heard, error, trace=number == 0) for number, heard in enumerate(some)]
        return [heard.answer for heard in some]


def _tell(answers: Sequence[tuple[asyncio.Future[WireAnswer], WireAnswer]]) -> None:
    for future, answer in answers:
        if not future.done():
            future.set_result(answer)
