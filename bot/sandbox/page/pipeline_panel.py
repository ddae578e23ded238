"""The repost pipeline as the panel shows it: counts of the queue, and the switches that break its destinations."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import redis
from bullmq import Queue  # type: ignore[import-untyped]

from bot.sandbox.queues.pipeline import OPTIONS, QUEUE, Switches
from bot.sandbox.queues.platforms import DESTINATIONS, PlatformFault, job_data

Json = dict[str, Any]

FRESH: Final = 0.5
"""Seconds for which figures are shown to others who ask."""

POSTS: Final = 4
"""New posts for each destination, when some are asked for."""

NAMED: Final = 2_000
"""Failed jobs whose destination is looked up, the latest first."""


@dataclass(frozen=True, slots=True)
class PipelineFigures:
    figures: Json | None
    lit: dict[str, list[str]]
    trouble: str = ""


class PipelinePanel:
    """Reads Redis; safe to call from any thread. `look` never raises."""

    def __init__(self, url: str, queue: str = QUEUE, prefix: str = "bull") -> None:
        self.queue = queue
        self._url, self._prefix = url, prefix
        self._chance = random.Random()
        # Any: see bot.outside.queues.connection.
        self._redis: Any = redis.Redis.from_url(
            url, decode_responses=True, socket_timeout=1.0, socket_connect_timeout=1.0
        )
        self.switches = Switches(url, queue)
        self._base = f"{prefix}:{queue}:"
        self._lock = threading.Lock()
        self._seen: PipelineFigures = PipelineFigures(None, {name: [] for name in DESTINATIONS}, "not read yet")
        self._at = 0.0

    def look(self, *, anew: bool = False) -> PipelineFigures:
        with self._lock:
            if anew or time.monotonic() - self._at > FRESH:
                try:
                    self._seen = self._read()
                except (redis.RedisError, OSError) as away:
                    self._seen = PipelineFigures(None, self._seen.lit, str(away) or type(away).__name__)
                self._at = time.monotonic()
            return self._seen

    def _read(self) -> PipelineFigures:
        base = self._base
        pipe = self._redis.pipeline(transaction=False)
        for name in ("wait", "paused", "active"):
            pipe.llen(f"{base}{name}")
        for name in ("prioritized", "delayed", "failed", "completed"):
            pipe.zcard(f"{base}{name}")
        pipe.hget(f"{base}meta", "paused")
        pipe.zrevrange(f"{base}failed", 0, NAMED - 1)
        wait, held, active, prioritized, delayed, failed, completed, paused, ids = pipe.execute()
        names = self._redis.pipeline(transaction=False)
        for id in ids:
            names.hget(f"{base}{id}", "name")
        by = Counter(name for name in (names.execute() if ids else []) if name)
        counts = [
            ("failed", failed),
            ("waiting", wait + held + prioritized),
            ("active", active),
            ("delayed", delayed),
            ("completed", completed),
        ]
        figures = {
            "queue": self.queue,
            "counts": counts,
            "paused": bool(paused),
            "by_destination": [(name, by[name]) for name in DESTINATIONS if by[name]],
        }
        lit = {name: [str(one) for one in on] for name, on in self.switches.faults().items()}
        return PipelineFigures(figures, lit)

    def switch(self, destination: str, fault: str, *, on: bool) -> None:
        """Raises ValueError for a destination or fault there is not."""
        (self.switches.on if on else self.switches.off)(destination, PlatformFault(fault))

    def post(self) -> None:
        """Put new posts on the queue, some for each destination, as the reposting system does when it finds them."""
        asyncio.run(self._post())

    async def _post(self) -> None:
        queue = Queue(self.queue, {"connection": self._url, "prefix": self._prefix})
        try:
            for destination in DESTINATIONS:
                for _ in range(POSTS):
                    data = job_data(destination, datetime.now(UTC), self._chance)
                    await queue.add(destination, data, dict(OPTIONS))
        finally:
            await queue.close()

    def close(self) -> None:
        self.switches.close()
        self._redis.close()
