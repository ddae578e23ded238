"""What the version before has stored goes on where it was: calls, plans, procedures, ledgers, incidents, RQ's own jobs.

``19533de.json`` is a Redis as that version left it, in the middle of a replay, of making a channel, and with a plan
that waits for its confirmation.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from bot.doors import worker
from bot.messages.render import Message
from bot.outside.queues.client import NamedQueues
from tests.kills import Bench
from tests.parts import Night

STORED = Path(__file__).parent / "19533de.json"
REPLAY, ROOM = "82de18333155", "ed9d6269b5b7"


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An installation of this version on what was stored."""

    night: Night
    redis: Any
    about: Mapping[str, Any]

    def procedure(self, id: str) -> Mapping[str, Any]:
        found = self.night.house.store.get("procedure", id)
        assert found
        return cast("Mapping[str, Any]", found[0]["procedure"])


def load(redis: Any, keys: Mapping[str, Any]) -> None:
    """Put back what was stored: bytes, as text of which each character is one."""

    def raw(value: Any) -> bytes:
        return str(value).encode("latin-1")

    for key, stored in keys.items():
        name, value = raw(key), stored["value"]
        match stored["type"]:
            case "string":
                redis.set(name, raw(value))
            case "hash":
                redis.hset(name, mapping={raw(field): raw(text) for field, text in value.items()})
            case "list":
                redis.rpush(name, *map(raw, value))
            case "set":
                redis.sadd(name, *map(raw, value))
            case "zset":
                redis.zadd(name, {raw(member): score for member, score in value})
            case "stream":
                for id, fields in value:
                    redis.xadd(name, {raw(field): raw(text) for field, text in fields.items()}, id=id)


@pytest.fixture
def upgraded(redis_url: str, tmp_path: Path) -> Iterator[Upgraded]:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    about = stored["about"]
    with Redis.from_url(redis_url) as redis:
        load(redis, stored["keys"])
        night = Night(redis_url, tmp_path)
        queues = NamedQueues({"reposts": ("bullmq", redis_url, "bull", 100)})
        night.queue = queues.get("reposts")  # type: ignore[assignment]
        night.again()
        night.clock.at = datetime.fromisoformat(about["now"])
        for channel, ts, text, key in about["shown"]:
            assert night.slack.post(channel, Message(text), key) == ts
        yield Upgraded(night, redis, about)


def test_incidents_and_their_timelines_are_read(upgraded: Upgraded) -> None:
    store = upgraded.night.house.store
    one, two, three = (store.incident(number) for number in (1, 2, 3))
    assert one
    assert two
    assert three
    assert (one.title, one.severity, one.state, one.lead) == ("Uploads fail", "sev1", "acknowledged", "UONCALL")
    assert (one.update["text"], one.update["impact"]) == ("All is slow", "'Instagram'")
    assert (two.state, two.cause) == ("resolved", "cookies were stale")
    assert (three.channel, three.summary) == ("CNEW3", "")
    events = store.timeline(1)
    assert [each.kind for each in events] == ["opened", "note", "update"]
    assert not any(each.receipt for each in events)
    assert [each.number for each in store.incidents("open", 9)] == [3, 1]
    assert [each.number for each in store.living_in("CNEW1")] == [1]
    said = [fields[b"text"].decode() for _, fields in upgraded.redis.xrange("firewatch:audit")]
    assert said[0] == "/incident open Uploads fail --severity sev1 --service reposting"
    assert said[-1] == "/incident open Half way"


def test_a_receipt_that_was_recorded_before_is_one_in_the_postmortem(upgraded: Upgraded) -> None:
    """The Events of that version did not say that they are receipts: they are known by their kinds."""
    event = {"at": "2026-03-02T12:00:10+00:00", "actor": "UONCALL", "text": "reposts: running → paused", "jobs": []}
    for kind in ("jobs/switched", "note"):
        body = json.dumps({**event, "kind": kind, "by": "", "link": "", "ref": "00000008", "key": ""})
        upgraded.redis.xadd("firewatch:incident:2:events", {"b": body})
    upgraded.night.says("/postmortem draft", channel="CNEW2", id="draft1")
    [draft] = [content.decode() for _, name, content, _ in upgraded.night.slack.uploads if name.endswith(".md")]
    done = draft[draft.index("## What was done") : draft.index("## Contributing causes")]
    assert done.count("reposts: running → paused") == 1


