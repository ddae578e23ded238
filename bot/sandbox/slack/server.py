"""A Slack on loopback: the workspace, its Web API, Socket Mode and signed HTTP, in a thread of this process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.sandbox.slack import modals, seeds
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.deliver import ACK_SECONDS, RETRY_DELAYS, Deliverer, sign
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.manifest import Manifest
from bot.sandbox.slack.methods import every_method
from bot.sandbox.slack.model import Team, User
from bot.sandbox.slack.payloads import Payloads
from bot.sandbox.slack.people import Backstage, Person
from bot.sandbox.slack.ratelimits import RateLimits
from bot.sandbox.slack.responses import Responder
from bot.sandbox.slack.seeds import Seed
from bot.sandbox.slack.socketmode import QuietableProtocol, Reason, SocketMode
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.traffic import Delivery, LoggedCall, Traffic
from bot.sandbox.slack.webapi import WebApi
from bot.sandbox.slack.workspace import Channel, Workspace
from bot.sandbox.threaded import Server, Threaded, listen


class SocketControl:
    """What a test can do to the sockets, from any thread."""

    def __init__(self, socket_mode: SocketMode, deliverer: Deliverer, workspace: Workspace) -> None:
        self._mode, self._deliverer, self._workspace = socket_mode, deliverer, workspace

    @property
    def connections(self) -> int:
        return len(self._mode.connections)

    @property
    def connected_ever(self) -> int:
        return self._mode.connected_ever

    @property
    def stray_acks(self) -> int:
        return self._mode.stray_acks

    def disconnect(self, reason: Reason = "warning", close_after: float = 10.0) -> None:
        """Tell every connection to go, as Slack does every few hours, and close it `close_after` seconds later."""
        which = self._mode.connections
        self._deliverer.on_loop(lambda: self._mode.disconnect(reason, close_after, which))

    def drop(self) -> int:
        """Tear every connection down without a word; answers how many there were."""
        return int(self._deliverer.on_loop(self._mode.drop))

    def go_silent(self) -> int:
        """Stop talking on every connection of now, without closing it; new connections are not affected."""
        return int(self._deliverer.on_loop(self._mode.go_silent))


class SlackSandbox(Threaded):
    """`with SlackSandbox() as slack:` gives a running Slack; see `bot/sandbox/slack/__init__.py` for a tour.

    `manifest`: mapping, path, or None for the repository's own. `rate_limits`: "real" or "off". `now`: the clock of
    ts, trigger ids, response URLs and rate limits. `port` 0 takes a free one. `routes`: more of the same server, for a
    page that shows the workspace. `patience`: the clock of trigger ids and response URLs, where `now` goes faster than
    people do.
    """

    def __init__(
        self,
        *,
        manifest: Mapping[str, Any] | Path | str | None = None,
        rate_limits: Literal["real", "off"] = "real",
        now: Callable[[], float] = time.time,
        patience: Callable[[], float] | None = None,
        port: int = 0,
        seed: Seed | None = None,
        team: Team | None = None,
        bot_token: str = "",
        app_token: str = "",
        signing_secret: str = "",
        ack_timeout: float = ACK_SECONDS,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        ping_interval: float = 5.0,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self.manifest = Manifest.read(manifest)
        self.bot_token = bot_token or f"xoxb-{secrets.randbelow(10**12)}-{secrets.token_hex(12)}"
        self.app_token = app_token or f"xapp-1-AFIREWATCH-{secrets.randbelow(10**12)}-{secrets.token_hex(24)}"
        self.signing_secret = signing_secret or secrets.token_hex(16)
        self._socket = listen(port)
        self.port = int(self._socket.getsockname()[1])
        self.workspace = Workspace(team or Team(), now)
        self.bot = seeds.plant(self.workspace, seed or Seed(), self.manifest.display_name)
        self.wire = Traffic(self.workspace)
        self.faults = Faults()
        self.tickets = Tickets(self.workspace, patience or now)
        self._mode = SocketMode(self.workspace.team, self.workspace.tell)
        self._deliverer = Deliverer(
            self.wire, self._mode, self.signing_secret, ack_timeout=ack_timeout, retry_delays=retry_delays, now=now
        )
        self.socket = SocketControl(self._mode, self._deliverer, self.workspace)
        self._events = Events(self.workspace, self.manifest, self.bot, self._deliverer.send)
        self.workspace.subscribe(self._events.on_change)
        responder = Responder(self.workspace, self.bot, self._known_file)
        self.limits = RateLimits(now, real=rate_limits == "real")
        self._web = WebApi(
            self,
            self.wire,
            self.faults,
            self.limits,
            every_method(),
            responder.answer,
            bot_token=self.bot_token,
            app_token=self.app_token,
        )
        payloads = Payloads(self.workspace, self.tickets, self.bot.bot_id, self.base_url)
        self._backstage = Backstage(
            self.workspace, self.manifest, self._deliverer, self._events, payloads, self.bot, responder
        )
        self.app: ASGIApp = _with_wire(Starlette(routes=[*self._routes(), *routes]))
        self._server = Server(
            self.app,
            ws=QuietableProtocol,
            ws_ping_interval=ping_interval or None,
            ws_ping_timeout=ping_interval or None,
        )

    # -- addresses

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The base of the Web API, for `SLACK_API_URL`."""
        return f"{self.base_url}/api/"

    def socket_url(self) -> str:
        ticket = self._mode.ticket()
        return f"ws://127.0.0.1:{self.port}/link/?ticket={ticket}&app_id={self.workspace.team.app_id}"

    def _routes(self) -> list[BaseRoute]:
        web = self._web
        return [
            Route("/api/{method}", web.api, methods=["GET", "POST"]),
            Route("/commands/{team}/{token}", web.respond, methods=["POST"]),
            Route("/actions/{team}/{token}", web.respond, methods=["POST"]),
            Route("/app/{team}/{token}", web.respond, methods=["POST"]),
            Route("/upload/v1/{ticket}", web.upload, methods=["POST", "PUT"]),
            Route("/files/{file}/{name:path}", web.download),
            WebSocketRoute("/link/", self._mode.endpoint),
        ]

    def _known_file(self, id_or_url: str) -> bool:
        files = self.workspace.files
        return id_or_url in files or any(one.url == id_or_url for one in files.values())

    async def _run(self, started: Callable[[], None]) -> None:
        self._deliverer.start(asyncio.get_running_loop())
        await super()._run(started)
        await self._deliverer.stop()

    # -- the bot's ways in

    @property
    def request_url(self) -> str:
        """Where signed requests go while no socket is connected."""
        return self._deliverer.request_url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self._deliverer.request_url = url

    def verify_request_url(self) -> bool:
        """Slack's handshake with a new request URL: whether the bot gives the challenge back."""
        token = self.workspace.team.verification_token
        return bool(self._deliverer.on_loop(lambda: self._deliverer.verify(token)))

    def sign(self, body: bytes, timestamp: int) -> dict[str, str]:
        """The signature headers of a body, for requests a test sends itself."""
        return sign(self.signing_secret, body, timestamp)

    def refuse_token(self, error: str = "token_revoked") -> None:
        """Refuse the bot's token from now on; '' takes it again."""
        self._web.token_refused = error

    # -- looking and acting

    def as_user(self, id_or_name: str) -> Person:
        return Person(self._backstage, self.workspace.user(id_or_name))

    @property
    def oncall(self) -> Person:
        return self.as_user("UONCALL")

    @property
    def lead(self) -> Person:
        return self.as_user("ULEAD")

    @property
    def guest(self) -> Person:
        """Somebody without rights."""
        return self.as_user("UGUEST")

    def user(self, id_or_name: str) -> User:
        return self.workspace.user(id_or_name)

    def channel(self, id_or_name: str) -> Channel:
        return self.workspace.channel(id_or_name)

    def now_of(self, message: Message) -> Message:
        """The message as it stands now; `SlackError` when it is gone."""
        return self.workspace.message(message.channel, message.ts)

    def seen_by(self, user: str, channel: str) -> list[Message]:
        return self.workspace.seen_by(user, channel)

    def open_view(self, user: str) -> View | None:
        """The modal before this person."""
        return modals.top(self.workspace, self.workspace.user(user).id)

    def home_of(self, user: str) -> View | None:
        return self.workspace.homes.get(self.workspace.user(user).id)

    @property
    def calls(self) -> list[LoggedCall]:
        return self.wire.calls

    @property
    def deliveries(self) -> list[Delivery]:
        return self.wire.deliveries

    def wait_for(self, happened: Callable[[], Any], timeout: float = 5.0) -> Any:
        """What `happened` answers, once that is true, asked anew at every change; else `TimeoutError`."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self.workspace.last_number
            answer = happened()  # without the lock: what it asks may have to wait for the server
            if answer:
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"did not happen within {timeout:g} s")
            # It may look at things of the test's own, which tell nobody, so it is asked again now and then.
            self.workspace.await_change(seen, min(left, 0.1))


def _with_wire(app: ASGIApp) -> ASGIApp:
    """Let the app reach the connection under a request, which ASGI hides: to reset it, or to keep it silent.

    uvicorn passes bound methods of its protocol objects; outermost, before any middleware wraps them, those are it.
    """

    async def wired(scope: Scope, receive: Receive, send: Send) -> None:
        scope["sandbox.wire"] = getattr(send, "__self__", None)
        await app(scope, receive, send)

    return wired
