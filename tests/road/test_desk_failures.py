"""What the desk refuses, what breaks in it, and what Slack puts off: each is answered, and nothing is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from bot.domain.action import Risk
from bot.domain.call import Call
from bot.domain.errors import Later, Unreachable
from bot.domain.reply import Begin, Plan, Reply
from bot.road import desk as road
from bot.tools import Tools
from handlers.jobs_switch import Switch
from tests.parts import Night
from tests.road.outcomes import outcomes

# ---------------------------------------------------------------- no and broken


def test_a_refusal_says_who_could_and_changes_nothing(night: Night) -> None:
    night.says("/jobs pause reposts", actor="UGUEST")
    assert night.told.text.startswith("Not done: `/jobs pause`: that is for on-call engineers.")
    assert "<@UONCALL>" in night.told.all
    assert (night.slack.shown, night.queue.switched) == ([], [])


def test_a_failure_shows_a_reference_and_the_log_has_the_same(
    night: Night, trial: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(call: Call, tools: Tools) -> Reply:
        raise ValueError("a bug")

    call = night.says(trial(Risk.LOOK, breaks))
    assert call.ref in night.told.text
    [failed] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(failed)["ref"] == call.ref
    assert "a bug" not in night.told.all
    assert night.told.button("Try again") == "/trial"


def test_what_cannot_be_rendered_is_a_failure_and_is_not_saved(night: Night, trial: Callable[..., str]) -> None:
    night.says(trial(Risk.ACT, lambda call, tools: Reply("incident/noted", {}, note=True)))
    assert "failed on my side" in night.told.text
    assert outcomes(night) == {"/trial:failed": 1}


def test_an_action_that_asks_nobody_may_not_make_a_plan(night: Night, trial: Callable[..., str]) -> None:
    night.says(trial(Risk.ACT, lambda call, tools: Plan("jobs/stop", Begin(Switch("reposts", paused=True)))))
    assert "failed on my side" in night.told.text


def test_an_action_that_changes_something_may_not_begin_without_a_plan(night: Night, trial: Callable[..., str]) -> None:
    def begins(call: Call, tools: Tools) -> Reply:
        return Reply("incident/noted", {"text": "x"}, begins=[Begin(Switch("reposts", paused=True))])

    night.says(trial(Risk.CHANGE, begins))
    assert "failed on my side" in night.told.text
    assert night.queue.switched == []


def test_an_outside_system_that_asks_for_a_pause_is_said_with_a_button(night: Night, trial: Callable[..., str]) -> None:
    def waits(call: Call, tools: Tools) -> Reply:
        raise Later(3, "Slack asks for a pause of 3 s")

    night.says(trial(Risk.LOOK, waits))
    assert "a pause of 3 s" in night.told.text
    assert night.told.button("Try again") == "/trial"


def test_a_queue_that_is_down_is_a_sentence(night: Night) -> None:
    night.queue.down = Unreachable("The Redis of reposts cannot be reached.")
    night.says("/jobs status reposts")
    assert night.told.text == "Not done: The Redis of reposts cannot be reached."


def test_a_redis_that_goes_away_in_the_middle_is_no_failure(night: Night, trial: Callable[..., str]) -> None:
    errors = [ConnectionLost("reset")]

    def asks(call: Call, tools: Tools) -> Reply:
        if errors:
            raise errors.pop()
        return Reply("incident/noted", {"text": "there again"})

    night.house.desk.take(night.call(trial(Risk.LOOK, asks)))
    with pytest.raises(ConnectionLost):
        night.rests()
    night.rests(30)
    assert night.slack.whispers == []
    assert night.last.text.endswith("there again")


# ---------------------------------------------------------------- delivering


def test_an_answer_that_slack_puts_off_comes_when_slack_says(night: Night) -> None:
    night.slack.fails("post", Later(30, "a pause of 30 s"))
    night.says("/jobs status")
    assert night.slack.shown == []
    night.rests(60)
    assert len(night.slack.shown) == 1
    assert outcomes(night) == {"/jobs status:done": 1}


def test_an_answer_that_breaks_its_sender_is_let_go_in_the_end(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    night.slack.fails("post", *[KeyError("ts")] * 9)
    call = night.says("/jobs status")
    night.rests(300)
    assert night.slack.calls.count("post") == road.FAILURES
    assert night.house.store.due_at(f"call:{call.id}") is None
    assert {vars(record)["ref"] for record in caplog.records if record.levelno == logging.ERROR} == {call.ref}
