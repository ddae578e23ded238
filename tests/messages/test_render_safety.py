"""Whatever the facts: a valid message, in which they ping nobody, break no markup and show no secret."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.messages.render import Renderer, to_terminal
from tests.messages.drawn import BLOCKS, Draw, said
from tests.messages.lawful import FACT, lawful

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
