"""What went over the wire, in both directions: calls the bot made, and what was delivered to it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.model import Json, SlackError

Transport = Literal["socket", "http", "none"]
KEPT = 5_000


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One request of the bot: a Web API method, `response_url` or `upload`."""

    method: str
    args: Mapping[str, Any]
    answer: Mapping[str, Any]
    status: int
    #: Milliseconds from request to answer.
    ms: float
    at: float

    @property
    def ok(self) -> bool:
        return self.status == 200 and bool(self.answer.get("ok"))

    @property
    def error(self) -> str:
        return str(self.answer.get("error", ""))


@dataclass(slots=True)
class DeliveryAttempt:
    """One try at delivering. `latency` is in seconds, None when no answer came."""

    number: int
    transport: Transport
    at: float
    connection: str = ""
    latency: float | None = None
    status: int = 0
    problem: str = ""


@dataclass(slots=True, eq=False)
class Delivery:
    """Something on its way to the bot: a command, a press, a submission or an event.

    `wait` returns when it was acknowledged or given up. `error` is what the person saw go wrong, '' when nothing did.
    """

    kind: Literal["command", "interactive", "event"]
    payload: Json
    user: str = ""
    attempts: list[DeliveryAttempt] = field(default_factory=list)
    acked: bool = False
    #: The body of the acknowledgement, as an object; empty when there was none.
    answer: Json = field(default_factory=dict)
    error: str = ""
    #: When the person acted, by the workspace's clock.
    at: float = 0.0
    _done: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def done(self) -> bool:
        return self._done.is_set()

    @property
    def latency(self) -> float | None:
        """Seconds from sending to acknowledgement, of the attempt that was acknowledged."""
        return next((one.latency for one in reversed(self.attempts) if one.latency is not None), None)

    @property
    def trigger_id(self) -> str:
        return str(self.payload.get("trigger_id", ""))

    @property
    def response_url(self) -> str:
        return str(self.payload.get("response_url", ""))

    def wait(self, timeout: float = 5.0) -> Delivery:
        """Itself, once it is over. `TimeoutError` when it is not over within `timeout` seconds."""
        if not self._done.wait(timeout):
            raise TimeoutError(f"{self.kind} neither acknowledged nor given up within {timeout:g} s")
        return self

    def ok(self, timeout: float = 5.0) -> Delivery:
        """Itself, acknowledged; `SlackError` with what the person saw when it was not."""
        self.wait(timeout)
        if self.error:
            raise SlackError(self.error)
        return self

    def finish(self) -> None:
        self._done.set()


class Traffic:
    """The last calls and deliveries, oldest first; each addition wakes whoever waits on the workspace."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._calls: deque[LoggedCall] = deque(maxlen=KEPT)
        self._deliveries: deque[Delivery] = deque(maxlen=KEPT)

    @property
    def calls(self) -> list[LoggedCall]:
        with self._feed.locked():
            return list(self._calls)

    @property
    def deliveries(self) -> list[Delivery]:
        with self._feed.locked():
            return list(self._deliveries)

    def called(self, call: LoggedCall) -> None:
        with self._feed.locked():
            self._calls.append(call)
            self._feed.tell("call", call=call)

    def sent(self, delivery: Delivery) -> None:
        with self._feed.locked():
            delivery.at = self._feed.now()
            self._deliveries.append(delivery)
            self._feed.tell("delivery", user=delivery.user, delivery=delivery)

    def finished(self, delivery: Delivery) -> None:
        with self._feed.locked():
            self._feed.tell("delivered", user=delivery.user, delivery=delivery)
        delivery.finish()
