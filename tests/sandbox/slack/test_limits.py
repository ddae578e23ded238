"""Block Kit's limits: what Slack takes is taken, and one step beyond is refused with the place named."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.limits import message_blocks, view
from bot.sandbox.slack.model import SlackError
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import actions, button, modal, refusal, section, text_input

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(number: int, text: str = "") -> Json:
    return {"text": plain(text or f"option {number}"), "value": f"v{number}"}


def static_select(count: int = 2, **more: Any) -> Json:
    return {"type": "static_select", "action_id": "s", "options": [option(n) for n in range(count)], **more}


def inputs(element: Json, **more: Any) -> Json:
    return {"type": "input", "label": plain("Label"), "element": element, **more}


CONFIRM = {"title": plain("Sure?"), "text": plain("50 jobs"), "confirm": plain("Replay"), "deny": plain("No")}
SAID = {"type": "raw_text", "text": "said"}
RICH = {"type": "rich_text_section", "elements": [{"type": "text", "text": "x", "style": {"bold": True}}]}

TAKEN: dict[str, Json] = {
    "section with all": section("x" * 3000, accessory=button("Go", "go"), block_id="b" * 255),
    "section of fields": {"type": "section", "fields": [plain("x" * 2000), *[plain("x")] * 9]},
    "header": {"type": "header", "text": plain("x" * 150)},
    "divider": {"type": "divider"},
    "context": {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 10},
    "context picture": {
        "type": "context",
        "elements": [{"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a"}],
    },
    "25 buttons": actions(*(button("x" * 75, f"b{n}", value="v" * 2000) for n in range(25))),
    "asking button": actions(button("Go", "go", style="danger", confirm=CONFIRM)),
    "link button": actions(button("Go", "go", url="https://x.example")),
    "select": actions(static_select(100, placeholder=plain("Which"), initial_option=option(7))),
    "grouped select": actions(
        {"type": "static_select", "option_groups": [{"label": plain("g"), "options": [option(1)]}]}
    ),
    "people": actions({"type": "users_select", "initial_user": "UONCALL"}),
    "channels": actions(
        {"type": "channels_select"}, {"type": "conversations_select", "filter": {"include": ["public"]}}
    ),
    "several people": section("x", accessory={"type": "multi_users_select", "max_selected_items": 3}),
    "overflow": section("x", accessory={"type": "overflow", "options": [option(n) for n in range(5)]}),
    "date and time": actions(
        {"type": "datepicker", "initial_date": "2026-11-23"},
        {"type": "timepicker", "initial_time": "09:00", "timezone": "Europe/Berlin"},
        {"type": "datetimepicker", "initial_date_time": 1700000000},
    ),
    "choices": actions(
        {"type": "radio_buttons", "options": [option(n) for n in range(10)]},
        {"type": "checkboxes", "options": [option(1)], "initial_options": [option(1)]},
    ),
    "picture": {"type": "image", "image_url": "https://x.example/a.png", "alt_text": "a", "title": plain("t")},
    "input": inputs({"type": "plain_text_input", "multiline": True, "min_length": 1, "max_length": 3000}),
    "markdown": {"type": "markdown", "text": "x" * 12_000},
    "table": {"type": "table", "rows": [[SAID] * 20] * 100, "column_settings": [{"align": "right"}]},
    "rich text": {
        "type": "rich_text",
        "elements": [
            RICH,
            {"type": "rich_text_list", "style": "ordered", "elements": [RICH]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "trace"}]},
            {"type": "rich_text_quote", "elements": [{"type": "emoji", "name": "eyes"}]},
        ],
    },
}

REFUSED: dict[str, tuple[Json, str]] = {
    "no type": ({}, "missing required field: type [json-pointer:/blocks/0]"),
    "unknown type": ({"type": "video"}, "unsupported type: video [json-pointer:/blocks/0/type]"),
    "no text": ({"type": "section"}, "missing required field: text [json-pointer:/blocks/0]"),
    "empty text": (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    "long text": (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    "text is no object": (
        {"type": "section", "text": "x"},
        "must provide an object [json-pointer:/blocks/0/text]",
    ),
    "unknown key": (section("x", color="red"), "invalid additional property: color [json-pointer:/blocks/0]"),
    "emoji in mrkdwn": (
        {"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}},
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    "11 fields": (
        {"type": "section", "fields": [plain("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    "long field": (
        {"type": "section", "fields": [plain("x" * 2001)]},
        "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ),
    "mrkdwn header": (
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    "long header": (
        {"type": "header", "text": plain("x" * 151)},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    "11 in context": (
        {"type": "context", "elements": [plain("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ),
    "nothing in context": (
        {"type": "context", "elements": []},
        "must not be empty [json-pointer:/blocks/0/elements]",
    ),
    "button in context": (
        {"type": "context", "elements": [button("x", "x")]},
        "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
    ),
    "26 buttons": (
        actions(*(button("x", f"b{n}") for n in range(26))),
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    "same action_id": (
        actions(button("a", "x"), button("b", "x")),
        "action_id already exists: x [json-pointer:/blocks/0/elements/1/action_id]",
    ),
    "long action_id": (
        actions(button("a", "x" * 256)),
        "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ),
    "long button": (
        actions(button("x" * 76, "x")),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ),
    "long value": (
        actions(button("x", "x", value="v" * 2001)),
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    "empty value": (
        actions(button("x", "x", value="")),
        "must be more than 0 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    "number as value": (
        actions(button("x", "x", value=7)),
        "must provide a string [json-pointer:/blocks/0/elements/0/value]",
    ),
    "style": (
        actions(button("x", "x", style="warning")),
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    "style of nothing": (
        actions(button("x", "x", style=None)),
        "must not be null [json-pointer:/blocks/0/elements/0/style]",
    ),
    "confirm": (
        actions(button("x", "x", confirm={**CONFIRM, "title": plain("x" * 101)})),
        "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]",
    ),
    "half a confirm": (
        actions(button("x", "x", confirm={"title": plain("x"), "text": plain("x"), "confirm": plain("x")})),
        "missing required field: deny [json-pointer:/blocks/0/elements/0/confirm]",
    ),
    "101 options": (
        actions(static_select(101)),
        "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    "no options": (
        actions({"type": "static_select"}),
        "must provide exactly one of: options, option_groups [json-pointer:/blocks/0/elements/0]",
    ),
    "same options": (
        actions({"type": "static_select", "options": [option(1), option(1)]}),
        "options must have unique values [json-pointer:/blocks/0/elements/0/options]",
    ),
    "long option": (
        actions({"type": "static_select", "options": [option(1, "x" * 76)]}),
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ),
    "initial elsewhere": (
        actions(static_select(2, initial_option=option(9))),
        "initial option not found in options [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    "6 in overflow": (
        section("x", accessory={"type": "overflow", "options": [option(n) for n in range(6)]}),
        "no more than 5 items allowed [json-pointer:/blocks/0/accessory/options]",
    ),
    "11 checkboxes": (
        actions({"type": "checkboxes", "options": [option(n) for n in range(11)]}),
        "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    "multi in actions": (
        actions({"type": "multi_users_select"}),
        "unsupported type: multi_users_select [json-pointer:/blocks/0/elements/0/type]",
    ),
    "typing in actions": (
        actions({"type": "plain_text_input"}),
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    "button as input": (
        inputs(button("x", "x")),
        "unsupported type: button [json-pointer:/blocks/0/element/type]",
    ),
    "bad date": (
        actions({"type": "datepicker", "initial_date": "23.11.2026"}),
        "must match format: YYYY-MM-DD [json-pointer:/blocks/0/elements/0/initial_date]",
    ),
    "min over max": (
        inputs({"type": "plain_text_input", "min_length": 5, "max_length": 4}),
        "min_length must not be greater than max_length [json-pointer:/blocks/0/element]",
    ),
    "number without decimals said": (
        inputs({"type": "number_input"}),
        "missing required field: is_decimal_allowed [json-pointer:/blocks/0/element]",
    ),
    "file in a message": (
        inputs({"type": "file_input"}),
        "unsupported type: file_input [json-pointer:/blocks/0/element/type]",
    ),
    "picture without words": (
        {"type": "image", "image_url": "https://x.example/a.png"},
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    "picture from nowhere": (
        {"type": "image", "image_url": "a.png", "alt_text": "a"},
        "must be a valid URL [json-pointer:/blocks/0/image_url]",
    ),
    "picture of no file": (
        {"type": "image", "slack_file": {"id": "F404"}, "alt_text": "a"},
        "invalid slack file [json-pointer:/blocks/0/slack_file]",
    ),
    "two pictures": (
        {"type": "image", "image_url": "https://x.example", "slack_file": {"id": "F1"}, "alt_text": "a"},
        "must provide exactly one of: image_url, slack_file [json-pointer:/blocks/0]",
    ),
    "long markdown": (
        {"type": "markdown", "text": "x" * 12_001},
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    "ragged table": (
        {"type": "table", "rows": [[SAID], [SAID, SAID]]},
        "all rows must have the same number of cells [json-pointer:/blocks/0/rows]",
    ),
    "wide table": (
        {"type": "table", "rows": [[SAID] * 21]},
        "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]",
    ),
    "rich text style": (
        {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "dashes", "elements": [RICH]}]},
        "must be one of: bullet, ordered [json-pointer:/blocks/0/elements/0/style]",
    ),
}


@pytest.mark.parametrize("block", TAKEN.values(), ids=TAKEN.keys())
def test_a_block_within_the_limits_is_taken_and_left_as_it_is(block: Json) -> None:
    before = copy.deepcopy(block)
    message_blocks([block], known_file=lambda _: False)
    assert block == before


@pytest.mark.parametrize(("block", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_block_beyond_the_limits_is_refused_with_its_place(block: Json, problem: str) -> None:
    with pytest.raises(SlackError) as refused:
        message_blocks([block], known_file="F1".__eq__)
    assert refused.value.error == "invalid_blocks"
    assert problem in refused.value.more["errors"]
    assert f"[ERROR] {problem}" in refused.value.messages


def test_slacks_client_is_told_all_that_is_wrong_at_once(slack: SlackSandbox, client: WebClient) -> None:
    bad = [section("x" * 3001), {"type": "header", "text": plain("")}]
    answer = refusal(lambda: client.chat_postMessage(channel="COPS", text="x", blocks=bad))
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        "must be more than 0 characters [json-pointer:/blocks/1/text/text]",
    ]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {one}" for one in answer["errors"]]
    assert slack.channel("ops").messages == []


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 50, ""),
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([section("x" * 3000)] * 4, ""),
        ([section("x" * 3000)] * 4 + [section("x")], "msg_blocks_too_long"),
        ([section("x", block_id="a"), section("x", block_id="a")], "invalid_blocks"),
        ([actions(button("a", "go")), actions(button("b", "go"))], "invalid_blocks"),
        ([TAKEN["table"], TAKEN["table"]], "invalid_blocks"),
    ],
)
def test_a_whole_message_has_limits_of_its_own(blocks: list[Json], error: str) -> None:
    with pytest.raises(SlackError, match=f"^{error}") if error else nullcontext():
        message_blocks(blocks, known_file=lambda _: False)


def test_blocks_in_attachments_are_held_to_the_same(client: WebClient) -> None:
    attachment = {"fallback": "x", "blocks": [section("x" * 3001)]}
    answer = refusal(lambda: client.chat_postMessage(channel="COPS", text="x", attachments=[attachment]))
    assert answer["errors"] == ["must be less than 3001 characters [json-pointer:/attachments/0/blocks/0/text/text]"]


BAD_VIEWS: dict[str, tuple[Json, str]] = {
    "long title": (
        modal(title=plain("x" * 25)),
        "must be less than 25 characters [json-pointer:/view/title/text]",
    ),
    "no title": ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
    "no submit": (
        {"type": "modal", "title": plain("t"), "blocks": [text_input("a", "A")]},
        "must define `submit` to use an `input` block in modals [json-pointer:/view/submit]",
    ),
    "101 blocks": (
        modal(*[{"type": "divider"}] * 101),
        "no more than 100 items allowed [json-pointer:/view/blocks]",
    ),
    "long metadata": (
        modal(private_metadata="x" * 3001),
        "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ),
    "markdown": (
        modal({"type": "markdown", "text": "x"}),
        "unsupported type: markdown [json-pointer:/view/blocks/0/type]",
    ),
    "home": ({"type": "home", "blocks": []}, "unsupported type: home [json-pointer:/view/type]"),
    "two focused": (
        modal(
            text_input("a", "A", element={"focus_on_load": True}), text_input("b", "B", element={"focus_on_load": True})
        ),
        "only one element may have focus_on_load [json-pointer:/view/blocks/1/element/focus_on_load]",
    ),
    "unknown key": (modal(icon="x"), "invalid additional property: icon [json-pointer:/view]"),
}


@pytest.mark.parametrize(("given", "problem"), BAD_VIEWS.values(), ids=BAD_VIEWS.keys())
def test_a_view_beyond_the_limits_is_refused_with_its_place(given: Json, problem: str) -> None:
    with pytest.raises(SlackError) as refused:
        view(given, ("modal",), known_file=lambda _: False)
    assert refused.value.error == "invalid_arguments"
    assert f"[ERROR] {problem}" in refused.value.messages


def test_a_view_of_more_than_250_kb_is_too_large() -> None:
    with pytest.raises(SlackError, match="view_too_large"):
        view(modal(*[section("x" * 3000)] * 90), ("modal",), known_file=lambda _: False)
    assert view(modal(text_input("a", "A"), *[{"type": "divider"}] * 99), ("modal",), lambda _: False)
