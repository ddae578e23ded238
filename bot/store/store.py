"""What the bot remembers, in Redis: calls, plans, procedures with their ledgers, incidents with their timelines, dues.

Records are versioned JSON. ``commit`` saves any number of them in one transaction, with the Events that say so and what
falls due next, or raises Conflict and saves none. What a power cut can cost is Redis' own promise: with
``appendfsync everysec`` the last second or two, with ``always`` nothing that was acknowledged.
"""

from __future__ import annotations

import json
from typing import Any, cast

from redis.exceptions import WatchError

from bot.store.commit import Commit, Conflict, Put
from bot.store.due import DueKept
from bot.store.incidents import IncidentsKept
from bot.store.leases import Leases
from bot.store.ledgers import Ledgers
from bot.store.posted import PostedKept
from bot.store.samples import SamplesKept


class Store(IncidentsKept, Ledgers, DueKept, Leases, PostedKept, SamplesKept):
    """All of it, behind one Redis connection pool: each kind of thing is in a file of its own beside this one."""

    def commit(self, change: Commit) -> None:
        """Save all of it or, raising Conflict, nothing."""
        with self.redis.pipeline() as pipe:
            keys = [self.key(put.kind, put.id) for put in change.puts]
            if keys:
                pipe.watch(*keys)  # type: ignore[no-untyped-call]
                for put, key in zip(change.puts, keys, strict=True):
                    if int(cast("Any", pipe.hget(key, "v")) or 0) != put.version:
                        raise Conflict(f"{put.kind} {put.id} is no longer at version {put.version}")
            pipe.multi()
            for put, key in zip(change.puts, keys, strict=True):
                pipe.hset(key, mapping={"v": put.version + 1, "b": json.dumps(put.body)})
                if put.seconds:
                    pipe.expire(key, put.seconds)
                self._index(pipe, put)
            for number, event in change.events:
                pipe.xadd(self.key("incident", number, "events"), {"b": json.dumps(event.to_json())})
            for member, at in change.due.items():
                if at is None:
                    pipe.zrem(self.key("due"), member)
                else:
                    pipe.zadd(self.key("due"), {member: at.timestamp()})
            self._save_rows(pipe, change.ledgers, change.opened, change.closed)
            if change.audit:
                pipe.xadd(self.key("audit"), dict[Any, Any](change.audit), maxlen=100_000, approximate=True)
            for name in change.counts:
                pipe.hincrby(self.key("metrics"), name, 1)
            try:
                pipe.execute()
            except WatchError as lost:
                raise Conflict(", ".join(keys)) from lost

    def _index(self, pipe: Any, put: Put) -> None:
        if put.kind == "incident":
            self._index_incident(pipe, put.id, put.body)
        if put.kind == "procedure":
            self._index_procedure(pipe, put.id, put.body)
