"""Whatever the facts: a valid message within Slack's limits, in which they ping nobody and show no secret."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.messages import limits as fit
from bot.messages.mrkdwn import BREAK, clean, plain, settle, shorten, size
from bot.messages.render import Message, Renderer, RenderError, View, to_terminal

BLOCKS = Path(__file__).parents[2] / "templates" / "_blocks.j2"
NOW = datetime(2025, 11, 23, 2, 14, tzinfo=UTC)

Draw = Callable[..., Message]


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "_blocks.j2").write_text(BLOCKS.read_text())
    return tmp_path


@pytest.fixture
def draw(room: Path) -> Draw:
    def render(source: str, **facts: Any) -> Message:
        (room / "one.j2").write_text(source)
        return Renderer(room).render("one", {"now": NOW, **facts})

    return render


def view(room: Path, source: str, **facts: Any) -> View:
    (room / "one.j2").write_text(source)
    return Renderer(room).view("one", facts)


def said(draw: Draw, expression: str, **facts: Any) -> str:
    """What a section shows of one expression."""
    text = draw("x\n{% call section() %}{{ " + expression + " }}{% endcall %}", **facts).blocks[0]["text"]["text"]
    assert isinstance(text, str)
    return text


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("text", "alt_text") and isinstance(each, str):
                yield each
            else:
                yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


# --- the shape of a message -----------------------------------------------------------------------------------------


def test_the_first_line_is_the_lock_screen_and_each_further_line_a_block(draw: Draw) -> None:
    message = draw('\n{{ n }} failed\n\n{{ section("*a*") }}\n{{ divider() }}\n\n{{ context("b", "c") }}\n', n=3)
    assert message.text == "3 failed"
    assert [block["type"] for block in message.blocks] == ["section", "divider", "context"]
    assert message.blocks[0]["text"] == {"type": "mrkdwn", "text": "*a*", "verbatim": True}
    assert [e["text"] for e in message.blocks[2]["elements"]] == ["b", "c"]


def test_a_text_may_be_an_argument_or_a_body(draw: Draw) -> None:
    message = draw(
        "t\n"
        '{{ section("*" ~ a ~ "*") }}\n'
        "{% call section() %}*{{ a }}*\nsecond{% endcall %}\n"
        "{% call header() %}{{ a }}{% endcall %}\n"
        "{% call context() %}{{ a }} · <@U1>{% endcall %}\n"
        "{% call fields() %}\n*One* {{ a }}\n*Two* {{ a }}\n{% endcall %}\n"
        '{{ fields("*One*\n1", "*Two*\n2") }}\n'
        "{% call markdown() %}# {{ a }}{% endcall %}\n",
        a="x & y\nz",
    )
    argument, body, head, context, lines, pairs, markdown = message.blocks
    assert argument["text"]["text"] == "*x &amp; y\nz*"
    assert body["text"]["text"] == "*x &amp; y\nz*\nsecond"
    assert head["text"] == {"type": "plain_text", "text": "x &amp; y\nz", "emoji": True}
    assert context["elements"][0]["text"] == "x &amp; y\nz · <@U1>"
    assert [f["text"] for f in lines["fields"]] == ["*One* x &amp; y\nz", "*Two* x &amp; y\nz"]
    assert [f["text"] for f in pairs["fields"]] == ["*One*\n1", "*Two*\n2"]
    assert markdown == {"type": "markdown", "text": "# x &amp; y\nz"}


def test_blocks_from_a_loop_a_macro_and_a_condition_are_blocks_like_others(draw: Draw) -> None:
    message = draw(
        '{% macro card(x) %}{{ section(x) }}\n{{ context("under " ~ x) }}\n{% endmacro %}\n'
        "title\n{% for x in xs %}\n  {{ card(x) }}\n{% endfor %}\n"
        "{% if xs|length > 5 %}\n{{ divider() }}\n{% endif %}\n",
        xs=["a", "b"],
    )
    assert [b["type"] for b in message.blocks] == ["section", "context", "section", "context"]


def test_a_button_says_its_sentence_unescaped_and_every_element_has_its_own_id(draw: Draw) -> None:
    message = draw(
        't\n{{ section("a", button("Replay <these>", "/jobs replay " ~ q|arg ~ " --cause " ~ c)) }}\n'
        '{{ actions(button("Stop", "/jobs stop", style="danger", confirm="Sure & certain?"), button("Open", url=u),'
        ' select("Choose", [("One & two", "/x a&b"), ("Two", "/x 2")])) }}\n'
        "{% call actions() %}{% for n in (1, 2) %}\n{{ button(n, '/n ' ~ n) }}\n{% endfor %}{% endcall %}\n",
        q='a <b> & "c"',
        c="x<y",
        u="https://h.example/?a=1&b=2",
    )
    first = message.blocks[0]["accessory"]
    assert first["value"] == '/jobs replay "a <b> & \\"c\\"" --cause x<y'
    assert first["text"]["text"] == "Replay &lt;these&gt;"
    stop, link, select = message.blocks[1]["elements"]
    assert stop["style"] == "danger"
    assert stop["confirm"]["text"]["text"] == "Sure &amp; certain?"
    assert stop["confirm"]["style"] == "danger"
    assert link["url"] == "https://h.example/?a=1&b=2"
    assert select["options"][0]["value"] == "/x a&b"
    assert [e["text"]["text"] for e in message.blocks[2]["elements"]] == ["1", "2"]
    assert [e["action_id"] for e in fit.elements(message.blocks)] == [f"say:{n}" for n in range(6)]


def test_a_form_knows_its_inputs_its_title_and_its_sentence(room: Path) -> None:
    form = view(
        room,
        "Replay failed jobs of {{ q }}\n"
        '{{ form("/jobs replay " ~ q, submit="Plan it") }}\n'
        '{{ input("count", "How many", kind="number", initial=50, hint="at most <1,000>") }}\n'
        '{{ input("cause", "Cause", kind="select", options=causes, initial="t", optional=true) }}\n'
        '{{ input("why", "Why", kind="multiline", initial=old, placeholder="What was done") }}\n'
        '{{ input("who", "Who", kind="user", initial="U1") }}\n'
        '{{ input("name", "Name") }}\n',
        q="a&b",
        causes=[("Any", "any"), ("Token", "t")],
        old="it's <old>\nxoxb-123456789-abcdef",
    ).to_slack()
    assert form["title"]["text"] == "Replay failed jobs of…"
    assert size(form["title"]["text"]) <= 24
    assert form["private_metadata"] == "/jobs replay a&b"
    assert form["submit"]["text"] == "Plan it"
    count, cause, why, who, name = form["blocks"]
    assert count["element"] == {
        "type": "number_input",
        "is_decimal_allowed": False,
        "initial_value": "50",
        "action_id": "count",
    }
    assert count["hint"]["text"] == "at most &lt;1,000&gt;"
    assert cause["optional"] is True
    assert cause["element"]["initial_option"]["value"] == "t"
    assert why["element"]["initial_value"] == "it's <old>\n•••"
    assert who["element"]["initial_user"] == "U1"
    assert name["element"] == {"type": "plain_text_input", "action_id": "name"}
    assert [b["block_id"] for b in form["blocks"]] == ["count", "cause", "why", "who", "name"]


def test_a_view_without_inputs_has_nothing_to_submit(room: Path) -> None:
    assert "submit" not in view(room, 'Read\n{{ form() }}\n{{ section("x") }}').to_slack()


def test_messages_and_forms_can_be_stored_as_json(draw: Draw, room: Path) -> None:
    message = draw('t\n{{ section("a", button("b", "/c")) }}\n{{ extras(file="a<b", n=3) }}')
    assert message.extras == {"file": "a<b", "n": 3}
    assert Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message
    form = view(room, 'Read\n{{ form("/x") }}\n{{ input("a", "b") }}')
    assert View.from_dict(json.loads(json.dumps(form.to_dict()))) == form


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ missing }}", "'missing' is undefined"),
        ("t\n{{ section(missing) }}", "'missing' is undefined"),
        ("t\n{{ section(a.b.c) }}", "no attribute"),
        ("t\nnot a block", "each line is a block"),
        ("t\n{{ button('a', '/b') }}", "cannot stand as a block"),
        ("t\n{{ actions('a') }}", "can stand in a row"),
        ("t\n{{ form() }}", "is a form"),
        ("t\n{{ actions(button('a', 'x' * 2001)) }}", "2,001 characters long"),
        ("t\n{{ input('a', 'b', kind='colour') }}", "one:"),
        ("t\n{% if %}", "Syntax"),
    ],
)
def test_a_wrong_template_is_named_with_what_is_wrong(draw: Draw, source: str, reason: str) -> None:
    with pytest.raises(RenderError, match=r"^one: |^one is ") as wrong:
        draw(source, a={})
    assert reason in str(wrong.value)


def test_the_templates_there_are_can_be_listed(room: Path) -> None:
    (room / "jobs").mkdir()
    (room / "jobs" / "failed.j2").write_text("x")
    (room / "postmortem.md.j2").write_text("x")
    assert Renderer(room).names() == ["jobs/failed", "postmortem.md"]


# --- nothing gets out -----------------------------------------------------------------------------------------------

EVERYTHING = """{{ a }}: {{ b|plural("job") }} {{ a|cut(30) }}
{% call section() %}*{{ a }}* {{ a|user }} {{ a|channel }} {{ a|group }} {{ a|when }}
{{ a|ago }} {{ a|duration }}{% endcall %}
{{ section(a ~ "*" ~ a|code ~ a, button(a, "/x " ~ n, confirm=a)) }}
{{ section(("a" ~ a|code) + a) }}
{{ section("%s and %s"|format(a, a|code)) }}
{{ section([a, a|code]|join(" · ")) }}
{{ section(a|code|replace("x", a[:40])) }}
{{ section(a|pre ~ a|quote ~ a|truncate(20) ~ a|upper ~ a|trim) }}
{{ section(a|code|truncate(9, true, "") ~ a|number ~ a|percent ~ a|signed ~ a|utc) }}
{{ section(link(a, a) ~ a|link(a) ~ link("https://h.example/" ~ a, a)) }}
{{ fields(a, "x" ~ a|code) }}
{% call fields() %}
{{ a }}
{{ a|code ~ a }}
{% endcall %}
{{ header(a) }}
{{ context(a, a|code ~ a) }}
{{ image(a, url="https://h.example/x.png", title=a) }}
{{ image(a, url=a) }}
{{ markdown(a) }}
{{ table([[a, 1], [a]], head=["x", a]) }}
{% set kept %}{{ a }}
{{ a|code ~ a }}{% endset %}
{{ section(kept) }}
{{ actions(button(a, "/y"), button("z", url=a), select(a, [(a, "v")])) }}
{{ section(d) }}
{{ section(d|string|tojson) }}
"""

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


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    folder = tmp_path_factory.mktemp("templates")
    (folder / "_blocks.j2").write_text(BLOCKS.read_text())
    (folder / "all.j2").write_text(EVERYTHING)
    lines = EVERYTHING.split("\n")
    (folder / "few.j2").write_text("\n".join(lines[:6]))
    (folder / "all.md.j2").write_text(
        "# {{ a }}\n\n{{ a|code }} {{ a|link(a) }} {{ a|user }}\n\n{{ a|quote }}\n\n{{ a|pre }}\n"
    )
    return Renderer(folder)


@given(
    a=FACT, b=st.integers() | st.floats() | FACT, d=st.none() | st.booleans() | st.dictionaries(FACT, FACT, max_size=2)
)
@example(a="```" + "x" * 6000, b=1, d=None)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_facts_the_message_is_lawful(everything: Renderer, a: str, b: Any, d: Any) -> None:
    lawful(everything.render("all", {"a": a, "b": b, "d": d, "n": 1}))


@given(a=FACT)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_fact_adds_or_removes_a_block(everything: Renderer, a: str) -> None:
    usual = everything.render("few", {"a": "x", "b": 1, "n": 1, "d": 1})
    message = everything.render("few", {"a": a[:400], "b": 1, "n": 1, "d": 1})
    assert [block["type"] for block in message.blocks] == [block["type"] for block in usual.blocks]


@given(a=FACT)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_file_shows_no_secret_and_no_html(everything: Renderer, a: str) -> None:
    text = everything.render_text("all.md", {"a": a})
    assert "xoxb-123456789012" not in text
    assert "hunter2x" not in text
    # Backticks of the fact's own would have this test take the wrong parts for code.
    text = everything.render_text("all.md", {"a": a.replace("`", "'")})
    outside = re.sub(r"(`+)(?:.|\n)*?\1", "", text)
    assert not re.search(r"(?<!\()<(?!https?://[^<>\s]+>\))", outside)
    assert text.endswith("\n")
    text.encode()


def test_a_job_called_channel_pings_nobody(draw: Draw) -> None:
    message = draw('{{ j }}\n{{ section("*" ~ j ~ "* by " ~ u|user) }}', j="<!channel> @here", u="U1")
    assert message.text == "&lt;!channel&gt; @here"
    assert message.blocks[0]["text"] == {
        "type": "mrkdwn",
        "text": "*&lt;!channel&gt; @here* by <@U1>",
        "verbatim": True,
    }


def test_quotes_stay_quotes_wherever_markup_meets_text(draw: Draw) -> None:
    quoted = """it's "q" & <b>"""
    wanted = """it's "q" &amp; &lt;b&gt;"""
    for expression in ("a|code ~ a", "a|code + a", "[a|code, a]|join('')", "a ~ a|code"):
        shown = said(draw, expression, a=quoted)
        assert shown.replace(f"`{wanted}`", "", 1) == wanted, expression
    assert said(draw, "('x'|code)|replace('x', a)", a=quoted) == f"`{wanted}`"
    assert said(draw, '"it\'s" ~ u|user', u="U1") == "it's<@U1>"


