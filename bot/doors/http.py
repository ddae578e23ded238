"""HTTP's door: signed deliveries, and what machines ask: alive, ready, figures. Starlette, served by uvicorn.

What is delivered is taken on a thread of its own, so that a slow Redis holds up nothing else: ``/health`` answers from
the event loop alone, ``/ready`` and ``/metrics`` from other threads, within a time of their own.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.domain.errors import Refused
from bot.road.intake import CallTaker, Intake, Receiver

log = logging.getLogger(__name__)

ReadyCheck = Callable[[], str]
"""Says in a few words how a part is ("since 14:02"), or raises with what is wrong with it."""

LARGEST: Final = 1024 * 1024
"""Bytes of a body. Slack's largest payloads are some 300 kB."""

LARGER: Final = {"/pagerduty/webhook": 4 * 1024 * 1024}
"""PagerDuty tells a whole alert, with whatever its sender put there; after three refusals it sends no more."""

SWITCH_SECONDS: Final = 0.001
"""How long the event loop may keep the intake waiting, and the other way round. Python's own 5 ms add a third to the
99th percentile at 32 connections (75-91 ms against 57-65 on a busy machine of two cores)."""

CHECK_SECONDS: Final = 2.0
STOP_SECONDS: Final = 5
"""How long deliveries in hand may take once the door is told to stop. Slack waits 3 s."""


def build(
    desk: CallTaker,
    receivers: Mapping[str, Receiver],
    checks: Mapping[str, ReadyCheck] | None = None,
    collect: Callable[[], bytes] | None = None,
) -> Starlette:
    """The HTTP door. ``receivers``: path → who takes its POSTs (``/slack/events``, ``/pagerduty/webhook``)."""
    intake = Intake(desk)
    readiness = Readiness(checks or {})
    routes = [
        Route(path, _post(receiver, intake, LARGER.get(path, LARGEST)), methods=["POST"])
        for path, receiver in receivers.items()
    ]
    routes += [
        Route("/health", _health, methods=["GET"]),
        Route("/ready", readiness.answer, methods=["GET"]),
        Route("/metrics", _metrics(collect, readiness.threads), methods=["GET"]),
    ]
    return Starlette(routes=routes)


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _post(receiver: Receiver, intake: Intake, most: int) -> Callable[[Request], Any]:
    async def receive(request: Request) -> Response:
        body = await _body(request, most)
        if body is None:
            return PlainTextResponse("too large\n", 413)
        answer = await intake.settle(receiver(request.headers, body))
        return Response(answer.body, answer.status, media_type=answer.kind)

    return receive


async def _body(request: Request, most: int) -> bytes | None:
    """The body, or None when it is too large: read no further than that."""
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said) > most:
        return None
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                return None
            parts.append(part)
    except ClientDisconnect:
        return b""  # nobody waits for an answer; an empty body bears no signature
    return b"".join(parts)


class Readiness:
    """Asks every part at once, each within its time; a part that hangs is not asked again until it has answered."""

    def __init__(self, checks: Mapping[str, ReadyCheck]) -> None:
        self._checks = checks
        self._asked: dict[str, asyncio.Future[str]] = {}
        self.threads = ThreadPoolExecutor(len(checks) + 1, "ready")

    async def answer(self, request: Request) -> Response:
        found = await asyncio.gather(*(self._ask(name) for name in self._checks))
        parts = dict(zip(self._checks, found, strict=True))
        ready = all(part["ok"] for part in found)
        return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503)

    async def _ask(self, name: str) -> dict[str, Any]:
        asked = self._asked.get(name)
        if asked is None or asked.done():
            asked = asyncio.get_running_loop().run_in_executor(self.threads, self._checks[name])
            self._asked[name] = asked
        try:
            return {"ok": True, "is": await asyncio.wait_for(asyncio.shield(asked), CHECK_SECONDS)}
        except TimeoutError:
            asked.add_done_callback(_seen)
            return {"ok": False, "is": f"no answer within {CHECK_SECONDS:g} s"}
        except Exception as wrong:
            return {"ok": False, "is": f"{wrong}"[:200] or type(wrong).__name__}


def _seen(future: asyncio.Future[str]) -> None:
    """A part that fails after nobody waits for it any more is no unheard exception."""
    if not future.cancelled():
        future.exception()


def _metrics(collect: Callable[[], bytes] | None, threads: ThreadPoolExecutor) -> Callable[[Request], Any]:
    async def metrics(request: Request) -> Response:
        if collect is None:
            return PlainTextResponse("no figures here\n", 404)
        try:
            figures = await asyncio.wait_for(
                asyncio.get_running_loop().run_in_executor(threads, collect), CHECK_SECONDS
            )
        except Exception:
            log.exception("no figures")
            return PlainTextResponse("the figures cannot be had now\n", 503)
        return Response(figures, media_type="text/plain; version=0.0.4; charset=utf-8")

    return metrics


# ---------------------------------------------------------------- serving


def listen(host: str, port: int) -> socket.socket:
    """Bind first, serve later: raises Refused, in one line, when the port is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    wire = socket.socket(family, socket.SOCK_STREAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        wire.bind((host, port))
        wire.listen(2048)
    except OSError as no:
        wire.close()
        raise Refused(
            f"Cannot listen on {host}:{port}: {no.strerror or no}.",
            "Set HOST or PORT to another, or stop what is there.",
        ) from no
    return wire


def server(app: Starlette) -> uvicorn.Server:
    """To be run with a socket of ``listen``. SIGTERM and SIGINT end it: deliveries in hand are answered first.

    uvicorn then hands the signal on to whoever handled it before, so somebody should.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)
