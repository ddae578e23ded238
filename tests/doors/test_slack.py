"""Slack's door: whatever a person does in Slack becomes exactly one sentence, taken before it is acknowledged."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from bot.domain.action import ACTIONS
from bot.domain.call import Call, digest
from bot.domain.grammar import parse
from bot.doors import payloads
from bot.doors.payloads import Wrong
from bot.doors.slack import SlackDoor, signed_by_slack
from bot.outside.slack.client import SlackWorkspace
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.server import SlackSandbox
from tests.opened import Book, now, over_http, over_socket

AT = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
SECRET = "a" * 32


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox(rate_limits="off", retry_delays=(0.0, 0.5, 1.0), ping_interval=0.5) as running:
        yield running


@pytest.fixture
def desk() -> Book:
    return Book()


@pytest.fixture(params=["http", "socket"])
def door(request: pytest.FixtureRequest, slack: SlackSandbox, desk: Book) -> Iterator[None]:
    """The door is open; by HTTP, and once more by socket."""
    with (over_http if request.param == "http" else over_socket)(slack, desk):
        yield


def card(slack: SlackSandbox, *elements: dict[str, Any], thread: str = "") -> Message:
    """A message of the bot's with these buttons and selects."""

    class Card:
        text = "a card"
        blocks = ({"type": "actions", "elements": list(elements)},)

    workspace = SlackWorkspace(slack.bot_token, slack.api_url)
    ts = workspace.post("COPS", Card(), "card", thread)
    return slack.workspace.message("COPS", ts)


def button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action_id, **more}


def form(slack: SlackSandbox, callback_id: str, text: str, *inputs: dict[str, Any], **more: Any) -> None:
    """Open a form for the engineer on call, as the desk does."""
    trigger = slack.oncall.types("ops", "/incident show").ok().trigger_id
    metadata = {"channel": "COPS", "channel_name": "ops", "incident": 12, "text": text, "thread": "1.5", **more}
    SlackWorkspace(slack.bot_token, slack.api_url).open_form(
        trigger,
        {
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": json.dumps(metadata),
            "title": {"type": "plain_text", "text": "A form"},
            "submit": {"type": "plain_text", "text": "Send"},
            "blocks": list(inputs),
        },
    )


def field(name: str, kind: str = "plain_text_input", *, optional: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": {"type": "plain_text", "text": name},
        "element": {"type": kind, "action_id": name, **more},
    }


def options(*values: str) -> list[dict[str, Any]]:
    return [{"text": {"type": "plain_text", "text": each}, "value": each} for each in values]


# ---------------------------------------------------------------- typed


@pytest.mark.usefixtures("door")
def test_a_typed_command_is_the_sentence(slack: SlackSandbox, desk: Book) -> None:
    typed = slack.oncall.types("ops", "/jobs status repost-dispatch").ok()
    call = desk.last
    assert typed.answer == {}
    assert call == Call(
        id=call.id,
        actor="UONCALL",
        channel="COPS",
        channel_name="ops",
        text="/jobs status repost-dispatch",
        at=call.at,
        door="slack",
        trigger=typed.trigger_id,
        response_url=typed.response_url,
    )
    assert abs(call.at - now()) < timedelta(seconds=5)
    assert re.fullmatch(r"[a-z0-9]{12,20}", call.id)


@pytest.mark.usefixtures("door")
def test_what_slack_escapes_comes_as_it_was_typed(slack: SlackSandbox, desk: Book) -> None:
    slack.oncall.types("ops", "/incident note a < b && c > d, says @linnea").ok()
    assert desk.last.text == "/incident note a < b && c > d, says <@ULEAD|linnea>"


@pytest.mark.usefixtures("door")
def test_a_bare_command_is_a_sentence_too(slack: SlackSandbox, desk: Book) -> None:
    slack.oncall.types("ops", "/jobs").ok()
    assert desk.last.text == "/jobs"


