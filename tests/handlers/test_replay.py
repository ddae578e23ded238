"""A replay's steps by themselves: what each decides, on a queue that does what the test says and a clock it moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.domain.action import ACTIONS
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Plan, Reply
from bot.outside.queues.protocol import Moved, Outcome, QueueStatus, Seen
from bot.outside.queues.rq.client import RqQueue
from bot.tools import Running
from bot.triage.causes import CauseTable
from handlers.replay import FOLLOWED, PATIENCE
from handlers.replay import Replay as Knows

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
TABLE = CauseTable.load(Path(__file__).parents[2] / "templates" / "triage.toml")
LOST = "read ECONNRESET"
QUOTA = "403 quotaExceeded"


def failures(count: int, reason: str = LOST, name: str = "repost", ago: timedelta = timedelta(hours=1)) -> list[Seen]:
    at = round((MIDNIGHT - ago).timestamp() * 1000)
    return [Seen(str(number), name, reason, at + number) for number in range(count)]


@dataclass
class Queue:
    """A queue whose jobs end as the test says."""

    jobs: Sequence[Seen] = ()
    name: str = "q"
    max_replay: int = 5000
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    moved: list[str] = field(default_factory=list)
    takes: int = 10_000
    """So many jobs are taken before the queue refuses."""
    trimmed: set[str] = field(default_factory=set)

    def status(self) -> QueueStatus:
        return QueueStatus(self.name, "bullmq", "bullmq:6.7.0", False, 0, 0, 0, 9, 0, 0, None, 0.0, 1)

    def ready(self) -> None: ...

    def ended(self, status: str, since: datetime | None) -> Sequence[Sequence[Seen]]:
        return [self.jobs]

    def seen(self, ids: Sequence[str], status: str = "failed") -> list[Seen | None]:
        known = {job.id: job for job in self.jobs if job.id not in self.trimmed}
        return [known.get(id) for id in ids]

    def move(self, jobs: Sequence[Seen], token: str, status: str) -> list[Moved]:
        if self.takes <= 0:
            raise Refused("The queue q is paused.", "Resume it first.")
        taken = jobs[: self.takes]
        self.takes -= len(taken)
        self.moved += [job.id for job in taken]
        return ["moved" for _ in taken]

    def follow(self, jobs: Sequence[Seen]) -> list[Outcome]:
        return [self.outcomes.get(job.id, Outcome(job.id, "waiting")) for job in jobs]

    def ends(self, state: Any, ids: Sequence[str], reason: str = "") -> None:
        self.outcomes |= {id: Outcome(id, state, reason, 1) for id in ids}


class Ledger:
    def __init__(self, rows: Sequence[Seen]) -> None:
        self._rows = rows
        self._open: set[int] = set()
        self._closed: dict[int, Any] = {}

    def count(self) -> int:
        return len(self._rows)

    def rows(self, start: int, stop: int) -> Sequence[Seen]:
        return self._rows[start:stop]

    def open(self, most: int, after: int = -1) -> Mapping[int, Seen]:
        known = sorted(self._open)
        return {place: self._rows[place] for place in [each for each in known if each > after][:most] or known[:most]}

    def closed(self) -> Mapping[int, Any]:
        return self._closed

    def saves(self, step: Next) -> None:
        self._open |= set(step.opened)
        self._open -= set(step.closed)
        self._closed |= step.closed


@dataclass
class Replay:
    """One replay, taken forward a step at a time."""

    queue: Queue
    canary: int = 0
    rate: float = 0.0
    stop_after: int = 1000
    now: datetime = MIDNIGHT
    receipt: Reply | None = None
    card: Reply | None = None

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.queue.jobs)
        before = {"failed": 9, "depth": 0}
        jobs = len(self.queue.jobs)
        self.knows = Knows("q", "failed", jobs, self.canary, self.rate, self.stop_after, before)
        self.record = Procedure("r1", "replay", "start", "UONCALL", "COPS", self.now, confirmer="UONCALL")

    def steps(self, seconds: float = 0.0) -> Replay:
        """Move the clock and take one step."""
        self.now += timedelta(seconds=seconds)
        step = self.knows.step(self.record, tools(self.queue, self.now), self.ledger)
        self.ledger.saves(step)
        self.record = replace(self.record, step=step.step)
        assert isinstance(step.data, Knows)
        self.knows, self.card = step.data, step.card
        if not step.step:
            (self.receipt,) = step.say
        return self


def tools(queue: Queue, now: datetime = MIDNIGHT, running: Sequence[Running[Knows]] = ()) -> Any:
    return SimpleNamespace(
        now=now,
        need=lambda kind: SimpleNamespace(get=lambda name: queue),
        triage=TABLE,
        procedures=SimpleNamespace(running=lambda work: running),
    )


def planned(queue: Queue, now: datetime = MIDNIGHT, **options: Any) -> Any:
    """What the plan of these options says, and the ids it takes."""
    call = Call("c1", "UONCALL", "COPS", "/jobs replay q", now)
    answer = ACTIONS["/jobs replay"].answer(call, tools(queue, now), {"queue": "q", **options})
    assert isinstance(answer, Plan)
    return SimpleNamespace(ids=[seen.id for seen in answer.begins.rows], facts=answer.facts)


# ---------------------------------------------------------------- the plan


def test_ids_that_are_named_are_all_taken_unless_another_count_is_said() -> None:
    queue = Queue(failures(80))
    ids = tuple(job.id for job in reversed(queue.jobs))
    assert len(planned(queue, ids=ids).ids) == 80
    few = planned(queue, ids=ids, count=2)
    assert few.ids == ["0", "1"], "the oldest, in whatever order they were named"
    assert few.facts["matched"] == 80


def test_a_job_that_another_is_replaying_is_theirs_though_it_is_not_failed_now() -> None:
    call = Call("c1", "UONCALL", "COPS", "/jobs replay q --ids 7", MIDNIGHT)
    ledger = Ledger([Seen("7", "repost", LOST, 1)])
    under_way = Running("r0", Knows("q", "failed", 1, 0, 0.0, 1), "ULEAD", "COPS", None, MIDNIGHT, ledger)
    with pytest.raises(Refused, match="<@ULEAD> is replaying `7` on q now"):
        ACTIONS["/jobs replay"].answer(call, tools(Queue(), running=[under_way]), {"queue": "q", "ids": ("7",)})


@pytest.mark.parametrize(("hours", "taken"), [(1, 0), (23.9, 0), (24, 3), (40, 3)])
def test_what_must_wait_until_tomorrow_goes_when_a_day_has_passed(hours: float, taken: int) -> None:
    held = failures(3, QUOTA, "youtube-upload", timedelta(hours=hours, seconds=1))
    queue = Queue([*held, *(job._replace(id=f"x{job.id}") for job in failures(1))])
    plan = planned(queue)
    assert len(plan.ids) == taken + 1
    assert sum(group["count"] for group in plan.facts["left_out"]) == 3 - taken


def test_the_button_of_a_group_is_there_for_what_may_go_now() -> None:
    old = failures(2, QUOTA, "youtube-upload", timedelta(hours=30))
    queue = Queue([*old, *(job._replace(id=f"x{job.id}") for job in failures(3, QUOTA, "youtube-upload"))])
    call = Call("c1", "UONCALL", "COPS", "/jobs failed q", MIDNIGHT)
    reply = ACTIONS["/jobs failed"].answer(call, tools(queue), {"queue": "q"})
    assert isinstance(reply, Reply)
    (group,) = reply.facts["groups"]
    assert (group["count"], group["ready"]) == (5, 2)
    assert group["replay"] == "/jobs replay q --count=2 --cause=youtube-quota"


def test_jobs_that_completed_have_no_cause() -> None:
    assert planned(Queue(failures(3, "")), status="completed").facts["groups"] == []
    with pytest.raises(Refused, match="those that completed have none"):
        planned(Queue(failures(3, "")), status="completed", cause="no-reason")


# ---------------------------------------------------------------- the rest


def test_a_queue_that_refuses_midway_ends_the_replay_with_a_receipt_of_what_went_before() -> None:
    replay = Replay(Queue(failures(10), takes=4)).steps().steps()
    assert replay.receipt is None, "those under way are followed first"
    assert replay.card is not None
    assert replay.card.facts["halt"]["why"] == "refused"
    replay.queue.ends("completed", ["0", "1", "2"])
    replay.queue.ends("failed", ["3"], LOST)
    facts = cast("Reply", replay.steps(1).receipt).facts
    assert (facts["replayed"], facts["ends"]["completed"], facts["ends"]["failed"], facts["left"]) == (4, 3, 1, 6)
    assert facts["halt"]["advice"] == "The queue q is paused. Resume it first."
    assert facts["ids"] == ["0", "1", "2", "3"]


def test_a_queue_that_refuses_from_the_first_on_gets_a_receipt_too() -> None:
    replay = Replay(Queue(failures(3), takes=0)).steps()
    assert cast("Reply", replay.receipt).facts["left"] == 3


def test_what_a_pause_has_kept_back_does_not_go_all_at_once() -> None:
    replay = Replay(Queue(failures(500)), rate=10.0).steps()
    for _ in range(20):
        replay.steps(0.1)
    assert len(replay.queue.moved) == 21
    replay.steps(30)  # nobody was there to take a step
    assert len(replay.queue.moved) == 31
    for _ in range(10):
        replay.steps(0.1)
    assert len(replay.queue.moved) == 41


def test_jobs_after_those_that_hang_are_followed_too() -> None:
    replay = Replay(Queue(failures(FOLLOWED + 500))).steps()
    replay.steps(1)
    assert len(replay.queue.moved) == FOLLOWED + 500
    last = [job.id for job in replay.queue.jobs[FOLLOWED:]]
    replay.queue.ends("completed", last)
    replay.steps(1).steps(1)
    assert cast("Reply", replay.card).facts["completed"] == 500


# ---------------------------------------------------------------- following


def test_a_job_between_its_own_attempts_has_not_ended_however_long_that_takes() -> None:
    replay = Replay(Queue(failures(1))).steps()
    turn = replay.now + timedelta(hours=1)
    replay.queue.outcomes["0"] = Outcome("0", "delayed", due=round(turn.timestamp() * 1000))
    replay.steps(1)
    assert cast("Reply", replay.card).facts["retrying"] == 1
    assert replay.steps(3600).receipt is None
    replay.queue.ends("completed", ["0"])
    assert cast("Reply", replay.steps(1).receipt).facts["ends"]["completed"] == 1


def test_a_job_at_work_has_not_ended_however_long_that_takes() -> None:
    replay = Replay(Queue(failures(1))).steps()
    replay.queue.outcomes["0"] = Outcome("0", "active")
    for _ in range(5):
        assert replay.steps(PATIENCE - 1).receipt is None
    replay.queue.ends("completed", ["0"])
    assert replay.steps(1).receipt is not None


def test_jobs_that_nobody_takes_are_given_up_after_a_while() -> None:
    replay = Replay(Queue(failures(2))).steps().steps(1)
    facts = cast("Reply", replay.steps(PATIENCE + 1).receipt).facts
    assert (facts["halt"]["why"], facts["ends"]["under way"]) == ("patience", 2)


def test_the_button_names_what_the_queue_still_holds() -> None:
    replay = Replay(Queue(failures(3))).steps()
    replay.queue.ends("failed", ["0", "1", "2"], LOST)
    replay.queue.trimmed = {"0", "2"}  # removeOnFail kept the latest alone
    facts = cast("Reply", replay.steps(1).receipt).facts
    assert facts["replay_again"] == "/jobs replay q --ids=1"


def test_a_long_receipt_has_a_line_for_each_job_whatever_its_id() -> None:
    jobs = [job._replace(id=f"id {job.id}\n\twith “all”") for job in failures(30)]
    replay = Replay(Queue(jobs)).steps()
    replay.queue.ends("completed", [job.id for job in jobs])
    receipt = cast("Reply", replay.steps(1).receipt)
    (file,) = receipt.files
    lines = file.text.splitlines()
    assert len(lines) == 30
    assert all(line.count("\t") == 2 for line in lines)
    assert lines[0] == "id 0\\n\\twith “all”\tcompleted\t"
    assert list(receipt.jobs) == [job.id for job in jobs]


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_queue_that_cannot_be_paused_alone_is_refused_before_anybody_is_asked(verb: str) -> None:
    queue = RqQueue("q", "redis://127.0.0.1:9/0")
    with pytest.raises(Refused, match="all queues of a Redis at once"):
        queue.switchable(paused=verb == "pause")
    stand_in = Queue()
    stand_in.switchable = queue.switchable  # type: ignore[attr-defined]
    call = Call("c1", "UONCALL", "COPS", f"/jobs {verb} q", MIDNIGHT)
    with pytest.raises(Refused, match="all queues of a Redis at once"):
        ACTIONS[f"/jobs {verb}"].answer(call, tools(stand_in), {"queue": "q"})
