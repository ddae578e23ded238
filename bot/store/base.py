"""What every part of the store stands on: the connection, the names of keys, records as they are read, and scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from redis import Redis
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as TimedOut

if TYPE_CHECKING:
    from redis.commands.core import Script

AWAY = (RedisError, OSError)
"""What is raised while Redis cannot be reached, or cannot do its work."""

LOST = (ConnectionLost, TimedOut)
"""Redis went away in the middle of something: it is no failure of what was at hand, which comes again."""

WEEK = 7 * 86400
MONTH = 30 * 86400
LEASE = 5.0
"""Seconds until another process may take up what a dead one held."""

SPARED = 15.0
"""Seconds for which something that could not be asked is not asked again, where an older answer will do."""

_LUA = Path(__file__).parent / "lua"


class RedisBase:
    """One connection pool, and the prefix of every key."""

    def __init__(self, redis: Redis, prefix: str = "firewatch", lease: float = LEASE, rate: float = 1.0) -> None:
        """``rate``: how many seconds of the bot's clock a real one has; what is due goes by the former."""
        self.redis = redis
        self.prefix = prefix
        self.rate = rate
        self.lease_seconds = lease * rate
        self._lease_ms = int(lease * 1000)

    def key(self, *parts: object) -> str:
        return ":".join([self.prefix, *(str(part) for part in parts)])

    def get(self, kind: str, id: str) -> tuple[dict[str, Any], int] | None:
        """A record's body and version, or None."""
        version, body = cast("list[Any]", self.redis.hmget(self.key(kind, id), "v", "b"))
        return (json.loads(body), int(version)) if body is not None else None

    def _script(self, name: str) -> Script:
        """The script of that name in ``lua/``."""
        return self.redis.register_script((_LUA / f"{name}.lua").read_text(encoding="utf-8"))
