"""Jobs for the tests of queue clients."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from itertools import chain
from typing import Any

import redis

from bot.outside.queues.protocol import Ended, Outcome, Queue, Seen
from tests.node import wait_for

NOW = round(time.time() * 1000)


def every(queue: Queue, status: Ended = "failed") -> list[Seen]:
    return list(chain.from_iterable(queue.ended(status)))


def end_of(queue: Queue, jobs: list[Seen]) -> list[Outcome]:
    """Follow the jobs until each has come to an end."""

    def all_ended() -> list[Outcome]:
        outcomes = queue.follow(jobs)
        return list(outcomes) if all(o.state in ("completed", "failed", "gone") for o in outcomes) else []

    found: list[Outcome] = wait_for(all_ended, what="the end of all jobs")
    return found


def write(
    url: str,
    queue: str,
    ended: Mapping[str, int],
    *,
    status: Ended = "failed",
    prefix: str = "bull",
    fields: Mapping[str, str | bytes] | None = None,
) -> None:
    """Ended jobs as BullMQ leaves them, straight into Redis. `ended`: id → when (ms);
    `fields` stand over the usual ones."""
    base = f"{prefix}:{queue}:"
    with redis.Redis.from_url(url) as client:
        pipe = client.pipeline(transaction=False)
        for id, at in ended.items():
            values: dict[str, Any] = {
                "name": "instagram",
                "data": json.dumps({"post": id}),
                "opts": json.dumps({"attempts": 3}),
                "timestamp": at - 1000,
                "processedOn": at - 100,
                "finishedOn": at,
                "atm": 3,
                "failedReason": f"refused {id}",
                "stacktrace": json.dumps([f"Error: refused {id}\n    at post (app.js:1:2)"]),
            } | dict(fields or {})
            pipe.hset(f"{base}{id}", mapping=values)
            pipe.zadd(f"{base}{status}", {id: at})
        pipe.execute()
