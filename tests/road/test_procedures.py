"""Procedures: each step taken once or again, what it says said once, and an end whatever happens."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.due import Due
from bot.domain.errors import Later, Refused, Unreachable
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Reply
from bot.road import procedures as steps
from bot.store.commit import Commit, Conflict, Put
from bot.store.for_handlers import StoredProcedures
from bot.tools import Tools
from handlers.jobs_switch import Switch
from tests.parts import Clock, Night
from tests.played import played
from tests.road.story import Story, note, texts


class Died(BaseException):
    """The process is gone: nothing after this line happens."""


# ---------------------------------------------------------------- going on


def test_steps_follow_one_another_until_there_is_none(night: Night, story: Story) -> None:
    story.tells(start=Next("go", story.data(1), say=[note("begun")]), go=Next("", story.data(2), say=[note("done")]))
    story.begins()
    night.rests()
    assert story.taken == ["start", "go"]
    assert texts(night) == ["begun", "done"]
    assert story.record()["procedure"]["data"] == {"n": 2, "by": ""}
    assert story.over()


def test_a_step_that_waits_is_taken_when_its_time_has_come(night: Night, story: Story) -> None:
    story.tells(start=Next("go", wait=60), go=Next(""))
    story.begins()
    night.rests()
    assert story.taken == ["start"]
    assert night.house.store.due_at("procedure:p1") == night.clock() + timedelta(seconds=60)
    night.rests(60)
    assert story.taken == ["start", "go"]


def test_a_procedure_that_never_waits_lets_others_have_their_turn(
    night: Night, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SLICE", 0.0)
    story.tells(start=[Next("start")] * 3 + [Next("")])
    story.begins()
    night.house.desk.attend("procedure:p1")
    assert story.taken == ["start"]
    assert night.house.store.due_at("procedure:p1") == night.clock()
    night.rests()
    assert story.over()


def test_what_nobody_knows_any_more_is_struck_out(night: Night) -> None:
    night.house.store.remind("procedure:gone", night.clock())
    night.rests()
    assert night.house.store.due_at("procedure:gone") is None


# ---------------------------------------------------------------- dying


@pytest.mark.parametrize("method", ["before", "post", "saved"])
def test_a_step_that_died_is_taken_again_and_what_it_says_is_said_once(
    night: Night, story: Story, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before it is saved, between saving and saying, and between saying and noting down that it was said."""

    def dies(*_: object) -> None:
        raise Died

    story.tells(start=Next("", say=[note("once")]))
    if method == "before":
        story.tells(start=[Died(), Next("", say=[note("once")])])
    story.begins()
    with monkeypatch.context() as patch:
        if method == "post":
            patch.setattr(night.slack, "after", dies)
        if method == "saved":
            patch.setattr(night.house.desk.outbox, "deliver", dies)
        with pytest.raises(Died):
            night.rests()
    night.again()
    night.clock.passes(5)  # a lease
    night.rests(30)
    assert texts(night) == ["once"]
    assert story.over()


def test_a_stop_while_a_step_is_taken_wins(night: Night, story: Story) -> None:
    stops = StoredProcedures(night.house.store)

    def meanwhile(under_way: Procedure, tools: Tools) -> Next:
        if not under_way.stop:
            stops.stop("p1", "ULEAD")
        return Next("", story.data(by=under_way.stop))

    story.tells(start=meanwhile)
    story.begins()
    night.rests()
    assert story.taken == ["start", "start"]
    assert story.record()["procedure"]["data"]["by"] == "ULEAD"
    with pytest.raises(Refused, match="The story has ended already"):
        stops.stop("p1", "ULEAD")


def test_stopping_twice_is_stopping_once(night: Night, story: Story) -> None:
    story.tells(start=Next("start", wait=60))
    story.begins()
    stops = StoredProcedures(night.house.store)
    stops.stop("p1", "UONCALL")
    stops.stop("p1", "ULEAD")
    assert story.record()["procedure"]["stop"] == "UONCALL"
    with pytest.raises(Refused, match="not on record"):
        stops.stop("p2", "ULEAD")


# ---------------------------------------------------------------- on record


def test_an_incident_and_its_event_are_saved_with_the_step_or_not_at_all(night: Night, story: Story) -> None:
    room = night.opens()
    night.rests(60)

    def resolves(under_way: Procedure, tools: Tools) -> Next:
        incident = tools.incidents.get(1)
        if len(story.taken) == 1:  # somebody else changes the incident between our reading and saving
            other = replace(incident, title="Renamed")
            change = Commit([Put("incident", "1", incident.version, other.to_json())])
            night.house.store.commit(change)
        return Next("", say=[note("resolved", incident=incident.resolve("UONCALL", tools.now, "x"), channel=room)])

    story.tells(start=resolves)
    story.begins(incident=1)
    before = len(night.house.store.timeline(1))
    night.rests()
    incident = night.house.store.incident(1)
    assert incident
    assert (incident.title, incident.state, len(story.taken)) == ("Renamed", "resolved", 2)
    assert [event.text for event in night.house.store.timeline(1)[before:]] == ["Note by <@UONCALL>: resolved"]


def test_what_is_noted_names_the_jobs_and_the_reference_and_whether_it_is_a_receipt(night: Night, story: Story) -> None:
    night.opens()
    said = note("moved", note=True, jobs=("41", "57"), event={"kind": "replay"}, receipt=True)
    story.tells(start=Next("", say=[said]))
    story.begins(incident=1)
    night.rests()
    event = night.house.store.timeline(1)[-1]
    assert (event.kind, event.jobs, event.ref, event.actor) == ("replay", ("41", "57"), "ref12345", "UONCALL")
    assert event.receipt


