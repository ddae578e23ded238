"""Replayed jobs are followed to their end, whatever becomes of them."""

from __future__ import annotations

import time

import redis

from bot.outside.queues.bullmq.client import BullQueue
from bot.outside.queues.protocol import Seen
from tests.node import NodeProcess, wait_for
from tests.outside.queues.conftest import QUEUE, StartNode
from tests.outside.queues.jobs import NOW, end_of, every, write


def moved(redis_url: str, queue: BullQueue, count: int = 1, **fields: str | bytes) -> list[Seen]:
    """Jobs that failed once and have just been put back."""
    write(redis_url, QUEUE, {str(n + 1): NOW + n for n in range(count)}, fields=fields)
    jobs = every(queue)
    for at in range(0, count, 500):
        assert set(queue.move(jobs[at : at + 500], "t")) == {"moved"}
    return jobs


def states(queue: BullQueue, jobs: list[Seen]) -> list[str]:
    return [outcome.state for outcome in queue.follow(jobs)]


def test_a_slow_worker_is_seen_at_work_until_it_is_done(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, 3)
    assert states(queue, jobs) == ["waiting"] * 3
    node.ask("mode", to="hold")
    node.ask("work", options={"concurrency": 2})
    wait_for(lambda: states(queue, jobs) == ["active", "active", "waiting"])
    node.ask("mode", to="complete")
    assert [outcome.state for outcome in end_of(queue, jobs)] == ["completed"] * 3


def test_a_job_whose_worker_crashed_is_followed_to_the_worker_that_finishes_it(
    start_node: StartNode, queue: BullQueue, redis_url: str
) -> None:
    jobs = moved(redis_url, queue)
    crashing = start_node()
    crashing.ask("mode", to="crash")
    crashing.tell("work", options={"lockDuration": 1000, "stalledInterval": 200})
    assert crashing.wait() == 7
    assert states(queue, jobs) == ["active"]
    with redis.Redis.from_url(redis_url) as client:
        wait_for(lambda: not client.exists(f"bull:{QUEUE}:1:lock"), what="the lock of the dead worker")
    assert states(queue, jobs) == ["active"], "nobody has noticed yet"
    start_node().ask("work", options={"stalledInterval": 200})
    assert end_of(queue, jobs)[0].state == "completed"


def test_a_job_that_stalls_too_often_has_failed_again(start_node: StartNode, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue)
    crashing = start_node()
    crashing.ask("mode", to="crash")
    crashing.tell("work", options={"lockDuration": 500, "stalledInterval": 200})
    assert crashing.wait() == 7
    start_node().ask("work", options={"stalledInterval": 200, "maxStalledCount": 0})
    (outcome,) = end_of(queue, jobs)
    assert outcome.state == "failed"
    assert "stalled" in outcome.reason


def test_a_job_that_fails_again_tells_its_new_reason_and_time(
    node: NodeProcess, queue: BullQueue, redis_url: str
) -> None:
    jobs = moved(redis_url, queue, data='{"reason": "quota"}')
    node.ask("mode", to="fail")
    node.ask("work")
    node.until_told("failed", 1)
    (outcome,) = end_of(queue, jobs)
    assert (outcome.state, outcome.reason) == ("failed", "quota")
    assert outcome.finished != jobs[0].finished
    assert queue.seen(["1"])[0] == Seen("1", "instagram", "quota", outcome.finished)


def test_a_job_that_waits_for_its_next_attempt_is_delayed(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, opts='{"attempts": 2, "backoff": {"type": "fixed", "delay": 600}}')
    node.ask("mode", to="fail")
    node.ask("work")
    wait_for(lambda: states(queue, jobs) == ["delayed"])
    (waits,) = queue.follow(jobs)
    assert abs(waits.due / 1000 - time.time()) < 5
    node.ask("mode", to="complete")
    (outcome,) = end_of(queue, jobs)
    # Its first attempt left a failedReason on the job, which yet completed.
    assert (outcome.state, outcome.reason) == ("completed", "")


def test_a_job_that_its_own_options_remove_has_completed(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, 2, opts='{"removeOnComplete": true}')
    assert [job.keeps for job in jobs] == [False, False]
    node.ask("work")
    assert [outcome.state for outcome in end_of(queue, jobs)] == ["completed"] * 2
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"bull:{QUEUE}:events")
    assert states(queue, jobs) == ["completed"] * 2, "without a hint too"


def test_a_job_that_its_worker_removes_has_completed(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, 2)
    assert [job.keeps for job in jobs] == [True, True]
    node.ask("work", options={"removeOnComplete": {"count": 0}})
    assert [outcome.state for outcome in end_of(queue, jobs)] == ["completed"] * 2


def test_a_job_that_is_removed_when_it_fails_has_failed(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, opts='{"removeOnFail": true, "removeOnComplete": true}', data='{"reason": "quota"}')
    node.ask("mode", to="fail")
    node.ask("work")
    (outcome,) = end_of(queue, jobs)
    assert (outcome.state, outcome.reason) == ("failed", "quota")


def test_a_job_that_somebody_removed_is_gone(node: NodeProcess, queue: BullQueue, redis_url: str) -> None:
    jobs = moved(redis_url, queue, 2, opts='{"removeOnComplete": true}')
    node.ask("remove", id="1")
    assert states(queue, jobs) == ["gone", "waiting"]


def test_of_a_thousand_jobs_none_is_lost_though_the_events_forget(
    node: NodeProcess, queue: BullQueue, redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        meta = f"bull:{QUEUE}:meta"
        # Node's queue writes 10,000 there when it has connected, and never again.
        wait_for(lambda: client.hget(meta, "opts.maxLenEvents"), what="Node's queue has connected")
        client.hset(meta, "opts.maxLenEvents", 10)
        jobs = moved(redis_url, queue, 1000)
        node.ask("work", options={"concurrency": 50})
        assert {outcome.state for outcome in end_of(queue, jobs)} == {"completed"}
        assert client.xlen(f"bull:{QUEUE}:events") < 500
    assert len(queue.follow(jobs)) == 1000


def test_a_job_that_was_never_there_is_gone(queue: BullQueue) -> None:
    assert states(queue, [Seen("no such", "a", "", 1)]) == ["gone"]
    assert queue.follow([]) == []
