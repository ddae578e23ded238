"""PagerDuty's webhooks, version 3: signed, in order, delivered at least once, tried five times, dropped at will.

As at PagerDuty, a 5xx, a 429, no answer within 5 s and no connection are tried again, any other 4xx is dropped at once,
and three dropped in a row switch the subscription off for a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx

from bot.sandbox.pagerduty.model import DAY, IncidentNote, Json, PagerDutyIncident, iso_ms
from bot.sandbox.pagerduty.shapes import Shapes

TIMEOUT: Final = 5.0
RETRIES: Final = (15.0, 60.0, 240.0, 900.0)
"""Seconds between five tries: about 20 minutes, each wait longer than the one before."""

IN_A_ROW: Final = 3


@dataclass(slots=True)
class WebhookAttempt:
    status: int
    problem: str
    seconds: float


@dataclass(slots=True)
class WebhookDelivery:
    """One webhook on its way. ``id`` is its ``X-Webhook-Id``, the same at every attempt."""

    id: str
    event: Json
    state: Literal["waiting", "delivered", "dropped"] = "waiting"
    attempts: list[WebhookAttempt] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.event["event_type"])

    @property
    def body(self) -> bytes:
        return json.dumps({"event": self.event}, ensure_ascii=False).encode()


class Webhooks:
    """One subscription of the account. ``url`` "" delivers nothing and keeps nothing."""

    def __init__(
        self,
        shapes: Shapes,
        now: Callable[[], float],
        secret: str,
        retries: Sequence[float] = RETRIES,
    ) -> None:
        self.url = ""
        self.secrets = [secret]
        self.retries = tuple(retries)
        self.deliveries: list[WebhookDelivery] = []
        self.disabled_until = 0.0
        self._shapes = shapes
        self._now = now
        self._queue: deque[WebhookDelivery] = deque()
        self._to_drop = 0
        self._dropped_in_a_row = 0

    # ------------------------------------------------------------ what a test or a page may do

    def drop(self, count: int = 1) -> None:
        """Lose the next so many without a word."""
        self._to_drop += count

    def redeliver(self, delivery: WebhookDelivery) -> None:
        """The same webhook once more, as happens now and then."""
        self._queue.append(delivery)

    def rotate(self, secret: str = "") -> str:
        """A new secret beside the old ones: both sign from now on, until ``retire``."""
        self.secrets.append(secret or secrets.token_hex(32))
        return self.secrets[-1]

    def retire(self) -> None:
        """Only the latest secret signs from now on."""
        del self.secrets[:-1]

    def signature(self, body: bytes) -> str:
        """``v1=…,v1=…``: one for each secret."""
        return ",".join(f"v1={hmac.new(each.encode(), body, hashlib.sha256).hexdigest()}" for each in self.secrets)

    def headers(self, delivery: WebhookDelivery) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "PagerDuty-Webhook/V3.0",
            "X-PagerDuty-Signature": self.signature(delivery.body),
            "X-Webhook-Id": delivery.id,
            "X-Webhook-Subscription": "PSUBSCR",
        }

    # ------------------------------------------------------------ what happens

    def happened(self, kind: str, incident: PagerDutyIncident, more: Json) -> None:
        """A listener of the account."""
        delivery = WebhookDelivery(str(uuid.uuid4()), self._event(kind, incident, more))
        if not self.url:
            return
        self.deliveries.append(delivery)
        if self._to_drop or self._now() < self.disabled_until:
            self._to_drop = max(0, self._to_drop - 1)
            delivery.state = "dropped"
            return
        self._queue.append(delivery)

    def _event(self, kind: str, incident: PagerDutyIncident, more: Json) -> Json:
        shapes = self._shapes
        data: Json = shapes.webhook_data(incident)
        if "note" in more:
            note: IncidentNote = more["note"]
            trimmed = len(note.content) > 2000
            data = {
                "incident": shapes.reference("incident", incident.id),
                "id": note.id,
                "content": note.content[:2000],
                "trimmed": trimmed,
                "type": "incident_note",
            }
        elif "responder" in more:
            data = {
                "incident": shapes.reference("incident", incident.id),
                "user": shapes.reference("user", more["responder"]),
                "escalation_policy": None,
                "message": more["message"],
                "state": "pending",
                "type": "incident_responder",
            }
        return {
            "id": secrets.token_hex(13).upper(),
            "event_type": kind,
            "resource_type": "incident",
            "occurred_at": iso_ms(self._now()),
            "agent": shapes.agent(more.get("agent", "")),
            "client": None,
            "data": data,
        }

    # ------------------------------------------------------------ delivering

    async def run(self, told: Callable[[], Any]) -> None:
        """Deliver one after the other: while one is tried again, the next ones wait. ``told``: after each change."""
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT) as client:
            while True:
                if not self._queue:
                    await asyncio.sleep(0.01)
                    continue
                await self._deliver(client, self._queue[0], told)
                self._queue.popleft()
                told()

    async def _deliver(self, client: httpx.AsyncClient, delivery: WebhookDelivery, told: Callable[[], Any]) -> None:
        for number in range(len(self.retries) + 1):
            if number:
                await asyncio.sleep(self.retries[number - 1])
            attempt = await self._try(client, delivery)
            delivery.attempts.append(attempt)
            told()
            if 200 <= attempt.status < 300:
                delivery.state, self._dropped_in_a_row = "delivered", 0
                return
            if 400 <= attempt.status < 500 and attempt.status != 429:
                break
        delivery.state = "dropped"
        self._dropped_in_a_row += 1
        if self._dropped_in_a_row >= IN_A_ROW:
            self.disabled_until = self._now() + DAY
            self._queue = deque([delivery])

    async def _try(self, client: httpx.AsyncClient, delivery: WebhookDelivery) -> WebhookAttempt:
        started = asyncio.get_running_loop().time()
        try:
            response = await client.post(self.url, content=delivery.body, headers=self.headers(delivery))
            status, problem = response.status_code, ""
        except httpx.HTTPError as error:
            status, problem = 0, type(error).__name__
        return WebhookAttempt(status, problem, asyncio.get_running_loop().time() - started)