def test_a_plan_that_waited_is_confirmed_by_its_old_sentence_and_does_what_it_said(upgraded: Upgraded) -> None:
    night = upgraded.night
    [card] = [each for each in night.slack.shown if each.key == "plan:01956a623353"]
    assert night.queue.status().paused is False
    night.says(upgraded.about["plan"][0], channel=card.channel, message=card.ts, id="confirm1")
    assert night.queue.status().paused is True
    assert card.text.endswith("reposts: running → paused, by <@UONCALL>")
    receipt = night.house.store.timeline(1)[-1]
    assert (receipt.kind, receipt.receipt) == ("jobs/switched", True)
    night.says(upgraded.about["plan"][0], channel=card.channel, id="confirm2")
    assert "confirmed already" in night.told.text


def test_a_channel_that_was_half_made_is_finished(upgraded: Upgraded) -> None:
    night = upgraded.night
    assert upgraded.procedure(ROOM)["step"] == "pin"
    night.rests(60)
    assert upgraded.procedure(ROOM)["step"] == ""
    assert night.slack.pins == [("CNEW3", "1700000000.000011")]
    incident = night.house.store.incident(3)
    assert incident
    assert incident.summary == "1700000000.000011"
    assert [each for each in night.slack.texts("COPS") if "Incident 3" in each] == ["Incident 3 open: Half way · sev2"]


def test_a_replay_goes_on_with_its_canary_and_ends_with_one_receipt(upgraded: Upgraded, redis_url: str) -> None:
    night = upgraded.night
    assert (upgraded.procedure(REPLAY)["step"], upgraded.procedure(REPLAY)["data"]["taken"]) == ("go", 3)
    until = time.monotonic() + 30
    with Bench(redis_url, "reposts") as bench:
        while upgraded.procedure(REPLAY)["step"]:
            assert time.monotonic() < until, upgraded.procedure(REPLAY)
            night.rests(2)
        assert dict(bench.moves()) == {str(id): 1 for id in range(1, 9)}, "each once, by whichever version"
        assert dict(bench.runs()) == {str(id): 1 for id in range(1, 9)}
        assert bench.failed() == {"9", "10"}
    night.rests(5)
    [receipt] = [each for each in night.slack.texts("CNEW1") if each.startswith("Replay done")]
    assert "8 of 8" in receipt
    [card] = [each for each in night.slack.shown if each.key == f"plan:{REPLAY}"]
    assert "the receipt is below" in card.all
    [event] = [each for each in night.house.store.timeline(1) if each.kind == "replay"]
    assert (event.receipt, event.jobs) == (True, tuple(str(id) for id in range(1, 9)))


@pytest.fixture
def signals() -> Iterator[None]:
    """RQ's worker takes signals for itself."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


@pytest.mark.usefixtures("signals")
def test_a_job_that_waited_in_its_queue_is_done_under_its_old_name(upgraded: Upgraded) -> None:
    night = upgraded.night
    [job] = [fields for key, fields in _jobs(upgraded.redis)]
    assert b"bot.worker.attend" in job[b"description"]
    worker.work(night.house.desk, upgraded.redis, burst=True)
    assert [each.text for each in night.house.store.timeline(1)][-1] == "said before the upgrade"
    assert night.house.store.due_at("call:oldcall0001") is None
    assert _jobs(upgraded.redis) == [], "done, and not failed"


@pytest.mark.usefixtures("signals")
def test_a_job_of_this_version_bears_a_name_that_stays(upgraded: Upgraded) -> None:
    night = upgraded.night
    worker.RqWorkQueue(upgraded.redis).push([("call:oldcall0002", "")])
    assert any(b"firewatch.attend" in fields[b"description"] for _, fields in _jobs(upgraded.redis))
    worker.work(night.house.desk, upgraded.redis, burst=True)
    assert "Half way" in str(night.told.blocks), "the list of open incidents, to the asker alone"


def test_a_call_that_was_only_due_is_answered_once(upgraded: Upgraded) -> None:
    night = upgraded.night
    night.rests(60)
    assert [each.text for each in night.house.store.timeline(1)].count("said before the upgrade") == 1
    assert len([each for each in night.slack.whispers if "open incidents" in each.text]) == 1


def _jobs(redis: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    return [(key, redis.hgetall(key)) for key in redis.scan_iter("rq:job:*")]
