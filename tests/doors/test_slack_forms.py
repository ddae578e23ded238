"""A form that is sent off in Slack becomes one sentence, and what cannot be read stands under its own field."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.action import ACTIONS
from bot.domain.call import Call
from bot.domain.grammar import parse
from bot.doors import payloads
from bot.doors.payloads import Wrong
from bot.outside.slack.client import SlackWorkspace
from bot.sandbox.slack.server import SlackSandbox
from tests.doors.slack_screens import AT, field, form, options
from tests.opened import Book, now


@pytest.mark.usefixtures("door")
def test_a_form_completes_the_sentence_it_was_opened_for(slack: SlackSandbox, desk: Book) -> None:
    form(slack, "/incident note", "/incident note", field("text", multiline=True))
    assert slack.oncall.modal
    slack.oncall.submits(slack.oncall.modal, {"text": "depth  falling\n--since <the> replay"}).ok()
    call = desk.last
    action, values, _ = parse(call.text, AT)
    assert action is ACTIONS["/incident note"]
    assert values == {"text": "depth  falling\n--since <the> replay"}
    assert (call.channel, call.channel_name, call.incident, call.thread) == ("COPS", "ops", 12, "1.5")
    assert (call.actor, bool(call.trigger)) == ("UONCALL", True)
    assert slack.oncall.modal is None


@pytest.mark.usefixtures("door")
def test_words_said_before_are_kept_and_empty_fields_left_out(slack: SlackSandbox, desk: Book) -> None:
    form(
        slack,
        "/incident open",
        "/incident open --service=reposting",
        field("title"),
        field("severity", "static_select", optional=True, options=options("sev1", "sev2")),
    )
    assert slack.oncall.modal
    slack.oncall.submits(slack.oncall.modal, {"title": "Uploads failing"}).ok()
    action, values, _ = parse(desk.last.text, AT)
    assert action.name == "/incident open"
    assert values == {"title": "Uploads failing", "service": "reposting"}


@pytest.mark.usefixtures("door")
def test_a_value_that_cannot_be_read_stands_under_its_own_field(slack: SlackSandbox, desk: Book) -> None:
    form(slack, "/jobs replay", "/jobs replay repost-dispatch", field("since"), field("count", optional=True))
    view = slack.oncall.modal
    assert view
    before = len(desk.calls)
    answer = slack.oncall.submits(view, {"since": "yesterday-ish", "count": "7"}).ok().answer
    assert answer["response_action"] == "errors"
    assert list(answer["errors"]) == ["since"]
    assert "not yesterday-ish" in answer["errors"]["since"]
    assert "`" not in answer["errors"]["since"]
    assert len(desk.calls) == before
    assert slack.oncall.modal
    slack.oncall.submits(slack.oncall.modal, {"since": "2h", "count": "7"}).ok()
    assert parse(desk.last.text, now())[1]["count"] == 7


def test_a_form_sent_off_by_a_double_press_is_one_call() -> None:
    view = {
        "id": "V1",
        "hash": "156772938.1827394",
        "callback_id": "/incident note",
        "private_metadata": "{}",
        "state": {"values": {"text": {"text": {"type": "plain_text_input", "value": "hello"}}}},
    }
    first = payloads.submission({"trigger_id": "1", "user": {"id": "U1"}, "view": view}, AT)
    second = payloads.submission({"trigger_id": "2", "user": {"id": "U1"}, "view": view}, AT)
    assert isinstance(first, Call)
    assert isinstance(second, Call)
    assert first.id == second.id


def test_a_required_field_left_empty_is_told_at_the_field() -> None:
    view = {
        "callback_id": "/incident note",
        "state": {"values": {"text": {"text": {"type": "plain_text_input", "value": None}}}},
    }
    found = payloads.submission({"trigger_id": "1", "view": view}, AT)
    assert isinstance(found, Wrong)
    assert list(found.errors) == ["text"]


def test_a_form_of_an_action_that_is_gone_is_told_and_not_lost_in_silence() -> None:
    view = {"callback_id": "/jobs frobnicate", "blocks": [{"type": "input", "block_id": "b"}], "state": {"values": {}}}
    found = payloads.submission({"trigger_id": "1", "view": view}, AT)
    assert isinstance(found, Wrong)
    assert list(found.errors) == ["b"]


@pytest.mark.parametrize(
    ("element", "word"),
    [
        ({"type": "static_select", "selected_option": {"value": "sev2"}}, "sev2"),
        ({"type": "radio_buttons", "selected_option": {"value": "sev3"}}, "sev3"),
        ({"type": "number_input", "value": "50"}, "50"),
        ({"type": "users_select", "selected_user": "ULEAD"}, "ULEAD"),
        ({"type": "multi_users_select", "selected_users": ["U1", "U2"]}, "U1,U2"),
        ({"type": "checkboxes", "selected_options": [{"value": "a"}, {"value": "b"}]}, "a,b"),
        ({"type": "checkboxes", "selected_options": []}, ""),
        ({"type": "datepicker", "selected_date": "2026-03-01"}, "2026-03-01"),
        ({"type": "timepicker", "selected_time": "14:30"}, "14:30"),
        ({"type": "datetimepicker", "selected_date_time": 1772332200}, "2026-03-01T02:30:00+00:00"),
        ({"type": "channels_select", "selected_channel": "COPS"}, "COPS"),
        ({"type": "plain_text_input", "value": None}, ""),
    ],
)
def test_each_kind_of_field_is_one_word(element: dict[str, Any], word: str) -> None:
    assert payloads.chosen(element) == word


@pytest.mark.usefixtures("door")
def test_a_form_that_was_closed_is_only_acknowledged(slack: SlackSandbox, desk: Book) -> None:
    form(slack, "/incident note", "/incident note", field("text"))
    trigger = slack.oncall.types("ops", "/incident show").ok().trigger_id
    view = {"type": "modal", "notify_on_close": True, "title": {"type": "plain_text", "text": "T"}, "blocks": []}
    SlackWorkspace(slack.bot_token, slack.api_url).open_form(trigger, view)
    before = len(desk.calls)
    assert slack.oncall.modal
    assert slack.oncall.closes(slack.oncall.modal).wait().acked
    assert len(desk.calls) == before