def test_entities_in_facts_stay_what_they_were(draw: Draw) -> None:
    message = draw(
        "{{ a }}\n{{ section(a ~ a|code, button(a, a)) }}\n"
        "{{ actions(button('b', url='https://h/?' ~ a|replace(' ', ''))) }}",
        a="&#34; &quot; &lt; &#39;",
    )
    wanted = "&amp;#34; &amp;quot; &amp;lt; &amp;#39;"
    assert message.text == wanted
    assert message.blocks[0]["text"]["text"] == f"{wanted}`{wanted}`"
    assert message.blocks[0]["accessory"]["value"] == "&#34; &quot; &lt; &#39;"
    assert message.blocks[1]["elements"][0]["url"] == "https://h/?&#34;&quot;&lt;&#39;"
    assert to_terminal(message).startswith("&#34; &quot; &lt; &#39;")


def test_a_name_and_its_secret_are_masked_though_they_come_as_two_facts(draw: Draw) -> None:
    assert said(draw, '"*" ~ k ~ ":* " ~ v ~ u|user', k="x", v="y", u="U1") == "*x:* y<@U1>"
    message = draw("t\n{% call section() %}{{ k }}: {{ v }}{% endcall %}", k="password", v="hunter2")
    assert message.blocks[0]["text"]["text"] == "password: •••"