@pytest.mark.parametrize("name", ["/jobs", "/fw-jobs", "/my-team-jobs", "/fwjobs"])
def test_what_the_manifest_puts_before_a_command_is_taken_off(name: str) -> None:
    body = {"command": name, "text": "status", "trigger_id": "1"}
    assert payloads.command(body, AT).text == "/jobs status"


def test_a_command_nobody_knows_stays_as_it_was_typed() -> None:
    assert payloads.command({"command": "/job", "text": "status"}, AT).text == "/job status"
    assert payloads.command({"command": "/fw-knobs", "text": "status"}, AT).text == "/fw-knobs status"
    assert payloads.command({"command": "/home", "text": ""}, AT).text == "/home"


def test_the_same_command_delivered_twice_is_one_call_and_typed_twice_is_two() -> None:
    body = {"command": "/jobs", "text": "status", "user_id": "U1", "trigger_id": "13345224609.738474920.808893"}
    first, again = payloads.command(body, AT), payloads.command(dict(body), AT + timedelta(seconds=3))
    assert first.id == again.id
    assert payloads.command({**body, "trigger_id": "13345224609.738474920.808894"}, AT).id != first.id


def test_commands_that_come_without_a_trigger_are_told_apart_by_their_address_or_else_by_their_time() -> None:
    body = {"command": "/jobs", "text": "status", "user_id": "U1"}
    assert payloads.command(body, AT).id != payloads.command(body, AT + timedelta(seconds=3)).id
    addressed = {**body, "response_url": "https://hooks.slack.com/commands/1"}
    assert payloads.command(addressed, AT).id == payloads.command(addressed, AT + timedelta(seconds=3)).id


# ---------------------------------------------------------------- pressed


@pytest.mark.usefixtures("door")
def test_a_buttons_value_is_the_sentence(slack: SlackSandbox, desk: Book) -> None:
    message = card(slack, button("Replay these", "say:0", value='/jobs replay q --cause="a < b"', style="primary"))
    pressed = slack.oncall.presses(message, "Replay these").ok()
    call = desk.last
    assert call == Call(
        id=call.id,
        actor="UONCALL",
        channel="COPS",
        channel_name="ops",
        text='/jobs replay q --cause="a < b"',
        at=datetime.fromtimestamp(float(pressed.payload["actions"][0]["action_ts"]), UTC),
        message=message.ts,
        trigger=pressed.trigger_id,
        response_url=pressed.response_url,
        pressed=True,
    )


@pytest.mark.usefixtures("door")
def test_two_presses_are_two_calls_and_a_second_delivery_is_none(slack: SlackSandbox, desk: Book) -> None:
    message = card(slack, button("Stop", "say:0", value="/jobs stop"))
    first = slack.oncall.presses(message, "Stop").ok()
    slack.oncall.presses(message, "Stop").ok()
    assert len(desk.calls) == 2
    again = payloads.press(first.payload, now())
    assert again
    assert again.id == desk.calls[0].id


@pytest.mark.usefixtures("door")
def test_a_chosen_option_is_the_sentence(slack: SlackSandbox, desk: Book) -> None:
    choices = options("/incident severity sev1", "/incident severity sev2")
    placeholder = {"type": "plain_text", "text": "Severity"}
    message = card(
        slack, {"type": "static_select", "action_id": "say:1", "placeholder": placeholder, "options": choices}
    )
    slack.oncall.selects(message, "say:1", "/incident severity sev2").ok()
    assert desk.last.text == "/incident severity sev2"


@pytest.mark.usefixtures("door")
def test_a_press_in_a_thread_is_answered_in_the_thread(slack: SlackSandbox, desk: Book) -> None:
    head = card(slack, button("Stop", "say:0", value="/jobs stop"))
    reply = card(slack, button("Show", "say:0", value="/jobs status"), thread=head.ts)
    slack.oncall.presses(reply, "Show").ok()
    assert (desk.last.thread, desk.last.message) == (head.ts, reply.ts)
    slack.oncall.presses(slack.now_of(head), "Stop").ok()
    assert (desk.last.thread, desk.last.message) == ("", head.ts)


