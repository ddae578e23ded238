"""For tests that kill: a queue of failed jobs, a quick end for each, and deaths at moments that a seed decides."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import redis

from bot.sandbox.stage import Stage
from tests.outside.queues.jobs import write

ROLES: Final = ("slack", "worker", "steps", "clock")
CAUSE: Final = "Error: connect ETIMEDOUT 203.0.113.7:443"
"""Why the jobs failed: something that may be retried at once."""

_END = """
-- What a worker does to jobs that wait, from taking one to its end, and how often it did it to each.
-- KEYS[1] wait, [2] active, [3] completed, [4] failed, [5] events, [6] how often each ran, [7] ids that fail again
-- ARGV[1] key prefix, [2] now (ms), [3] at most, [4] the reason of a failure
for _ = 1, tonumber(ARGV[3]) do
  local id = redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
  if not id then break end
  local key = ARGV[1] .. id
  redis.call('HSET', key, 'processedOn', ARGV[2])
  redis.call('XADD', KEYS[5], '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
  redis.call('HINCRBY', KEYS[6], id, 1)
  redis.call('HINCRBY', key, 'atm', 1)
  redis.call('LREM', KEYS[2], -1, id)
  redis.call('HSET', key, 'finishedOn', ARGV[2])
  if redis.call('SISMEMBER', KEYS[7], id) == 1 then
    redis.call('HSET', key, 'failedReason', ARGV[4])
    redis.call('ZADD', KEYS[4], ARGV[2], id)
    redis.call('XADD', KEYS[5], '*', 'event', 'failed', 'jobId', id, 'failedReason', ARGV[4], 'prev', 'active')
  else
    redis.call('HSET', key, 'returnvalue', '1')
    redis.call('ZADD', KEYS[3], ARGV[2], id)
    redis.call('XADD', KEYS[5], '*', 'event', 'completed', 'jobId', id, 'returnvalue', '1', 'prev', 'active')
  end
end
"""


class Bench:
    """A queue of failed jobs whose worker takes next to no time, and that counts what came to it."""

    def __init__(self, url: str, queue: str) -> None:
        self.queue = queue
        self._url = url
        self._base = f"bull:{queue}:"
        # Any: redis-py types every answer as "this or an awaitable of it".
        self._redis: Any = redis.Redis.from_url(url, decode_responses=True)
        self._end = self._redis.register_script(_END)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"bench {queue}", daemon=True)

    def lay(self, ids: Sequence[str], fail_again: Sequence[str] = ()) -> None:
        """Empty the queue, then put these failed jobs there, oldest first."""
        for key in self._redis.scan_iter(f"{self._base}*", count=5000):
            self._redis.delete(key)
        now = round(time.time() * 1000)
        ended = {id: now - 60_000 + place for place, id in enumerate(ids)}
        write(self._url, self.queue, ended, fields={"failedReason": CAUSE})
        self._redis.hset(f"{self._base}meta", mapping={"version": "bullmq:6.7.0", "opts.maxLenEvents": 20_000})
        if fail_again:
            self._redis.sadd(f"{self._base}again", *fail_again)

    def moves(self) -> Mapping[str, int]:
        """How often each job went from failed to waiting, as the queue's own events tell."""
        entries = self._redis.xrange(f"{self._base}events")
        return Counter(fields["jobId"] for _, fields in entries if fields["event"] == "waiting")

    def runs(self) -> Mapping[str, int]:
        """How often a worker had each job."""
        return {id: int(count) for id, count in self._redis.hgetall(f"{self._base}runs").items()}

    def failed(self) -> set[str]:
        return set(self._redis.zrange(f"{self._base}failed", 0, -1))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        self._redis.close()

    def _work(self) -> None:
        names = ("wait", "active", "completed", "failed", "events", "runs", "again")
        keys = [f"{self._base}{name}" for name in names]
        while not self._stop.wait(0.03):
            try:
                self._end(keys=keys, args=[self._base, round(time.time() * 1000), 200, CAUSE])
            except (redis.RedisError, OSError):
                continue  # a test has taken Redis away


@dataclass(frozen=True, slots=True)
class Death:
    """``at``: seconds after the replay is confirmed; ``roles``: who dies then, at the same moment."""

    at: float
    roles: tuple[str, ...]


def deaths(seed: int, within: float = 2.0) -> Sequence[Death]:
    """Two or three moments of that seed, each with the death of one role or of more."""
    chance = random.Random(seed)
    moments = sorted(chance.uniform(0, within) for _ in range(chance.randint(2, 3)))
    return [Death(round(at, 3), tuple(chance.sample(ROLES, chance.choice((1, 1, 1, 2, 4))))) for at in moments]


@dataclass(slots=True)
class Reaper:
    """Carries the deaths out on a thread, and starts at once what it killed, as a supervisor would."""

    stage: Stage
    deaths: Sequence[Death]
    carried_out: list[Death] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, args=(time.monotonic(),), name="reaper", daemon=True)
        self._thread.start()

    def join(self, seconds: float = 120.0) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def stop(self) -> None:
        self._stop.set()
        self.join()

    def _run(self, began: float) -> None:
        for death in self.deaths:
            if self._stop.wait(max(0.0, began + death.at - time.monotonic())):
                return
            kill(self.stage, death.roles)
            self.carried_out.append(death)


_KILLING: Final = threading.Lock()


def kill(stage: Stage, roles: Sequence[str]) -> None:
    """SIGKILL them all before any is started anew."""
    with _KILLING:  # the reaper's thread and the test's own must not both start a successor
        for role in roles:
            stage.processes[role].kill()
        for role in roles:
            stage.kill(role)
            stage.start(role)
