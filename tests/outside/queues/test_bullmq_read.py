"""Reading a BullMQ queue: its failures, one job, its figures."""

from __future__ import annotations

import json
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
import redis

from bot.outside.queues.bullmq import scripts as bullmq_scripts
from bot.outside.queues.bullmq.client import BullQueue
from bot.outside.queues.bullmq.scripts import ScriptChanged
from bot.outside.queues.protocol import Seen
from bot.sandbox.queues.pipeline import Pipeline
from tests.node import NodeProcess, wait_for
from tests.outside.queues.conftest import QUEUE, StartNode
from tests.outside.queues.jobs import NOW, every, write

ODD_IDS = ["with space", "ünïcode ✓", "quote'\"`", "<!channel>", "a*b?[c]", "{tag}", "12345678901234567890", "-1", "📌"]


def test_failures_come_oldest_first_in_pages_of_a_thousand(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + (n * 7919) % 2500 for n in range(2500)})
    pages = list(queue.ended())
    assert [len(page) for page in pages] == [1000, 1000, 500]
    times = [job.finished for page in pages for job in page]
    assert times == sorted(times)
    assert pages[0][0] == Seen("0", "instagram", "refused 0", NOW)


def test_failures_since_a_time_only(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + n for n in range(10)})
    since = datetime.fromtimestamp((NOW + 7) / 1000, UTC)
    assert [job.id for page in queue.ended(since=since) for job in page] == ["7", "8", "9"]
    assert list(queue.ended(since=since + timedelta(days=1))) == []
    assert list(queue.ended("completed")) == []


@pytest.mark.parametrize("apart", [0, 1])
def test_jobs_that_leave_while_they_are_read_make_the_reader_skip_none(
    queue: BullQueue, redis_url: str, apart: int
) -> None:
    # Even when all of them ended in one millisecond, so that their ids alone tell where the reader stood.
    write(redis_url, QUEUE, {f"job {n}": NOW + n * apart for n in range(3500)})
    read: list[str] = []
    for page in queue.ended():
        read += [job.id for job in page]
        assert {*queue.move(page[:500], "t"), *queue.move(page[500:], "t")} == {"moved"}
    assert len(read) == len(set(read)) == 3500


def test_jobs_that_fail_while_they_are_read_do_not_keep_the_reader_for_ever(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + n for n in range(1500)})
    read = 0
    for number, page in enumerate(queue.ended()):
        read += len(page)
        write(redis_url, QUEUE, {f"new {number} {n}": NOW + 10_000 + n for n in range(1500)})
    assert read == 1500


def test_an_answer_that_is_lost_between_two_pages_is_asked_for_again(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + n for n in range(3500)})
    pages = queue.ended()
    read = [job.id for job in next(pages)]
    with redis.Redis.from_url(redis_url) as client:
        read += [job.id for job in next(pages)]
        client.script_flush()
        client.client_kill_filter(_type="normal", skipme=True)
    read += [job.id for page in pages for job in page]
    assert read == [str(n) for n in range(3500)]


def test_a_reader_that_stops_early_leaves_a_working_connection(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + n for n in range(3500)})
    for page in queue.ended():
        assert len(page) == 1000
        break
    assert queue.status().failed == 3500
    assert len(every(queue)) == 3500


def test_an_entry_without_its_job_is_passed_over(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {str(n): NOW + n for n in range(3)})
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"bull:{QUEUE}:1")
    assert [job.id for job in every(queue)] == ["0", "2"]
    assert [seen and seen.id for seen in queue.seen(["2", "1", "nobody", "0"])] == ["2", None, None, "0"]
    assert queue.move([Seen("1", "a", "", NOW + 1)], "t") == ["gone"]


def test_megabytes_of_reason_are_cut_before_they_cross_the_wire(queue: BullQueue, redis_url: str) -> None:
    write(
        redis_url,
        QUEUE,
        {str(n): NOW + n for n in range(40)},
        fields={"failedReason": "✗" * 400_000, "name": "n" * 10**6},
    )
    every(queue)  # once before measuring: imports and script loading
    tracemalloc.start()
    jobs = every(queue)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(jobs) == 40
    assert all(len(job.reason) < 2001 and len(job.name) < 2001 for job in jobs)
    assert most < 4_000_000


