"""Templates become messages, forms, files and lines of a terminal, and a wrong one is named with what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.messages import limits as fit
from bot.messages.mrkdwn import plain, size
from bot.messages.render import Message, Renderer, RenderError, View, to_terminal
from tests.messages.drawn import NOW, Draw, view

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
