"""What is noted as time goes by: each queue's depth, signs of life, and how often what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.store.base import WEEK, RedisBase


class SamplesKept(RedisBase):
    """For pictures, for `/ready` and for `/metrics`."""

    def sample(self, queue: str, at: datetime, depth: int, keep: timedelta = timedelta(hours=26)) -> None:
        key = self.key("samples", queue)
        with self.redis.pipeline() as pipe:
            pipe.zadd(key, {f"{int(at.timestamp())}:{depth}": at.timestamp()})
            pipe.zremrangebyscore(key, "-inf", (at - keep).timestamp())
            pipe.expire(key, WEEK)
            pipe.execute()

    def depth(self, queue: str, since: datetime) -> Sequence[tuple[datetime, int]]:
        found = cast("list[str]", self.redis.zrangebyscore(self.key("samples", queue), since.timestamp(), "+inf"))
        pairs = [entry.split(":") for entry in found]
        return [(datetime.fromtimestamp(int(at), UTC), int(depth)) for at, depth in pairs]

    def alive(self, role: str, now: datetime) -> None:
        self.redis.set(self.key("alive", role), now.isoformat(), ex=86400)

    def last_alive(self, role: str) -> datetime | None:
        seen = cast("str | None", self.redis.get(self.key("alive", role)))
        return datetime.fromisoformat(seen) if seen else None

    def metrics(self) -> Mapping[str, int]:
        found = cast("dict[str, str]", self.redis.hgetall(self.key("metrics")))
        return {name: int(count) for name, count in found.items()}
