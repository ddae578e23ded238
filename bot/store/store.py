"""What the bot remembers, in Redis: calls, plans, procedures with their ledgers, incidents with their timelines, dues.

Records are versioned JSON. ``commit`` saves any number of them in one transaction, with the Events that say so and what
falls due next, or raises Conflict and saves none. What a power cut can cost is Redis' own promise: with
``appendfsync everysec`` the last second or two, with ``always`` nothing that was acknowledged.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from redis import Redis
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as TimedOut

from bot.domain.call import Call
from bot.domain.errors import FirewatchError
from bot.domain.incident import Event, Incident
from bot.domain.procedure import Procedure
from bot.outside.queues.protocol import Seen

AWAY = (RedisError, OSError)
"""What is raised while Redis cannot be reached, or cannot do its work."""

LOST = (ConnectionLost, TimedOut)
"""Redis went away in the middle of something: it is no failure of what was at hand, which comes again."""

WEEK = 7 * 86400
LEASE = 5.0
"""Seconds until another process may take up what a dead one held."""

SAFETY = 2
"""Leases after which the clock takes up a call that the door handed to a worker, if nobody finished it."""

SPARED = 15.0
"""Seconds for which something that could not be asked is not asked again, where an older answer will do."""

_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'v', 1, 'b', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
return 1
"""

_CLAIM = """
local claimed, calls, others, duties = {}, tonumber(ARGV[3]), tonumber(ARGV[4]), 500
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 20000)) do
  local mine = false
  local kind = string.sub(member, 1, 5)
  if kind == 'duty:' then
    mine, duties = duties > 0, duties - 1
  elseif kind == 'call:' and string.sub(member, 1, 9) ~= 'call:duty' then
    mine, calls = calls > 0, calls - 1
  else
    mine, others = others > 0, others - 1
  end
  if mine then
    redis.call('ZADD', KEYS[1], 'XX', ARGV[2], member)
    claimed[#claimed + 1] = member
  end
end
return claimed
"""

_FINISH = """
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'nan') ~= tonumber(ARGV[2]) then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
"""

