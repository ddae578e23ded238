"""chat.*: who may say what where, what an update keeps, and whom it pings."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, client_of, refusal, section


def test_a_message_is_posted_as_the_bot_and_given_back(slack: SlackSandbox, client: WebClient) -> None:
    answer = client.chat_postMessage(channel="COPS", text="37 failed", blocks=[section("*37* failed")])
    message = slack.channel("ops").messages[-1]
    assert (answer["channel"], answer["ts"]) == ("COPS", message.ts)
    assert answer["message"]["bot_id"] == "BFIREWATCH"
    assert answer["message"]["blocks"][0]["block_id"]
    assert (message.user, message.text, message.shown) == ("UFIREWATCH", "37 failed", "*37* failed")


def test_ts_are_unique_and_grow_while_the_clock_stands_still(slack: SlackSandbox, client: WebClient) -> None:
    given = [client.chat_postMessage(channel="COPS", text=str(number))["ts"] for number in range(5)]
    assert given == sorted(given)
    assert len(set(given)) == 5
    assert [one.text for one in slack.channel("ops").messages] == list("01234")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "CNONE", "text": "x"}, "channel_not_found"),
        ({"channel": "COPS"}, "no_text"),
        ({"channel": "COPS", "text": "  "}, "no_text"),
        ({"channel": "COPS", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "COPS", "text": "x", "blocks": "not json"}, "invalid_blocks_format"),
        ({"channel": "COPS", "text": "x", "thread_ts": "1700000000.000100"}, "thread_not_found"),
        ({"channel": "COPS", "text": "x", "thread_ts": "1700000000.1"}, "invalid_arguments"),
        ({"channel": "COPS", "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"channel": "COPS", "text": "x", "metadata": "nonsense"}, "invalid_metadata_format"),
        (
            {"channel": "COPS", "text": "x", "metadata": {"event_type": "a", "event_payload": {"a": "b" * 20_000}}},
            "metadata_too_large",
        ),
    ],
)
def test_what_cannot_be_posted_leaves_nothing_behind(
    slack: SlackSandbox, client: WebClient, arguments: dict[str, Any], error: str
) -> None:
    assert refusal(lambda: client.api_call("chat.postMessage", json=arguments))["error"] == error
    assert slack.channel("ops").history == []


def test_a_public_channel_takes_words_from_outside_only_with_the_scope(slack: SlackSandbox, client: WebClient) -> None:
    client.chat_postMessage(channel="CGENERAL", text="hello")
    assert slack.channel("general").messages[-1].text == "hello"
    narrow = {"oauth_config": {"scopes": {"bot": ["chat:write"]}}}
    with SlackSandbox(manifest=narrow) as strict:
        refused = refusal(lambda: client_of(strict).chat_postMessage(channel="CGENERAL", text="hello"))
        assert refused["error"] == "not_in_channel"


def test_a_private_channel_without_the_bot_does_not_exist_for_it(slack: SlackSandbox, client: WebClient) -> None:
    secret = slack.lead.creates("war-room", private=True)
    assert refusal(lambda: client.chat_postMessage(channel=secret.id, text="x"))["error"] == "channel_not_found"
    slack.lead.invites("war-room", "firewatch")
    assert client.chat_postMessage(channel=secret.id, text="x")["ok"]


def test_an_archived_channel_takes_no_words_and_no_edits(slack: SlackSandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="COPS", text="before")["ts"]
    slack.lead.archives("ops")
    assert refusal(lambda: client.chat_postMessage(channel="COPS", text="x"))["error"] == "is_archived"
    assert refusal(lambda: client.chat_update(channel="COPS", ts=ts, text="x"))["error"] == "is_inactive"


def test_a_message_to_a_person_opens_their_direct_channel(slack: SlackSandbox, client: WebClient) -> None:
    answer = client.chat_postMessage(channel="UONCALL", text="your turn")
    assert answer["channel"].startswith("D")
    assert slack.oncall.sees(answer["channel"])[-1].text == "your turn"
    again = client.conversations_open(users="UONCALL")
    assert again["channel"]["id"] == answer["channel"]


@pytest.mark.parametrize(
    ("text", "pinged"),
    [
        ("<!channel> look", ("channel",)),
        ("<!here|here> <!everyone>", ("here", "everyone")),
        ("<@UONCALL> and <@UONCALL|noor> and <@ULEAD>", ("UONCALL", "ULEAD")),
        ("<!subteam^SONCALL> <!subteam^SLEADS|@leads>", ("group:SONCALL", "group:SLEADS")),
        ("&lt;!channel&gt; @channel <#COPS>", ()),
        ("<!date^1700000000^{time}|14:00>", ()),
    ],
)
def test_a_message_knows_whom_it_pings(
    slack: SlackSandbox, client: WebClient, text: str, pinged: tuple[str, ...]
) -> None:
    client.chat_postMessage(channel="COPS", text=text)
    client.chat_postMessage(channel="COPS", text="x", blocks=[section(text)])
    plain = {"type": "section", "text": {"type": "plain_text", "text": text}}
    client.chat_postMessage(channel="COPS", text="x", blocks=[plain])
    client.chat_postMessage(channel="COPS", text="x", attachments=[{"text": text, "fallback": "f"}])
    assert [one.pings for one in slack.channel("ops").messages] == [pinged, pinged, (), pinged]


def test_rich_text_and_linked_names_ping_too(slack: SlackSandbox, client: WebClient) -> None:
    elements = [{"type": "user", "user_id": "ULEAD"}, {"type": "broadcast", "range": "here"}]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
    client.chat_postMessage(channel="COPS", text="x", blocks=[rich])
    client.chat_postMessage(channel="COPS", text="@noor @oncall @here @nobody", link_names=True)
    first, second = slack.channel("ops").messages
    assert first.pings == ("ULEAD", "here")
    assert second.pings == ("UONCALL", "group:SONCALL", "here")


def test_metadata_is_kept_and_shown_only_when_asked_for(client: WebClient) -> None:
    metadata = {"event_type": "firewatch_reply", "event_payload": {"key": "abc", "n": 1}}
    ts = client.chat_postMessage(channel="COPS", text="x", metadata=metadata)["ts"]
    asked = client.conversations_history(channel="COPS", include_all_metadata=True)["messages"][0]
    assert asked["metadata"] == metadata
    assert "metadata" not in client.conversations_history(channel="COPS")["messages"][0]
    client.chat_update(channel="COPS", ts=ts, text="y")
    replies = client.conversations_replies(channel="COPS", ts=ts, include_all_metadata=True)["messages"]
    assert replies[0]["metadata"] == metadata


def test_an_update_with_text_alone_takes_the_blocks_away(slack: SlackSandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="COPS", text="one", blocks=[section("one")])["ts"]
    client.api_call("chat.update", json={"channel": "COPS", "ts": ts, "blocks": [section("two")]})
    message = slack.channel("ops").messages[-1]
    assert (message.text, message.shown, message.edited_at) == ("one", "two", "")
    client.chat_update(channel="COPS", ts=ts, text="three")
    message = slack.now_of(message)
    assert (message.text, message.blocks, bool(message.edited_at)) == ("three", (), True)
    assert [one.text for one in message.versions] == ["one", "one"]


def test_only_the_bots_own_words_can_be_changed(slack: SlackSandbox, client: WebClient) -> None:
    said = slack.oncall.says("ops", "mine").message
    assert said is not None
    assert refusal(lambda: client.chat_update(channel="COPS", ts=said.ts, text="x"))["error"] == "cant_update_message"
    assert refusal(lambda: client.chat_delete(channel="COPS", ts=said.ts))["error"] == "cant_delete_message"
    missing = refusal(lambda: client.chat_update(channel="COPS", ts="1.000000", text="x"))
    assert missing["error"] == "message_not_found"
    long = client.chat_postMessage(channel="COPS", text="short")["ts"]
    too_long = refusal(lambda: client.chat_update(channel="COPS", ts=long, text="x" * 4001))
    assert too_long["error"] == "msg_too_long"


def test_an_ephemeral_is_seen_by_one_and_found_by_nothing(slack: SlackSandbox, client: WebClient) -> None:
    ts = client.chat_postEphemeral(channel="COPS", user="UONCALL", text="for you")["message_ts"]
    assert [one.text for one in slack.oncall.sees("ops")] == ["for you"]
    assert slack.lead.sees("ops") == []
    assert client.conversations_history(channel="COPS")["messages"] == []
    assert refusal(lambda: client.chat_update(channel="COPS", ts=ts, text="x"))["error"] == "message_not_found"
    assert refusal(lambda: client.chat_delete(channel="COPS", ts=ts))["error"] == "message_not_found"
    slack.oncall.reloads()
    assert slack.oncall.sees("ops") == []


@pytest.mark.parametrize(
    ("channel", "user", "error"),
    [
        ("CGENERAL", "UONCALL", "not_in_channel"),
        ("COPS", "UNOBODY", "user_not_found"),
        ("CNONE", "UONCALL", "channel_not_found"),
    ],
)
def test_an_ephemeral_needs_both_in_the_channel(
    slack: SlackSandbox, client: WebClient, channel: str, user: str, error: str
) -> None:
    assert refusal(lambda: client.chat_postEphemeral(channel=channel, user=user, text="x"))["error"] == error
    slack.guest.leaves("ops")
    out = refusal(lambda: client.chat_postEphemeral(channel="COPS", user="UGUEST", text="x"))
    assert out["error"] == "user_not_in_channel"


def test_a_thread_hangs_under_its_head_and_a_reply_leads_to_it(slack: SlackSandbox, client: WebClient) -> None:
    head = client.chat_postMessage(channel="COPS", text="head")["ts"]
    reply = client.chat_postMessage(channel="COPS", text="first", thread_ts=head)["ts"]
    client.chat_postMessage(channel="COPS", text="second", thread_ts=reply)
    client.chat_postMessage(channel="COPS", text="aloud", thread_ts=head, reply_broadcast=True)
    assert [one.text for one in slack.channel("ops").thread(head)] == ["first", "second", "aloud"]
    thread = client.conversations_replies(channel="COPS", ts=head)["messages"]
    assert [one["text"] for one in thread] == ["head", "first", "second", "aloud"]
    assert (thread[0]["reply_count"], thread[1]["parent_user_id"]) == (3, "UFIREWATCH")
    assert [one["text"] for one in client.conversations_history(channel="COPS")["messages"]] == ["aloud", "head"]
    assert client.chat_getPermalink(channel="COPS", message_ts=reply)["permalink"].endswith(
        f"/archives/COPS/p{reply.replace('.', '')}?thread_ts={head}&cid=COPS"
    )


def test_a_deleted_head_leaves_a_stone_and_a_deleted_reply_nothing(slack: SlackSandbox, client: WebClient) -> None:
    head = client.chat_postMessage(channel="COPS", text="head")["ts"]
    reply = client.chat_postMessage(channel="COPS", text="reply", thread_ts=head)["ts"]
    client.chat_delete(channel="COPS", ts=head)
    left = client.conversations_history(channel="COPS")["messages"]
    assert [(one["subtype"], one["text"]) for one in left] == [("tombstone", "This message was deleted.")]
    client.chat_delete(channel="COPS", ts=reply)
    assert [one.text for one in slack.channel("ops").messages] == []


def test_history_is_newest_first_between_two_times_and_in_pages(
    slack: SlackSandbox, client: WebClient, clock: Clock
) -> None:
    given = []
    for number in range(5):
        clock.passes(10)
        given.append(client.chat_postMessage(channel="COPS", text=str(number))["ts"])

    def texts(**window: Any) -> str:
        return "".join(one["text"] for one in client.conversations_history(channel="COPS", **window)["messages"])

    assert texts() == "43210"
    assert texts(oldest=given[1]) == "432"
    assert texts(oldest=given[1], latest=given[3], inclusive=True) == "321"
    pages = [page["messages"] for page in client.conversations_history(channel="COPS", limit=2)]
    assert [len(one) for one in pages] == [2, 2, 1]
    outside = refusal(lambda: client.conversations_history(channel="CGENERAL"))
    assert outside["error"] == "not_in_channel"