@pytest.mark.usefixtures("door")
def test_a_press_on_what_only_one_sees_names_no_message_to_edit(slack: SlackSandbox, desk: Book) -> None:
    class Whisper:
        text = "Not done"
        blocks = ({"type": "actions", "elements": [button("Help", "say:0", value="/jobs help")]},)

    SlackWorkspace(slack.bot_token, slack.api_url).whisper("COPS", "UONCALL", Whisper())
    slack.oncall.presses(slack.channel("ops").ephemerals[-1], "Help").ok()
    assert (desk.last.text, desk.last.message, desk.last.channel) == ("/jobs help", "", "COPS")


@pytest.mark.usefixtures("door")
def test_a_button_nobody_knows_is_still_a_sentence(slack: SlackSandbox, desk: Book) -> None:
    message = card(slack, button("Old", "confirm_replay", value="whatever"))
    slack.oncall.presses(message, "Old").ok()
    assert desk.last.text == "/unknown button"
    assert parse(desk.last.text, AT)


@pytest.mark.usefixtures("door")
def test_a_button_that_opens_a_link_is_only_acknowledged(slack: SlackSandbox, desk: Book) -> None:
    message = card(slack, button("Runbook", "say:0", url="https://example.org/runbook"))
    slack.oncall.presses(message, "Runbook").ok()
    assert desk.calls == []


@pytest.mark.usefixtures("door")
def test_a_press_on_the_home_tab_is_a_call_without_a_channel(slack: SlackSandbox, desk: Book) -> None:
    blocks = [{"type": "actions", "elements": [button("List", "say:0", value="/incident list")]}]
    SlackWorkspace(slack.bot_token, slack.api_url).publish_home("UONCALL", {"type": "home", "blocks": blocks})
    assert slack.oncall.home
    slack.oncall.presses(slack.oncall.home, "List").ok()
    assert (desk.last.text, desk.last.channel, desk.last.actor) == ("/incident list", "", "UONCALL")


# ---------------------------------------------------------------- forms


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


# ---------------------------------------------------------------- marked


