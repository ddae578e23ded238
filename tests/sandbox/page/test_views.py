"""Block Kit on the page: each kind of block and element, and what a person can do with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.blocks import Message
from tests.sandbox.pages import Browser, Night, a_night
from tests.sandbox.slacks import actions, button, client_of, modal, section, text_input


@pytest.fixture(scope="module")
def night(redis_server: str) -> Iterator[Night]:
    with a_night(redis_server) as made:
        yield made


@pytest.fixture(scope="module")
def client(night: Night) -> WebClient:
    return client_of(night.slack)


def drawn(night: Night, client: WebClient, *blocks: dict[str, Any], me: str = "noor") -> str:
    """A message of the bot's with these blocks, as that person sees it."""
    posted = client.chat_postMessage(channel="COPS", text="fallback", blocks=list(blocks))
    return seen(night, night.slack.workspace.message("COPS", str(posted["ts"])), me)


def seen(night: Night, message: Message, me: str = "noor") -> str:
    return str(night.views.message(night.slack.user(me), night.slack.channel("COPS"), message))


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def test_the_coloured_buttons_are_told_apart_and_say_what_they_do(night: Night, client: WebClient) -> None:
    html = drawn(
        night,
        client,
        actions(button("Go", "go", style="primary"), button("Drop", "drop", style="danger"), button("Look", "look")),
    )
    assert re.search(r'class="button primary"[^>]*hx-vals=\'{"action": "go"}\'[^>]*>Go<', html)
    assert re.search(r'class="button danger"[^>]*>Drop<', html)
    assert re.search(r'class="button "[^>]*>Look<', html)


def test_a_button_that_asks_first_carries_its_question(night: Night, client: WebClient) -> None:
    question = {"title": plain("Sure?"), "text": plain("It's gone then"), "confirm": plain("Yes"), "deny": plain("No")}
    html = drawn(night, client, actions(button("Drop", "drop", confirm=question)))
    assert "data-confirm=" in html
    assert "It\\u0026#39;s gone then" in html or "It\\u0027s gone then" in html


def test_a_button_with_an_address_is_a_link_that_is_pressed_too(night: Night, client: WebClient) -> None:
    html = drawn(night, client, actions(button("Docs", "docs", url="https://docs.example/a")))
    assert re.search(r'<a class="button [^>]*href="https://docs.example/a"[^>]*data-press="/as/noor/press"', html)


