"""The road: taken, read, decided on, answered, recorded; once, by the right person, whatever dies on the way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Later, Refused, Unreachable
from bot.domain.parameters import Text
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Begin, Plan, Reply
from bot.outside.slack.protocol import Said
from bot.road import desk as road
from bot.store.commit import Commit, Conflict, Put
from bot.tools import Tools
from handlers.jobs_switch import Switch
from tests.parts import ACCESS, Night
from tests.played import played


@pytest.fixture
def night(redis_url: str, tmp_path: Path) -> Night:
    return Night(redis_url, tmp_path)


@pytest.fixture
def trial() -> Iterator[Callable[[Risk, Callable[[Call, Tools], Reply | Plan]], str]]:
    """Makes ``/trial``, an action that answers as the test likes, and gives its sentence."""

    def made(risk: Risk, answer: Callable[[Call, Tools], Reply | Plan]) -> str:
        @action("/trial", risk)
        def trial(call: Call, tools: Tools) -> Reply | Plan:
            """Do as the test likes."""
            return answer(call, tools)

        return "/trial"

    yield made
    ACTIONS.pop("/trial", None)


def outcomes(night: Night) -> dict[str, int]:
    return {name.removeprefix("calls:"): count for name, count in night.house.store.metrics().items()}


def audited(night: Night) -> list[dict[str, str]]:
    found: Any = night.house.redis.xrange("firewatch:audit")
    return [fields for _, fields in found]


# ---------------------------------------------------------------- taking


def test_a_call_is_answered_once_however_often_it_is_delivered(night: Night) -> None:
    call = night.call("/incident list")
    assert [night.house.desk.take(call), night.house.desk.take(call)] == [True, False]
    night.rests()
    night.house.desk.take(call)
    night.rests(60)
    assert len(night.slack.whispers) == 1


def test_what_could_not_be_handed_over_is_left_to_the_clock(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(line: object, members: object) -> None:
        raise ConnectionLost("Connection refused.")

    with monkeypatch.context() as patch:
        patch.setattr(type(night.line), "push", lost)
        assert night.house.desk.take(night.call("/incident list"))
    night.rests()
    assert night.slack.whispers == []
    night.rests(15)
    assert len(night.slack.whispers) == 1


def test_what_nobody_knows_is_struck_out(night: Night, caplog: pytest.LogCaptureFixture) -> None:
    night.house.store.remind("mystery:1", night.clock())
    night.rests()
    assert night.house.store.due_at("mystery:1") is None
    assert "nobody knows what this is" in caplog.text


def test_what_was_claimed_anew_meanwhile_is_not_done_for_the_old_claim(night: Night) -> None:
    night.house.desk.take(night.call("/incident list", id="call1"))
    night.line.waiting.clear()
    night.clock.passes(15)
    [(name, stale)] = night.house.store.due_now(night.clock())
    night.clock.passes(5)
    [(_, mark)] = night.house.store.due_now(night.clock())
    night.house.desk.attend(name, stale)
    assert night.slack.whispers == []
    night.house.desk.attend(name, mark)
    assert len(night.slack.whispers) == 1


# ---------------------------------------------------------------- served


def test_a_channel_that_is_not_served_is_told_which_are(night: Night) -> None:
    night.says("/jobs status", channel="CRANDOM", channel_name="random")
    assert night.told.text.startswith("Not done: I do not serve this channel.")
    assert "Served here: ops, COPS, inc-*." in night.told.all
    assert night.slack.shown == []


@pytest.mark.parametrize(("channel", "name"), [("COPS", ""), ("C1", "ops"), ("C2", "inc-9-uploads")])
def test_a_channel_is_served_by_its_id_or_its_name(night: Night, channel: str, name: str) -> None:
    night.says("/jobs status", channel=channel, channel_name=name)
    assert night.slack.texts(channel)


def test_a_channels_name_is_remembered_for_those_who_do_not_say_it(night: Night) -> None:
    night.says("/incident list", channel="C1")
    assert "I do not serve" in night.told.text
    night.says("/incident list", channel="C1", channel_name="ops")
    night.says("/incident list", channel="C1", door="terminal")
    assert "I do not serve" not in night.told.text


def test_an_incidents_channel_is_served_whatever_it_is_called(night: Night) -> None:
    room = night.opens()
    night.says("/incident note still failing", channel=room, channel_name="renamed-by-somebody")
    assert night.last.text.endswith("still failing")


def test_the_home_tab_belongs_to_no_channel(night: Night) -> None:
    night.says("/home", actor="UGUEST", channel="DHOME")
    assert "UGUEST" in night.slack.homes
    assert night.slack.whispers == []


def test_what_is_pressed_on_the_home_tab_is_answered_directly(night: Night) -> None:
    night.says("/jobs status", channel="", message="")
    assert night.slack.texts("UONCALL")


# ---------------------------------------------------------------- reading


def test_what_cannot_be_read_is_answered_with_usage_to_the_asker_alone(night: Night) -> None:
    night.says("/jobs reply reposts", actor="UGUEST")
    assert (night.told.to, night.told.text) == ("UGUEST", "/jobs has no `reply`. Did you mean /jobs replay?")
    assert "/jobs pause QUEUE" in night.told.all
    assert night.slack.shown == []


@pytest.mark.parametrize("text", ["/jobs", "/jobs help", "/jobs replay --help"])
def test_help_says_what_each_thing_does(night: Night, text: str) -> None:
    night.says(text)
    assert "oldest first, and watch how they end" in night.told.all


def test_an_unknown_button_is_answered(night: Night) -> None:
    night.says("/unknown button", message="1.2")
    assert "from another version of me" in night.told.text


def test_a_near_miss_of_a_queue_is_offered(night: Night) -> None:
    night.says("/jobs status repost")
    assert "Did you mean `reposts`?" in night.told.all


def test_what_is_counted_is_never_just_anything_that_was_typed(night: Night) -> None:
    night.says("/xyzzy 123")
    night.says("/jobs xyzzy")
    night.says("/jobs status")
    assert outcomes(night) == {"other:misworded": 1, "/jobs:misworded": 1, "/jobs status:done": 1}


# ---------------------------------------------------------------- pressed twice, said in passing


def test_two_presses_of_one_button_by_one_person_are_one(night: Night) -> None:
    for actor in ("UONCALL", "UONCALL", "USECOND"):
        night.says("/jobs status", actor, message="1.2")
    assert len(night.slack.shown) == 2
    assert outcomes(night)["/jobs status:done"] == 2


def test_what_is_typed_twice_is_answered_twice(night: Night) -> None:
    night.says("/jobs status")
    night.says("/jobs status")
    assert len(night.slack.shown) == 2


def test_a_reaction_outside_of_incidents_is_not_answered(night: Night) -> None:
    night.says("/incident keep COPS 1.2", message="1.2", quiet=True)
    assert night.slack.whispers == night.slack.shown == []


def test_a_reaction_in_an_incident_keeps_the_message_with_its_own_time_and_author(night: Night) -> None:
    room = night.opens()
    written = night.clock() - timedelta(minutes=7)
    night.slack.said[room, "1.2"] = Said("UGUEST", "the token is dead", written, "https://slack.example/m")
    night.says(f"/incident keep {room} 1.2", channel=room, message="1.2", quiet=True)
    kept = [event for event in night.house.store.timeline(1) if event.text == "the token is dead"]
    assert [(event.actor, event.by, event.at) for event in kept] == [("UGUEST", "UONCALL", written)]


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


# ---------------------------------------------------------------- forms


def test_missing_words_are_asked_for_in_a_form(night: Night) -> None:
    night.says("/incident open --severity sev1", trigger="t1", channel_name="ops")
    [form] = night.slack.forms
    assert form["callback_id"] == "/incident open"
    fields = {block["block_id"]: block for block in form["blocks"] if block["type"] == "input"}
    assert fields["title"]["optional"] is False
    assert fields["severity"]["element"]["initial_option"]["value"] == "sev1"
    assert json.loads(form["private_metadata"]) == {
        "channel": "COPS",
        "channel_name": "ops",
        "thread": "",
        "text": "/incident open --severity sev1",
    }
    assert night.slack.whispers == []


def test_whoever_may_not_say_it_is_shown_no_form(night: Night) -> None:
    night.says("/incident open", actor="UGUEST", trigger="t1")
    assert night.slack.forms == []
    assert "for on-call engineers" in night.told.text


@pytest.mark.parametrize(("text", "trigger"), [("/incident open", ""), ("/jobs show reposts", "t1")])
def test_where_no_form_helps_the_missing_words_are_named(night: Night, text: str, trigger: str) -> None:
    night.says(text, trigger=trigger)
    assert night.slack.forms == []
    assert "needs" in night.told.text


@pytest.mark.parametrize("no", [Refused("That took longer than 3 seconds."), Later(3, "away")])
def test_a_form_that_could_not_be_opened_in_time_can_be_asked_for_again(night: Night, no: Exception) -> None:
    night.slack.fails("open_form", no)
    night.says("/incident open", trigger="t1")
    assert night.told.button("Open the form") == "/incident open"


def test_a_form_remembers_no_more_than_slack_keeps(night: Night) -> None:
    night.says(f"/incident open --service {'x' * 4000}", trigger="t1")
    assert len(night.slack.forms[0]["private_metadata"]) <= 3000


# ---------------------------------------------------------------- plans


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


# ---------------------------------------------------------------- two at once


def test_of_two_who_resolve_at_once_one_wins_and_the_other_is_told(night: Night) -> None:
    room = night.opens()
    night.rests(60)
    commit, other = night.house.store.commit, night.call("/incident resolve first", "USECOND", room)

    def slower(change: Commit) -> None:
        night.house.store.commit = commit  # type: ignore[method-assign]
        night.house.desk.answer(other)
        commit(change)

    night.house.store.commit = slower  # type: ignore[method-assign]
    posting = night.house.desk.answer(night.call("/incident resolve second", "UONCALL", room))
    assert posting
    assert "was resolved by <@USECOND>" in posting.message["text"]
    incident = night.house.store.incident(1)
    assert incident
    assert incident.cause == "first"
    assert len([event for event in night.house.store.timeline(1) if event.kind == "resolved"]) == 1


def test_where_others_are_always_quicker_nothing_is_done_and_that_is_said(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def contested(change: Commit) -> None:
        raise Conflict("someone was quicker")

    monkeypatch.setattr(night.house.store, "commit", contested)
    posting = night.house.desk.answer(night.call("/incident open X"))
    assert posting
    assert "too much changed at once" in posting.message["text"]


# ---------------------------------------------------------------- on record


def test_what_changes_something_or_was_not_done_is_audited_and_looking_is_not(night: Night) -> None:
    for text in ("/jobs status", "/jobs pause reposts", "/jobs pause nosuch", "/jobs xyzzy"):
        night.says(text)
    kept = audited(night)
    assert [each["text"] for each in kept] == ["/jobs pause reposts", "/jobs pause nosuch", "/jobs xyzzy"]
    assert [each["outcome"] for each in kept] == ["done", "refused", "misworded"]
    assert {(each["actor"], each["channel"]) for each in kept} == {("UONCALL", "COPS")}


def test_what_is_noted_brings_the_pinned_summary_up_to_date(night: Night) -> None:
    room = night.opens()
    night.rests(1)
    [(channel, ts)] = night.slack.pins
    night.says("/incident note restarted worker 3", channel=room)
    assert channel == room
    assert "restarted worker 3" in night.slack.find(ts).all


def test_a_summary_that_slack_puts_off_comes_later(night: Night) -> None:
    room = night.opens()
    night.rests(1)
    night.slack.fails("update", Later(30, "away"))
    night.says("/incident note restarted worker 3", channel=room)
    summary = night.slack.find(night.slack.pins[0][1])
    assert "restarted" not in summary.all
    night.rests(60)
    assert "restarted" in summary.all


def test_depths_are_sampled_twice_a_minute_and_a_queue_that_is_down_is_passed_over(night: Night) -> None:
    night.house.store.remind("sample:", night.clock())
    night.rests(0)
    night.queue.down = Unreachable("away")
    night.rests(30)
    night.queue.down = None
    night.rests(30)
    began = night.clock() - timedelta(minutes=5)
    assert [depth for _, depth in night.house.store.depth("reposts", began)] == [9, 9]
    assert night.house.store.due_at("sample:") == night.clock() + timedelta(seconds=30)


def test_an_answer_in_a_thread_stays_there(night: Night) -> None:
    night.says("/jobs status", thread="1.2")
    assert night.last.thread == "1.2"


# ---------------------------------------------------------------- an order of its own


def test_what_an_action_begins_goes_on_by_itself(
    night: Night, trial: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def errand(data: Any, under_way: Procedure, tools: Tools) -> Next:
        taken.append(f"{data.n} for {under_way.asker} in {under_way.channel}")
        return Next("")

    run = played(monkeypatch, "errand", errand)
    begins = [Begin(run(n)) for n in (1, 2)]
    reply = Reply("incident/noted", {"text": "on it"}, begins=begins)
    night.says(trial(Risk.ACT, lambda call, tools: reply))
    assert sorted(taken) == ["1 for UONCALL in COPS", "2 for UONCALL in COPS"]


def test_a_call_that_was_answered_is_not_performed_again_even_if_nothing_was_said(night: Night) -> None:
    """Killed after what was done was saved, and before the call was struck out: the room is not opened twice."""
    call = night.call("/incident open Uploads fail")
    night.house.desk.take(call)
    assert night.house.desk.answer(call) is None
    night.rests(60)
    events = len(night.house.store.timeline(1))
    assert night.house.desk.answer(call) is None
    night.rests(60)
    assert len(night.house.store.timeline(1)) == events
    assert [incident.number for incident in night.house.store.incidents("all", 9)] == [1]


def test_a_free_text_of_any_kind_survives_the_whole_road(night: Night) -> None:
    room = night.opens()
    text = 'a "quoted"  text -- with —count 5 & <!channel>\nand a second line'
    night.says(ACTIONS["/incident note"].sentence(text=Text(text)), channel=room)
    assert night.house.store.timeline(1)[-1].text == text.replace("<!channel>", "@channel")
    assert "<!channel>" not in night.last.all


def test_a_record_that_somebody_else_saved_is_not_saved_over(night: Night) -> None:
    call = night.call("/incident list")
    night.house.desk.take(call)
    night.house.store.commit(Commit([Put("call", call.id, 1, {"call": call.to_json(), "posting": None})]))
    assert night.house.desk.answer(replace(call)) is None
