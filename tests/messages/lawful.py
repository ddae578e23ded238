"""Facts as nasty as they come, and whether a message keeps Slack's limits and shows nothing it must not."""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

from bot.messages import limits as fit
from bot.messages.mrkdwn import BREAK, size
from bot.messages.render import Message
from tests.messages.drawn import texts

NASTY = st.sampled_from(
    [
        *(
            "<!channel>",
            "<!here|x>",
            "<@U123ABC>",
            "<#C1|x>",
            "<https://evil.example|good>",
            "&lt;!channel&gt;",
            "&#60;",
        ),
        *("```", "`", "*", "\n", "\r\n", "\u2028", "\x1e", "\x1f", BREAK, "\x00", "\x1b[31m", "\ud800", "\u202e"),
        *(
            '{"type":"section"}',
            '\n{"type":"divider"}\n',
            "\\u003c!channel>",
            "{{ a }}",
            "{% x %}",
            "<",
            ">",
            "|",
            "&amp;",
        ),
        *("xoxb-123456789012-abcdefgh", "password=hunter2x ", "U123", "here", "channel", "javascript:alert(1)"),
        *('"', "'", "\\", "😀" * 50, "x" * 3000),
    ]
)
FACT = st.lists(NASTY | st.text(max_size=10), max_size=8).map("".join)

_ALLOWED = re.compile(
    r"<(?:@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+|!subteam\^S[A-Z0-9]+|!date\^-?\d+\^[^<>|]*\|[^<>|]*|https?://[^<>|]*(?:\|[^<>]*)?)>"
)


def lawful(message: Message) -> None:
    """What Slack would refuse, as far as ``facts`` of limits are known; and what must never be in a message."""
    wire = json.dumps(message.to_dict(), ensure_ascii=False).encode()  # a lone surrogate would fail here
    assert json.loads(wire) == message.to_dict()
    assert "\n" not in message.text
    assert 1 <= size(message.text) <= 4000
    assert len(message.blocks) <= 50
    assert size(json.dumps(message.blocks, ensure_ascii=False, separators=(",", ":"))) <= 12_000
    for text in [message.text, *texts(message.blocks)]:
        assert text.strip()
        bare = _ALLOWED.sub("", text)
        assert "<" not in bare
        assert not re.search(r"&(?!amp;|lt;|gt;)", bare)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\ud800-\udfff]", text)
        assert "xoxb-123456789012" not in text
        assert "hunter2x" not in text
    ids = [e["action_id"] for e in fit.elements(message.blocks)]
    assert len(set(ids)) == len(ids)
    for block in message.blocks:
        match block["type"]:
            case "section":
                assert size(block.get("text", {"text": ""})["text"]) <= 3000
                assert len(block.get("fields", ())) <= 10
                assert all(size(f["text"]) <= 2000 for f in block.get("fields", ()))
            case "header":
                assert size(block["text"]["text"]) <= 150
            case "context":
                assert 1 <= len(block["elements"]) <= 10
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
            case "image":
                assert block["image_url"].startswith("https://")
                assert size(block["alt_text"]) <= 2000
    for element in fit.elements(message.blocks):
        if element["type"] == "button":
            assert 1 <= size(element["text"]["text"]) <= 75
