"""What is due, and the calls that are taken: each in one step, so that a death in between loses none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from redis import Redis

from bot.domain.call import Call
from bot.domain.due import Due, lanes
from bot.store.base import LEASE, WEEK, RedisBase

SAFETY = 2
"""Leases after which the clock takes up a call that the door handed to a worker, if nobody finished it."""

AT_THE_CLOCK = 500
"""What a clock does itself in one go, at most."""


class DueKept(RedisBase):
    """Calls, and the names of what is due, each with its time."""

    def __init__(self, redis: Redis, prefix: str = "firewatch", lease: float = LEASE, rate: float = 1.0) -> None:
        super().__init__(redis, prefix, lease, rate)
        self._take = self._script("take")
        self._claim = self._script("claim")
        self._finish = self._script("finish")
        self._postpone = self._script("postpone")

    def take(self, calls: Sequence[Call], now: datetime, kind: str = "call", at_once: bool = False) -> Sequence[bool]:
        """Remember calls and that they are due, each in one step; False for one that was taken before.

        They fall due as this ``kind`` after a while, should whoever hands them over die; ``at_once``, when nobody hands
        them over but the clock.
        """
        late = now.timestamp() + (0 if at_once else SAFETY * self.lease_seconds)
        with self.redis.pipeline(transaction=False) as pipe:
            for call in calls:
                self._take(
                    keys=[self.key("call", call.id), self.key("due")],
                    args=[json.dumps({"call": call.to_json()}), WEEK, late, str(Due(kind, call.id))],
                    client=pipe,
                )
            return [bool(new) for new in pipe.execute()]

    # ------------------------------------------------------------ what is due

    def due_now(
        self, now: datetime, calls: int = 500, others: int = 500, hold: float | None = None
    ) -> Sequence[tuple[str, str]]:
        """What is due, each with the mark to finish it by: at most so many of the lane ``calls``, so many ``others``.

        It falls due again after ``hold`` seconds (a lease, unless said otherwise) if it is not finished.
        """
        mark = repr(now.timestamp() + (self.lease_seconds if hold is None else hold))
        room = {"calls": calls, "steps": others, "clock": AT_THE_CLOCK}
        args: list[str | float] = [now.timestamp(), mark, json.dumps(lanes()), json.dumps(room)]
        found = self._claim(keys=[self.key("due")], args=args)
        return [(member, mark) for member in cast("list[str]", found)]

    def stands(self, member: str, mark: str) -> bool:
        """Whether what was claimed with this mark is still to be done: neither claimed again, nor put off, nor over."""
        score = self.redis.zscore(self.key("due"), member)
        return score is not None and repr(float(score)) == mark

    def finish(self, member: str, mark: str) -> None:
        """Strike out what was due, unless it fell due anew meanwhile."""
        self._finish(keys=[self.key("due")], args=[member, mark])

    def put_off(self, due: Sequence[tuple[str, str, datetime | None]]) -> None:
        """Put off what was claimed (None: strike it out), each unless it fell due anew meanwhile."""
        with self.redis.pipeline(transaction=False) as pipe:
            for member, mark, at in due:
                if at is None:
                    self._finish(keys=[self.key("due")], args=[member, mark], client=pipe)
                else:
                    self._postpone(keys=[self.key("due")], args=[member, mark, at.timestamp()], client=pipe)
            pipe.execute()

    def due_at(self, member: str) -> datetime | None:
        score = self.redis.zscore(self.key("due"), member)
        return datetime.fromtimestamp(float(score), UTC) if score is not None else None

    def postpone(self, member: str, mark: str, at: datetime) -> None:
        """Make what was claimed with this mark due at another time, unless it fell due anew meanwhile."""
        self._postpone(keys=[self.key("due")], args=[member, mark, at.timestamp()])

    def next_due(self) -> datetime | None:
        first = cast("list[tuple[str, float]]", self.redis.zrange(self.key("due"), 0, 0, withscores=True))
        return datetime.fromtimestamp(first[0][1], UTC) if first else None

    def remind(self, member: str, at: datetime, keep: bool = False) -> None:
        """Make something due; with ``keep``, only if it is not due at some time already."""
        self.redis.zadd(self.key("due"), {member: at.timestamp()}, nx=keep)

    def backlog(self, now: datetime) -> tuple[int, float]:
        """How much will fall due, and for how many seconds the earliest of it has been."""
        first = self.next_due()
        late = (now - first).total_seconds() if first else 0.0
        return int(self.redis.zcard(self.key("due"))), max(0.0, late)
