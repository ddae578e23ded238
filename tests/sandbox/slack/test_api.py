"""The Web API's frame: tokens, bodies, scopes, pages. Slack's own client, and raw HTTP where that is too kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.manifest import DEFAULT_SCOPES
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import client_of, refusal


def post(slack: SlackSandbox, method: str, token: str | None = None, **request: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {slack.bot_token if token is None else token}"} if token != "" else {}
    with httpx.Client(trust_env=False) as http:
        return http.post(f"{slack.api_url}{method}", headers=headers | request.pop("headers", {}), **request)


def test_auth_test_names_the_bot_and_its_scopes_in_a_header(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team"]) == ("UFIREWATCH", "BFIREWATCH", "Reposter")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == set(DEFAULT_SCOPES)


@pytest.mark.parametrize(("token", "error"), [("", "not_authed"), ("xoxb-somebody-else", "invalid_auth")])
def test_a_call_without_a_good_token_is_refused(slack: SlackSandbox, token: str, error: str) -> None:
    answer = post(slack, "chat.postMessage", token, data={"channel": "COPS", "text": "hello"})
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})
    assert slack.channel("ops").messages == []


def test_each_kind_of_token_opens_only_its_own_doors(slack: SlackSandbox, client: WebClient) -> None:
    assert refusal(lambda: client.apps_connections_open(app_token=slack.bot_token))["error"] == "not_allowed_token_type"
    app = client_of(slack, slack.app_token)
    assert refusal(lambda: app.chat_postMessage(channel="COPS", text="x"))["error"] == "not_allowed_token_type"
    assert client.apps_connections_open(app_token=slack.app_token)["url"].startswith("ws://127.0.0.1:")


def test_a_revoked_token_is_refused_until_it_is_good_again(slack: SlackSandbox, client: WebClient) -> None:
    slack.refuse_token("token_revoked")
    assert refusal(client.auth_test)["error"] == "token_revoked"
    slack.refuse_token("")
    assert client.auth_test()["ok"]


def test_arguments_come_as_form_or_json_and_blocks_as_text_or_structure(slack: SlackSandbox) -> None:
    blocks = [{"type": "divider", "block_id": "line"}]
    post(slack, "chat.postMessage", data={"channel": "COPS", "text": "form", "blocks": json.dumps(blocks)})
    post(slack, "chat.postMessage", json={"channel": "COPS", "text": "json", "blocks": blocks})
    post(slack, "chat.postMessage", json={"channel": "COPS", "text": "both", "blocks": json.dumps(blocks)})
    token_in_form = {"channel": "COPS", "text": "token", "token": slack.bot_token}
    assert post(slack, "chat.postMessage", "", data=token_in_form).json()["ok"]
    said = slack.channel("ops").messages
    assert [one.text for one in said] == ["form", "json", "both", "token"]
    assert [one.blocks for one in said] == [tuple(blocks)] * 3 + [()]


def test_a_token_inside_json_is_not_read(slack: SlackSandbox) -> None:
    answer = post(slack, "auth.test", "", json={"token": slack.bot_token})
    assert answer.json()["error"] == "not_authed"


def test_a_read_does_not_look_into_a_json_body(slack: SlackSandbox) -> None:
    answer = post(slack, "conversations.info", json={"channel": "COPS"}).json()
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == ["[ERROR] missing required field: channel"]
    assert post(slack, "conversations.info", data={"channel": "COPS"}).json()["channel"]["name"] == "ops"


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"[]", "application/json", "json_not_object"),
        (b"x", "text/csv", "invalid_post_type"),
        (b"text=\xff", "application/x-www-form-urlencoded", "invalid_form_data"),
    ],
)
def test_a_body_that_cannot_be_read_is_named(slack: SlackSandbox, body: bytes, kind: str, error: str) -> None:
    answer = post(slack, "chat.postMessage", content=body, headers={"Content-Type": kind})
    assert answer.json()["error"] == error


def test_an_unknown_method_is_called_so(client: WebClient) -> None:
    answer = refusal(lambda: client.api_call("chat.shout"))
    assert (answer["error"], answer["req_method"]) == ("unknown_method", "chat.shout")


SCOPED: list[tuple[str, Callable[[WebClient], Any]]] = [
    ("chat:write", lambda c: c.chat_postMessage(channel="COPS", text="x")),
    ("chat:write", lambda c: c.chat_postEphemeral(channel="COPS", user="UONCALL", text="x")),
    ("chat:write", lambda c: c.chat_update(channel="COPS", ts="1.000000", text="x")),
    ("chat:write.customize", lambda c: c.chat_postMessage(channel="COPS", text="x", username="other")),
    ("channels:manage", lambda c: c.conversations_create(name="inc-1")),
    ("groups:write", lambda c: c.conversations_create(name="inc-1", is_private=True)),
    ("channels:manage", lambda c: c.conversations_setTopic(channel="COPS", topic="x")),
    ("channels:manage", lambda c: c.conversations_invite(channel="COPS", users="UONCALL")),
    ("channels:manage", lambda c: c.conversations_archive(channel="COPS")),
    ("channels:join", lambda c: c.conversations_join(channel="CGENERAL")),
    ("channels:read", lambda c: c.conversations_info(channel="COPS")),
    ("channels:read", lambda c: c.conversations_list()),
    ("groups:read", lambda c: c.conversations_list(types="private_channel")),
    ("im:read", lambda c: c.conversations_list(types="im")),
    ("channels:read", lambda c: c.conversations_members(channel="COPS")),
    ("channels:history", lambda c: c.conversations_history(channel="COPS")),
    ("channels:history", lambda c: c.conversations_replies(channel="COPS", ts="1.000000")),
    ("pins:write", lambda c: c.pins_add(channel="COPS", timestamp="1.000000")),
    ("pins:read", lambda c: c.pins_list(channel="COPS")),
    ("bookmarks:write", lambda c: c.bookmarks_add(channel_id="COPS", title="t", type="link", link="https://x.example")),
    ("bookmarks:read", lambda c: c.bookmarks_list(channel_id="COPS")),
    ("reactions:write", lambda c: c.reactions_add(channel="COPS", timestamp="1.000000", name="eyes")),
    ("reactions:read", lambda c: c.reactions_get(channel="COPS", timestamp="1.000000")),
    ("files:write", lambda c: c.files_getUploadURLExternal(filename="a.txt", length=1)),
    ("files:read", lambda c: c.files_info(file="F1")),
    ("im:write", lambda c: c.conversations_open(users="UONCALL")),
    ("mpim:write", lambda c: c.conversations_open(users="UONCALL,ULEAD")),
    ("users:read", lambda c: c.users_info(user="UONCALL")),
    ("users:read", lambda c: c.users_list()),
    ("users:read.email", lambda c: c.users_lookupByEmail(email="noor@reposter.example")),
    ("usergroups:read", lambda c: c.usergroups_list()),
    ("usergroups:read", lambda c: c.usergroups_users_list(usergroup="SONCALL")),
    ("canvases:write", lambda c: c.api_call("conversations.canvases.create", json={"channel_id": "COPS"})),
    ("team:read", lambda c: c.team_info()),
]


@pytest.mark.parametrize(("scope", "call"), SCOPED, ids=lambda one: one if isinstance(one, str) else "call")
def test_a_call_is_refused_without_its_scope_and_told_which(scope: str, call: Callable[[WebClient], Any]) -> None:
    every = {one for one, _ in SCOPED} | {"groups:history"}
    related = {scope, *({"groups:write", "im:write", "mpim:write"} if scope == "channels:manage" else ())}
    granted = sorted(every - related)
    with SlackSandbox(manifest={"oauth_config": {"scopes": {"bot": granted}}}, rate_limits="off") as slack:
        answer = refusal(lambda: call(client_of(slack)))
        assert answer["error"] == "missing_scope"
        assert scope in answer["needed"].split(",")
        assert answer["provided"].split(",") == granted


@pytest.fixture
def crowded(slack: SlackSandbox) -> WebClient:
    for number in range(25):
        slack.workspace.add_channel(f"inc-{number}", "UONCALL")
    return client_of(slack)


def test_a_long_list_comes_in_pages_by_cursor(crowded: WebClient) -> None:
    pages = [page["channels"] for page in crowded.conversations_list(limit=10)]
    assert [len(one) for one in pages] == [10, 10, 7]
    assert len({one["id"] for page in pages for one in page}) == 27


@pytest.mark.parametrize(
    ("arguments", "error"), [({"cursor": "x"}, "invalid_cursor"), ({"limit": 5000}, "invalid_limit")]
)
def test_a_bad_page_is_refused(crowded: WebClient, arguments: dict[str, Any], error: str) -> None:
    assert refusal(lambda: crowded.conversations_list(**arguments))["error"] == error


def test_an_address_is_shown_only_to_those_who_may_read_it() -> None:
    scopes = {"oauth_config": {"scopes": {"bot": ["users:read"]}}}
    with SlackSandbox(manifest=scopes) as slack:
        assert "email" not in client_of(slack).users_info(user="UONCALL")["user"]["profile"]
    with SlackSandbox(manifest={}) as slack:
        assert client_of(slack).users_lookupByEmail(email="Noor@reposter.example")["user"]["id"] == "UONCALL"


def test_people_and_groups_are_found_or_named_missing(client: WebClient) -> None:
    assert refusal(lambda: client.users_info(user="UNOBODY"))["error"] == "user_not_found"
    assert refusal(lambda: client.users_lookupByEmail(email="no@one"))["error"] == "users_not_found"
    assert refusal(lambda: client.usergroups_users_list(usergroup="SNONE"))["error"] == "no_such_subteam"
    groups = client.usergroups_list(include_users=True)["usergroups"]
    assert {one["handle"]: one["users"] for one in groups} == {"oncall": ["UONCALL"], "leads": ["ULEAD"]}
    assert client.usergroups_users_list(usergroup="SLEADS")["users"] == ["ULEAD"]


def test_every_call_is_on_the_wire_log_without_its_token(slack: SlackSandbox) -> None:
    post(slack, "chat.postMessage", "", data={"channel": "CNONE", "text": "x", "token": slack.bot_token})
    call = slack.calls[-1]
    assert (call.method, call.error, call.status) == ("chat.postMessage", "channel_not_found", 200)
    assert call.args == {"channel": "CNONE", "text": "x"}
    assert 0 < call.ms < 1000
