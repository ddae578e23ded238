"""A far end on loopback: served from a thread of this process, with its calls on record and trouble on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.slack.faults import Fault, Faults
from bot.sandbox.threaded import Server, Threaded, listen

Json = dict[str, Any]
KEPT = 5_000
_UNHEARD = PlainTextResponse("", 500)
"""What is written to a connection that is gone already."""


class Refusal(Exception):
    """An answer that is no yes: status, body, headers."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.headers = status, body, dict(headers or {})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that came in: ``body`` is its JSON, ``query`` each parameter with all of its values."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    raw: bytes

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answered:
    """One call as it went: what was asked, and what was answered."""

    asked: Asked
    status: int
    answer: Any


class Loopback(Threaded):
    """``with`` it, the server runs. ``answer`` is where a far end says what it answers; it runs under ``lock``.

    ``faults`` goes by method and path (``PUT /incidents/Q1``), or ``*``. A 429 has the headers of ``limited``.
    """

    def __init__(self, now: Callable[[], float] = time.time, port: int = 0) -> None:
        self.now = now
        self.faults = Faults()
        self.calls: deque[Answered] = deque(maxlen=KEPT)
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._socket = listen(port)
        self.port = int(self._socket.getsockname()[1])
        self._server = Server(self._app())
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def api_url(self) -> str:
        """What the bot is given as this system's address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The settings by which the bot is told of it."""
        return {}

    def bot_is_at(self, url: str) -> None:
        """Where the bot's own door is; for a system that calls it."""

    def answer(self, asked: Asked) -> Response:
        """Raises Refusal for anything but a yes."""
        raise Refusal(404, {"error": f"nothing answers {asked.name}"})

    def limited(self, seconds: int) -> Refusal:
        """A 429 as this system words it."""
        return Refusal(429, {"error": "too many requests"}, {"Retry-After": str(seconds)})

    async def alongside(self) -> None:
        """What else runs on the loop while it is served."""

    def made(self, name: str) -> list[Answered]:
        """The calls whose method and path begin like this (``POST /incidents``)."""
        with self.lock:
            return [each for each in self.calls if each.asked.name.startswith(name)]

    def wait_for(self, happened: Callable[[], Any], timeout: float = 5.0) -> Any:
        """What ``happened`` answers, once that is true; else TimeoutError. Asked anew at every change."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not (found := happened()):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"did not happen within {timeout:g} s")
                self.changed.wait(min(left, 0.1))
        return found

    async def _run(self, started: Callable[[], None]) -> None:
        self.loop = asyncio.get_running_loop()
        beside = asyncio.create_task(self.alongside())
        await super()._run(started)
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    # ------------------------------------------------------------ answering

    def _app(self) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            # uvicorn passes a bound method of its protocol: the only way to the connection under a request.
            wire = getattr(send, "__self__", None)
            response = await self._respond(Request(scope, receive), wire)
            await response(scope, receive, send)

        return app

    async def _respond(self, request: Request, wire: Any) -> Response:
        asked = await _asked(request)
        fault = self.faults.take(asked.name)
        try:
            if fault:
                await self._before(fault)
                if fault.reset == "before":
                    _tear_down(wire)
                    return _UNHEARD
            with self.changed:
                response = self.answer(asked)
                self.changed.notify_all()
        except Refusal as no:
            body = no.body
            response = PlainTextResponse(body, no.status) if isinstance(body, str) else JSONResponse(body, no.status)
            response.headers.update(no.headers)
        with self.changed:
            self.calls.append(Answered(asked, response.status_code, _json(bytes(response.body))))
            self.changed.notify_all()
        if fault and fault.reset == "after":
            _tear_down(wire)
            return _UNHEARD
        return response

    async def _before(self, fault: Fault) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.status == 429:
            raise self.limited(fault.retry_after)
        if fault.status:
            raise Refusal(fault.status, "<html><body>Server Error</body></html>")


async def _asked(request: Request) -> Asked:
    raw = await request.body()
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    return Asked(request.method, request.url.path, query, dict(request.headers), _json(raw), raw)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _tear_down(wire: Any) -> None:
    """Reset the connection under the request: the client gets no answer, only an error."""
    transport = wire.transport
    # Lingering zero seconds makes the kernel send RST instead of FIN.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