def test_selects_offer_their_options_people_and_channels(night: Night, client: WebClient) -> None:
    html = drawn(
        night,
        client,
        actions(
            {
                "type": "static_select",
                "action_id": "one",
                "placeholder": plain("Pick"),
                "options": [option("A", "a"), option("B", "b")],
                "initial_option": option("B", "b"),
            },
            {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
            {"type": "channels_select", "action_id": "where"},
            {"type": "overflow", "action_id": "more", "options": [option("Later", "later")]},
        ),
    )
    assert '<option value="b" selected>B</option>' in html
    assert '<option value="ULEAD">Linnea Berg</option>' in html
    assert '<option value="COPS">#ops</option>' in html
    assert re.search(r'hx-vals=\'{"action": "more", "choice": "later"}\'[^>]*>Later<', html)


def test_option_groups_keep_their_labels(night: Night, client: WebClient) -> None:
    groups = [{"label": plain("Hot"), "options": [option("A", "a")]}]
    html = drawn(night, client, actions({"type": "static_select", "action_id": "one", "option_groups": groups}))
    assert '<optgroup label="Hot">' in html


def test_fields_context_headers_dividers_and_tables_are_drawn(night: Night, client: WebClient) -> None:
    html = drawn(
        night,
        client,
        {"type": "header", "text": plain("Depth")},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Depth*\n412"}, plain("57")]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "small _print_"}]},
        {
            "type": "table",
            "rows": [
                [{"type": "raw_text", "text": "queue"}, {"type": "raw_text", "text": "depth"}],
                [{"type": "raw_text", "text": "<repost>"}, {"type": "raw_number", "value": 9}],
            ],
            "column_settings": [{}, {"align": "right"}],
        },
        {"type": "markdown", "text": "# Plan\n\n- one"},
    )
    assert '<h3 class="header">Depth</h3>' in html
    assert "<strong>Depth</strong><br>412" in html
    assert "<hr>" in html
    assert "small <em>print</em>" in html
    assert '<th class="right">depth</th>' in html
    assert '<td class="left">&lt;repost&gt;</td>' in html
    assert '<td class="right">9</td>' in html
    assert "<h3>Plan</h3><ul><li>one</li></ul>" in html


def test_checkboxes_and_radio_buttons_are_a_named_group(night: Night, client: WebClient) -> None:
    html = drawn(
        night,
        client,
        section(
            "Which",
            accessory={
                "type": "checkboxes",
                "action_id": "which",
                "options": [option("A", "a"), option("B", "b")],
                "initial_options": [option("A", "a")],
            },
        ),
    )
    assert '<legend class="hidden">Choose</legend>' in html
    assert re.search(r'type="checkbox"[^>]*value="a" checked', html)


def test_an_ephemeral_message_says_so_and_can_be_dismissed(night: Night, client: WebClient) -> None:
    posted = client.chat_postEphemeral(channel="COPS", user="UGUEST", text="Not done: <@UONCALL> may")
    html = seen(night, night.slack.channel("COPS").hidden[str(posted["message_ts"])], "tomas")
    assert "Only visible to you" in html
    assert "Dismiss" in html
    assert "React with a pin" not in html


def test_a_message_that_pings_the_reader_is_marked_for_them_alone(night: Night, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="COPS", text="<@ULEAD> please look")
    message = night.slack.workspace.message("COPS", str(posted["ts"]))
    assert re.search(r'class="message[^"]* pings', seen(night, message, "linnea"))
    assert not re.search(r'class="message[^"]* pings', seen(night, message, "noor"))


def test_what_people_typed_is_never_markup(night: Night) -> None:
    said = night.slack.oncall.says("ops", "<script>alert(1)</script> 'x' \"y\"").message
    assert said is not None
    html = seen(night, said)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_form_shows_what_is_wrong_beside_the_field_and_tells_a_screen_reader(night: Night) -> None:
    from bot.sandbox.slack import modals

    me = night.slack.user("noor")
    body = modal(
        text_input("title", "Title", hint=plain("a few words"), element={"max_length": 150}),
        text_input("why", "Why", optional=True, element={"multiline": True, "initial_value": "because"}),
    )
    view = modals.show(night.slack.workspace, me.id, body)
    view = modals.show_errors(night.slack.workspace, view, {"title": "Too long by 9."})
    html = str(night.views.modal(me, view))
    modals.close(night.slack.workspace, me.id)
    at = f"v-{view.id}-title"
    assert f'<label for="{at}">Title</label>' in html
    assert re.search(rf'id="{at}"[^>]*maxlength="150"[^>]*aria-describedby="{at}-hint {at}-wrong"', html)
    assert 'aria-invalid="true"' in html
    assert f'id="{at}-wrong" role="alert">Too long by 9.</p>' in html
    assert ">because</textarea>" in html
    assert "<small>optional</small>" in html


def test_files_and_pictures_are_shown_with_their_size_and_first_lines(night: Night, client: WebClient) -> None:
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (320).to_bytes(4, "big") + b"\x08"
    client.files_upload_v2(channel="COPS", filename="ids.tsv", title="Jobs", content="a\tb\n" * 20)
    client.files_upload_v2(
        channel="COPS", filename="depth.png", title="Depth", content=png, alt_txt="Depth over an hour"
    )
    *_, text, image = night.slack.channel("COPS").messages
    assert "and 8 more lines" in seen(night, text)
    assert 'alt="Depth over an hour" width="640" height="320"' in seen(night, image)
    with Browser(night) as browser:
        shown = browser.get(f"/file/{image.files[0].id}")
        kept = browser.get(f"/file/{text.files[0].id}")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"].startswith("inline")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert kept.headers["x-content-type-options"] == "nosniff"


def test_a_permalink_of_the_workspace_leads_to_the_message_on_the_page(night: Night, client: WebClient) -> None:
    posted = client.chat_postMessage(channel="COPS", text="here")
    link = client.chat_getPermalink(channel="COPS", message_ts=str(posted["ts"]))["permalink"]
    html = drawn(night, client, section(f"<{link}|that one>"))
    at = str(posted["ts"]).replace(".", "-")
    assert f'<a href="/as/noor/in/COPS#m-COPS-{at}">that one</a>' in html
