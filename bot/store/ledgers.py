"""The rows that procedures work through, as JSON lists, each with what became of it; and which procedures run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.store.base import WEEK, RedisBase


class Ledgers(RedisBase):
    """A list of rows, a set of the open ones, a hash of outcomes."""

    def running(self) -> Sequence[tuple[dict[str, Any], int]]:
        """The records of the procedures under way, each with its version."""
        ids = cast("set[str]", self.redis.smembers(self.key("procedures", "running")))
        found = [self.get("procedure", id) for id in sorted(ids)]
        return [each for each in found if each]

    def ledger(self, id: str) -> StoredLedger:
        return StoredLedger(self, id)

    def _index_procedure(self, pipe: Any, id: str, body: Mapping[str, Any]) -> None:
        """Put into the pipe whether it is under way."""
        if body["procedure"]["step"]:
            pipe.sadd(self.key("procedures", "running"), id)
        else:
            pipe.srem(self.key("procedures", "running"), id)

    def _save_rows(
        self,
        pipe: Any,
        rows: Mapping[str, Sequence[Any]],
        opened: Mapping[str, Sequence[int]],
        closed: Mapping[str, Mapping[int, Any]],
    ) -> None:
        """Put into the pipe new ledgers, and what became of the rows of others."""
        for id, new in rows.items():
            pipe.delete(self.key("ledger", id))
            for start in range(0, len(new), 1000):
                pipe.rpush(self.key("ledger", id), *(json.dumps(row) for row in new[start : start + 1000]))
            pipe.expire(self.key("ledger", id), WEEK)
        for id, places in opened.items():
            if places:
                pipe.sadd(self.key("ledger", id, "open"), *places)
                pipe.expire(self.key("ledger", id, "open"), WEEK)
        for id, outcomes in closed.items():
            if outcomes:
                pipe.srem(self.key("ledger", id, "open"), *outcomes)
                pipe.hset(
                    self.key("ledger", id, "closed"),
                    mapping={str(k): json.dumps(v) for k, v in outcomes.items()},
                )
                pipe.expire(self.key("ledger", id, "closed"), WEEK)


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """The ledger of one procedure; a row is a JSON list here, and whoever reads it knows of what type it is."""

    store: RedisBase
    id: str

    def count(self) -> int:
        return int(self.store.redis.llen(self.store.key("ledger", self.id)))

    def rows(self, start: int, stop: int) -> Sequence[Sequence[Any]]:
        if stop <= start:
            return []
        found = cast("list[str]", self.store.redis.lrange(self.store.key("ledger", self.id), start, stop - 1))
        return [json.loads(row) for row in found]

    def open(self, most: int, after: int = -1) -> Mapping[int, Sequence[Any]]:
        """Rows under way, by their place, at most so many: the next after that place, else from the first on."""
        members = cast("set[str]", self.store.redis.smembers(self.store.key("ledger", self.id, "open")))
        known = sorted(int(place) for place in members)
        places = [place for place in known if place > after][:most] or known[:most]
        if not places:
            return {}
        rows = self.rows(places[0], places[-1] + 1)
        return {place: rows[place - places[0]] for place in places}

    def closed(self) -> Mapping[int, Any]:
        found = cast("dict[str, str]", self.store.redis.hgetall(self.store.key("ledger", self.id, "closed")))
        return {int(place): json.loads(outcome) for place, outcome in sorted(found.items(), key=lambda kv: int(kv[0]))}
