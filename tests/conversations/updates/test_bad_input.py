"""Late presses, hostile texts, long updates and spans that make no sense are answered and harm nothing."""

from __future__ import annotations

import pytest

from tests.conversations.nights import Night
from tests.conversations.updates.reminder import DUE


def test_the_buttons_of_a_resolved_incident_are_answered(night: Night, room: str) -> None:
    night.goes(30)
    update, publish = night.says(room, "Update due: 15 min"), night.says(room, "Open for 30 min")
    summary = next(each for each in night.slack.channel(room).messages if each.ts in night.slack.channel(room).pins)
    night.types(room, "/incident resolve Token expired")
    night.presses(publish, "Publish")
    assert "/incident reopen" in night.shown(night.whispered(room, "Not done: Incident 1 was resolved by"))
    night.presses(update, "Write update…")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"text": "Late words"}).ok()
    night.whispered(room, "Not done: Incident 1 was resolved by")
    night.silent(room, "Update: Late words")
    assert night.statuspage.incidents == {}
    assert night.labels(summary) == ["Timeline"]


def test_what_came_from_outside_is_escaped_once_wherever_it_is_shown(night: Night) -> None:
    night.pagerduty.trigger("Q&A <!channel> <@ULEAD> fails")
    room = night.room()
    night.types(room, "/ack")
    night.types(room, "/incident resolve R&D broke it")
    night.types(room, "/incident timeline")
    shown = night.shown(night.says(room, "Timeline of incident 1"))
    assert "Resolved after 0 s: Q&amp;A &lt;!channel&gt;" in shown
    assert "Acknowledged by <@UONCALL>" in shown
    for wrong in ("&amp;amp;", "&amp;lt;", "<!channel>", "<@ULEAD>"):
        assert wrong not in shown
    assert not [each for each in night.slack.channel(room).messages if "ULEAD" in each.pings]
    [file] = [one for each in night.slack.channel(room).messages for one in each.files if one.name.endswith(".md")]
    assert "Q&A" in file.text
    assert "&amp;" not in file.text


def test_an_update_of_forty_thousand_characters_is_posted_with_all_of_it_in_a_file(night: Night, room: str) -> None:
    night.types(room, "/incident update " + "word " * 8000)
    said = night.says(room, "Update: word word", times=1)
    assert "39,999 characters" in night.shown(said)
    files = [file for each in night.slack.channel(room).messages for file in each.files if file.name == "update.txt"]
    assert [len(file.content) for file in files] == [39_999]
    night.goes(15)
    night.says(room, DUE, times=1)
    night.presses(night.says(room, DUE), "Write update…")
    assert night.slack.open_view("noor")


@pytest.mark.parametrize(
    "text", ["/incident update Hm --next 10s", "/incident snooze 5h Sleep", "/incident snooze 10s x"]
)
def test_a_span_that_makes_no_sense_is_refused(night: Night, room: str, text: str) -> None:
    night.types(room, text)
    night.whispered(room, "Not done:")
    night.goes(15)
    night.says(room, DUE, times=1)
