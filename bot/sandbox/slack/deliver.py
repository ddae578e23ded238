"""Getting something to the bot: down a socket when one is connected, else as a signed POST, with Slack's retries.

Commands and interactions get one try and three seconds; events are tried again at once, after a minute and after
five (Slack's "Events API: failed delivery").
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Literal
from urllib.parse import urlencode

import httpx

from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.socketmode import Lost, SocketMode
from bot.sandbox.slack.traffic import Delivery, DeliveryAttempt, Traffic

Kind = Literal["command", "interactive", "event"]
Then = Callable[[Delivery], None]

ACK_SECONDS = 3.0
RETRY_DELAYS = (0.0, 60.0, 300.0)
_ENVELOPES = {"command": "slash_commands", "interactive": "interactive", "event": "events_api"}
_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


def sign(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The two headers that prove a request came from Slack."""
    base = b"v0:%d:" % timestamp + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


class _Failed(Exception):
    """One try that came to nothing. `reason` as in `X-Slack-Retry-Reason`, `error` as the person is told."""

    def __init__(self, reason: str, error: str, status: int = 0, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.error, self.status, self.final = reason, error, status, final


class Deliverer:
    """Owned by the server's loop; `send` may be called from any thread and never blocks."""

    def __init__(
        self,
        wire: Traffic,
        socket: SocketMode,
        signing_secret: str,
        *,
        ack_timeout: float = ACK_SECONDS,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._wire = wire
        self._socket = socket
        self._secret = signing_secret
        self._now = now
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self.ack_timeout = ack_timeout
        self.retry_delays = tuple(retry_delays)
        #: Where signed requests go while no socket is connected; '' for nowhere.
        self.request_url = ""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def send(self, delivery: Delivery, then: Then | None = None) -> Delivery:
        """Set a delivery on its way; `then` runs on the loop once it is over, before its waiters wake."""
        self._wire.sent(delivery)
        loop = self._loop
        if loop is None or loop.is_closed():
            delivery.error = "dispatch_failed"
            self._wire.finished(delivery)
            return delivery

        def start() -> None:
            task = loop.create_task(self._run(delivery, then))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        loop.call_soon_threadsafe(start)
        return delivery

    async def _run(self, delivery: Delivery, then: Then | None) -> None:
        try:
            delays = self.retry_delays if delivery.kind == "event" else ()
            reason = ""
            for number in range(len(delays) + 1):
                if number:
                    await asyncio.sleep(delays[number - 1])
                try:
                    await self._try(delivery, number, reason)
                except _Failed as failed:
                    reason, delivery.error = failed.reason, failed.error
                    if failed.final:
                        break
                else:
                    delivery.error = ""
                    break
            if then is not None:
                then(delivery)
        except SlackError as refused:  # the channel was archived meanwhile, say: there is nowhere to tell it
            delivery.error = delivery.error or refused.error
        finally:
            self._wire.finished(delivery)

    async def _try(self, delivery: Delivery, number: int, reason: str) -> None:
        transport: Literal["socket", "http", "none"]
        transport = "socket" if self._socket.connections else "http" if self.request_url else "none"
        attempt = DeliveryAttempt(number, transport, time.time())
        delivery.attempts.append(attempt)
        started = time.perf_counter()
        try:
            if transport == "socket":
                attempt.connection, delivery.answer = await self._by_socket(delivery, number, reason)
            elif transport == "http":
                attempt.status, delivery.answer = await self._by_http(delivery, number, reason)
            else:
                raise _Failed("connection_failed", "dispatch_failed")
        except _Failed as failed:
            attempt.problem, attempt.status = failed.reason, failed.status
            raise
        attempt.latency = time.perf_counter() - started
        delivery.acked = True

    async def _by_socket(self, delivery: Delivery, number: int, reason: str) -> tuple[str, Json]:
        retry = {"retry_attempt": number, "retry_reason": reason} if delivery.kind == "event" else {}
        try:
            return await self._socket.deliver(_ENVELOPES[delivery.kind], delivery.payload, self.ack_timeout, **retry)
        except TimeoutError:
            raise _Failed("timeout", "dispatch_failed") from None
        except Lost:
            raise _Failed("connection_failed", "dispatch_failed") from None

    async def _by_http(self, delivery: Delivery, number: int, reason: str) -> tuple[int, Json]:
        body, kind = encoded(delivery)
        headers = {"Content-Type": kind}
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        try:
            response = await asyncio.wait_for(self.post(body, headers), self.ack_timeout)
        except (TimeoutError, httpx.TimeoutException):
            raise _Failed("http_timeout", "operation_timeout") from None
        except httpx.HTTPError:
            raise _Failed("connection_failed", "dispatch_failed") from None
        if not response.is_success:
            error = "http_service_error" if response.status_code >= 500 else "http_client_error"
            final = response.headers.get("x-slack-no-retry") == "1"
            raise _Failed("http_error", error, response.status_code, final=final)
        return response.status_code, _answer(response, delivery.kind)

    async def post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """A signed POST to the request URL, at the workspace's time."""
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, timeout=self.ack_timeout + 1)
        signed = {**headers, **sign(self._secret, body, int(self._now())), "User-Agent": _AGENT}
        return await self._client.post(self.request_url, content=body, headers=signed)

    async def verify(self, token: str) -> bool:
        """Slack's handshake with a new request URL: whether it gives the challenge back."""
        challenge = hashlib.sha256(self.request_url.encode()).hexdigest()
        body = json.dumps({"token": token, "challenge": challenge, "type": "url_verification"}).encode()
        try:
            response = await asyncio.wait_for(self.post(body, {"Content-Type": "application/json"}), self.ack_timeout)
        except (TimeoutError, httpx.HTTPError):
            return False
        return response.is_success and challenge in response.text

    def on_loop(self, work: Callable[[], Any]) -> Any:
        """Run `work` on the server's loop (awaiting what it answers, when that is a coroutine) and wait for it."""
        loop = self._loop
        if loop is None:
            raise RuntimeError("the sandbox is not running")

        async def call() -> Any:
            result = work()
            return await result if asyncio.iscoroutine(result) else result

        future: Future[Any] = asyncio.run_coroutine_threadsafe(call(), loop)
        return future.result(timeout=10)


def encoded(delivery: Delivery) -> tuple[bytes, str]:
    """The body and content type Slack sends: a form for commands, JSON in a form for presses, JSON for events."""
    match delivery.kind:
        case "command":
            return urlencode(delivery.payload).encode(), "application/x-www-form-urlencoded"
        case "interactive":
            return (
                urlencode({"payload": json.dumps(delivery.payload)}).encode(),
                "application/x-www-form-urlencoded",
            )
        case _:
            return json.dumps(delivery.payload).encode(), "application/json"


def _answer(response: httpx.Response, kind: Kind) -> Json:
    text = response.text.strip()
    if not text or kind == "event":
        return {}
    if "json" in response.headers.get("content-type", "") or text.startswith("{"):
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if isinstance(said, dict):
            return said
    return {"text": text}
