"""The repost pipeline that can be broken: it fails as the platforms do while a switch is on, mends when it is off."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from bot.outside.queues.bullmq.client import BullQueue
from bot.outside.queues.protocol import Outcome, Seen
from bot.sandbox.queues.pipeline import BROKEN, OPTIONS, QUEUE, Pipeline, Switches, seed
from bot.sandbox.queues.platforms import DESTINATIONS, PlatformFault, failed_reason, job_data
from tests.node import wait_for

ROOT = Path(__file__).parents[3]


def failed(queue: BullQueue) -> list[Seen]:
    return list(chain.from_iterable(queue.ended()))


def ended(queue: BullQueue, jobs: list[Seen]) -> list[Outcome]:
    def all_ended() -> list[Outcome]:
        outcomes = queue.follow(jobs)
        return list(outcomes) if all(o.state in ("completed", "failed") for o in outcomes) else []

    found: list[Outcome] = wait_for(all_ended)
    return found


def test_a_bad_night_begins_with_120_failed_jobs_of_five_causes(redis_url: str) -> None:
    now = datetime.now(UTC)
    ids = seed(redis_url, now=now)
    queue = BullQueue(QUEUE, redis_url)
    jobs = failed(queue)
    assert [job.id for job in jobs] == ids
    assert len(jobs) == 120 == sum(BROKEN.values())
    assert len({job.reason for job in jobs}) > 100, "no two quite alike"
    assert Counter(job.name for job in jobs) == {"instagram": 62, "twitter": 30, "youtube": 28}
    ages = [now - datetime.fromtimestamp(job.finished / 1000, UTC) for job in jobs]
    assert timedelta(0) <= min(ages) < max(ages) <= timedelta(minutes=40)
    shown = queue.job(ids[0])
    assert shown is not None
    assert shown.stack.startswith(f"PlatformError: {jobs[0].reason}\n    at ")
    assert (shown.attempts_made, shown.attempts) == (OPTIONS["attempts"], OPTIONS["attempts"])
    status = queue.status()
    assert (status.version, status.completed, status.failed) == ("bullmq:6.7.0", 300, 120)
    assert status.per_minute > 0
    assert {fault for lit in Switches(redis_url).faults().values() for fault in lit} == {
        PlatformFault.TOKEN,
        PlatformFault.MEDIA,
        PlatformFault.QUOTA,
        PlatformFault.RATE,
        PlatformFault.TIMEOUT,
    }


def test_replayed_jobs_fail_again_while_the_switch_is_on_and_complete_when_it_is_off(redis_url: str) -> None:
    seed(redis_url, completed=0)
    queue = BullQueue(QUEUE, redis_url)
    with Pipeline(redis_url, every=None, takes=(0, 0.01)) as pipeline:
        tokens = [job for job in failed(queue) if "code 190" in job.reason]
        queue.move(tokens, "first")
        again = ended(queue, tokens)
        assert {outcome.state for outcome in again} == {"failed"}
        assert all("subcode 463" in outcome.reason for outcome in again)
        pipeline.switches.off("instagram", PlatformFault.TOKEN)
        queue.move([job for job in queue.seen([job.id for job in tokens]) if job], "second")
        assert all("subcode 2207026" in outcome.reason for outcome in ended(queue, tokens)), "the next fault shows"
        Switches(redis_url).mend()
        queue.move([job for job in queue.seen([job.id for job in tokens]) if job], "third")
        assert {outcome.state for outcome in ended(queue, tokens)} == {"completed"}


def test_the_producer_keeps_the_queue_alive(redis_url: str) -> None:
    queue = BullQueue(QUEUE, redis_url)
    with Pipeline(redis_url, every=0.02, takes=(0, 0)) as pipeline:
        wait_for(lambda: queue.status().completed >= 10)
        pipeline.switches.on("youtube", PlatformFault.DOWN)
        wait_for(lambda: failed(queue))
    assert "HTTP 503" in failed(queue)[0].reason
    assert queue.status().active == 0, "what ran came to its end"


def test_a_pipeline_stops_and_starts_again(redis_url: str) -> None:
    queue = BullQueue(QUEUE, redis_url)
    pipeline = Pipeline(redis_url, every=None)
    for _ in range(3):
        pipeline.start()
        wait_for(lambda: queue.status().workers == 1)
        pipeline.stop()
        wait_for(lambda: queue.status().workers == 0)
    pipeline.stop()
    pipeline.switches.close()


def test_what_was_fetched_when_it_stops_is_done_and_no_connection_is_left(redis_url: str) -> None:
    queue = BullQueue(QUEUE, redis_url)
    for number in range(1, 11):
        with Pipeline(redis_url, every=0.002, takes=(0, 0.01)):
            wait_for(lambda: queue.status().completed >= 10 * number)  # noqa: B023 (called within the turn)
        status = queue.status()
        assert (status.active, status.workers) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_ends_at_a_signal_and_leaves_nothing_running(redis_url: str, number: int) -> None:
    queue = BullQueue(QUEUE, redis_url)
    command = [sys.executable, "-m", "bot.sandbox.queues.pipeline", "--redis", redis_url, "--seed", "--every", "0.05"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: queue.status().workers == 1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=15)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, errors) == (0, "")
    assert queue.status().workers == 0
    assert queue.status().active == 0


def test_every_destination_has_words_for_every_fault() -> None:
    chance = random.Random(1)
    at = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    said = {
        (where, fault): failed_reason(where, fault, at, chance) for where in DESTINATIONS for fault in PlatformFault
    }
    assert all(said.values())
    assert len(set(said.values())) == len(said)


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_job_data_holds_what_must_be_masked(destination: str) -> None:
    data = job_data(destination, datetime.now(UTC), random.Random(1))
    assert len(data["accessToken"]) > 40
    assert "sessionid=" in data["source"]["cookies"]
    assert "X-Amz-Signature=" in data["media"]["url"]
    assert data["requestedBy"].endswith("@example.com")


def test_an_unknown_destination_is_refused(redis_url: str) -> None:
    switches = Switches(redis_url)
    with pytest.raises(ValueError, match="none of instagram, youtube, twitter"):
        switches.on("myspace", PlatformFault.DOWN)
    switches.close()
