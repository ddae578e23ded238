"""What nobody knows, and what may be out already, is never offered as a thing to be replayed at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.domain.action import ACTIONS
from bot.domain.call import Call
from bot.domain.reply import Reply
from bot.messages.render import Renderer
from tests.handlers.test_replay import LOST, MIDNIGHT, Queue, Replay, failures, planned, tools

ODD = "The flux capacitor sulks"
KNOWN = "HTTP 429"
RENDERER = Renderer(Path(__file__).parents[2] / "templates")


def said(queue: Queue) -> Reply:
    call = Call("c1", "UONCALL", "COPS", "/jobs failed q", MIDNIGHT)
    reply = ACTIONS["/jobs failed"].answer(call, tools(queue), {"queue": "q"})
    assert isinstance(reply, Reply)
    return reply


def shown(template: str, facts: Any) -> str:
    return str(RENDERER.render(template, {"actor": "UONCALL", **facts}))


def mixed() -> Queue:
    odd = [job._replace(id=f"odd{job.id}", finished=job.finished + 1000) for job in failures(2, ODD)]
    return Queue([*failures(5, KNOWN), *odd])


def test_an_unknown_cause_gets_a_canary_of_one_that_is_of_that_cause_and_the_plan_says_why() -> None:
    plan = planned(mixed())
    assert plan.ids == ["odd0", "0", "1", "2", "3", "4", "odd1"]
    assert plan.facts["canary"] == 1
    words = shown("jobs/plan", plan.facts)
    assert "Canary 1 first, as 2 jobs failed for a cause that must be looked at" in words
    assert "look first, then replay one" in words
    assert "Before you confirm: Read one of the jobs first" in words


def test_known_causes_get_a_canary_of_three_and_a_number_that_was_said_is_kept() -> None:
    plan = planned(Queue(failures(5, KNOWN)))
    assert plan.facts["canary"] == 3
    assert "must be looked at" not in shown("jobs/plan", plan.facts)
    assert planned(mixed(), canary=4).facts["canary"] == 4
    assert planned(mixed(), canary=0).facts["canary"] == 0


def test_completed_jobs_have_no_unknown_cause() -> None:
    assert planned(Queue(failures(5, "")), status="completed").facts["canary"] == 3


@pytest.mark.parametrize(
    ("reason", "words"),
    [(ODD, "look first, then replay one"), (LOST, "may already be out: check first"), ("", "look first")],
)
def test_the_list_says_it_in_amber_and_its_button_is_not_the_coloured_one(reason: str, words: str) -> None:
    text = shown("jobs/failed", said(Queue(failures(2, reason))).facts)
    assert words in text
    assert "may be replayed now" not in text
    assert "🟠" in text
    assert "primary" not in text


def test_the_receipt_says_of_renewed_failures_that_they_may_be_out() -> None:
    replay = Replay(Queue(failures(2, KNOWN))).steps()
    replay.queue.ends("failed", ["0", "1"], LOST)
    receipt = replay.steps(1).receipt
    assert receipt is not None
    assert "may already be out: check first" in shown(receipt.template, receipt.facts)


def test_fifty_that_was_said_is_fifty_and_nothing_said_beside_ids_is_all_of_them() -> None:
    queue = Queue(failures(60))
    ids = tuple(job.id for job in queue.jobs)
    assert len(planned(queue, ids=ids, count=50).ids) == 50
    assert len(planned(queue, ids=ids).ids) == 60
    assert len(planned(queue).ids) == 50
    queue.max_replay = 20
    assert len(planned(queue).ids) == 20


def test_a_plan_of_many_causes_counts_those_that_it_does_not_list() -> None:
    words = ("moon", "sun", "sea", "hill", "lake", "tree", "road", "town", "rock", "sand", "wind", "rain", "snow")
    jobs = [job._replace(id=word, reason=f"The {word} sulks") for word in words for job in failures(1)]
    plan = planned(Queue(jobs))
    assert sum(group["count"] for group in plan.facts["groups"]) + plan.facts["more_jobs"] == len(plan.ids) == 13
    assert "And 3 other causes with 3 jobs" in shown("jobs/plan", plan.facts)
