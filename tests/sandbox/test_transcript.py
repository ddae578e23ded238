"""A channel as text: tokens resolved, buttons as [Button], ephemerals marked, threads indented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.blocktext import Names, lines, mrkdwn_as_text
from bot.sandbox.slack.modals import show_errors
from bot.sandbox.slack.server import SlackSandbox
from bot.sandbox.transcript import Transcript, size
from tests.sandbox.slacks import Clock, actions, button, client_of, modal, section, text_input

NAMES = Names(
    user={"U1": "Noor Haddad"}.__getitem__, channel={"C1": "ops"}.__getitem__, group={"S1": "oncall"}.__getitem__
)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("<@U1> and <@U1|noor>", "@Noor Haddad and @Noor Haddad"),
        ("<!subteam^S1> in <#C1|ops>", "@oncall in #ops"),
        ("<!channel> <!here|here>", "@channel @here"),
        ("<https://x.example/?a=1&amp;b=2>", "https://x.example/?a=1&b=2"),
        ("<https://x.example|the log>", "the log (https://x.example)"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example (mailto:a@b.example)"),
        ("a &lt;!channel&gt; &amp; b", "a <!channel> & b"),
        ("<!date^1700000000^{date_short_pretty} at {time}|soon>", "Nov 14, 2023 at 22:13"),
        ("<!date^1700000000^{date_num} {time_secs}^https://x.example|soon>", "2023-11-14 22:13:20"),
        ("<!date^1700000000^{ago}|soon>", "2023-11-14 22:13"),
        ("<!date^1700000000^{fortnight}|soon &amp; late>", "soon & late"),
        ("<!date^when^{time}|soon>", "soon"),
        (":red_circle: :no_such_sign:", "🔴 :no_such_sign:"),
    ],
)
def test_a_token_is_shown_as_what_it_stands_for(said: str, seen: str) -> None:
    assert mrkdwn_as_text(said, NAMES) == seen


def raw(text: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value), "value": value}


def rich(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(parts)}


def rich_section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


SHOWN: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "header", "text": plain("Uploads failing")}, ["Uploads failing"]),
    (section("*37* jobs", accessory=button("Runbook", "r")), ["*37* jobs", "[Runbook]"]),
    (
        {"type": "section", "fields": [plain("Depth\n412"), plain("Workers\n3 of 8"), plain("Oldest")]},
        ["Depth               Workers", "412                 3 of 8", "Oldest"],
    ),
    ({"type": "context", "elements": [plain("ref 1"), {"type": "mrkdwn", "text": "<@U1>"}]}, ["ref 1 · @Noor Haddad"]),
    ({"type": "divider"}, ["─" * 40]),
    (actions(button("Replay", "a"), button("Stop", "b", style="danger")), ["[Replay]  [Stop]"]),
    (
        actions(
            {"type": "static_select", "placeholder": plain("Queue"), "options": [option("a")]},
            {"type": "overflow", "options": [option("show"), option("drop")]},
        ),
        ["[Queue ▾]  [⋯ show / drop]"],
    ),
    (
        actions({"type": "checkboxes", "options": [option("a"), option("b")], "initial_options": [option("b")]}),
        ["☐ a  ☑ b"],
    ),
    (actions({"type": "radio_buttons", "options": [option("a")], "initial_option": option("a")}), ["● a"]),
    (actions({"type": "datepicker", "initial_date": "2026-11-23"}), ["[2026-11-23 ▾]"]),
    (text_input("why", "Why", optional=True, hint=plain("One line")), ["Why (optional): [____]", "  One line"]),
    (
        {"type": "image", "image_url": "https://x", "alt_text": "depth", "title": plain("1 h")},
        ["(picture: depth · 1 h)"],
    ),
    ({"type": "markdown", "text": "**a**\n- b"}, ["**a**", "- b"]),
    (
        {
            "type": "table",
            "rows": [[raw("cause"), raw("n")], [raw("token"), raw("31")]],
            "column_settings": [{"align": "left"}, {"align": "right"}],
        },
        ["cause │  n", "token │ 31"],
    ),
    (
        rich(
            rich_section({"type": "user", "user_id": "U1"}, {"type": "text", "text": " said"}),
            {"type": "rich_text_list", "style": "ordered", "elements": [rich_section({"type": "text", "text": "one"})]},
            {"type": "rich_text_quote", "elements": [{"type": "broadcast", "range": "here"}]},
        ),
        ["@Noor Haddad said", "1. one", "▌ @here"],
    ),
    (section("word " * 10), ["word word word word word word word word", "word word"]),
]


@pytest.mark.parametrize(("block", "seen"), SHOWN, ids=lambda one: one.get("type") if isinstance(one, dict) else "")
def test_a_block_is_shown_as_lines(block: dict[str, Any], seen: list[str]) -> None:
    assert list(lines([block], NAMES, width=40)) == seen


@pytest.fixture
def slack(clock: Clock) -> Iterator[SlackSandbox]:
    clock.at = 1_700_000_000
    with SlackSandbox(manifest={}, rate_limits="off", now=clock) as running:
        yield running


def told(slack: SlackSandbox, **how: Any) -> list[str]:
    return Transcript(slack.workspace, width=60).channel("ops", **how).splitlines()[2:]


def test_a_channel_reads_as_a_person_sees_it(slack: SlackSandbox, client: WebClient, clock: Clock) -> None:
    typed = slack.oncall.types("ops", "/jobs failed").wait()
    clock.passes(60)
    ts = client.chat_postMessage(
        channel="COPS", text="x", blocks=[section("31 failed"), actions(button("Replay", "r"))]
    )
    card = slack.channel("ops").messages[-1]
    slack.oncall.says("ops", "@linnea look")
    client.chat_postMessage(channel="COPS", text="details & more", thread_ts=ts["ts"])
    client.chat_postEphemeral(channel="COPS", user="UGUEST", text="Not for you")
    client.chat_update(channel="COPS", ts=ts["ts"], text="0 failed")
    slack.lead.reacts(card, "pushpin")
    slack.lead.pins(card)
    client.files_upload_v2(channel="COPS", filename="ids.txt", content="x" * 2500, title="Ids")
    slack.lead.archives("ops")
    assert typed.error == "dispatch_failed"
    assert told(slack, acts=[typed]) == [
        "────────────────────────────────────────────────────────────",
        "22:13  ▸ Noor Haddad types /jobs failed  (dispatch_failed)",
        "22:13  Slackbot  APP  (only Noor Haddad sees this)",
        "       /jobs failed with the error “dispatch_failed”",
        "22:14  firewatch  APP  (edited)  📌 Linnea Berg",
        "       0 failed",
        "       📌 1",
        "    │ 22:14  firewatch  APP",
        "    │        details & more",
        "22:14  Noor Haddad",
        "       @Linnea Berg look",
        "22:14  firewatch  APP  (only Tomas Reyes sees this)",
        "       Not for you",
        "22:14  firewatch  APP",
        "       (file: ids.txt · Ids, 2.5 kB)",
        "22:14  — Linnea Berg archived the channel",
    ]


def test_one_persons_view_leaves_out_what_others_alone_see(slack: SlackSandbox, client: WebClient) -> None:
    client.chat_postEphemeral(channel="COPS", user="UONCALL", text="for Noor")
    client.chat_postEphemeral(channel="COPS", user="ULEAD", text="for Linnea")
    seen = "\n".join(told(slack, seen_by="noor"))
    assert "for Noor" in seen
    assert "for Linnea" not in seen


def test_topic_bookmarks_and_pins_stand_above(slack: SlackSandbox, client: WebClient) -> None:
    client.conversations_setTopic(channel="COPS", topic="sev2 · <@UONCALL> leads")
    client.bookmarks_add(channel_id="COPS", title="Status", type="link", link="https://s.example")
    text = Transcript(slack.workspace, width=60).channel("ops")
    assert text.splitlines()[:3] == ["#ops", "sev2 · @Noor Haddad leads", "🔖 Status (https://s.example)"]


def test_a_form_is_shown_with_its_buttons_and_what_was_wrong(slack: SlackSandbox, client: WebClient) -> None:
    form = modal(text_input("why", "Why"), close=plain("Cancel"))
    client.views_open(trigger_id=slack.tickets.trigger("UONCALL"), view=form)
    view = slack.open_view("noor")
    assert view is not None
    view = show_errors(slack.workspace, view, {"why": "Say more."})
    assert Transcript(slack.workspace).view(view) == ("┌ A form\n│ Why: [____]\n│   ! Say more.\n└ [Cancel]  [Send]\n")


def test_presses_and_forms_are_told_among_the_messages(slack: SlackSandbox) -> None:
    client = client_of(slack)
    client.chat_postMessage(channel="COPS", text="x", blocks=[actions(button("Replay", "r"))])
    pressed = slack.oncall.presses(slack.channel("ops").messages[-1], "Replay").wait()
    client.views_open(trigger_id=slack.tickets.trigger("UONCALL"), view=modal(section("x")))
    view = slack.open_view("noor")
    assert view is not None
    sent = slack.oncall.submits(view).wait()
    transcript = Transcript(slack.workspace)
    assert transcript.act(pressed) == "22:13  ▸ Noor Haddad presses [Replay]  (dispatch_failed)"
    assert transcript.act(sent) == "22:13  ▸ Noor Haddad sends the form “A form”  (dispatch_failed)"


@pytest.mark.parametrize(("count", "said"), [(999, "999 B"), (2_500, "2.5 kB"), (1_250_000, "1.2 MB")])
def test_a_size_is_said_in_its_unit(count: int, said: str) -> None:
    assert size(count) == said
