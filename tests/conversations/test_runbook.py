"""The runbook in a conversation: found by what one sees, followed step by step, ticked on record."""

from __future__ import annotations

import pytest

from tests.conversations.nights import Night


def test_without_words_all_eight_sections_are_offered_to_the_asker(night: Night) -> None:
    night.types("ops", "/runbook")
    shown = night.whispered("ops", "The runbook: 8 sections")
    assert str(shown.blocks).count("'Open'") == 8


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("instagram-token-expired", "Destination upload failures"),
        ("tiktok sync times out", "TikTok"),
        ("restore redis", "recovery"),
        ("replay failed jobs", "Replay"),
        ("more workers", "Scal"),
        ("7", "On-call checklist"),
    ],
)
def test_a_section_is_found_by_words_cause_or_number(night: Night, words: str, title: str) -> None:
    night.types("ops", f"/runbook {words}")
    assert title.lower() in night.says("ops", "Runbook: ").text.lower()


def test_words_that_are_in_no_section_are_refused_with_the_names_of_those_there_are(night: Night) -> None:
    night.types("ops", "/runbook zzzzqqqq")
    assert "uploads" in night.shown(night.whispered("ops", "Not done: No section of the runbook is about"))


def test_ticks_are_kept_on_the_incident_with_who_and_when_and_shown_wherever_it_is_opened(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail --service reposting")
    room = night.room()
    night.types(room, "/runbook uploads")
    card = night.says(room, "Runbook: Destination upload failures · 0 of 14 done")
    first = night.labels(card).index("Done")
    assert first == 0
    night.goes(2)
    night.slack.oncall.presses(card, "Done", value="/tick #1 uploads-1").ok()
    night.settle()
    shown = night.shown(card)
    assert "1 of 14 done" in shown
    assert "done by <@UONCALL>" in shown
    assert night.incident().ticked["uploads-1"]["by"] == "UONCALL"
    assert "runbook" in night.kinds()
    night.types(room, "/runbook uploads")
    again = night.says(room, "Runbook: Destination upload failures · 1 of 14 done")
    night.presses(again, "Undo")
    assert night.incident().ticked == {}
    assert "0 of 14 done" in night.shown(again)


def test_a_step_s_button_does_what_the_step_says_on_the_service_s_queue(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail --service reposting")
    room = night.room()
    night.types(room, "/runbook uploads")
    night.presses(night.says(room, "Runbook: "), "/jobs failed repost-dispatch")
    night.says(room, "repost-dispatch: 120 failed jobs")


def test_outside_of_an_incident_there_is_nothing_to_tick(night: Night) -> None:
    night.types("ops", "/runbook uploads")
    assert "Done" not in night.labels(night.says("ops", "Runbook: Destination upload failures"))


def test_only_who_may_act_ticks(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail")
    room = night.room()
    night.types(room, "/runbook uploads")
    card = night.says(room, "Runbook: ")
    night.slack.guest.joins(room)
    night.slack.guest.presses(card, "Done", value="/tick #1 uploads-1").ok()
    night.whispered(room, "Not done: `/tick`", "tomas")
    assert night.incident().ticked == {}
