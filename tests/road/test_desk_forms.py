"""Forms: what was left out is asked for in one, if the asker may do it and Slack opens it in time."""

from __future__ import annotations

import json

import pytest

from bot.domain.errors import Later, Refused
from tests.parts import Night


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
