"""The PagerDuty of the sandbox: REST, webhooks and timers in a thread of this process."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Literal

from starlette.responses import JSONResponse, Response

from bot.sandbox.pagerduty import seeds
from bot.sandbox.pagerduty.account import Account
from bot.sandbox.pagerduty.model import IncidentNote, PagerDutyError, PagerDutyIncident
from bot.sandbox.pagerduty.rest import Rest
from bot.sandbox.pagerduty.shapes import Shapes
from bot.sandbox.pagerduty.webhooks import RETRIES, Webhooks
from bot.sandbox.serving import Asked, Loopback, Refusal

PER_MINUTE: Final = 960
TICK: Final = 0.05
"""Seconds between two looks at what time has made due."""


class PagerDutySandbox(Loopback):
    """``with PagerDutySandbox() as pagerduty:`` gives a running PagerDuty.

    ``now``: the clock of everything but the waits between two tries of a webhook. ``rate_limits`` "off" still counts.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        port: int = 0,
        api_key: str = "",
        secret: str = "",
        rate_limits: Literal["real", "off"] = "real",
        retries: Sequence[float] = RETRIES,
    ) -> None:
        super().__init__(now, port)
        self.api_key = api_key or f"u+{secrets.token_hex(9)}"
        self.rate_limits = rate_limits
        self.read_only = False
        self.account = Account(now)
        seeds.plant(self.account)
        shapes = Shapes(self.account, self.api_url)
        self.rest = Rest(self.account, shapes)
        self.webhooks = Webhooks(shapes, now, secret or secrets.token_hex(32), retries)
        self.account.listeners.append(self.webhooks.happened)
        self._asked: deque[float] = deque()

    @property
    def sender(self) -> str:
        """The e-mail of the user the bot acts as when the one who asks has no user here."""
        return seeds.BOT.email

    def environment(self) -> dict[str, str]:
        return {
            "PAGERDUTY_API_KEY": self.api_key,
            "PAGERDUTY_FROM": self.sender,
            "PAGERDUTY_API_URL": self.api_url,
            "PAGERDUTY_WEBHOOK_SECRET": self.webhooks.secrets[0],
        }

    def bot_is_at(self, url: str) -> None:
        """Webhooks go there from now on."""
        self.webhooks.url = f"{url}/pagerduty/webhook"

    # ------------------------------------------------------------ what people do

    def trigger(
        self, title: str, service: str = seeds.SERVICE, urgency: str = "high", key: str = ""
    ) -> PagerDutyIncident:
        """A monitor reports something."""
        with self.changed:
            incident = self.account.trigger(title, service, urgency, key=key)
            self.changed.notify_all()
        return incident

    def acknowledge(self, id: str, user: str = seeds.NOOR.id) -> PagerDutyIncident:
        """Somebody acknowledges on the phone."""
        with self.changed:
            incident = self.account.acknowledge(id, user)
            self.changed.notify_all()
        return incident

    def resolve(self, id: str, user: str = "") -> PagerDutyIncident:
        """Somebody resolves it; without a user, the monitor does."""
        with self.changed:
            incident = self.account.resolve(id, user)
            self.changed.notify_all()
        return incident

    def annotate(self, id: str, content: str, user: str = seeds.NOOR.id) -> IncidentNote:
        with self.changed:
            note = self.account.annotate(id, user, content)
            self.changed.notify_all()
        return note

    def incident(self, id: str) -> PagerDutyIncident:
        with self.lock:
            return self.account.incident(id)

    def rang(self, user: str) -> int:
        """How often this user's phone has rung."""
        with self.lock:
            return sum(each == user for _, each, _ in self.account.paged)

    # ------------------------------------------------------------ answering

    def answer(self, asked: Asked) -> Response:
        scheme, _, key = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Token" or not secrets.compare_digest(key.encode(), f"token={self.api_key}".encode()):
            raise Refusal(401, {"error": {"message": "Unauthorized", "code": 2006}})
        headers = self._counted()
        if self.read_only and asked.method != "GET":
            raise Refusal(403, {"error": {"message": "Access Denied", "code": 2010, "errors": ["Read only"]}})
        self.account.tick()
        try:
            status, body = self.rest.answer(asked)
        except PagerDutyError as wrong:
            error = {"message": wrong.message, "code": wrong.code, "errors": list(wrong.errors)}
            raise Refusal(wrong.status, {"error": error}, headers) from None
        return JSONResponse(body, status, headers)

    def limited(self, seconds: int) -> Refusal:
        headers = {"ratelimit-limit": str(PER_MINUTE), "ratelimit-remaining": "0", "ratelimit-reset": str(seconds)}
        return Refusal(429, {"error": {"message": "Rate Limit Exceeded", "code": 2020}}, headers)

    def _counted(self) -> dict[str, str]:
        now = self.now()
        while self._asked and self._asked[0] <= now - 60:
            self._asked.popleft()
        reset = max(1, int(self._asked[0] + 60 - now)) if self._asked else 60
        if self.rate_limits == "real" and len(self._asked) >= PER_MINUTE:
            raise self.limited(reset)
        self._asked.append(now)
        left = max(0, PER_MINUTE - len(self._asked))
        return {
            "ratelimit-limit": str(PER_MINUTE),
            "ratelimit-remaining": str(left),
            "ratelimit-reset": str(reset),
        }

    async def alongside(self) -> None:
        await asyncio.gather(self.webhooks.run(self._told), self._ticking())

    async def _ticking(self) -> None:
        while True:
            with self.changed:
                self.account.tick()
            await asyncio.sleep(TICK)

    def _told(self) -> None:
        with self.changed:
            self.changed.notify_all()
