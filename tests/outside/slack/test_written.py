"""What a message says is read wherever its sender put it, and who wrote it is whom Slack names."""

from __future__ import annotations

from typing import Any

import pytest

from bot.outside.slack.written import written

SECTION = {
    "type": "section",
    "text": {"type": "mrkdwn", "text": "*Depth* 412"},
    "fields": [{"type": "plain_text", "text": "a < b"}, {"type": "mrkdwn", "text": "<https://x.example|graph>"}],
}
RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "look "},
                {"type": "user", "user_id": "U012ABCDE"},
                {"type": "channel", "channel_id": "C01"},
                {"type": "link", "url": "https://x.example/?a=1&b=2", "text": "here"},
                {"type": "emoji", "name": "fire"},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "hello", "blocks": [SECTION]}, "hello"),
        ({"text": "", "blocks": [SECTION]}, "*Depth* 412 a &lt; b <https://x.example|graph>"),
        ({"blocks": [RICH]}, "look <@U012ABCDE> <#C01> <https://x.example/?a=1&amp;b=2|here> :fire:"),
        (
            {
                "text": "",
                "attachments": [{"title": "High load", "text": "cpu 99%", "fields": [{"title": "Host", "value": "a"}]}],
            },
            "High load\ncpu 99%\nHost: a",
        ),
        ({"attachments": [{"fallback": "[FIRING] queue"}]}, "[FIRING] queue"),
        ({"attachments": [{"blocks": [SECTION]}]}, "*Depth* 412 a &lt; b <https://x.example|graph>"),
        ({"files": [{"title": "<graph>"}, {"name": "a.png"}]}, "&lt;graph&gt;\na.png"),
        ({"text": None, "blocks": "no", "attachments": [None, 3], "files": {}}, ""),
    ],
)
def test_a_message_is_read_wherever_its_words_stand(message: dict[str, Any], text: str) -> None:
    assert written(message) == text


def test_a_message_without_end_is_cut() -> None:
    deep: dict[str, Any] = {"type": "section"}
    deep["elements"] = [deep] * 2 + [{"type": "mrkdwn", "text": "x" * 500}]
    assert len(written({"blocks": [deep]})) <= 4_000
