"""Incidents and their timelines, found by number, channel, alert and the call that opened them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from bot.domain.incident import Event, Incident
from bot.store.base import RedisBase


class IncidentsKept(RedisBase):
    """Read from their records and from indexes that are saved with them."""

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

    def open_count(self) -> int:
        return int(self.redis.zcard(self.key("incidents", "open")))

    def _index_incident(self, pipe: Any, id: str, body: Mapping[str, Any]) -> None:
        """Put into the pipe by what the incident is found."""
        number = int(id)
        pipe.zadd(self.key("incidents"), {id: number})
        pipe.hset(self.key("incidents", "keys"), body["key"], id)
        if body["channel"]:
            pipe.hset(self.key("incidents", "channels"), body["channel"], id)
            pipe.sadd(self.key("incidents", "channel", body["channel"]), id)
        for alert in body["alerts"]:
            pipe.hset(self.key("incidents", "alerts"), alert, id)
        if body["state"] == "resolved":
            pipe.zrem(self.key("incidents", "open"), id)
        else:
            pipe.zadd(self.key("incidents", "open"), {id: number})
