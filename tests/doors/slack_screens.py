"""What the bot has put before people in Slack when a test begins: cards with buttons, and forms."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from bot.outside.slack.client import SlackWorkspace
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.server import SlackSandbox

AT = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


def card(slack: SlackSandbox, *elements: dict[str, Any], thread: str = "") -> Message:
    """A message of the bot's with these buttons and selects."""

    class Card:
        text = "a card"
        blocks = ({"type": "actions", "elements": list(elements)},)

    workspace = SlackWorkspace(slack.bot_token, slack.api_url)
    ts = workspace.post("COPS", Card(), "card", thread)
    return slack.workspace.message("COPS", ts)


def button(label: str, action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action_id, **more}


def form(slack: SlackSandbox, callback_id: str, text: str, *inputs: dict[str, Any], **more: Any) -> None:
    """Open a form for the engineer on call, as the desk does."""
    trigger = slack.oncall.types("ops", "/incident show").ok().trigger_id
    metadata = {"channel": "COPS", "channel_name": "ops", "incident": 12, "text": text, "thread": "1.5", **more}
    SlackWorkspace(slack.bot_token, slack.api_url).open_form(
        trigger,
        {
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": json.dumps(metadata),
            "title": {"type": "plain_text", "text": "A form"},
            "submit": {"type": "plain_text", "text": "Send"},
            "blocks": list(inputs),
        },
    )


def field(name: str, kind: str = "plain_text_input", *, optional: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": name,
        "optional": optional,
        "label": {"type": "plain_text", "text": name},
        "element": {"type": kind, "action_id": name, **more},
    }


def options(*values: str) -> list[dict[str, Any]]:
    return [{"text": {"type": "plain_text", "text": each}, "value": each} for each in values]
