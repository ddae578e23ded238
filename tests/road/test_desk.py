"""The road: taken, read, answered and recorded; once, by the right person, whatever dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import ConnectionError as ConnectionLost

from bot.domain.action import ACTIONS, Risk
from bot.domain.errors import Later, Unreachable
from bot.domain.parameters import Text
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Begin, Reply
from bot.outside.slack.protocol import Said
from bot.store.commit import Commit, Conflict, Put
from bot.tools import Tools
from tests.parts import Night
from tests.played import played
from tests.road.outcomes import outcomes


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
