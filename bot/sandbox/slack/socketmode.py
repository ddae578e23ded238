"""Socket Mode: tickets, up to ten connections, envelopes acknowledged by id, and the ways a connection can go bad.

All of it runs on the server's event loop; `SlackSandbox.socket` is the same thing for other threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.events import Ping

from bot.sandbox.slack.model import Json, Team

MOST_CONNECTIONS = 10
Reason = Literal["warning", "refresh_requested", "link_disabled"]


class QuietableProtocol(WSProtocol):
    """uvicorn's WebSocket, which can also fall silent below the application: no pings, no pongs, and no close."""

    silent = False

    def handle_ping(self, event: Ping) -> None:
        if not self.silent:
            super().handle_ping(event)

    def go_silent(self) -> None:
        self.silent = True
        self.stop_keepalive()


class Lost(Exception):
    """The connection an envelope went down was closed before the acknowledgement came."""


@dataclass(slots=True, eq=False)
class SocketConnection:
    id: str
    websocket: WebSocket
    wire: QuietableProtocol
    silent: bool = False
    pending: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    async def send(self, frame: Json) -> None:
        if not self.silent:
            await self.websocket.send_text(json.dumps(frame))

    def abort(self) -> None:
        """Gone without a word, as when a network goes down."""
        self.wire.transport.abort()


class SocketMode:
    def __init__(self, team: Team, changed: Callable[[str], None]) -> None:
        self._team = team
        self._changed = changed
        self._tickets: set[str] = set()
        self._connections: list[SocketConnection] = []
        self._turn = itertools.count()
        self._closing: set[asyncio.Task[None]] = set()
        #: Acknowledgements that named no envelope waiting for one: too late, or made up.
        self.stray_acks = 0
        #: How many connections were ever made, to see a client come back.
        self.connected_ever = 0

    @property
    def connections(self) -> tuple[SocketConnection, ...]:
        return tuple(self._connections)

    def ticket(self) -> str:
        """A ticket for one connection, good once."""
        one = secrets.token_hex(16)
        self._tickets.add(one)
        return one

    async def endpoint(self, websocket: WebSocket) -> None:
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(code=4001)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        if len(self._connections) >= MOST_CONNECTIONS:
            await websocket.send_text(json.dumps(self._goodbye("too_many_websockets")))
            await websocket.close()
            return
        one = SocketConnection(f"c{next(self._turn)}", websocket, websocket.scope["sandbox.wire"])
        self._connections.append(one)
        self.connected_ever += 1
        try:
            await one.send(
                {
                    "type": "hello",
                    "num_connections": len(self._connections),
                    "debug_info": {
                        "host": "applink-sandbox",
                        "build_number": 1,
                        "approximate_connection_time": 18060,
                    },
                    "connection_info": {"app_id": self._team.app_id},
                }
            )
            self._changed("socket_connected")
            while True:
                self._acknowledge(one, await websocket.receive_text())
        except WebSocketDisconnect:
            return
        finally:
            self._connections.remove(one)
            for future in one.pending.values():
                if not future.done():
                    future.set_exception(Lost())
            self._changed("socket_closed")

    def _acknowledge(self, one: SocketConnection, frame: str) -> None:
        try:
            said = json.loads(frame)
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        future = one.pending.get(str(said.get("envelope_id")))
        if future is None or future.done():
            self.stray_acks += "envelope_id" in said
            return
        payload = said.get("payload")
        future.set_result(payload if isinstance(payload, dict) else {"text": payload} if payload else {})

    async def deliver(self, kind: str, payload: Json, within: float, **retry: Any) -> tuple[str, Json]:
        """Send to one connection and wait for its acknowledgement: (connection id, the payload it answered with).

        Raises `Lost` when there is no connection or it went away, `TimeoutError` when no answer came.
        """
        if not self._connections:
            raise Lost()
        one = self._connections[next(self._turn) % len(self._connections)]
        envelope_id = str(uuid.uuid4())
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        one.pending[envelope_id] = future
        try:
            await one.send(
                {
                    "envelope_id": envelope_id,
                    "payload": payload,
                    "type": kind,
                    "accepts_response_payload": kind != "events_api",
                    **retry,
                }
            )
            return one.id, await asyncio.wait_for(future, within)
        except (WebSocketDisconnect, RuntimeError):
            raise Lost() from None
        finally:
            one.pending.pop(envelope_id, None)

    def _goodbye(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}}

    async def disconnect(self, reason: Reason, close_after: float, which: tuple[SocketConnection, ...]) -> None:
        for one in which:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await one.send(self._goodbye(reason))
            task = asyncio.create_task(self._close(one, close_after))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _close(self, one: SocketConnection, after: float) -> None:
        await asyncio.sleep(after)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await one.websocket.close()

    def drop(self) -> int:
        """Tear every connection down without a close frame; answers how many."""
        gone = self.connections
        for one in gone:
            one.abort()
        return len(gone)

    def go_silent(self) -> int:
        """Stop sending on every connection there is now, pings and pongs included, without closing them."""
        for one in self._connections:
            one.silent = True
            one.wire.go_silent()
        return len(self._connections)
