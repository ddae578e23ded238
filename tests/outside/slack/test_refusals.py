"""When Slack says no, or not now: a sentence for a person, or a time to come back."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from bot.domain.errors import Later, Refused
from bot.outside.slack.client import SlackWorkspace
from bot.outside.slack.errors import NOT_INVITED, RATE_LIMITED, SENTENCES, TROUBLED, SlackRefused, refused
from bot.outside.slack.protocol import Workspace
from bot.sandbox.slack.server import SlackSandbox
from tests.outside.slack.said import CARD, Said, client, counted, section


def test_a_429_is_later_by_what_its_header_says(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.faults.next("chat.postMessage", status=429, retry_after=7)
    with pytest.raises(Later) as later:
        workspace.post("COPS", CARD, "card")
    assert later.value.seconds == 7
    assert counted(slack, "chat.postMessage") == 1, "nothing retries on its own"


def test_a_429_of_a_response_url_is_later_too(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("ops", "/jobs status").response_url
    slack.faults.next("response_url", status=429, retry_after=9)
    with pytest.raises(Later) as later:
        workspace.respond(url, CARD)
    assert later.value.seconds == 9


@pytest.mark.parametrize("trouble", [{"status": 503}, {"error": "internal_error"}, {"reset": "before"}])
def test_slacks_own_trouble_is_later(slack: SlackSandbox, workspace: Workspace, trouble: dict[str, Any]) -> None:
    slack.faults.next("chat.update", **trouble)
    with pytest.raises(Later) as later:
        workspace.update("COPS", "1.0", CARD)
    assert 1 <= later.value.seconds <= 10


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": 429, "retry_after": 2}, {"reset": "before"}])
def test_an_upload_that_breaks_off_is_later(slack: SlackSandbox, workspace: Workspace, trouble: dict[str, Any]) -> None:
    slack.faults.next("upload", **trouble)
    with pytest.raises(Later):
        workspace.upload("COPS", "a.txt", "A", b"a")


def test_a_slack_that_is_not_there_is_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/api/"
        with pytest.raises(Later, match="could not reach Slack"):
            SlackWorkspace("xoxb-1", url).identity()


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_each_code_is_a_sentence_for_a_person(code: str) -> None:
    sentence = refused(code, "chat.update", "C123", {"needed": "chat:write"}).sentence
    assert sentence[0].isupper() or sentence[0] == "<"
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert len(sentence) > 25


def test_slacks_no_arrives_with_its_code(slack: SlackSandbox, workspace: Workspace) -> None:
    for code in ("is_archived", "cant_update_message", "restricted_action"):
        slack.faults.next("chat.update", error=code)
        with pytest.raises(SlackRefused) as no:
            workspace.update("COPS", "1.0", CARD)
        assert (no.value.code, no.value.sentence) == (code, refused(code, "chat.update", "COPS").sentence)


def test_a_code_slack_has_added_since_is_still_told(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.faults.next("chat.update", error="brand_new_reason")
    with pytest.raises(SlackRefused, match="`brand_new_reason`"):
        workspace.update("COPS", "1.0", CARD)


def test_no_code_has_two_meanings() -> None:
    assert not (RATE_LIMITED | TROUBLED) & set(SENTENCES)
    assert not (RATE_LIMITED | TROUBLED) & NOT_INVITED


def test_a_missing_scope_is_named() -> None:
    poor = SlackSandbox(manifest={"oauth_config": {"scopes": {"bot": ["commands"]}}})
    with poor as slack, pytest.raises(Refused, match="`chat:write"):
        client(slack).post("COPS", CARD, "card")


def test_what_slack_says_about_wrong_blocks_is_kept_as_a_hint(workspace: Workspace) -> None:
    with pytest.raises(SlackRefused) as no:
        workspace.publish_home("UONCALL", {"type": "home", "blocks": [section("x" * 3001)]})
    assert no.value.code in ("invalid_blocks", "invalid_arguments")
    assert no.value.hint


def test_the_channel_is_named_where_one_is_meant() -> None:
    assert "<#C123>" in refused("not_in_channel", "chat.postMessage", "C123").sentence
    assert "that conversation" in refused("not_in_channel", "chat.postMessage", "D123").sentence


def test_what_slack_will_not_show_as_blocks_is_said_as_text(slack: SlackSandbox, workspace: SlackWorkspace) -> None:
    ts = workspace.post("COPS", Said("Depth 9", [{"type": "no such block"}]), "k-plain")
    assert [m.text for m in slack.channel("ops").messages if m.ts == ts] == ["Depth 9"]
    workspace.update("COPS", ts, Said("Depth 8", [{"type": "no such block"}]))
    assert [m.text for m in slack.channel("ops").messages if m.ts == ts] == ["Depth 8"]
