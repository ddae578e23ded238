"""What is longer than Slack takes is cut at a safe place, and what is left out is counted."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.tokens import clean
from bot.messages.mrkdwn import settle, shorten, size
from tests.messages.drawn import Draw, texts
from tests.messages.lawful import FACT, lawful


def test_sixty_cards_become_what_fits_the_buttons_and_a_count_of_the_rest(draw: Draw) -> None:
    message = draw(
        "many\n{% for n in range(60) %}\n{{ section('card ' ~ n) }}\n{% endfor %}\n{{ actions(button('Go', '/go')) }}"
    )
    assert len(message.blocks) == 50
    assert message.blocks[47]["text"]["text"] == "card 47"
    assert message.blocks[48]["elements"][0]["text"].startswith("12 more parts left out")
    assert message.blocks[49]["elements"][0]["value"] == "/go"


def test_ten_long_cards_stop_where_all_of_them_would_be_too_long(draw: Draw) -> None:
    message = draw("t\n{% for n in range(10) %}\n{{ section(a) }}\n{% endfor %}", a="word " * 1000)
    lawful(message)
    assert len(message.blocks) == 6
    assert message.blocks[5]["elements"][0]["text"].startswith("5 more parts left out")


def test_one_block_that_would_fill_a_message_by_itself_is_shortened_not_dropped(draw: Draw) -> None:
    message = draw("t\n{{ fields(a, a, a, a, a, a, a, a, a, a) }}\n{{ section(a) }}", a='"\n' * 2000)
    lawful(message)
    assert [b["type"] for b in message.blocks] == ["section", "section"]
    assert len(message.blocks[0]["fields"]) == 10


def test_empty_texts_become_a_dash_and_empty_rows_disappear(draw: Draw) -> None:
    message = draw(
        "{{ a }}\n{{ section(a) }}\n{{ actions() }}\n{{ context() }}\n{{ fields(a) }}\n{{ header(a) }}", a=" "
    )
    assert message.text == "–"
    assert [b["type"] for b in message.blocks] == ["section", "section", "header"]
    assert {text for b in message.blocks for text in texts(b)} == {"–"}


def test_a_picture_that_cannot_be_fetched_is_replaced_by_its_words(draw: Draw) -> None:
    message = draw('t\n{{ image("Depth over an hour", url="file:///etc/passwd") }}\n{{ image("Other", file="F1") }}')
    assert message.blocks[0] == {
        "type": "context",
        "elements": [{"type": "plain_text", "text": "Depth over an hour", "emoji": True}],
    }
    assert message.blocks[1] == {"type": "image", "alt_text": "Other", "slack_file": {"id": "F1"}}


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("short", 5, "short"),
        ("a &lt;b&gt; c", 6, "a…"),
        ("see <@U012345> now", 10, "see…"),
        ("see <https://x.example|the page> now", 20, "see…"),
        ("```\nline one\nline two\n```", 18, "```\nline one…\n```"),
        ("say `some code here` now", 14, "say `some…`"),
        ("😀😀😀😀", 5, "😀😀…"),
        ("one two three four", 12, "one two…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
    ],
)
def test_a_text_is_cut_at_a_safe_place(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@given(
    st.lists(
        st.sampled_from(["&lt;", "&amp;", "<@U12>", "<https://a.b|c d>", "`", "```", "\n", " ", "a", "bc", "😀"])
    ).map("".join),
    st.integers(min_value=5, max_value=60),
)
@settings(max_examples=500, deadline=None)
def test_a_cut_text_is_within_its_limit_and_ends_within_no_token(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert size(short) <= limit
    bare = re.sub(r"<[^<>\n]*>|&(?:lt|amp);", "", short)
    assert "<" not in bare
    assert "&" not in bare
    if short != text:
        assert short.count("```") % 2 == 0


@given(FACT)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_settling_twice_is_settling_once(text: str) -> None:
    assert settle(settle(text)) == settle(text)
    assert clean(clean(text)) == clean(text)
