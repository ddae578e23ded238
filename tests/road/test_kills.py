"""Kill tests: the bot's processes are killed at random moments of a replay, and every job is moved once all the same.

Each run has a seed, which decides who dies when; `make proof` gives twenty.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import cast

import pytest
import redis

from bot.outside.slack.client import EVENT_TYPE
from bot.sandbox.queues.redis import RedisServer
from bot.sandbox.slack.blocks import Message
from bot.sandbox.stage import Stage
from bot.sandbox.story import Story
from bot.store.store import Store
from tests.kills import ROLES, Bench, Reaper, deaths, kill
from tests.node import wait_for
from tests.seeds import seeded

JOBS = 2000
AGAIN = 5
"""Jobs that fail again, and must not be taken for jobs that were not moved yet."""

LEASE = 2.0
"""Seconds; the bot's own default would make each death cost more than twice as much. Much less than this, and a busy
machine takes the living for dead."""

PATIENCE = 240.0
"""Real seconds for anything to happen; an idle machine has done with a run in four."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    with server:
        yield server


@pytest.fixture(scope="module")
def stage(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One for all runs: what is killed is started anew, and nothing else is."""
    with Stage(
        tmp_path_factory.mktemp("kills"),
        redis_url=server.url,
        rate_limits="off",
        roles=ROLES,
        environment={"FIREWATCH_LEASE": f"{LEASE:g}"},
    ) as stage:
        yield stage


@pytest.fixture(scope="module")
def store(stage: Stage) -> Store:
    """The test's own eyes on what the bot remembers."""
    return Store(redis.Redis.from_url(stage.redis_url, decode_responses=True))


@pytest.fixture(scope="module")
def room(stage: Stage) -> str:
    """One incident for all runs: its number is 1."""
    stage.slack.oncall.types("ops", "/incident open Killed on purpose").ok()
    return Story(stage.slack).room(1)


@seeded
def test_a_replay_survives_the_death_of_any_process_at_any_moment(
    stage: Stage, store: Store, room: str, seed: int
) -> None:
    ids = [f"{seed}-{number}" for number in range(JOBS)]
    again = ids[100 :: JOBS // AGAIN]
    with Bench(stage.redis_url, stage.queue) as bench:
        bench.lay(ids, fail_again=again)
        plan = planned(stage, room)
        reaper = Reaper(stage, deaths(seed))
        reaper.start()
        try:
            confirmed(stage, plan)
            if last := (shown_last, sent_first, sent_last, None)[seed % 4]:
                # Random moments rarely meet the few milliseconds between what is said and the note that it was.
                stage.slack.wait_for(lambda: last(stage, room, plan), PATIENCE)
                kill(stage, ["worker", "steps"])
            received(stage, room, plan)
        finally:
            reaper.join()
        print(f"seed {seed}: {reaper.carried_out}")
        drained(store)
        assert bench.moves() == bench.runs() == dict.fromkeys(ids, 1)
        assert bench.failed() == set(again)
    held(stage, store, room, plan, ids, len(again))


def test_a_replay_goes_on_when_redis_has_been_away(server: RedisServer, stage: Stage, store: Store, room: str) -> None:
    """Killed in the middle, and back after 1.5 s from what it wrote; the bot's processes wait and lose nothing."""
    ids = [f"away-{number}" for number in range(JOBS)]
    with Bench(stage.redis_url, stage.queue) as bench:
        bench.lay(ids)
        plan = planned(stage, room, rate="1000/s")
        confirmed(stage, plan)
        wait_for(lambda: len(bench.runs()) > 300, PATIENCE, "the middle of the replay")
        server.kill()
        threading.Event().wait(1.5)
        server.start()
        received(stage, room, plan)
        drained(store)
        assert bench.moves() == bench.runs() == dict.fromkeys(ids, 1)
    held(stage, store, room, plan, ids, again=0)


# ---------------------------------------------------------------- what is done, and what must hold then


def planned(stage: Stage, room: str, rate: str = "none") -> Message:
    stage.slack.wait_for(lambda: stage.slack.socket.connections, PATIENCE)
    known = stage.slack.channel(room).messages[-1]
    stage.slack.oncall.types(room, f"/jobs replay {stage.queue} --count {JOBS} --canary 3 --rate {rate}").ok()
    return Story(stage.slack).sees(room, "Replay 2,000 jobs", after=known, seconds=PATIENCE)


def confirmed(stage: Stage, plan: Message) -> None:
    """Press until the press is taken: a person whose press got no answer does the same."""
    until = time.monotonic() + PATIENCE
    while not stage.slack.oncall.presses(plan, "Confirm").wait().acked:
        assert time.monotonic() < until
        stage.slack.wait_for(lambda: stage.slack.socket.connections, PATIENCE)
        if stage.slack.now_of(plan).versions:  # it was taken; only the acknowledgement was lost
            return


def said_after(stage: Stage, room: str, plan: Message) -> list[Message]:
    return [each for each in stage.slack.channel(room).messages if each.at > plan.at]


def shown_last(stage: Stage, room: str, plan: Message) -> bool:
    """The card is in its last state, the first of three things that are said at the end."""
    return stage.slack.now_of(plan).text.startswith("Replay on")


def sent_first(stage: Stage, room: str, plan: Message) -> bool:
    """The receipt is said."""
    return any(each.text.startswith("Replay done") for each in said_after(stage, room, plan))


def sent_last(stage: Stage, room: str, plan: Message) -> bool:
    """The receipt's file is there."""
    return any(each.files for each in said_after(stage, room, plan))


def received(stage: Stage, room: str, plan: Message) -> Message:
    return Story(stage.slack).sees(room, "Replay done", after=plan, seconds=PATIENCE)


def drained(store: Store, seconds: float = PATIENCE) -> None:
    """Wait until nothing is due but what always is."""
    until = time.monotonic() + seconds
    kinds = ("call:", "procedure:", "plan:", "card:")
    while waiting := [each for each in members(store) if each.startswith(kinds)]:
        assert time.monotonic() < until, f"still due: {waiting}"
        time.sleep(0.02)


def members(store: Store) -> list[str]:
    return cast("list[str]", store.redis.zrange(store.key("due"), 0, -1))


def held(stage: Stage, store: Store, room: str, plan: Message, ids: list[str], again: int) -> None:
    """The receipt, its file, the timeline and the card: each once, each complete."""
    said = said_after(stage, room, plan)
    assert [each.text for each in said if each.text.startswith("Replay done")] == [
        f"Replay done: {JOBS - again:,} of {JOBS:,} completed, {again} failed again ({stage.queue})"
    ]
    keys = [each.metadata["event_payload"]["key"] for each in said if each.metadata]
    assert all(each.metadata["event_type"] == EVENT_TYPE for each in said if each.metadata)
    assert len(keys) == len(set(keys))
    [file] = [file for each in said for file in each.files]
    lines = [line.split("\t") for line in file.text.splitlines()]
    assert [line[0] for line in lines] == ids
    assert [line[1] for line in lines].count("failed") == again
    assert [line[1] for line in lines].count("completed") == len(ids) - again
    events = [event for event in store.timeline(1) if event.kind == "replay" and set(event.jobs) & set(ids)]
    assert [list(event.jobs) for event in events] == [ids]
    card = stage.slack.now_of(plan)
    assert card.text.startswith(f"Replay on {stage.queue} ended: {JOBS - again:,} of {JOBS:,} completed")
    assert not [block for block in card.blocks if block["type"] == "actions"]
    dead = {role: process.poll() for role, process in stage.processes.items() if process.poll() is not None}
    assert not dead, f"died of themselves; see {stage.folder / 'bot.log'}"