def test_a_megabyte_of_anything_is_rendered_within_a_second_or_so(everything: Renderer) -> None:
    began = time.process_time()
    lawful(everything.render("few", {"a": "token=<!channel>& " * 60_000, "b": 1, "n": 1, "d": 1}))
    assert time.process_time() - began < 8


# --- limits ---------------------------------------------------------------------------------------------------------


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


# --- how values are said --------------------------------------------------------------------------------------------


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


# --- files and terminals --------------------------------------------------------------------------------------------


def test_a_file_is_markdown_in_utc_with_names_instead_of_ids(room: Path) -> None:
    (room / "list.md.j2").write_text(
        "# {{ title }}\n\nBy {{ who|user }} at {{ at|when }}: {{ n|plural('job') }} of {{ q|code }},\n"
        "{{ url|link('here') }}\n\n"
        "{{ text|quote }}\n\n{{ ids|pre }}\n"
    )
    text = Renderer(room).render_text(
        "list.md",
        {
            "title": "It's *bold* [x](y) <b>\n# no",
            "who": "U1",
            "names": {"U1": "Ana_B"},
            "at": NOW,
            "n": 2,
            "q": "repost`dispatch",
            "url": "https://h.example/a_b",
            "text": "one_two\n# not a heading, token=abc123",
            "ids": "1\n2",
        },
    )
    assert text == (
        "# It's \\*bold\\* \\[x\\](y) &lt;b&gt; # no\n\n"
        "By Ana_B at 2025-11-23 02:14 UTC: 2 jobs of ``repost`dispatch``,\n[here](<https://h.example/a_b>)\n\n"
        "> one_two\n> \\# not a heading, token=•••\n\n```\n1\n2\n```\n"
    )