@pytest.mark.parametrize("id", ODD_IDS)
def test_odd_ids_are_read_replayed_and_finished_by_node(
    start_node: StartNode, queue: BullQueue, redis_url: str, id: str
) -> None:
    write(redis_url, QUEUE, {id: NOW}, fields={"name": "<!channel>"})
    jobs = every(queue)
    assert jobs == [Seen(id, "<!channel>", f"refused {id}", NOW)]
    assert queue.job(id) is not None
    assert queue.move(jobs, "<t>") == ["moved"]
    node = start_node()
    node.ask("work")
    assert node.until_told("completed", 1) == [id]
    assert queue.follow(jobs)[0].state == "completed"


def test_a_thrown_nothing_leaves_the_reason_null(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("mode", to="not an error")
    node.ask("add", jobs=[{"name": "a", "data": None}])
    node.ask("work")
    wait_for(lambda: queue.status().failed == 1)
    (job,) = every(queue)
    found = queue.job(job.id)
    assert job.reason == "null"
    assert found is not None
    assert (found.reason, found.data) == ("null", None)
    assert queue.move([job], "t") == ["moved"]


def test_one_job_is_shown_whole(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("mode", to="fail")
    (id,) = node.ask("add", jobs=[{"name": "youtube", "data": {"a": ["ü", 1.5, None]}, "opts": {"attempts": 2}}])
    node.ask("work")
    wait_for(lambda: queue.status().failed == 1)
    job = queue.job(id)
    assert job is not None
    assert (job.id, job.name, job.state, job.data) == (id, "youtube", "failed", {"a": ["ü", 1.5, None]})
    assert (job.reason, job.attempts_made, job.attempts) == (f"refused {id}", 2, 2)
    assert job.stack.startswith(f"Error: refused {id}\n    at Worker.processor")
    assert job.added is not None
    assert job.started is not None
    assert job.finished is not None
    assert job.added <= job.started <= job.finished
    assert abs(datetime.now(UTC) - job.finished) < timedelta(minutes=1)
    assert queue.job("nobody") is None


def test_a_job_of_megabytes_is_shown_in_part(queue: BullQueue, redis_url: str) -> None:
    stack = "Error: quota\n" + "    at deep (app.js:1:2)\n" * 100_000
    write(
        redis_url,
        QUEUE,
        {"1": NOW},
        fields={
            "data": json.dumps("x" * 3_000_000),
            "failedReason": "r" * 3_000_000,
            "stacktrace": json.dumps(["first", stack]),
        },
    )
    job = queue.job("1")
    assert job is not None
    assert job.data == "(3,000,002 bytes of data, not read)"
    assert len(job.reason) == 2000
    assert 1000 < len(job.stack) <= 20_003
    assert "\n    at deep (app.js:1:2)\n" in job.stack
    assert "first" not in job.stack


@pytest.mark.parametrize("data", ["not json", "[" * 50_000, '{"a": NaN', "\udcff".encode("utf-8", "surrogateescape")])
def test_data_that_is_no_json_is_shown_as_it_stands(queue: BullQueue, redis_url: str, data: str | bytes) -> None:
    write(redis_url, QUEUE, {"1": NOW}, fields={"data": data, "opts": "nonsense", "stacktrace": "?", "timestamp": "?"})
    job = queue.job("1")
    assert job is not None
    assert isinstance(job.data, str)
    assert (job.attempts, job.added) == (1, None)
    assert queue.move(every(queue), "t") == ["moved"]


def test_a_near_miss_of_an_id_is_found(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {"repost-48213": NOW, "other": NOW + 1})
    assert queue.near("repost-48231") == "repost-48213"
    assert queue.near("#") is None


def test_the_status_counts_as_bullmq_does(start_node: StartNode, queue: BullQueue, redis_url: str) -> None:
    node = start_node()
    node.ask("add", jobs=[{"name": "a", "data": {}, "opts": {"priority": p}} for p in (0, 0, 1, 2)])
    node.ask("add", jobs=[{"name": "a", "data": {}, "opts": {"delay": 60_000}}])
    write(redis_url, QUEUE, {"f1": NOW, "f2": NOW})
    write(redis_url, QUEUE, {f"c{n}": NOW for n in range(10)}, status="completed")
    status, counts = queue.status(), node.ask("counts")
    assert status.depth == 4 == counts["waiting"] + counts["prioritized"]
    assert (status.waiting, status.delayed, status.failed, status.completed) == (2, 1, 2, 10)
    assert (status.backend, status.version, status.paused) == ("bullmq", "bullmq:6.7.0", False)
    assert status.per_minute == 2.0
    assert status.oldest is not None
    assert abs(datetime.now(UTC) - status.oldest) < timedelta(minutes=1)


def test_an_empty_queue_has_a_status_too(queue: BullQueue) -> None:
    status = queue.status()
    assert (status.version, status.depth, status.oldest, status.per_minute, status.workers) == ("", 0, None, 0.0, 0)


def test_workers_of_node_and_python_are_counted(start_node: StartNode, queue: BullQueue, redis_url: str) -> None:
    start_node("bullmq").ask("work")
    start_node("bullmq").ask("work", options={"name": "second-floor"})
    start_node("bullmq5").ask("work", options={"name": "third"})
    start_node("bullmq", "another-queue").ask("work")
    wait_for(lambda: queue.status().workers == 3)
    with Pipeline(redis_url, every=None), Pipeline(redis_url, every=None, name="python"):
        wait_for(lambda: queue.status().workers == 5)
    wait_for(lambda: queue.status().workers == 3)


def test_throughput_is_known_where_jobs_are_removed_at_once(node: NodeProcess, queue: BullQueue) -> None:
    node.ask("add", jobs=[{"name": "a", "data": {}, "opts": {"removeOnComplete": True}}] * 20)
    node.ask("work")
    node.until_told("completed", 20)
    assert queue.status().completed == 0
    assert queue.status().per_minute == 4.0


def test_throughput_comes_from_bullmqs_metrics_where_workers_keep_them(queue: BullQueue, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"bull:{QUEUE}:metrics:completed", mapping={"count": 90, "prevTS": round(time.time() * 1000)})
        client.rpush(f"bull:{QUEUE}:metrics:completed:data", 10, 20, 30, 20, 10, 999)
    assert queue.status().per_minute == 18.0


def test_the_history_counts_each_step(queue: BullQueue, redis_url: str) -> None:
    since = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    at = round(since.timestamp() * 1000)
    write(redis_url, QUEUE, {"a": at, "b": at + 59_999, "c": at + 60_000, "before": at - 1})
    write(redis_url, QUEUE, {"d": at + 120_000, "after": at + 150_000}, status="completed")
    history = queue.history(since, since + timedelta(seconds=150), timedelta(minutes=1))
    assert [(bucket.at - since, bucket.failed, bucket.completed) for bucket in history] == [
        (timedelta(0), 2, 0),
        (timedelta(minutes=1), 1, 0),
        (timedelta(minutes=2), 0, 1),
    ]
    assert queue.history(since, since, timedelta(minutes=1)) == []


def test_another_prefix_is_another_queue(queue: BullQueue, redis_url: str) -> None:
    write(redis_url, QUEUE, {"1": NOW}, prefix="{shop}")
    other = BullQueue(QUEUE, redis_url, prefix="{shop}")
    jobs = every(other)
    assert every(queue) == []
    assert other.move(jobs, "t") == ["moved"]
    assert other.status().depth == 1
    other.close()


def test_a_script_that_changed_in_the_package_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = bullmq_scripts.REPROCESS.replace("KEYS[9] priority counter key", "KEYS[9] paused key")
    monkeypatch.setattr(bullmq_scripts, "loadScript", lambda name: changed)
    with pytest.raises(ScriptChanged, match="reprocessJob"):
        bullmq_scripts.theirs("reprocessJob", ["k"] * 8 + ["priority counter key"], ["A"] * 6)
    with pytest.raises(ScriptChanged, match="noSuchScript"):
        bullmq_scripts.theirs("noSuchScript", ["k"], [])