_POSTPONE = """
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 'nan') ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""

_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Conflict(FirewatchError):
    """Someone else saved that record first. Read it again and decide again."""


@dataclass(frozen=True, slots=True)
class Put:
    """One record to save: ``version`` is the one that was read (0: it must not exist yet)."""

    kind: str
    id: str
    version: int
    body: Mapping[str, Any]
    seconds: int = 0


@dataclass(slots=True)
class Commit:
    """Everything that is saved in one breath."""

    puts: list[Put] = field(default_factory=list)
    events: list[tuple[int, Event]] = field(default_factory=list)
    due: dict[str, datetime | None] = field(default_factory=dict)
    ledgers: dict[str, Sequence[Seen]] = field(default_factory=dict)
    opened: dict[str, Sequence[int]] = field(default_factory=dict)
    closed: dict[str, Mapping[int, Any]] = field(default_factory=dict)
    audit: Mapping[str, str] = field(default_factory=dict)
    counts: list[str] = field(default_factory=list)


class Store:
    """All of it, behind one Redis connection pool."""

    def __init__(self, redis: Redis, prefix: str = "firewatch", lease: float = LEASE, rate: float = 1.0) -> None:
        """``rate``: how many seconds of the bot's clock a real one has; what is due goes by the former."""
        self.redis = redis
        self.prefix = prefix
        self.rate = rate
        self.lease_seconds = lease * rate
        self._lease_ms = int(lease * 1000)
        self._held: dict[str, str] = {}
        self._renewing = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._take = redis.register_script(_TAKE)
        self._claim = redis.register_script(_CLAIM)
        self._finish = redis.register_script(_FINISH)
        self._postpone = redis.register_script(_POSTPONE)
        self._renew = redis.register_script(_RENEW)
        self._release = redis.register_script(_RELEASE)

    def key(self, *parts: object) -> str:
        return ":".join([self.prefix, *(str(part) for part in parts)])

    # ------------------------------------------------------------ records

    def get(self, kind: str, id: str) -> tuple[dict[str, Any], int] | None:
        """A record's body and version, or None."""
        version, body = cast("list[Any]", self.redis.hmget(self.key(kind, id), "v", "b"))
        return (json.loads(body), int(version)) if body is not None else None

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
            self._ledgers(pipe, change)
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
            number, body = int(put.id), put.body
            pipe.zadd(self.key("incidents"), {put.id: number})
            pipe.hset(self.key("incidents", "keys"), body["key"], put.id)
            if body["channel"]:
                pipe.hset(self.key("incidents", "channels"), body["channel"], put.id)
                pipe.sadd(self.key("incidents", "channel", body["channel"]), put.id)
            for alert in body["alerts"]:
                pipe.hset(self.key("incidents", "alerts"), alert, put.id)
            if body["state"] == "resolved":
                pipe.zrem(self.key("incidents", "open"), put.id)
            else:
                pipe.zadd(self.key("incidents", "open"), {put.id: number})
        if put.kind == "procedure":
            if put.body["procedure"]["step"]:
                pipe.sadd(self.key("procedures", "running"), put.id)
            else:
                pipe.srem(self.key("procedures", "running"), put.id)

    def _ledgers(self, pipe: Any, change: Commit) -> None:
        for id, rows in change.ledgers.items():
            pipe.delete(self.key("ledger", id))
            for start in range(0, len(rows), 1000):
                pipe.rpush(self.key("ledger", id), *(_row(row) for row in rows[start : start + 1000]))
            pipe.expire(self.key("ledger", id), WEEK)
        for id, places in change.opened.items():
            if places:
                pipe.sadd(self.key("ledger", id, "open"), *places)
                pipe.expire(self.key("ledger", id, "open"), WEEK)
        for id, outcomes in change.closed.items():
            if outcomes:
                pipe.srem(self.key("ledger", id, "open"), *outcomes)
                pipe.hset(
                    self.key("ledger", id, "closed"),
                    mapping={str(k): json.dumps(v) for k, v in outcomes.items()},
                )
                pipe.expire(self.key("ledger", id, "closed"), WEEK)

    # ------------------------------------------------------------ calls

    def take(self, calls: Sequence[Call], now: datetime, at_once: bool = False) -> Sequence[bool]:
        """Remember calls and that they are due, each in one step; False for one that was taken before.

        They fall due after a while, should whoever hands them over die; ``at_once``, when nobody hands them over but
        the clock.
        """
        late = now.timestamp() + (0 if at_once else SAFETY * self.lease_seconds)
        with self.redis.pipeline(transaction=False) as pipe:
            for call in calls:
                self._take(
                    keys=[self.key("call", call.id), self.key("due")],
                    args=[json.dumps({"call": call.to_json()}), WEEK, late, f"call:{call.id}"],
                    client=pipe,
                )
            return [bool(new) for new in pipe.execute()]

    # ------------------------------------------------------------ what is due

    def due_now(
        self, now: datetime, calls: int = 500, others: int = 500, hold: float | None = None
    ) -> Sequence[tuple[str, str]]:
        """What is due, at most so many ``calls`` and so many ``others``, each with the mark to finish it by.

        It falls due again after ``hold`` seconds (a lease, unless said otherwise) if it is not finished.
        """
        mark = repr(now.timestamp() + (self.lease_seconds if hold is None else hold))
        found = self._claim(keys=[self.key("due")], args=[now.timestamp(), mark, calls, others])
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

    # ------------------------------------------------------------ leases

    @contextmanager
    def lease(self, name: str) -> Iterator[bool]:
        """Hold a name while the block runs: True for the one process that has it.

        A dead holder loses it within seconds.
        """
        key, token = self.key("lease", name), uuid.uuid4().hex
        if not self.redis.set(key, token, nx=True, px=self._lease_ms):
            yield False
            return
        self._keep(key, token)
        try:
            yield True
        finally:
            with self._renewing:
                self._held.pop(key, None)
            self._release(keys=[key], args=[token])

    def _keep(self, key: str, token: str) -> None:
        with self._renewing:
            self._held[key] = token
            if self._renewer is None or not self._renewer.is_alive():
                self._renewer = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self._renewer.start()

    def _renew_all(self) -> None:
        idle = threading.Event()
        while True:
            idle.wait(self._lease_ms / 3000)
            with self._renewing:
                held = dict(self._held)
                if not held:
                    self._renewer = None
                    return
            for key, token in held.items():
                try:
                    self._renew(keys=[key], args=[token, self._lease_ms])
                except Exception:
                    continue

    def lead(self, name: str, me: str) -> bool:
        """Whether this process leads: the first to ask does, for as long as it keeps asking."""
        key = self.key("lead", name)
        return bool(
            self.redis.set(key, me, nx=True, px=self._lease_ms) or self._renew(keys=[key], args=[me, self._lease_ms])
        )

    def resign(self, name: str, me: str) -> None:
        self._release(keys=[self.key("lead", name)], args=[me])

    # ------------------------------------------------------------ messages that went out

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

    # ------------------------------------------------------------ incidents

    def incident(self, number: int) -> Incident | None:
        found = self.get("incident", str(number))
        return replace(Incident.from_json(found[0]), version=found[1]) if found else None

    def number_of(self, channel: str) -> int | None:
        number = self.redis.hget(self.key("incidents", "channels"), channel)
        return int(cast("str", number)) if number else None

    def living_in(self, channel: str) -> Sequence[Incident]:
        """The incidents whose channel this is, the newest first: several where a workspace forbids making channels."""
        numbers = cast("set[str]", self.redis.smembers(self.key("incidents", "channel", channel)))
        if (latest := self.number_of(channel)) is not None:  # all that the version before kept
            numbers = numbers | {str(latest)}
        found = self.several(sorted(numbers, key=int, reverse=True))
        return [each for each in found if each.channel == channel]

    def of_alert(self, alert: str) -> Incident | None:
        number = self.redis.hget(self.key("incidents", "alerts"), alert)
        return self.incident(int(cast("str", number))) if number else None

    def opened_by(self, key: str) -> Incident | None:
        number = self.redis.hget(self.key("incidents", "keys"), key)
        return self.incident(int(cast("str", number))) if number else None

    def next_number(self) -> int:
        return int(self.redis.incr(self.key("incidents", "last")))

    def incidents(self, which: str, most: int) -> Sequence[Incident]:
        """``open`` or ``all``, the newest first."""
        key = self.key("incidents", "open") if which == "open" else self.key("incidents")
        return self.several(cast("list[str]", self.redis.zrevrange(key, 0, most - 1)))

    def several(self, numbers: Sequence[str]) -> Sequence[Incident]:
        """Those of these numbers that there are, in that order."""
        with self.redis.pipeline(transaction=False) as pipe:
            for number in numbers:
                pipe.hmget(self.key("incident", number), "b", "v")
            found = [(json.loads(body), int(version)) for body, version in pipe.execute() if body]
        return [replace(Incident.from_json(body), version=version) for body, version in found]

    def timeline(self, number: int) -> Sequence[Event]:
        """Its Events by the time they happened."""
        stream = cast("list[tuple[str, dict[str, str]]]", self.redis.xrange(self.key("incident", number, "events")))
        return sorted((Event.from_json(json.loads(fields["b"])) for _, fields in stream), key=lambda event: event.at)

    # ------------------------------------------------------------ procedures

    def running(self, kind: str) -> Sequence[Procedure]:
        ids = cast("set[str]", self.redis.smembers(self.key("procedures", "running")))
        found = [self.get("procedure", id) for id in sorted(ids)]
        procedures = [Procedure.from_json(each[0]["procedure"]) for each in found if each]
        return [each for each in procedures if each.kind == kind and not each.ended]

    def ledger(self, id: str) -> StoredLedger:
        return StoredLedger(self, id)

    # ------------------------------------------------------------ samples, signs of life, figures

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

    def backlog(self, now: datetime) -> tuple[int, float]:
        """How much will fall due, and for how many seconds the earliest of it has been."""
        first = self.next_due()
        late = (now - first).total_seconds() if first else 0.0
        return int(self.redis.zcard(self.key("due"))), max(0.0, late)

    def open_count(self) -> int:
        return int(self.redis.zcard(self.key("incidents", "open")))

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


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """``procedure.Ledger`` in Redis: a list of rows, a set of the open ones, a hash of outcomes."""

    store: Store
    id: str

    def count(self) -> int:
        return int(self.store.redis.llen(self.store.key("ledger", self.id)))

    def rows(self, start: int, stop: int) -> Sequence[Seen]:
        if stop <= start:
            return []
        found = cast("list[str]", self.store.redis.lrange(self.store.key("ledger", self.id), start, stop - 1))
        return [_seen(row) for row in found]

    def open(self, most: int, after: int = -1) -> Mapping[int, Seen]:
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


def _row(seen: Seen) -> str:
    return json.dumps([seen.id, seen.name, seen.reason, seen.finished, seen.keeps])


def _seen(row: str) -> Seen:
    return Seen(*json.loads(row))
