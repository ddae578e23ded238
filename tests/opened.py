"""The doors, opened for a test: the real Bolt, uvicorn and Socket Mode before a desk that only writes down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import handlers  # noqa: F401  what can be said
from bot.domain.call import Call
from bot.doors import http as web
from bot.doors.slack import SlackDoor
from bot.outside.slack.socket import SlackSocket
from bot.road.intake import Receiver
from bot.sandbox.slack.server import SlackSandbox


class Down(Exception):
    """What a store raises whose Redis is gone."""


class Book:
    """A desk that writes down what it takes, once each; ``down`` makes it raise instead."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.asked = 0
        self.down = False
        self.gate: threading.Event | None = None
        self._lock = threading.Lock()

    def take(self, call: Call) -> bool:
        if self.gate:
            self.gate.wait(10)
        with self._lock:
            self.asked += 1
            if self.down:
                raise Down("connection refused")
            if any(each.id == call.id for each in self.calls):
                return False
            self.calls.append(call)
            return True

    @property
    def last(self) -> Call:
        return self.calls[-1]


@contextmanager
def serving(
    desk: Book,
    receivers: Mapping[str, Receiver],
    checks: Mapping[str, web.ReadyCheck] | None = None,
    collect: Callable[[], bytes] | None = None,
) -> Iterator[str]:
    """The HTTP door on a free port; gives its address."""
    wire = web.listen("127.0.0.1", 0)
    server = web.server(web.build(desk, receivers, checks, collect))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [wire]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{wire.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        wire.close()


@contextmanager
def over_http(slack: SlackSandbox, desk: Book) -> Iterator[SlackDoor]:
    door = SlackDoor(desk, slack.signing_secret)
    with serving(desk, {"/slack/events": door.receive}) as address:
        slack.request_url = f"{address}/slack/events"
        assert slack.verify_request_url()
        yield door
    door.close()


@contextmanager
def over_socket(slack: SlackSandbox, desk: Book) -> Iterator[SlackSocket]:
    door = SlackDoor(desk)
    socket, stop = SlackSocket(slack.app_token, door.envelope, slack.api_url), threading.Event()
    thread = threading.Thread(target=socket.run, args=(stop,), daemon=True)
    thread.start()
    try:
        slack.wait_for(lambda: slack.socket.connections)
        yield socket
    finally:
        stop.set()
        thread.join(10)
        door.close()
        assert not thread.is_alive()


def now() -> datetime:
    return datetime.now(UTC)
