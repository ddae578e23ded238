"""What the tests of Slack's client say, and how they look at what arrived."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.outside.slack.client import SlackWorkspace
from bot.sandbox.slack.server import SlackSandbox

BEFORE = timedelta(seconds=5)


@dataclass(frozen=True)
class Said:
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


CARD = Said("3 of 8 workers", [section("*3 of 8* workers")])
VIEW = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "A note"},
    "blocks": [section("hello")],
}


def now() -> datetime:
    return datetime.now(UTC)


def client(slack: SlackSandbox) -> SlackWorkspace:
    return SlackWorkspace(slack.bot_token, slack.api_url)


def texts(slack: SlackSandbox, channel: str = "ops") -> list[str]:
    return [each.text for each in slack.channel(channel).messages]


def counted(slack: SlackSandbox, method: str) -> int:
    return sum(each.method == method for each in slack.calls)
