"""conversations.*, pins.*, bookmarks.*, reactions.*: what channels allow and how they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import refusal


@pytest.fixture
def incident(client: WebClient) -> str:
    """The id of a channel the bot made."""
    return str(client.conversations_create(name="inc-1-uploads")["channel"]["id"])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("Inc-1", "invalid_name_specials"),
        ("inc 1", "invalid_name_specials"),
        ("inc.1", "invalid_name_specials"),
        ("x" * 81, "invalid_name_maxlength"),
        ("---", "invalid_name_punctuation"),
        ("ops", "name_taken"),
    ],
)
def test_a_name_slack_would_not_take_is_refused_by_its_reason(client: WebClient, name: str, error: str) -> None:
    assert refusal(lambda: client.conversations_create(name=name))["error"] == error


def test_the_name_of_an_archived_channel_stays_taken(client: WebClient, incident: str) -> None:
    client.conversations_archive(channel=incident)
    assert refusal(lambda: client.conversations_create(name="inc-1-uploads"))["error"] == "name_taken"
    assert refusal(lambda: client.conversations_archive(channel=incident))["error"] == "already_archived"
    client.conversations_unarchive(channel=incident)
    assert client.conversations_info(channel=incident)["channel"]["is_archived"] is False
    assert refusal(lambda: client.conversations_unarchive(channel=incident))["error"] == "not_archived"


def test_a_channel_the_bot_made_has_the_bot_in_it(client: WebClient, incident: str) -> None:
    shown = client.conversations_info(channel=incident, include_num_members=True)["channel"]
    assert (shown["is_member"], shown["creator"], shown["num_members"]) == (True, "UFIREWATCH", 1)


def test_people_are_invited_and_each_refusal_names_its_person(client: WebClient, incident: str) -> None:
    client.conversations_invite(channel=incident, users="UONCALL,ULEAD")
    assert client.conversations_members(channel=incident)["members"] == ["UFIREWATCH", "UONCALL", "ULEAD"]
    again = refusal(lambda: client.conversations_invite(channel=incident, users="UONCALL,UGUEST"))
    assert again["error"] == "already_in_channel"
    assert again["errors"] == [{"user": "UONCALL", "ok": False, "error": "already_in_channel"}]
    assert "UGUEST" not in client.conversations_members(channel=incident)["members"]
    forced = client.conversations_invite(channel=incident, users="UONCALL,UGUEST", force=True)
    assert forced["errors"] == again["errors"]
    assert "UGUEST" in client.conversations_members(channel=incident)["members"]


@pytest.mark.parametrize(("users", "error"), [("UFIREWATCH", "cant_invite_self"), ("UNONE", "user_not_found")])
def test_who_cannot_be_invited_is_named(client: WebClient, incident: str, users: str, error: str) -> None:
    assert refusal(lambda: client.conversations_invite(channel=incident, users=users))["error"] == error


def test_a_channel_is_joined_before_it_is_changed(slack: SlackSandbox, client: WebClient) -> None:
    assert refusal(lambda: client.conversations_setTopic(channel="CGENERAL", topic="x"))["error"] == "not_in_channel"
    client.conversations_join(channel="CGENERAL")
    client.conversations_setTopic(channel="CGENERAL", topic="sev2")
    assert slack.channel("general").topic == "sev2"
    assert client.conversations_join(channel="CGENERAL")["warning"] == "already_in_channel"
    lines = [one.subtype for one in slack.channel("general").history]
    assert lines == ["channel_join", "channel_topic"]
    assert slack.channel("general").messages == []


def test_a_topic_of_251_characters_is_too_long(client: WebClient) -> None:
    client.conversations_setTopic(channel="COPS", topic="x" * 250)
    assert refusal(lambda: client.conversations_setTopic(channel="COPS", topic="x" * 251))["error"] == "too_long"


def test_a_rename_keeps_the_old_name_in_mind(client: WebClient, incident: str) -> None:
    shown = client.conversations_rename(channel=incident, name="inc-1-instagram")["channel"]
    assert (shown["name"], shown["previous_names"]) == ("inc-1-instagram", ["inc-1-uploads"])
    assert refusal(lambda: client.conversations_rename(channel="COPS", name="x"))["error"] == "not_authorized"


@pytest.mark.parametrize(
    "call",
    [
        lambda c, where: c.conversations_setTopic(channel=where, topic="x"),
        lambda c, where: c.conversations_invite(channel=where, users="UONCALL"),
        lambda c, where: c.conversations_rename(channel=where, name="other"),
        lambda c, where: c.conversations_join(channel=where),
    ],
)
def test_an_archived_channel_stays_as_it_is(
    client: WebClient, incident: str, call: Callable[[WebClient, str], Any]
) -> None:
    client.conversations_archive(channel=incident)
    assert refusal(lambda: call(client, incident))["error"] == "is_archived"


def test_people_direct_are_listed_only_by_their_kind(client: WebClient, slack: SlackSandbox) -> None:
    client.conversations_open(users="UONCALL")
    assert {one["name"] for one in client.conversations_list()["channels"]} == {"ops", "general"}
    assert [one["id"] for one in client.users_conversations(user="UONCALL")["channels"]] == ["COPS", "CGENERAL"]
    assert refusal(lambda: client.conversations_open(users="UNONE"))["error"] == "user_not_found"
    assert refusal(lambda: client.conversations_list(types="rooms"))["error"] == "invalid_types"


def test_a_pin_holds_once_and_is_listed(client: WebClient, slack: SlackSandbox) -> None:
    ts = client.chat_postMessage(channel="COPS", text="summary")["ts"]
    client.pins_add(channel="COPS", timestamp=ts)
    assert refusal(lambda: client.pins_add(channel="COPS", timestamp=ts))["error"] == "already_pinned"
    items = client.pins_list(channel="COPS")["items"]
    assert [(one["message"]["ts"], one["created_by"]) for one in items] == [(ts, "UFIREWATCH")]
    assert [one.ts for one in slack.channel("ops").pinned] == [ts]
    client.pins_remove(channel="COPS", timestamp=ts)
    assert refusal(lambda: client.pins_remove(channel="COPS", timestamp=ts))["error"] == "no_pin"
    missing = refusal(lambda: client.pins_add(channel="COPS", timestamp="1.000000"))
    assert missing["error"] == "message_not_found"


def test_a_reaction_is_given_once_by_each(client: WebClient, slack: SlackSandbox) -> None:
    ts = client.chat_postMessage(channel="COPS", text="x")["ts"]
    client.reactions_add(channel="COPS", timestamp=ts, name="eyes")
    slack.oncall.reacts(slack.channel("ops").messages[-1], "eyes")
    assert (
        refusal(lambda: client.reactions_add(channel="COPS", timestamp=ts, name="eyes"))["error"] == "already_reacted"
    )
    shown = client.reactions_get(channel="COPS", timestamp=ts)["message"]["reactions"]
    assert shown == [{"name": "eyes", "users": ["UFIREWATCH", "UONCALL"], "count": 2}]
    client.reactions_remove(channel="COPS", timestamp=ts, name="eyes")
    gone = refusal(lambda: client.reactions_remove(channel="COPS", timestamp=ts, name="eyes"))
    assert gone["error"] == "no_reaction"
    assert refusal(lambda: client.reactions_add(channel="COPS", timestamp=ts, name="a b"))["error"] == "invalid_name"


def test_a_bookmark_is_added_edited_listed_and_removed(client: WebClient) -> None:
    link = "https://status.example/1"
    made = client.bookmarks_add(channel_id="COPS", title="Status", type="link", link=link)["bookmark"]
    edited = client.bookmarks_edit(channel_id="COPS", bookmark_id=made["id"], title="Status page")["bookmark"]
    assert (edited["title"], edited["link"]) == ("Status page", link)
    assert [one["id"] for one in client.bookmarks_list(channel_id="COPS")["bookmarks"]] == [made["id"]]
    client.bookmarks_remove(channel_id="COPS", bookmark_id=made["id"])
    assert client.bookmarks_list(channel_id="COPS")["bookmarks"] == []
    gone = refusal(lambda: client.bookmarks_remove(channel_id="COPS", bookmark_id=made["id"]))
    assert gone["error"] == "not_found"
    bad = refusal(lambda: client.bookmarks_add(channel_id="COPS", title="t", type="link", link="nowhere"))
    assert bad["error"] == "invalid_link"


def test_a_channel_has_one_canvas(client: WebClient) -> None:
    manifest = {"oauth_config": {"scopes": {"bot": ["canvases:write"]}}}
    with SlackSandbox(manifest=manifest) as slack:
        canvas = {"channel_id": "COPS", "document_content": {"type": "markdown", "markdown": "# Draft"}}
        wide = WebClient(token=slack.bot_token, base_url=slack.api_url)
        made = wide.api_call("conversations.canvases.create", json=canvas)["canvas_id"]
        assert slack.workspace.canvases[made]["markdown"] == "# Draft"
        again = refusal(lambda: wide.api_call("conversations.canvases.create", json=canvas))
        assert again["error"] == "channel_canvas_already_exists"