def test_a_terminal_shows_what_slack_would_in_plain_words(draw: Draw) -> None:
    message = draw(
        "37 failed\n"
        "{% call section() %}*{{ q }}* · <@U1> in <#C1> since {{ now|when }} – {{ u|link('docs') }}{% endcall %}\n"
        '{{ section("`code` a*b*c", button("Show <it>", "/jobs show " ~ q|arg)) }}\n'
        '{{ fields("*Depth* 4") }}\n{{ divider() }}\n{{ actions(select("Which", [("One", "/x 1")])) }}\n'
        '{{ context("small & grey") }}\n{{ image("A picture", file="F1") }}',
        q="a <b>",
        u="https://h.example/?a=1&b=2",
    )
    assert to_terminal(message, {"U1": "ana", "C1": "ops"}).split("\n") == [
        "37 failed",
        "a <b> · @ana in #ops since 02:14 UTC – docs (https://h.example/?a=1&b=2)",
        "code a*b*c",
        '  [Show <it>] → /jobs show "a <b>"',
        "  Depth 4",
        "-" * 40,
        "  Which:",
        "    [One] → /x 1",
        "small & grey",
        "(A picture)",
        "",
    ]


def test_a_terminal_says_the_first_line_once(draw: Draw) -> None:
    assert to_terminal(draw('{{ "Done" }}\n{{ section("Done") }}')) == "Done\n"
    assert to_terminal(draw('{{ "Done" }}\n{{ section("Done by noon") }}')) == "Done by noon\n"


def test_plain_text_keeps_what_was_escaped() -> None:
    assert plain("&lt;!channel&gt; &amp;lt; <!here>") == "<!channel> &lt; @here"
