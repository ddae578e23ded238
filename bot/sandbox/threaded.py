"""A uvicorn server in a thread of this process: what both kinds of far end run on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from starlette.types import ASGIApp
from wsproto.utilities import LocalProtocolError

TICK: Final = 1.0
"""Seconds between two looks at the time of day, for the Date header."""

GRACE: Final = 1.0
"""Seconds that answers under way have to come to their end."""

GLANCE: Final = 0.005


class Server(uvicorn.Server):
    """Ends within milliseconds, where uvicorn's own takes some tenths of a second: a test run ends thousands."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        quiet = {"log_config": None, "log_level": "error", "access_log": False}
        plain = {"lifespan": "off", "ws": "none", "proxy_headers": False, "server_header": False}
        super().__init__(uvicorn.Config(app, **{**quiet, **plain, **options}))
        self._started: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()

    async def serve_on(self, listening: socket.socket, started: Callable[[], None]) -> None:
        """Serve until told to stop; `started` is called once connections are taken."""
        self._started, self._loop = started, asyncio.get_running_loop()
        await self.serve(sockets=[listening])

    def stop(self) -> None:
        """From any thread; before it serves, too."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        state, until = self.server_state, time.monotonic() + GRACE
        for connection in list(state.connections):
            with contextlib.suppress(LocalProtocolError):  # its far end has closed it already
                connection.shutdown()
        while (state.connections or state.tasks) and time.monotonic() < until:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(GLANCE)
        for task in list(state.tasks):
            task.cancel("the server ends")
        await asyncio.gather(*state.tasks, return_exceptions=True)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process, not to a server in one of its threads."""
        yield


class Threaded:
    """What is served from a thread of its own between ``start`` and ``stop``, or while a ``with`` lasts."""

    _server: Server
    _socket: socket.socket
    _thread: threading.Thread | None = None

    async def _run(self, started: Callable[[], None]) -> None:
        """Serve, and whatever else goes on meanwhile."""
        await self._server.serve_on(self._socket, started)

    def start(self) -> Self:
        """Returns when connections are taken."""
        ready = threading.Event()
        name = type(self).__name__
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready.set)), name=name, daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError(f"{name} did not start")
        return self

    def stop(self) -> None:
        self._server.stop()
        if self._thread is not None:
            self._thread.join(10)
            self._thread = None
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def listen(port: int) -> socket.socket:
    """Take a port of loopback (0: any that is free). Raises OSError."""
    # The protocol is named because asyncio sets TCP_NODELAY only then; without, each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    listening.listen(128)
    return listening
