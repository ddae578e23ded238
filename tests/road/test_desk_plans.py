"""Plans: shown first, confirmed by the right person, done once, and over when they expire or things have changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain.action import Risk
from bot.domain.call import Call
from bot.domain.errors import Later, Unreachable
from bot.domain.reply import Begin, Plan
from bot.tools import Tools
from handlers.jobs_switch import Switch
from tests.parts import ACCESS, Night


def test_a_plan_is_shown_and_confirmed_by_the_one_who_asked(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    assert night.queue.switched == []
    night.presses(plan, "Confirm")
    assert night.queue.switched == ["pause"]
    assert [shown.text for shown in night.slack.shown] == ["reposts: running → paused, by <@UONCALL>"]


def test_of_a_plan_nobody_else_may_confirm_and_it_stays(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    night.presses(plan, "Confirm", actor="USECOND")
    assert "only <@UONCALL>, who asked for it, may confirm it" in night.told.text
    night.presses(plan, "Confirm")
    assert night.queue.switched == ["pause"]


def test_confirming_twice_does_it_once_and_says_so(night: Night) -> None:
    night.says("/jobs pause reposts")
    confirm = night.last.button("Confirm")
    night.says(confirm)
    night.says(confirm)
    assert night.queue.switched == ["pause"]
    assert "That plan was confirmed already" in night.told.text


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(night: Night) -> None:
    night.says("/jobs pause reposts")
    confirm, cancel = night.last.button("Confirm"), night.last.button("Cancel")

    def cancelled() -> None:
        night.queue.meanwhile = lambda: None
        night.house.desk.answer(night.call(cancel))

    night.queue.meanwhile = cancelled  # between what the first has read and what it saves
    night.says(confirm)
    assert night.queue.switched == []
    assert "That plan was cancelled already" in night.told.text


def test_permission_is_checked_again_when_it_is_confirmed(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    night.catalogued(ACCESS.replace('"UONCALL", "USECOND"', '"USECOND"'))
    night.presses(plan, "Confirm")
    assert "confirming is for on-call engineers" in night.told.text
    assert night.queue.switched == []


def test_a_plan_expires_and_its_card_says_so(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    confirm = plan.button("Confirm")
    night.clock.passes(600)
    night.says(confirm)
    assert "That plan has expired; nothing was done." in night.told.text
    night.rests(60)
    assert "Expired before anyone confirmed it" in plan.all
    assert plan.button("Ask again") == "/jobs pause reposts"
    night.says(confirm)
    assert "That plan was expired already" in night.told.text
    assert night.queue.switched == []


def test_an_expired_card_is_told_when_slack_is_there_again(night: Night) -> None:
    night.says("/jobs pause reposts")
    night.slack.fails("update", Later(30, "away"))
    night.rests(605)
    assert "Expired" not in night.last.all
    night.rests(60)
    assert "Expired" in night.last.all


def test_a_plan_dies_when_its_target_has_changed(night: Night, trial: Callable[..., str]) -> None:
    seen = ["3 tasks"]
    facts = {"queue": "reposts", "paused": True, "depth": 9, "active": 1, "workers": 1}

    def scale(call: Call, tools: Tools) -> Plan:
        begins = Begin(Switch("reposts", paused=True))
        return Plan("jobs/switch", begins, facts, revision=seen[0])

    night.says(trial(Risk.CHANGE, scale))
    plan = night.last
    seen[0] = "4 tasks"
    confirm = plan.button("Confirm")
    night.says(confirm)
    assert "things have changed since this was asked" in plan.all
    assert plan.button("Ask again") == "/trial"
    night.says(confirm)
    assert "That plan was outdated already" in night.told.text
    assert night.queue.switched == []


def test_a_plan_that_would_be_refused_now_says_why_and_is_over(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    night.queue.paused = True
    night.presses(plan, "Confirm")
    assert "Not done: reposts is paused already. Nothing was changed." in plan.all
    assert night.queue.switched == []
    assert night.house.store.next_due() is None


def test_a_plan_whose_target_cannot_be_reached_stays(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    night.queue.down = Unreachable("The Redis of reposts cannot be reached.")
    night.presses(plan, "Confirm")
    assert "cannot be reached" in night.told.text
    night.queue.down = None
    night.says(plan.button("Confirm"))
    assert night.queue.switched == ["pause"]


@pytest.mark.parametrize(("actor", "state"), [("UONCALL", "cancelled"), ("USECOND", "cancelled"), ("UGUEST", "asked")])
def test_a_plan_is_cancelled_by_the_asker_or_another_engineer(night: Night, actor: str, state: str) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    confirm, id = plan.button("Confirm"), plan.button("Cancel").split()[-1]
    night.presses(plan, "Cancel", actor=actor)
    found = night.house.store.get("plan", id)
    assert found
    assert found[0]["state"] == state
    if state == "cancelled":
        assert f"Cancelled by <@{actor}>" in plan.all
        night.says(confirm)
        assert "That plan was cancelled already" in night.told.text
    assert night.queue.switched == []


@pytest.mark.parametrize("text", ["/plan confirm nosuchplan", "/plan confirm", "/plan explode x"])
def test_a_plan_that_is_not_on_record_is_answered(night: Night, text: str) -> None:
    night.says(text)
    assert "not on record any more" in night.told.text


def test_what_destroys_is_confirmed_by_a_lead_who_did_not_ask(night: Night, trial: Callable[..., str]) -> None:
    night.catalogued(ACCESS.replace('"ULEAD"', '"ULEAD", "UONCALL"'))
    facts = {"queue": "reposts", "paused": True, "depth": 9, "active": 1, "workers": 1}
    begins = Begin(Switch("reposts", paused=True))
    night.says(trial(Risk.DESTROY, lambda call, tools: Plan("jobs/switch", begins, facts)))
    plan = night.last
    confirm = plan.button("Confirm")
    night.presses(plan, "Confirm")
    assert "someone other than the one who asked" in night.told.text
    night.presses(plan, "Confirm", actor="USECOND")
    assert "for leads" in night.told.text
    assert night.queue.switched == []
    night.says(confirm, actor="ULEAD")
    assert night.queue.switched == ["pause"]


def test_a_confirmed_plan_says_so_before_what_it_began_speaks_on_its_card(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    states: list[str] = []
    night.slack.after = lambda method: states.append(plan.all)
    night.presses(plan, "Confirm")
    assert len(states) == 2
    assert "Confirmed by <@UONCALL>" in states[0]
    assert "running → paused" in states[1]


def test_a_confirmation_that_slack_puts_off_does_not_hold_up_the_work_nor_hide_its_end(night: Night) -> None:
    night.says("/jobs pause reposts")
    plan = night.last
    night.slack.fails("update", Later(60, "a pause of a minute"))
    night.presses(plan, "Confirm")
    assert night.queue.switched == ["pause"]
    night.rests(120)
    assert plan.text == "reposts: running → paused, by <@UONCALL>"
