"""Whatever a bot sends, it gets an answer in Slack's words, never a broken server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.sandbox.slack import limits
from bot.sandbox.slack import mrkdwn as text
from bot.sandbox.slack.blocks import pings
from bot.sandbox.slack.elements import ELEMENTS
from bot.sandbox.slack.methods import every_method
from bot.sandbox.slack.model import SlackError
from bot.sandbox.slack.server import SlackSandbox

TYPES = [
    *ELEMENTS,
    *("section", "header", "divider", "context", "actions", "input", "rich_text", "markdown", "table", "image"),
    *("plain_text", "mrkdwn", "raw_text", "rich_text_section", "rich_text_list", "text", "user", "modal", "home"),
]
KEYS = [
    *("type", "text", "elements", "element", "fields", "accessory", "options", "option_groups", "label", "value"),
    *("block_id", "action_id", "confirm", "style", "title", "blocks", "rows", "initial_option", "initial_options"),
    *("submit", "slack_file", "image_url", "alt_text", "min_value", "max_value", "initial_date", "filter", "include"),
]
leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.text(max_size=8)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    loose = st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    of_a_type = st.builds(lambda kind, rest: {**rest, "type": kind}, st.sampled_from(TYPES), loose)
    return st.lists(inner, max_size=4) | loose | of_a_type


nonsense = st.recursive(leaves | st.sampled_from(TYPES), objects, max_leaves=25)


@given(nonsense | st.lists(nonsense, max_size=3))
@settings(max_examples=400, deadline=None)
def test_blocks_are_taken_or_refused_whatever_they_are(blocks: Any) -> None:
    try:
        limits.message_blocks(blocks, known_file=lambda _: False)
    except SlackError as refused:
        assert refused.error in ("invalid_blocks", "msg_blocks_too_long")  # noqa: PT017 - both are right


@given(nonsense)
@example({"type": "modal", "blocks": True})
@example({"type": "home", "blocks": [{"type": "actions", "elements": [{"type": "static_select", "options": True}]}]})
@settings(max_examples=400, deadline=None)
def test_a_view_is_taken_or_refused_whatever_it_is(view: Any) -> None:
    try:
        limits.view(view, ("modal", "home"), known_file=lambda _: False)
    except SlackError as refused:
        assert refused.error in ("invalid_arguments", "view_too_large")  # noqa: PT017 - both are right


@given(st.text())
def test_escaping_is_undone_by_unescaping_and_pings_nobody(said: str) -> None:
    assert text.unescape(text.escape(said)) == said
    assert pings(text.escape(said)) == ()


@given(st.text())
@example("<!channel> <@UONCALL> <!subteam^SONCALL>")
def test_plain_text_pings_nobody_whatever_it_says(said: str) -> None:
    assert pings("", [{"type": "section", "text": {"type": "plain_text", "text": said}}]) == ()


@pytest.fixture(scope="module")
def open_slack() -> Iterator[tuple[SlackSandbox, httpx.Client]]:
    with SlackSandbox(manifest={}, rate_limits="off") as slack, httpx.Client(trust_env=False) as http:
        yield slack, http


ARGUMENTS = [
    *("channel", "ts", "text", "blocks", "user", "users", "name", "thread_ts", "metadata", "view", "trigger_id"),
    *("timestamp", "cursor", "limit", "channel_id", "files", "topic", "types", "oldest", "attachments", "filename"),
    *("length", "user_id", "view_id", "link", "title", "bookmark_id", "email", "usergroup", "document_content"),
]


@given(
    st.sampled_from(sorted(every_method())),
    st.dictionaries(st.sampled_from(ARGUMENTS), nonsense | st.sampled_from(["COPS", "UONCALL", "1.000000"])),
    st.booleans(),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_method_answers_nonsense_in_slacks_words(
    open_slack: tuple[SlackSandbox, httpx.Client], method: str, arguments: dict[str, Any], as_json: bool
) -> None:
    slack, http = open_slack
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    if as_json:
        answer = http.post(f"{slack.api_url}{method}", json=arguments, headers=headers)
    else:
        form = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
        answer = http.post(f"{slack.api_url}{method}", data=form, headers=headers)
    assert answer.status_code == 200, (method, arguments, answer.text)
    assert answer.json()["ok"] or answer.json()["error"]
