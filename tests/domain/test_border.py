"""What comes in is no mention that nobody made; what leaves holds no secret, no mention and nothing unseen."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.border import for_record, outgoing, outgoing_name
from bot.domain.incident import Incident
from bot.domain.secret_shapes import MARK
from bot.domain.tokens import DEAD, clean, delivered, literal
from bot.messages.filters import SLACK
from bot.messages.mrkdwn import settle

PIECES = st.sampled_from(
    [
        *("<@U012ABCDE>", "<#C012ABCDE>", "<#C012ABCDE|ops>", "<!here>", "<!channel>", "<!subteam^S012ABC>", "<@", "<"),
        *("<https://evil.example|bank>", ">", "|", "&", "&lt;", "&gt;", "&amp;", "@U012ABCDE", "&lt;@U012ABCDE&gt;"),
        *("<!date^1^{time}|x>", "\u200b", "`", "```", "x", "https:", "<mailto:a@b.cc|c>"),
    ]
)
HOSTILE = st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=40)
TOKEN = re.compile(r"<[@#!][^<>]*>|<[a-z]+:[^<>]*>")


def escaped(text: str) -> str:
    """As Slack delivers what somebody typed out."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@given(HOSTILE)
@settings(max_examples=600, deadline=None)
def test_what_is_typed_out_never_becomes_alive_however_often_it_is_said_again(text: str) -> None:
    for heard in (delivered(escaped(text)), literal(text)):
        again = literal(heard)
        assert again == heard
        for said in (SLACK.filters["naming"](heard), SLACK.filters["naming"](f"who is `{heard}`?")):
            assert not TOKEN.search(settle(said))


def test_what_somebody_really_wrote_stays_a_mention_a_channel_and_a_link() -> None:
    heard = delivered(
        "<@U012ABCDE> see <https://x.example/a?b=1&amp;c=2|the graph> in <#C012ABCDE|ops> &amp; &lt;@U9&gt;"
    )
    assert heard == f"<@U012ABCDE> see <https://x.example/a?b=1&c=2|the graph> in <#C012ABCDE|ops> & <{DEAD}@U9>"
    assert settle(SLACK.filters["naming"](heard)) == (
        f"<@U012ABCDE> see <https://x.example/a?b=1&amp;c=2|the graph> in <#C012ABCDE> &amp; &lt;{DEAD}@U9&gt;"
    )


@given(HOSTILE)
@settings(max_examples=600, deadline=None)
def test_what_leaves_holds_no_token_and_leaves_again_unchanged(text: str) -> None:
    left = outgoing(text)
    assert outgoing(left) == left
    assert not re.search(r"<[@#][^<>|\n]{1,200}>", left)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Posts are late", "Posts are late"),
        ("We are working on it: see https://status.example/12", "We are working on it: see https://status.example/12"),
        ("token xoxb-123456789012-abcdef leaked", f"token {MARK} leaked"),
        ("<@U012ABCDE|noor> looks, <!here> <!subteam^S012|@oncall>", "@noor looks, here @oncall"),
        ("<@U012ABCDE> in <#C012ABCDE|ops>", "@U012ABCDE in #ops"),
        ("see <https://x.example/a|the graph>", "see the graph (https://x.example/a)"),
        ("see <https://x.example/a>", "see https://x.example/a"),
        ("[press](javascript:alert(1))", "[press](alert(1))"),
        ("a\u202egpj.exe\x1b[31m", "agpj.exe[31m"),
        ("half \ud83d a pair", "half \ufffd a pair"),
    ],
)
def test_what_leaves_reads_so(text: str, left: str) -> None:
    assert outgoing(text) == left


def test_a_record_keeps_its_tokens_but_no_secret_and_nothing_unseen() -> None:
    said = "/incident lead <@U012ABCDE> password=hunter2\u202e\x00"
    assert for_record(said) == f"/incident lead <@U012ABCDE> password={MARK}"
    assert clean("a\r\nb\u2028c") == "a\nb\nc"


def test_no_secret_becomes_a_part_of_a_channel_s_name() -> None:
    title = "Worker says password=hunter2 <@U012ABCDE|noor>"
    incident = Incident(12, title, "sev2", datetime(2025, 11, 23, tzinfo=UTC), "UNOOR", "call1")
    assert outgoing_name(incident) == "inc-12-worker-says-password-noor"
