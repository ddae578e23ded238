"""Slack's text on the page: drawn as Slack draws it, and never more than text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from bot.sandbox.page.markdown import markdown
from bot.sandbox.page.markup import PageNames, mrkdwn, plain, rich

NAMES = {"U1": "Noor Haddad", "U2": "Linnea Berg", "S1": "oncall", "C1": "ops"}
WORDS = PageNames(
    user=lambda id: NAMES.get(id, id),
    group=lambda id: NAMES.get(id, id),
    channel=lambda id: NAMES.get(id, id),
    channel_url=lambda id: f"/as/noor/in/{id}",
    link=lambda url: url,
    me="U1",
    my_groups=frozenset({"S1"}),
)


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("*bold* and _italic_ and ~gone~", "<strong>bold</strong> and <em>italic</em> and <s>gone</s>"),
        ("*a _b* c_", "<strong>a _b</strong> c_"),
        ("_*a*_", "<em><strong>a</strong></em>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("*a* · *b*", "<strong>a</strong> · <strong>b</strong>"),
        ("*<@U2>* asks", '<strong><span class="mention">@Linnea Berg</span></strong> asks'),
        ("`a *b* &lt;c&gt;`", "<code>a *b* &lt;c&gt;</code>"),
        ("one\ntwo", "one<br>two"),
        ("<@U1>", '<span class="mention mine">@Noor Haddad</span>'),
        ("<!subteam^S1>", '<span class="mention mine">@oncall</span>'),
        ("<#C1|ops>", '<a class="mention" href="/as/noor/in/C1">#ops</a>'),
        ("&gt; said\nmore", "<blockquote>said</blockquote>more"),
        ("a &amp; b &lt; c", "a &amp; b &lt; c"),
        (
            "<https://x.example/?a=1&amp;b=2|there>",
            '<a href="https://x.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">there</a>',
        ),
    ],
)
def test_mrkdwn_is_drawn_as_slack_draws_it(written: str, drawn: str) -> None:
    assert mrkdwn(written, WORDS) == Markup(drawn)


def test_code_in_fences_keeps_its_lines_and_marks_and_shows_no_tokens() -> None:
    drawn = mrkdwn("before\n```a *b*\n\n<https://x.example|x>```\nafter", WORDS)
    assert drawn == 'before<pre tabindex="0"><code>a *b*\n\nx</code></pre>after'


def test_an_address_that_was_only_typed_becomes_a_link_without_its_full_stop() -> None:
    assert 'href="https://example.com/a"' in mrkdwn("see https://example.com/a.", WORDS)


def test_a_link_that_is_not_of_the_web_stays_words() -> None:
    assert "<a" not in mrkdwn("<javascript:alert(1)|here>", WORDS)


def test_a_moment_is_utc_in_its_title_and_leaves_its_form_to_the_browser() -> None:
    drawn = mrkdwn("<!date^1767225845^{date_short_pretty} at {time}|then>", WORDS)
    assert 'title="2026-01-01 00:04:05 UTC"' in drawn
    assert 'data-form="{date_short_pretty} at {time}"' in drawn
    assert ">Jan 1, 2026 at 00:04 UTC</time>" in drawn


def test_a_moment_that_is_none_shows_its_fallback() -> None:
    assert mrkdwn("<!date^99999999999999^{time}|then>", WORDS) == "then"


def test_signs_have_a_name_and_bars_a_figure() -> None:
    drawn = plain("🔴 down ▓▓▓▓▓▓░░░░")
    assert 'class="sign sign-red" role="img" aria-label="red"' in drawn
    assert 'value="6" max="10"' in drawn


def test_rich_text_is_drawn_with_lists_styles_and_mentions() -> None:
    block = {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "ordered",
                "offset": 2,
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "<b>", "style": {"bold": True}},
                            {"type": "user", "user_id": "U2"},
                        ],
                    }
                ],
            }
        ],
    }
    assert rich(block, WORDS) == Markup(
        '<ol start="3"><li><strong>&lt;b&gt;</strong><span class="mention">@Linnea Berg</span></li></ol>'
    )


def test_markdown_has_headings_lists_tables_code_and_tasks() -> None:
    written = (
        "# Report\n\nSome *words* and **more** in `code`.\n\n1. one\n2. two\n   - deep\n- [x] done\n\n"
        "| a | b |\n|---|--:|\n| 1 | `x` |\n\n```\n<raw>\n\nend\n```\n> quoted\n\n---\n[there](https://x.example)"
    )
    drawn = markdown(written, WORDS)
    for piece in (
        "<h3>Report</h3>",
        "<p>Some <em>words</em> and <strong>more</strong> in <code>code</code>.</p>",
        "<ul><li>deep</li></ul>",
        'aria-label="done"',
        '<td class="right"><code>x</code></td>',
        "&lt;raw&gt;\n\nend",
        "<blockquote><p>quoted</p></blockquote>",
        "<hr>",
        'href="https://x.example"',
    ):
        assert piece in drawn


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>"),
        ("[here](javascript:alert(1))", "<p>[here](javascript:alert(1))</p>"),
        ("[here](data:text/html,x)", "<p>[here](data:text/html,x)</p>"),
        ("<javascript:alert(1)>", "<p>&lt;javascript:alert(1)&gt;</p>"),
        ("2 \\* 3 &amp; 4 \\<b>", "<p>2 * 3 &amp; 4 &lt;b&gt;</p>"),
        ("one\ntwo", "<p>one<br>two</p>"),
        ("snake_case_name ~~gone~~", "<p>snake_case_name <s>gone</s></p>"),
        ("<@U1> knows", '<p><span class="mention mine">@Noor Haddad</span> knows</p>'),
        ("said\n---", "<p>said</p><hr>"),
        ("3. three", '<ol start="3"><li>three</li></ol>'),
    ],
)
def test_markdown_is_drawn_and_html_stays_words(written: str, drawn: str) -> None:
    assert markdown(written, WORDS) == Markup(drawn)


def test_a_picture_in_markdown_is_not_fetched() -> None:
    assert "<img" not in markdown("![shown](https://x.example/a.png)", WORDS)


def test_an_address_typed_in_markdown_is_one_link_wherever_it_stands() -> None:
    for written in ("see https://x.example/a_b", "[https://x.example/a_b](https://x.example/a_b)"):
        assert str(markdown(written, WORDS)).count("<a href") == 1


KNOWN = re.compile(
    r"</?(?:strong|em|s|code|pre|br|blockquote|span|a|time|progress|p|h[3-6]|ul|ol|li|hr|div|table|thead|tbody|tr|th|td)"
    r"(?: [a-z-]+=\"[^\"<>]*\"| rel=\"[^\"]*\")*>"
)
TRICKY = st.text(alphabet=st.sampled_from("ab *_~`<>&|!#@^\"'=/\n\\[]()-1.:jhtps\ue000\ue0010"), max_size=80)


@given(TRICKY)
def test_no_text_becomes_a_tag_that_was_not_meant(written: str) -> None:
    for drawn in (mrkdwn(written, WORDS), markdown(written, WORDS), plain(written)):
        assert not re.search(r"[<>]", KNOWN.sub("", str(drawn)))


@given(TRICKY)
def test_every_tag_that_is_opened_is_closed(written: str) -> None:
    for drawn in (mrkdwn(written, WORDS), markdown(written, WORDS)):
        depth: list[str] = []
        for closing, tag in re.findall(r"<(/?)(\w+)", str(drawn)):
            if tag in ("br", "hr"):
                continue
            if closing:
                assert depth.pop() == tag
            else:
                depth.append(tag)
        assert not depth
