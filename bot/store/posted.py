"""What went out to Slack, under its key; and what is not to be said, or asked, again too soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from bot.domain.errors import FirewatchError
from bot.store.base import SPARED, RedisBase


class PostedKept(RedisBase):
    """Messages by their keys, throttles, counters, and what was fetched lately."""

    def posting(self, key: str, now: datetime) -> tuple[str, datetime | None]:
        """The ``ts`` under which this key was posted, "" when not known to be; and since when it has been tried."""
        name = self.key("post", key)
        if self.redis.hsetnx(name, "since", now.isoformat()):
            self.redis.expire(name, 30 * 86400)
            return "", None
        since, ts = cast("list[str | None]", self.redis.hmget(name, "since", "ts"))
        return ts or "", datetime.fromisoformat(since) if since else None

    def unposted(self, key: str) -> None:
        """It was not tried after all."""
        self.redis.delete(self.key("post", key))

    def posted(self, key: str, channel: str, ts: str) -> None:
        self.redis.hset(self.key("post", key), mapping={"channel": channel, "ts": ts})

    def where(self, key: str) -> tuple[str, str]:
        """Channel and ``ts`` of what was posted under this key; both "" when nothing was."""
        channel, ts = cast("list[str | None]", self.redis.hmget(self.key("post", key), "channel", "ts"))
        return channel or "", ts or ""

    def throttle(self, name: str, seconds: float) -> bool:
        """True at most once in so many seconds."""
        return bool(self.redis.set(self.key("throttle", name), 1, nx=True, px=max(1, int(seconds * 1000))))

    def hush(self, name: str, seconds: float) -> None:
        """No more ``throttle`` before so many seconds have passed."""
        self.redis.set(self.key("throttle", name), 1, px=max(1, int(seconds * 1000)))

    def hushed(self, name: str) -> bool:
        return bool(self.redis.exists(self.key("throttle", name)))

    def first(self, name: str, value: str, seconds: float) -> str:
        """The value that the first caller within so many seconds gave."""
        key = self.key("first", name)
        self.redis.set(key, value, nx=True, px=int(seconds * 1000))
        return cast("str | None", self.redis.get(key)) or value

    def counted(self, name: str) -> int:
        """How often this name has been counted, this time included; forgotten after a day."""
        with self.redis.pipeline() as pipe:
            pipe.incr(self.key("count", name))
            pipe.expire(self.key("count", name), 86400)
            return int(pipe.execute()[0])

    def known(self, name: str) -> str:
        """What was last ``know``n under this name, "" when nothing was."""
        return cast("str | None", self.redis.get(self.key("known", name))) or ""

    def know(self, name: str, value: str) -> None:
        self.redis.set(self.key("known", name), value, ex=30 * 86400)

    def remembered(self, name: str, seconds: float, fetch: Callable[[], Any]) -> Any:
        """What ``fetch`` gave within the last ``seconds``; when it fails, what it last gave within a day, however old.

        After a failure it is not asked again for a while: whoever is away would hold up every sentence.
        """
        fresh, kept = self.key("memo", name), self.key("memo", name, "kept")
        if (body := cast("str | None", self.redis.get(fresh))) is not None:
            return json.loads(body)
        try:
            value = fetch()
        except (FirewatchError, OSError):
            if (body := cast("str | None", self.redis.get(kept))) is not None:
                self.redis.set(fresh, body, px=int(min(seconds, SPARED) * 1000))
                return json.loads(body)
            raise
        self.redis.set(fresh, json.dumps(value), px=int(seconds * 1000))
        self.redis.set(kept, json.dumps(value), ex=86400)
        return value