@pytest.mark.usefixtures("door")
def test_add_to_timeline_keeps_the_message(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    used = slack.oncall.shortcut("add_to_timeline", message).ok()
    call = desk.last
    assert call.text == f"/incident keep COPS {message.ts}"
    assert (call.actor, call.channel, call.message, call.thread) == ("UONCALL", "COPS", message.ts, "")
    assert (call.response_url, call.quiet) == (used.response_url, False)


@pytest.mark.usefixtures("door")
def test_add_to_timeline_works_on_a_reply_in_a_thread(slack: SlackSandbox, desk: Book) -> None:
    head = slack.lead.says("ops", "what is it?").message
    assert head
    reply = slack.lead.says("ops", "the token", thread_ts=head.ts).message
    assert reply
    slack.oncall.shortcut("add_to_timeline", reply).ok()
    assert desk.last.text == f"/incident keep COPS {reply.ts}"
    assert (desk.last.thread, desk.last.message) == (head.ts, reply.ts)
    action, values, _ = parse(desk.last.text, AT)
    assert (action.name, values) == ("/incident keep", {"channel": "COPS", "ts": reply.ts})


@pytest.mark.usefixtures("door")
def test_a_pin_on_a_message_keeps_it_in_the_name_of_who_put_it_there(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    assert slack.oncall.reacts(message, "pushpin").wait().acked
    call = desk.last
    assert (call.text, call.actor, call.channel) == (f"/incident keep COPS {message.ts}", "UONCALL", "COPS")
    assert (call.message, call.quiet, call.response_url) == (message.ts, True, "")
    assert slack.oncall.reacts(message, "round_pushpin").wait().acked
    assert len(desk.calls) == 2


@pytest.mark.usefixtures("door")
def test_any_other_reaction_is_only_acknowledged(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    assert slack.oncall.reacts(message, "eyes").wait().acked
    assert desk.calls == []


def test_the_bots_own_reaction_is_no_call() -> None:
    event = {"type": "reaction_added", "user": "UBOT", "reaction": "pushpin"}
    body = {
        "event": {**event, "item": {"type": "message", "channel": "C1", "ts": "1.2"}},
        "authorizations": [{"user_id": "UBOT", "is_bot": True}],
    }
    assert payloads.event(body, AT) is None


@pytest.mark.usefixtures("door")
def test_the_home_tab_opened_asks_for_the_home(slack: SlackSandbox, desk: Book) -> None:
    assert slack.oncall.opens_home().wait().acked
    assert (desk.last.text, desk.last.actor) == ("/home", "UONCALL")


def test_the_messages_tab_opened_asks_for_nothing() -> None:
    assert payloads.event({"event": {"type": "app_home_opened", "user": "U1", "tab": "messages"}}, AT) is None


def test_a_redelivered_event_is_the_same_call() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.2"}
    event = {"type": "reaction_added", "user": "U1", "reaction": "pushpin", "item": item, "event_ts": "1772332200.5"}
    body = {"type": "event_callback", "event_id": "Ev1", "event_time": 1772332200, "event": event}
    first, again = payloads.event(body, AT), payloads.event(json.loads(json.dumps(body)), AT + timedelta(minutes=5))
    assert first
    assert first == again
    assert first.at == datetime.fromtimestamp(1772332200.5, UTC)


# ---------------------------------------------------------------- what is not a call


def test_payloads_of_a_kind_nobody_knows_are_acknowledged(slack: SlackSandbox, desk: Book) -> None:
    door = SlackDoor(desk)
    for payload in (
        {"type": "something_new", "user": {"id": "U1"}},
        {"type": "event_callback", "event": {"type": "message", "subtype": "message_changed", "channel": "C1"}},
        {"type": "event_callback", "event": {"type": "tokens_revoked"}},
        {"type": "block_suggestion", "action_id": "x", "block_id": "y", "value": ""},
        {"type": "view_closed", "view": {"callback_id": "x"}},
        {},
    ):
        assert door.envelope(payload) is not None, payload
    assert all(each.text.startswith("/unknown") for each in desk.calls)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["type", "command", "text", "actions", "user", "channel", "container", "message", "view", "event", "trigger_id",
     "state", "values", "private_metadata", "callback_id", "item", "authorizations", "response_urls", "blocks"]
)  # fmt: skip


@given(st.dictionaries(keys, junk | st.dictionaries(keys, junk, max_size=4), max_size=8))
def test_no_payload_however_strange_breaks_a_reader(body: dict[str, Any]) -> None:
    payloads.command(body, AT)
    payloads.press(body, AT)
    payloads.shortcut(body, AT)
    payloads.event(body, AT)
    payloads.submission(body, AT)


@given(st.text(max_size=40), st.text(max_size=40))
def test_ids_are_short_and_differ_with_what_they_are_of(one: str, other: str) -> None:
    assert re.fullmatch(r"[a-z2-7]{16}", digest(one))
    assert (digest(one) == digest(other)) == (one == other)


# ---------------------------------------------------------------- Redis is down


@pytest.mark.usefixtures("door")
def test_a_command_that_cannot_be_taken_is_answered_at_once(slack: SlackSandbox, desk: Book) -> None:
    desk.down = True
    answer = slack.oncall.types("ops", "/jobs status").ok().answer
    assert "my own Redis does not answer" in answer["text"]
    assert answer["response_type"] == "ephemeral"
    (seen,) = slack.channel("ops").ephemerals
    assert seen.visible_to == "UONCALL"


@pytest.mark.usefixtures("door")
def test_a_press_that_cannot_be_taken_is_answered_through_its_response_url(slack: SlackSandbox, desk: Book) -> None:
    message = card(slack, button("Stop", "say:0", value="/jobs stop"))
    desk.down = True
    slack.oncall.presses(message, "Stop").ok()
    (seen,) = slack.wait_for(lambda: slack.channel("ops").ephemerals)
    assert "my own Redis does not answer" in seen.text
    assert slack.now_of(message).text == "a card"


@pytest.mark.usefixtures("door")
def test_a_form_that_cannot_be_taken_stays_open_with_what_was_written(slack: SlackSandbox, desk: Book) -> None:
    form(slack, "/incident note", "/incident note", field("text"))
    desk.down = True
    view = slack.oncall.modal
    assert view
    answer = slack.oncall.submits(view, {"text": "depth falling"}).ok().answer
    assert "my own Redis does not answer" in answer["errors"]["text"]
    desk.down = False
    assert slack.oncall.modal
    slack.oncall.submits(slack.oncall.modal, {"text": "depth falling"}).ok()
    assert desk.last.text == "/incident note -- depth falling"


@pytest.mark.usefixtures("door")
def test_an_event_that_cannot_be_taken_is_delivered_again_and_then_taken_once(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    desk.down = True
    act = slack.oncall.reacts(message, "pushpin")
    slack.wait_for(lambda: desk.asked >= 1)
    desk.down = False
    act.wait(15)
    assert act.acked
    assert len(desk.calls) == 1


# ---------------------------------------------------------------- signatures


def signed(secret: str, body: str, stamp: int | None = None) -> dict[str, str]:
    """By Slack's own library."""
    stamp = int(time.time()) if stamp is None else stamp
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(stamp), body=body)
    return {
        "x-slack-request-timestamp": str(stamp),
        "x-slack-signature": signature or "",
        "content-type": "application/x-www-form-urlencoded",
    }


BODY = urlencode({"command": "/jobs", "text": "status", "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2"})


def test_what_slacks_own_library_signs_is_taken() -> None:
    heard = SlackDoor(Book(), SECRET).receive(signed(SECRET, BODY), BODY.encode())
    assert heard.call
    assert heard.call.text == "/jobs status"


@pytest.mark.parametrize("offset", [-301, 301, -86400])
def test_a_stale_signature_is_refused(offset: int) -> None:
    headers = signed(SECRET, BODY, int(time.time()) + offset)
    heard = SlackDoor(Book(), SECRET).receive(headers, BODY.encode())
    assert (heard.answer.status, heard.call) == (401, None)


@pytest.mark.parametrize(
    "change",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=ü"},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "９" * 10},
        {"x-slack-request-timestamp": ""},
    ],
)
def test_a_forged_or_broken_signature_is_refused(change: dict[str, str]) -> None:
    heard = SlackDoor(Book(), SECRET).receive({**signed(SECRET, BODY), **change}, BODY.encode())
    assert (heard.answer.status, heard.call) == (401, None)


def test_a_body_that_was_changed_is_refused() -> None:
    headers = signed(SECRET, BODY)
    assert SlackDoor(Book(), SECRET).receive(headers, BODY.replace("status", "replay").encode()).answer.status == 401


def test_without_a_secret_nothing_is_genuine() -> None:
    stamp = str(int(time.time()))
    signature = "v0=" + hmac.new(b"", b"v0:%s:%s" % (stamp.encode(), BODY.encode()), hashlib.sha256).hexdigest()
    assert not signed_by_slack(b"", stamp, signature, BODY.encode(), time.time())


@pytest.mark.parametrize("body", ["{", "[1]", "payload=%7B", "payload=[]", "payload=1", '"text"'])
def test_a_genuine_body_that_is_no_payload_is_refused_without_a_trace(body: str) -> None:
    heard = SlackDoor(Book(), SECRET).receive(signed(SECRET, body), body.encode())
    assert heard.call is None
    assert heard.answer.status in (200, 400)


def test_a_body_that_is_no_text_is_refused() -> None:
    body = b"text=\xff\xfe"
    stamp = str(int(time.time()))
    signature = "v0=" + hmac.new(SECRET.encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    assert SlackDoor(Book(), SECRET).receive(headers, body).answer.status == 400


def test_slack_may_look_at_the_certificate() -> None:
    heard = SlackDoor(Book(), SECRET).receive({}, b"ssl_check=1&token=x")
    assert (heard.answer.status, heard.call) == (200, None)


def test_the_door_asks_slack_nothing(slack: SlackSandbox, desk: Book) -> None:
    with over_http(slack, desk):
        for _ in range(3):
            slack.oncall.types("ops", "/jobs status").ok()
    assert slack.calls == []
