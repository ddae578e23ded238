"""RQ's queues behind the same Protocol: what RQ's own workers failed, we put back, and they finish."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis
from rq import Queue, Retry, SimpleWorker
from rq.job import Job, JobStatus
from rq.job_lifecycle import record_job_failure
from rq.rate_limit import RateLimit
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer
from rq.suspension import resume, suspend

from bot.domain.errors import Refused
from bot.outside.queues.client import NamedQueues
from bot.outside.queues.protocol import Seen
from bot.outside.queues.rq import reading as rq_reading
from bot.outside.queues.rq.client import RqQueue
from bot.sandbox.queues.redis import free_port
from tests.outside.queues import rq_work
from tests.outside.queues.jobs import every

NAME = "repost-dispatch"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def library(client: redis.Redis) -> Queue:
    return Queue(NAME, connection=client)


@pytest.fixture
def queue(redis_url: str) -> Iterator[RqQueue]:
    queue = RqQueue(NAME, redis_url, max_replay=50)
    yield queue
    queue.close()


def work(library: Queue, serializer: type[JSONSerializer] | None = None) -> None:
    """Let a worker of RQ's own take all that waits."""
    SimpleWorker([library], connection=library.connection, serializer=serializer).work(
        burst=True, logging_level="ERROR"
    )


def failed(library: Queue, queue: RqQueue, count: int = 1, **options: object) -> list[Seen]:
    for number in range(count):
        library.enqueue(rq_work.refuse, f"quota {number}", **options)
    work(library)
    return every(queue)


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rq_work, "refuse", rq_work.post)


