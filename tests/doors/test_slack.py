"""Slack's door: whatever a person does in Slack becomes exactly one sentence, taken before it is acknowledged."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.call import Call, digest
from bot.domain.grammar import parse
from bot.doors import payloads
from bot.doors.slack import SlackDoor
from bot.outside.slack.client import SlackWorkspace
from bot.sandbox.slack.server import SlackSandbox
from tests.doors.slack_screens import AT, button, card, field, form, options
from tests.opened import Book, now

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


def test_half_a_surrogate_pair_is_heard_as_a_question_mark() -> None:
    half = "\ud83d"
    typed = payloads.command({"command": "/incident", "text": f"note x{half}", "channel_name": half}, AT)
    assert (typed.text, typed.channel_name) == ("/incident note x?", "?")
    pressed = payloads.press({"actions": [{"action_id": "say:a", "value": f"/incident note {half}"}]}, AT)
    assert pressed is not None
    assert pressed.text == "/incident note ?"
    assert typed.to_json()["text"].encode()


def test_what_is_typed_out_in_a_form_mentions_nobody() -> None:
    view = {
        "callback_id": "/incident note",
        "state": {"values": {"text": {"text": {"type": "plain_text_input", "value": "see <@ULEAD>"}}}},
    }
    said = payloads.submission({"view": view}, AT)
    assert isinstance(said, Call)
    assert said.text == "/incident note -- see <\u200b@ULEAD>"