def test_what_is_said_to_nobody_is_only_put_on_record(night: Night, story: Story) -> None:
    night.opens()
    said = len(night.slack.shown)
    story.tells(start=Next("", say=[note("quietly", note=True, to="nobody")]))
    story.begins(incident=1)
    night.rests()
    assert len(night.slack.shown) == said
    assert night.house.store.timeline(1)[-1].text == "Note by <@UONCALL>: quietly"


# ---------------------------------------------------------------- no, later, broken


def test_a_no_ends_it_with_a_sentence(night: Night, story: Story) -> None:
    story.tells(start=Refused("reposts is paused.", "Resume it first."))
    story.begins()
    night.rests()
    assert "reposts is paused." in night.slack.texts()[-1]
    assert "Resume it first." in night.slack.shown[-1].all
    assert story.over()
    assert story.record()["refused"]


@pytest.mark.parametrize(
    ("away", "seconds"), [(Later(7, "Slack asks for a pause"), 7), (Unreachable("Redis is away."), steps.AWAY)]
)
def test_an_outside_system_that_is_away_is_waited_for(
    night: Night, story: Story, away: Exception, seconds: float
) -> None:
    story.tells(start=[away, Next("", say=[note("there again")])])
    story.begins()
    night.rests(0)
    assert night.house.store.due_at("procedure:p1") == night.clock() + timedelta(seconds=seconds)
    assert texts(night) == []
    night.rests(seconds)
    assert texts(night) == ["there again"]


def test_what_gives_up_ends_with_a_sentence_when_the_other_side_was_away_too_long(night: Night, story: Story) -> None:
    story.tells(start=Unreachable("PagerDuty is away."))
    story.begins()
    night.rests()
    night.clock.passes(11.9 * 3600)
    night.rests(60)
    assert not story.over()
    night.clock.passes(3600)
    night.rests(60)
    assert "Not done: the story. PagerDuty is away." in night.slack.texts()[-1]
    assert story.over()


def test_what_does_not_give_up_keeps_trying(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(data: Any, under_way: Procedure, tools: Tools) -> Next:
        raise Unreachable("Redis is away.")

    played(monkeypatch, "story", away)
    procedure = _fresh(night.clock)
    change = Commit(
        [Put("procedure", "p1", 0, {"procedure": procedure.to_json()})], due={"procedure:p1": night.clock()}
    )
    night.house.store.commit(change)
    night.clock.passes(30 * 86400)
    night.rests(60)
    assert night.house.store.due_at("procedure:p1") is not None


def test_a_step_that_gives_another_kind_of_data_is_broken(night: Night, story: Story) -> None:
    story.tells(start=Next("go", Switch("reposts", paused=True)))
    story.begins()
    night.rests(120)
    assert "ref12345" in night.slack.texts()[-1]
    assert story.record()["procedure"]["data"] == {}


def test_what_is_broken_is_tried_five_times_and_ends_with_a_reference(
    night: Night, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.tells(start=ValueError("a bug"))
    story.begins()
    began = night.clock()
    with caplog.at_level(logging.ERROR):
        night.rests(120)
    assert len(story.taken) == 5
    assert night.clock() - began == timedelta(seconds=2 + 4 + 8 + 16)
    assert "ref12345" in night.slack.texts()[-1]
    assert {vars(record)["ref"] for record in caplog.records} == {"ref12345"}
    assert story.over()
    assert story.record()["broken"]


def test_what_is_broken_once_goes_on(night: Night, story: Story) -> None:
    story.tells(start=[ValueError("a hiccup"), Next("go")], go=[ValueError("another")] * 4 + [Next("")])
    story.begins()
    night.rests(120)
    assert story.over()
    assert "broken" not in story.record()


def test_a_message_that_cannot_be_rendered_is_a_failure_of_its_step(night: Night, story: Story) -> None:
    story.tells(start=[Next("", say=[Reply("incident/noted", {})]), Next("", say=[note("better")])])
    story.begins()
    night.rests(10)
    assert texts(night) == ["better"]


def test_a_kind_that_this_version_does_not_know_is_broken_and_says_so(night: Night, story: Story) -> None:
    story.kind = "from-another-version"
    story.begins()
    night.rests(120)
    assert "ref12345" in night.slack.texts()[-1]


def test_two_who_take_the_same_step_save_it_once(night: Night, story: Story) -> None:
    """A worker that was stopped for longer than a lease comes back while another one is at the same step."""

    def other(under_way: Procedure, tools: Tools) -> Next:
        if len(story.taken) == 1:
            night.house.desk.steps.attend(Due("procedure", "p1"))
        return Next("", story.data(len(story.taken)), say=[note("once")])

    story.tells(start=other)
    story.begins()
    night.rests()
    assert texts(night) == ["once"]
    assert story.over()


def test_a_conflict_is_no_failure(night: Night, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, conflicts = night.house.store.commit, [Conflict("someone was quicker")] * 3

    def contested(change: Commit) -> None:
        if conflicts:
            raise conflicts.pop()
        commit(change)

    monkeypatch.setattr(night.house.store, "commit", contested)
    story.tells(start=Next("", say=[note("once")]))
    commit(Commit([Put("procedure", "p1", 0, {"procedure": _fresh(night.clock).to_json()})]))
    night.house.store.remind("procedure:p1", night.clock())
    night.rests()
    assert (texts(night), conflicts) == (["once"], [])


def _fresh(clock: Clock) -> Procedure:
    return Procedure("p1", "story", "start", "UONCALL", "COPS", clock())
