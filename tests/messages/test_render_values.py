"""Each kind of value is said for people, and in a sentence as one word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.messages.drawn import NOW, Draw, said


@pytest.mark.parametrize(
    ("expression", "value", "shown"),
    [
        ("x|user", "U012AB", "<@U012AB>"),
        ("x|user", "U01|<!here>", "U01|&lt;!here&gt;"),
        ("x|user", "u012ab", "u012ab"),
        ("x|channel", "C012AB", "<#C012AB>"),
        ("x|group", "S012AB", "<!subteam^S012AB>"),
        ("x|ping", "here", "<!here>"),
        ("x|ping", "everyone", "everyone"),
        ("x|plural('job')", 1, "1 job"),
        ("x|plural('job')", 1234, "1,234 jobs"),
        ("x|plural('retry', 'retries')", 0, "0 retries"),
        ("x|number", 12345, "12,345"),
        ("x|number", 0.25, "0.2"),
        ("x|percent", 0.2, "20%"),
        ("x|percent", 0.001, "1%"),
        ("x|percent", 0.9999, "99%"),
        ("x|signed", 380, "+380"),
        ("x|signed", -12, "−12"),
        ("x|signed", 0, "±0"),
        ("x|duration", 0.31, "0.3 s"),
        ("x|duration", 3, "3 s"),
        ("x|duration", 59.7, "1 min"),
        ("x|duration", timedelta(minutes=14, seconds=40), "14 min"),
        ("x|duration", timedelta(hours=2, minutes=5), "2 h 5 min"),
        ("x|duration", timedelta(hours=2), "2 h"),
        ("x|duration", timedelta(days=3, hours=4, minutes=50), "3 d 4 h"),
        ("x|ago", NOW - timedelta(minutes=14), "14 min"),
        ("x|ago", (NOW + timedelta(minutes=11)).isoformat(), "11 min"),
        ("x|when", NOW, "<!date^1763864040^{time}|02:14 UTC>"),
        ("x|when", NOW.timestamp() * 1000, "<!date^1763864040^{time}|02:14 UTC>"),
        ("x|when", "2025-11-20T02:14:00Z", "<!date^1763604840^{date_short_pretty} {time}|2025-11-20 02:14 UTC>"),
        ("x|when", "soon", "soon"),
        ("x|when", None, "–"),
        ("x|utc", NOW, "2025-11-23 02:14 UTC"),
        ("x|code", "a`b\nc", "`aˋb c`"),
        ("x|code", "", "–"),
        ("x|pre", "a ``` b\nc", "```\na ˋˋˋ b\nc\n```"),
        ("x|quote", "a\n<b", "> a\n> &lt;b"),
        ("x|link('the | <page>')", "https://h.example/?a=1&b=2", "<https://h.example/?a=1&amp;b=2|the | &lt;page&gt;>"),
        ("x|link('page')", "javascript:alert(1)", "page"),
        ("x|link('page')", "https://h.example/?sig=abcdef123", "<https://h.example/?sig=•••|page>"),
        ("x|cut(9)", "one two three", "one two…"),
        ("x|cut(24)", "a token xoxb-123456789012-abcdef", "a token •••"),
        ("progress(x, 10)", 6, "▓▓▓▓▓▓░░░░"),
        ("progress(x, 1000)", 1, "▓░░░░░░░░░"),
        ("progress(x, 1000)", 999, "▓▓▓▓▓▓▓▓▓░"),
        ("progress(x, 0)", 0, "░░░░░░░░░░"),
        ("x", None, "–"),
        ("x", True, "yes"),
        ("x", 12.0, "12"),
        ("x", 1.26, "1.3"),
        ("x", ["a", "<b>"], "a, &lt;b&gt;"),
        ("x", timedelta(seconds=90), "1 min"),
        ("sign(x) ~ ' red'", "red", "🔴 red"),
    ],
)
def test_a_value_is_said_for_people(draw: Draw, expression: str, value: Any, shown: str) -> None:
    assert said(draw, expression, x=value) == shown


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("repost-dispatch", "repost-dispatch"),
        ("two words", '"two words"'),
        ("", '""'),
        ("—yes", '"—yes"'),
        ('a"b', '"a\\"b"'),
        (7, "7"),
    ],
)
def test_a_value_in_a_sentence_is_one_word(draw: Draw, value: Any, word: str) -> None:
    message = draw('t\n{{ actions(button("a", "/x " ~ v|arg)) }}', v=value)
    assert message.blocks[0]["elements"][0]["value"] == f"/x {word}"
