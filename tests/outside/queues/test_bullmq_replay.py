"""What Node's workers failed, we put back, and Node's workers finish: BullMQ 6 and 5."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest
import redis
from redis.commands.core import Script

from bot.domain.errors import Refused
from bot.outside.queues.bullmq import scripts as bullmq_scripts
from bot.outside.queues.bullmq.client import PORTION, BullQueue
from bot.outside.queues.protocol import Outcome, Seen
from tests.node import NodeProcess, wait_for
from tests.outside.queues.conftest import QUEUE, StartNode


def failed(queue: BullQueue) -> list[Seen]:
    return list(chain.from_iterable(queue.ended("failed")))


def fail(node: NodeProcess, queue: BullQueue, jobs: Sequence[dict[str, object]]) -> list[Seen]:
    """Let Node add the jobs and fail them; its worker rests then. Returns them in the order they failed."""
    node.ask("mode", to="fail")
    node.ask("add", jobs=list(jobs))
    node.ask("work")
    wait_for(lambda: queue.status().failed == len(jobs), what="all failed")
    node.ask("rest")
    node.ask("mode", to="complete")
    return failed(queue)


def ended(queue: BullQueue, jobs: Sequence[Seen]) -> list[Outcome]:
    """Follow the jobs until each has come to an end."""

    def all_ended() -> list[Outcome]:
        outcomes = queue.follow(jobs)
        return list(outcomes) if all(o.state in ("completed", "failed", "gone") for o in outcomes) else []

    found: list[Outcome] = wait_for(all_ended, what="the end of all jobs")
    return found


def some(count: int, **opts: object) -> list[dict[str, object]]:
    return [{"name": "instagram", "data": {"post": n}, "opts": opts} for n in range(count)]


def test_jobs_that_node_failed_are_replayed_by_us_and_finished_by_node(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(60))
    assert [job.reason for job in jobs] == [f"refused {job.id}" for job in jobs]
    assert set(queue.move(jobs, "t")) == {"moved"}
    assert queue.status().depth == 60
    assert failed(queue) == []
    node.ask("work", options={"concurrency": 5})
    assert {outcome.state for outcome in ended(queue, jobs)} == {"completed"}
    assert Counter(node.told("active")) == {job.id: 2 for job in jobs}, "each ran once more"


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda text: text + "\n-- a comment more",
        lambda text: text.replace("local jobKey = KEYS[1]", "local jobKey=KEYS[1]"),
    ],
)
def test_another_text_of_bullmqs_script_is_run_as_rightly(
    node: NodeProcess, redis_url: str, monkeypatch: pytest.MonkeyPatch, otherwise: Callable[[str], str]
) -> None:
    another = bullmq_scripts.move_script(otherwise(bullmq_scripts.REPROCESS))
    assert another.startswith(bullmq_scripts.ours("plain"))
    assert bullmq_scripts.MOVE.startswith(bullmq_scripts.ours("recall")), "the installed one is the one we know"
    monkeypatch.setattr(bullmq_scripts, "MOVE", another)
    queue = BullQueue(QUEUE, redis_url)
    jobs = fail(node, queue, [*some(3), *some(2, priority=4), *some(1, lifo=True)])
    assert queue.move([*jobs, jobs[0]], "t") == ["moved"] * 6 + ["changed"]
    assert queue.move(jobs, "t") == ["already"] * 6
    node.ask("work")
    assert {outcome.state for outcome in ended(queue, jobs)} == {"completed"}
    queue.close()


def test_an_idle_node_worker_takes_a_replayed_job_at_once(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(1))
    node.ask("work", options={"drainDelay": 30})
    queue.move(jobs, "t")
    # Without BullMQ's marker the worker would sleep through its drainDelay.
    assert node.until_told("completed", 1, timeout=5) == [jobs[0].id]


def test_jobs_are_taken_oldest_first_and_by_priority(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, [{"name": "a", "data": {}, "opts": {"priority": p}} for p in (0, 5, 2, 0, 9, 2)])
    names = {job.id: index for index, job in enumerate(sorted(jobs, key=lambda job: int(job.id)))}
    queue.move(sorted(jobs, key=lambda job: int(job.id)), "t")
    before = len(node.told("active"))
    node.ask("work")
    node.until_told("completed", 6)
    # BullMQ takes jobs without a priority first, then 1, 2, …
    assert [names[id] for id in node.told("active")[before:]] == [0, 3, 2, 5, 1, 4]


def test_a_lifo_job_overtakes_those_that_wait(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, [*some(2), {"name": "last in", "data": {}, "opts": {"lifo": True}}])
    by_name = sorted(jobs, key=lambda job: job.name)
    queue.move(by_name, "t")
    assert node.ask("waiting")[0] == next(job.id for job in jobs if job.name == "last in")


def test_of_two_who_replay_the_same_jobs_each_job_is_moved_once(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(50))
    with ThreadPoolExecutor(8) as pool:
        words = list(pool.map(lambda who: queue.move(jobs, f"token {who}"), range(8)))
    assert [sum(word[n] == "moved" for word in words) for n in range(50)] == [1] * 50
    assert {word for said in words for word in said} == {"moved", "changed"}
    node.ask("work")
    ended(queue, jobs)
    assert set(Counter(node.told("active")).values()) == {2}


def test_a_job_that_failed_again_is_not_moved_again(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(3))
    queue.move(jobs[:1], "first")
    node.ask("mode", to="fail")
    node.ask("work")
    (outcome,) = ended(queue, jobs[:1])
    assert outcome.state == "failed"
    assert outcome.reason == f"refused {jobs[0].id}"
    assert outcome.finished > jobs[0].finished
    node.ask("rest")
    assert queue.move(jobs, "second") == ["changed", "moved", "moved"]
    again = queue.seen([jobs[0].id])[0]
    assert again is not None
    assert queue.move([again], "third") == ["moved"]


def test_the_same_token_moves_a_job_once_however_often_it_asks(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(2, removeOnComplete=True))
    assert queue.move(jobs[:1], "t") == ["moved"]
    assert queue.move(jobs, "t") == ["already", "moved"]
    node.ask("work")
    ended(queue, jobs)
    assert queue.move(jobs, "t") == ["already", "already"], "even when the job is no more"
    assert queue.move(jobs, "another") == ["gone", "gone"]


def test_completed_jobs_can_be_run_again(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("add", jobs=some(3))
    node.ask("work")
    wait_for(lambda: queue.status().completed == 3)
    jobs = list(chain.from_iterable(queue.ended("completed")))
    assert queue.move(jobs, "t") == ["changed"] * 3, "they have not failed"
    assert queue.move(jobs, "t", "completed") == ["moved"] * 3
    node.until_told("completed", 6)


def test_attempts_start_anew(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("mode", to="fail")
    node.ask("add", jobs=some(1, attempts=2))
    # A worker that starts no job more than twice would end it before it began, were both counters not reset.
    node.ask("work", options={"maxStartedAttempts": 2})
    wait_for(lambda: queue.status().failed == 1)
    jobs = failed(queue)
    queue.move(jobs, "t")
    assert wait_for(lambda: len(node.told("active")) == 4)
    (outcome,) = ended(queue, jobs)
    assert outcome.reason == f"refused {jobs[0].id}"
    found = queue.job(jobs[0].id)
    assert found is not None
    assert (found.attempts_made, found.attempts) == (2, 2)


def test_a_queue_of_bullmq_5_is_replayed_while_it_runs(start_node: StartNode, queue: BullQueue) -> None:
    node = start_node("bullmq5")
    jobs = fail(node, queue, [*some(20), *some(5, priority=3)])
    assert queue.status().version.startswith("bullmq:5.")
    assert set(queue.move(jobs, "t")) == {"moved"}
    node.ask("work")
    assert {outcome.state for outcome in ended(queue, jobs)} == {"completed"}


@pytest.mark.parametrize("version", ["bullmq:5.81.4", "bullmq-pro:7.30.0", "", "bullmq:", "bullmq:canary"])
def test_a_paused_queue_of_bullmq_5_or_unknown_is_refused(
    start_node: StartNode, queue: BullQueue, redis_url: str, version: str
) -> None:
    node = start_node("bullmq5")
    jobs = fail(node, queue, some(3))
    node.ask("pause")
    with redis.Redis.from_url(redis_url) as client:
        if version:
            client.hset(f"bull:{QUEUE}:meta", "version", version)
        else:
            client.hdel(f"bull:{QUEUE}:meta", "version")
    with pytest.raises(Refused, match="resume it first"):
        queue.ready()
    with pytest.raises(Refused, match="resume it first"):
        queue.move(jobs, "t")
    assert len(failed(queue)) == 3
    node.ask("resume")
    queue.ready()
    assert queue.move(jobs, "t") == ["moved"] * 3


def test_jobs_moved_into_a_paused_queue_of_bullmq_6_run_when_it_resumes(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(5))
    node.ask("pause")
    node.ask("work")
    queue.ready()
    assert set(queue.move(jobs, "t")) == {"moved"}
    assert queue.status().paused
    assert queue.status().depth == 5
    assert {outcome.state for outcome in queue.follow(jobs)} == {"waiting"}
    node.ask("resume")
    assert {outcome.state for outcome in ended(queue, jobs)} == {"completed"}


@pytest.mark.parametrize("package", ["bullmq", "bullmq5"])
def test_pausing_and_resuming_loses_nothing_whoever_does_which(
    start_node: StartNode, queue: BullQueue, package: str
) -> None:
    node = start_node(package)
    node.ask("add", jobs=some(4))
    queue.pause()
    queue.pause()
    assert queue.status().paused
    node.ask("add", jobs=some(4))
    assert queue.status().depth == 8
    node.ask("work")
    node.ask("resume")
    node.until_told("completed", 8)
    node.ask("pause")
    node.ask("add", jobs=some(4))
    queue.resume()
    assert not queue.status().paused
    node.until_told("completed", 12)
    queue.pause()
    node.ask("add", jobs=some(4))
    queue.resume()
    assert len(set(node.until_told("completed", 16))) == 16


def test_more_paused_jobs_than_one_call_brings_back_are_all_brought_back(
    start_node: StartNode, queue: BullQueue, redis_url: str
) -> None:
    node = start_node("bullmq5")
    node.ask("pause")
    for _ in range(4):
        node.ask("add", jobs=some(2000))
    with redis.Redis.from_url(redis_url) as client:
        client.lpush(f"bull:{QUEUE}:wait", "someone else's")
    queue.resume()
    status = queue.status()
    assert (status.waiting, status.depth, status.paused) == (8001, 8001, False)


def test_a_replayed_child_counts_for_its_parent_again(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("mode", to="fail")
    node.ask(
        "flow",
        flow={
            "name": "parent",
            "queueName": QUEUE,
            "data": {},
            "children": [{"name": "child", "queueName": QUEUE, "data": {}, "opts": {"failParentOnFailure": True}}],
        },
    )
    node.ask("work")
    wait_for(lambda: queue.status().failed == 2)
    node.ask("rest")
    node.ask("mode", to="complete")
    jobs = sorted(failed(queue), key=lambda job: job.name)
    assert [job.name for job in jobs] == ["child", "parent"]
    assert queue.move(jobs, "t") == ["moved", "moved"]
    node.ask("work")
    assert [outcome.state for outcome in ended(queue, jobs)] == ["completed", "completed"]


def test_a_rate_limited_worker_still_finishes_all(node: NodeProcess, queue: BullQueue) -> None:
    jobs = fail(node, queue, some(12))
    node.ask("work", options={"limiter": {"max": 5, "duration": 200}})
    queue.move(jobs, "t")
    assert {outcome.state for outcome in ended(queue, jobs)} == {"completed"}


def test_at_most_2000_jobs_go_in_one_call(queue: BullQueue) -> None:
    with pytest.raises(ValueError, match="at most 2000"):
        queue.move([Seen(str(n), "a", "", 1) for n in range(2001)], "t")
    assert queue.move([], "t") == []
    assert queue.move([Seen(str(n), "a", "", 1) for n in range(2000)], "t") == ["gone"] * 2000


def test_what_was_moved_before_the_queue_refused_is_told(queue: BullQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Script.__call__

    def until(script: Script, *, keys: Any, args: Any) -> Any:
        asked = json.loads(args[-1])
        return ["PAUSED", "bullmq:5.0.0"] if any(int(id) >= PORTION for id in asked[::2]) else run(script, keys, args)

    monkeypatch.setattr(Script, "__call__", until)
    jobs = [Seen(str(n), "a", "", 1) for n in range(2 * PORTION)]
    assert queue.move(jobs, "t") == ["gone"] * PORTION
    with pytest.raises(Refused):
        queue.move(jobs[PORTION:], "t")


def test_a_key_that_is_no_job_stops_the_move_and_what_went_before_is_remembered(
    node: NodeProcess, queue: BullQueue, redis_url: str
) -> None:
    jobs = fail(node, queue, some(3))
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"bull:{QUEUE}:{jobs[1].id}")
        client.set(f"bull:{QUEUE}:{jobs[1].id}", "no hash")
        assert queue.move(jobs, "t") == ["moved"]
        with pytest.raises(Refused, match="is no such queue"):
            queue.move(jobs[1:], "t")
        client.delete(f"bull:{QUEUE}:{jobs[1].id}")
    assert queue.move(jobs, "t") == ["already", "gone", "moved"]