def test_failed_jobs_are_replayed_and_finished_by_rqs_own_worker(
    library: Queue, queue: RqQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = failed(library, queue, 5)
    assert [(job.name, job.reason) for job in jobs] == [
        ("tests.outside.queues.rq_work.refuse", f"tests.outside.queues.rq_work.PlatformError: quota {n}")
        for n in range(5)
    ]
    assert [job.finished for job in jobs] == sorted(job.finished for job in jobs)
    queue.ready()
    assert queue.move(jobs, "t") == ["moved"] * 5
    assert [outcome.state for outcome in queue.follow(jobs)] == ["waiting"] * 5
    assert library.job_ids == [job.id for job in jobs]
    assert len(library.failed_job_registry) == 0
    mend(monkeypatch)
    work(library)
    assert [outcome.state for outcome in queue.follow(jobs)] == ["completed"] * 5


def test_a_job_that_failed_again_is_not_moved_again(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue)
    queue.move(jobs, "first")
    work(library)
    (outcome,) = queue.follow(jobs)
    assert (outcome.state, outcome.reason) == ("failed", jobs[0].reason)
    assert outcome.finished > jobs[0].finished
    assert queue.move(jobs, "second") == ["changed"]
    again = queue.seen([jobs[0].id, "nobody"])
    assert again[1] is None
    assert again[0] is not None
    assert again[0].finished == outcome.finished
    assert queue.move([again[0]], "third") == ["moved"]
    assert queue.move([again[0]], "fourth") == ["changed"]


def test_the_same_token_moves_a_job_once_however_often_it_asks(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue, 2)
    assert queue.move(jobs[:1], "t") == ["moved"]
    assert queue.move(jobs, "t") == ["already", "moved"]
    for id in library.job_ids:
        Job.fetch(id, connection=library.connection).delete()
    assert queue.move(jobs, "t") == ["already", "already"]
    assert queue.move(jobs, "u") == ["gone", "gone"]


def test_of_two_who_replay_the_same_jobs_each_job_is_moved_once(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue, 20)
    with ThreadPoolExecutor(6) as pool:
        words = list(pool.map(lambda who: queue.move(jobs, f"token {who}"), range(6)))
    assert [sum(word[n] == "moved" for word in words) for n in range(20)] == [1] * 20
    assert len(library.job_ids) == 20


def test_rqs_own_requeue_and_ours_do_not_both_move_a_job(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue, 2)
    library.failed_job_registry.requeue(jobs[0].id)
    assert queue.move(jobs, "t") == ["changed", "moved"]
    assert sorted(library.job_ids) == sorted(job.id for job in jobs)


def test_retries_start_anew_as_far_as_rq_tells(library: Queue, queue: RqQueue) -> None:
    library.enqueue(rq_work.refuse, retry=Retry(max=2, interval=[0, 0]))
    work(library)
    (seen,) = every(queue)
    queue.move([seen], "t")
    assert Job.fetch(seen.id, connection=library.connection).retries_left == 2
    work(library)
    assert queue.follow([seen])[0].state == "failed"


def test_a_replayed_job_outlives_what_its_failure_was_kept_for(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue, failure_ttl=60)
    assert library.connection.ttl(Job.key_for(jobs[0].id)) > 0
    queue.move(jobs, "t")
    assert library.connection.ttl(Job.key_for(jobs[0].id)) == -1


def test_a_rate_limited_job_waits_for_its_slot(library: Queue, queue: RqQueue) -> None:
    jobs = failed(library, queue, 3, rate_limit=RateLimit("instagram", 1))
    assert len(jobs) == 3
    assert queue.move(jobs, "t") == ["moved"] * 3
    assert len(library.job_ids) == 1
    assert [outcome.state for outcome in queue.follow(jobs)] == ["waiting"] * 3
    work(library)
    assert {outcome.state for outcome in queue.follow(jobs)} == {"failed"}


def test_finished_jobs_can_be_run_again(library: Queue, queue: RqQueue) -> None:
    library.enqueue(rq_work.post, result_ttl=-1)
    work(library)
    jobs = every(queue, "completed")
    assert [job.keeps for job in jobs] == [True]
    assert queue.move(jobs, "t") == ["changed"]
    assert queue.move(jobs, "t", "completed") == ["moved"]
    work(library)
    assert queue.follow(jobs)[0].state == "completed"


def test_a_job_that_rq_has_forgotten_has_finished(library: Queue, queue: RqQueue, client: redis.Redis) -> None:
    jobs = failed(library, queue)
    queue.move(jobs, "t")
    client.delete(Job.key_for(jobs[0].id))
    assert queue.follow(jobs)[0].state == "completed"
    assert queue.follow([Seen("x", "a", "", 1, keeps=True)])[0].state == "gone"


def test_a_job_whose_worker_died_can_be_replayed(library: Queue, queue: RqQueue, client: redis.Redis) -> None:
    job = library.enqueue(rq_work.refuse)
    # As a killed worker leaves it: taken, begun, its execution past its time.
    library.pop_job_id()
    job.set_status(JobStatus.STARTED)
    registry = StartedJobRegistry(queue=library)
    client.zadd(registry.key, {f"{job.id}:execution": 1})
    registry.cleanup()
    (seen,) = every(queue)
    assert "AbandonedJobError" in seen.reason
    assert seen.finished > 0, "though RQ gave it no ended_at"
    assert queue.move([seen], "t") == ["moved"]
    assert library.job_ids == [job.id]


def test_the_status_counts_as_rq_does(library: Queue, queue: RqQueue, client: redis.Redis) -> None:
    failed(library, queue, 2)
    for _ in range(5):
        library.enqueue(rq_work.post)
    work(library)
    library.enqueue(rq_work.post)
    library.enqueue_in(timedelta(hours=1), rq_work.post)
    worker = SimpleWorker([library, Queue("other", connection=client)], connection=client)
    worker.register_birth()  # type: ignore[no-untyped-call]
    status = queue.status()
    worker.register_death()  # type: ignore[no-untyped-call]
    assert (status.backend, status.version, status.workers, status.paused) == ("rq", "rq:3.0.0", 1, False)
    assert (status.waiting, status.depth, status.delayed, status.failed, status.completed) == (1, 1, 1, 2, 5)
    assert status.per_minute == 1.0
    assert status.oldest is not None
    assert abs(datetime.now(UTC) - status.oldest) < timedelta(minutes=1)
    assert queue.status().workers == 0
    now = datetime.now(UTC)
    history = queue.history(now - timedelta(minutes=10), now + timedelta(minutes=5), timedelta(minutes=5))
    assert [(bucket.failed, bucket.completed) for bucket in history][-2:] in ([(2, 5), (0, 0)], [(0, 0), (2, 5)])


def test_an_empty_queue_has_a_status_too(queue: RqQueue) -> None:
    status = queue.status()
    assert (status.version, status.depth, status.oldest, status.per_minute, status.workers) == ("", 0, None, 0.0, 0)
    assert (every(queue), queue.job("x"), queue.near("x"), queue.follow([]), queue.move([], "t")) == (
        [],
        None,
        None,
        [],
        [],
    )


def test_one_job_is_shown_whole(library: Queue, queue: RqQueue) -> None:
    library.enqueue(rq_work.refuse, "quota", times=3, job_id="repost-48213", description="anything (at all)")
    work(library)
    job = queue.job("repost-48213")
    assert job is not None
    assert (job.name, job.state, job.data) == (
        "tests.outside.queues.rq_work.refuse",
        "failed",
        {"args": ["quota"], "kwargs": {"times": 3}},
    )
    assert job.reason == "tests.outside.queues.rq_work.PlatformError: quota"
    assert job.stack.startswith("Traceback (most recent call last):\n")
    assert (job.attempts_made, job.attempts) == (1, 1)
    assert job.added is not None
    assert job.started is not None
    assert job.finished is not None
    assert job.added <= job.started <= job.finished
    assert queue.near("repost-48231") == "repost-48213"


def test_of_chained_errors_the_last_is_the_reason(library: Queue, queue: RqQueue) -> None:
    library.enqueue(rq_work.refuse_after_another)
    work(library)
    assert every(queue)[0].reason == "tests.outside.queues.rq_work.PlatformError: the last\nof two lines"


def test_no_pickle_of_the_queue_is_ever_run(library: Queue, queue: RqQueue, capsys: pytest.CaptureFixture[str]) -> None:
    job = library.enqueue(rq_work.refuse, rq_work.Opaque(), meta={"meta": rq_work.Opaque()}, job_id="opaque")
    library.pop_job_id()
    with library.connection.pipeline() as pipe:
        record_job_failure(job, "Boom", pipe)
        pipe.execute()
    capsys.readouterr()
    (seen,) = every(queue)
    found = queue.job("opaque")
    assert queue.move([seen], "t") == ["moved"]
    assert (seen.name, seen.reason) == ("tests.outside.queues.rq_work.refuse", "Boom")
    assert found is not None
    assert isinstance(found.data, str)
    assert capsys.readouterr().out == ""


def test_jobs_written_as_json_are_read_too(client: redis.Redis, queue: RqQueue) -> None:
    library = Queue(NAME, connection=client, serializer=JSONSerializer)
    job = library.enqueue(rq_work.refuse, "quota")
    work(library, JSONSerializer)
    (seen,) = every(queue)
    found = queue.job(job.id)
    assert seen.name == "tests.outside.queues.rq_work.refuse"
    assert found is not None
    assert found.data == {"args": ["quota"], "kwargs": {}}


def test_megabytes_are_read_in_part(library: Queue, queue: RqQueue) -> None:
    noise = os.urandom(400_000).hex()
    library.enqueue(rq_work.refuse, noise)
    library.enqueue(rq_work.refuse, "✗" * 2_000_000)
    work(library)
    first, second = every(queue)
    assert first.reason.endswith(" bytes of traceback, not read)")
    assert first.name == "tests.outside.queues.rq_work.refuse"
    assert len(second.reason) == 2000
    assert queue.move([first, second], "t") == ["moved", "moved"]


def test_failures_since_a_time_come_oldest_first_whatever_rq_scores_them_by(
    library: Queue, queue: RqQueue, client: redis.Redis
) -> None:
    begun = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    for number, ttl in enumerate((1000, 10, -1, 500)):
        job = library.create_job(rq_work.refuse, job_id=f"job-{number}", failure_ttl=ttl)
        job.ended_at = begun + timedelta(minutes=number)
        job.save()
        client.zadd(library.failed_job_registry.key, {job.id: ttl})
    assert [job.id for job in every(queue)] == ["job-0", "job-1", "job-2", "job-3"]
    since = queue.ended(since=begun + timedelta(minutes=2))
    assert [job.id for page in since for job in page] == ["job-2", "job-3"]


def test_one_queue_alone_is_not_paused(library: Queue, queue: RqQueue, client: redis.Redis) -> None:
    with pytest.raises(Refused, match="rq suspend"):
        queue.pause()
    with pytest.raises(Refused, match="rq resume"):
        queue.resume()
    suspend(client)
    assert queue.status().paused
    resume(client)
    assert not queue.status().paused


def test_at_most_2000_jobs_go_in_one_call(queue: RqQueue) -> None:
    with pytest.raises(ValueError, match="at most 2000"):
        queue.move([Seen(str(n), "a", "", 1) for n in range(2001)], "t")


def test_the_catalogue_makes_it_and_a_redis_that_is_down_is_named() -> None:
    port = free_port()
    queue = NamedQueues({NAME: ("rq", f"redis://127.0.0.1:{port}/0", "bull", 7)}).get(NAME)
    assert queue.max_replay == 7
    with pytest.raises(Refused, match=f"could not reach the queue {NAME}"):
        queue.status()


@pytest.mark.parametrize(
    ("traceback", "reason"),
    [
        ("", ""),
        ("Boom", "Boom"),
        (
            "Moved to FailedJobRegistry, due to AbandonedJobError",
            "Moved to FailedJobRegistry, due to AbandonedJobError",
        ),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ~^^\nE: x', "E: x"),
        ('Traceback (most recent call last):\n  File "a.py", line 1, in f\nE', "E"),
        ('  File "a.py", line 1\n    code', ""),
    ],
)
def test_the_reason_is_what_the_exception_said(traceback: str, reason: str) -> None:
    assert rq_reading.reason(traceback) == reason
