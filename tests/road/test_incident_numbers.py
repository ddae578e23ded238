"""An incident is a number: which one a sentence is about, whoever says it wherever; and channels that are gone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import Refused
from bot.domain.incident import Incident
from tests.parts import Night, Shown

FORBIDDEN = Refused("A setting of this workspace forbids me that.")


def homeless(night: Night, title: str, channel: str = "COPS") -> Incident:
    """An incident that lives where it was opened."""
    night.slack.fails("create_channel", FORBIDDEN)
    night.says(f"/incident open {title}", channel=channel)
    return night.house.store.incidents("all", 1)[0]


def incident(night: Night, number: int) -> Incident:
    found = night.house.store.incident(number)
    assert found
    return found


def labels(shown: Shown) -> list[str]:
    return [e["text"]["text"] for block in shown.blocks for e in block.get("elements", ()) if e["type"] == "button"]


def test_a_number_names_the_incident_from_any_channel_and_its_own_channel_reads_what_was_done(night: Night) -> None:
    first, second = night.opens("Uploads fail"), night.opens("TikTok is down")
    night.says("/incident mitigate #1", channel=second)
    assert (incident(night, 1).state, incident(night, 2).state) == ("mitigated", "acknowledged")
    assert any("itigated" in text for text in night.slack.texts(first))
    assert not any("itigated" in text for text in night.slack.texts(second))
    assert "incident 1" in night.told.text
    night.says("/incident resolve #2 it came back", channel="COPS")
    assert incident(night, 2).cause == "it came back"


def test_a_number_that_is_on_record_nowhere_changes_nothing(night: Night) -> None:
    room = night.opens()
    night.says("/incident resolve #7 done", channel=room)
    assert "There is no incident 7." in night.told.text
    assert incident(night, 1).state == "acknowledged"


def test_a_number_elsewhere_in_the_sentence_is_text(night: Night) -> None:
    room = night.opens()
    night.says("/incident note PR #12 is merged", channel=room)
    night.says("/incident note #1 see PR #13", channel=room)
    texts = [each.text for each in night.house.store.timeline(1) if each.kind == "note"]
    assert texts == ["PR #12 is merged", "see PR #13"]


def test_where_several_live_the_bot_asks_which_and_the_press_says_the_whole_sentence(night: Night) -> None:
    homeless(night, "Uploads fail")
    homeless(night, "TikTok is down")
    night.says("/incident resolve a stale token")
    assert all(not each.resolved for each in night.house.store.incidents("all", 9))
    assert night.told.text == "Which incident? 2 incidents live here"
    assert labels(night.told) == ["#2 TikTok is down", "#1 Uploads fail"]
    night.says(night.told.button("#1 Uploads fail"), pressed=True)
    assert (incident(night, 1).cause, incident(night, 2).resolved) == ("a stale token", False)
    night.says("/incident note now only one is open")
    assert night.house.store.timeline(2)[-1].text == "now only one is open"


def test_what_is_shown_of_several_is_asked_for_too_and_a_form_only_opens_once_it_is_known(night: Night) -> None:
    homeless(night, "Uploads fail")
    homeless(night, "TikTok is down")
    night.says("/incident show")
    assert night.told.text.startswith("Which incident?")
    night.says("/incident resolve", trigger="t1")
    assert night.slack.forms == []
    night.says(night.told.button("#2 TikTok is down"), trigger="t2", pressed=True)
    assert night.slack.forms[0]["title"]["text"] == "Incident 2: resolve"


def test_a_message_in_a_shared_channel_names_its_incident(night: Night) -> None:
    homeless(night, "Uploads fail")
    homeless(night, "TikTok is down")
    night.says("/incident mitigate #1")
    assert night.last.text.startswith("Incident 1: ")
    night.rests(16 * 60)
    due = [text for text in night.slack.texts("COPS") if "Update due" in text]
    assert sorted(text[:10] for text in due) == ["Incident 1", "Incident 2"]


def test_a_pin_in_a_shared_channel_asks_which_incident_it_is_for(night: Night) -> None:
    homeless(night, "Uploads fail")
    homeless(night, "TikTok is down")
    night.says("/incident keep COPS 1.1", message="1.1", quiet=True)
    assert labels(night.told) == ["#2 TikTok is down", "#1 Uploads fail"]
    assert night.told.button("#2 TikTok is down") == "/incident keep #2 COPS 1.1"


def test_an_old_button_that_names_no_incident_is_refused_before_a_form_opens(night: Night) -> None:
    room = night.opens()
    for sentence in ("/incident mitigate", "/incident resolve"):
        night.says(sentence, channel=room, message="1.1", pressed=True, trigger=sentence)
        assert "older message" in night.told.text
        night.clock.passes(3)
    assert night.slack.forms == []
    assert incident(night, 1).state == "acknowledged"


def test_an_incident_that_has_no_channel_at_all_can_be_ended_from_anywhere(night: Night) -> None:
    night.slack.fails("create_channel", FORBIDDEN)
    night.says("/incident open Nowhere", channel="")
    assert incident(night, 1).home == ""
    night.says("/incident resolve #1 gone by itself", channel="DUONCALL")
    assert incident(night, 1).resolved


def test_the_channels_of_other_incidents_are_no_way_to_be_served(night: Night) -> None:
    night.opens()
    night.says("/incident resolve #1 from afar", channel="CELSEWHERE")
    assert "I do not serve this channel" in night.told.text
    assert not incident(night, 1).resolved


# ---------------------------------------------------------------- channels that are gone


def lost(night: Night) -> tuple[str, list[Shown]]:
    """Incident 1, whose channel was archived before its next reminder; and what was said of that."""
    room = night.opens()
    night.slack.gone.add(room)
    night.rests(16 * 60)
    return room, [each for each in night.slack.shown if "lost its channel" in each.text]


def test_a_channel_that_is_gone_is_said_once_where_it_was_opened_and_to_the_lead(night: Night) -> None:
    room, said = lost(night)
    assert [each.channel for each in said] == ["COPS", "DUONCALL"]
    assert [labels(each) for each in said] == [["Move it here", "Resolve…"], ["Resolve…"]]
    assert incident(night, 1).lost
    night.rests(60 * 60)
    assert len([each for each in night.slack.shown if "lost its channel" in each.text]) == 2
    assert not [each for each in night.slack.shown if each.channel == room and "Update due" in each.text]


def test_reminders_of_an_incident_whose_channel_is_gone_go_on_where_it_was_opened(night: Night) -> None:
    lost(night)
    before = len([text for text in night.slack.texts("COPS") if text.startswith("Incident 1: Update due")])
    assert before == 1
    night.rests(20 * 60)
    assert len([text for text in night.slack.texts("COPS") if text.startswith("Incident 1: Update due")]) == 2


def test_it_moves_to_where_the_button_is_pressed_and_its_summary_is_pinned_there(night: Night) -> None:
    _, said = lost(night)
    night.presses(said[0], "Move it here", pressed=True)
    moved = incident(night, 1)
    assert (moved.channel, moved.lost, moved.moves) == ("COPS", "", 1)
    assert night.slack.pins[-1][0] == "COPS"
    night.says("/incident note it lives here now")
    assert night.house.store.timeline(1)[-1].text == "it lives here now"
    night.says("/incident move #1")
    assert "lives here already" in night.told.text


def test_a_channel_that_it_moved_to_is_shared_so_its_messages_name_it_and_its_topic_is_left_alone(night: Night) -> None:
    night.opens("Uploads fail")
    night.opens("TikTok is down")
    for number in (1, 2):
        night.says(f"/incident move #{number}")
    assert "COPS" not in night.slack.topics
    night.says("/incident mitigate #2")
    assert night.last.text.startswith("Incident 2: ")


def test_what_is_answered_in_a_channel_that_is_gone_is_not_lost(night: Night) -> None:
    room = night.opens()
    night.slack.gone.add(room)
    night.says("/incident mitigate #1", channel=room)
    assert any("Incident 1" in text and "itigated" in text for text in night.slack.texts("COPS"))


def test_an_incident_whose_channel_is_gone_can_be_resolved(night: Night) -> None:
    _, said = lost(night)
    night.says(said[1].button("Resolve…"), channel="DUONCALL", trigger="t", pressed=True)
    assert night.slack.forms[0]["title"]["text"] == "Incident 1: resolve"
    night.says("/incident resolve #1 enough", channel="DUONCALL")
    assert incident(night, 1).resolved


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("/incident note #1 --incident 2 x", "Name one incident"),
        ("/incident note --incident two x", "takes the number of an incident"),
        ("/incident note --incident", "needs a value"),
        ("/incident show #1 2", "Name one incident"),
    ],
)
def test_numbers_that_cannot_be_meant_change_nothing(night: Night, sentence: str, told: str) -> None:
    room = night.opens()
    night.opens("Another")
    before: Any = night.house.store.timeline(1)
    night.says(sentence, channel=room)
    assert told in night.told.text
    assert night.house.store.timeline(1) == before
