"""What the tests of the sandbox's Slack share: a clock to move, a real client, a real bot."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.server import SlackSandbox


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.at = time.time()

    def __call__(self) -> float:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += seconds


def client_of(slack: SlackSandbox, token: str | None = None) -> WebClient:
    """Slack's own client, without the retries that would hide what the server did."""
    return WebClient(
        token=slack.bot_token if token is None else token, base_url=slack.api_url, retry_handlers=[], timeout=10
    )


def refusal(call: Callable[[], Any]) -> dict[str, Any]:
    """The answer of a call that Slack must refuse."""
    with pytest.raises(SlackApiError) as refused:
        call()
    answer = refused.value.response.data
    assert isinstance(answer, dict)
    assert answer["ok"] is False
    return answer


@contextmanager
def bolt(slack: SlackSandbox, listen: Callable[[App], None]) -> Iterator[App]:
    """A real Bolt app on Slack's own Socket Mode client."""
    app = App(client=client_of(slack))
    listen(app)
    handler = SocketModeHandler(app, slack.app_token, ping_interval=0.5)
    handler.connect()  # type: ignore[no-untyped-call]
    try:
        slack.wait_for(lambda: slack.socket.connections)
        yield app
    finally:
        handler.close()  # type: ignore[no-untyped-call]


def button(text: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, "action_id": action_id, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def text_input(block_id: str, label: str, **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": f"{block_id}_value", **more.pop("element", {})}
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": element,
        **more,
    }


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": "A form"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": list(blocks),
        **more,
    }
