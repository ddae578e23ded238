"""Sentences: what is said is what is parsed, however it is typed."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.action import ACTIONS, Action
from bot.domain.errors import Misworded
from bot.domain.grammar import parse
from bot.domain.parameters import Ids, Percent, Rate, Since, Text, User, duration_from_word, duration_words, written
from bot.domain.words import quoted, words
from tests.domain.sentences import AT, misworded, said, tried

# ---------------------------------------------------------------- there and back


TOKEN = re.compile(r"<(?:[@#!]|https?:|mailto:)")
"""What Slack wraps is given back bare, so it is not the same afterwards."""

free = st.text(min_size=1).map(str.strip).filter(lambda text: bool(text) and not TOKEN.search(text))
word = st.text(min_size=1).filter(lambda text: not TOKEN.search(text))
nasty = st.text(alphabet=" \"“”„«»\\-—–=,<>`'\n\u00a0ab1", min_size=1).filter(lambda text: not TOKEN.search(text))

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: word | nasty,
    Text: free | nasty.map(str.strip).filter(bool),
    int: st.integers(-(10**12) + 1, 10**12 - 1),
    bool: st.booleans(),
    timedelta: st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)),
    datetime: st.datetimes(timezones=st.just(UTC)),
    Since: st.datetimes(max_value=AT.replace(tzinfo=None), timezones=st.just(UTC)),
    Rate: st.builds(lambda count, unit: count / unit, st.integers(0, 999_999), st.sampled_from([1, 60, 3600])),
    Percent: st.integers(100, 10_000).map(lambda share: share / 100 / 100),
    User: st.from_regex(r"[UW][A-Z0-9]{2,10}", fullmatch=True),
    Ids: st.lists(word | nasty, min_size=1, max_size=5, unique=True).map(tuple),
}


@st.composite
def sentences(draw: st.DrawFn) -> tuple[Action, dict[str, Any]]:
    """An action and some of its arguments."""
    found = draw(st.sampled_from(sorted(ACTIONS.values(), key=lambda each: each.name)))
    arguments: dict[str, Any] = {}
    for parameter in found.parameters:
        if parameter.required or draw(st.booleans()):
            choices = st.sampled_from(parameter.choices) if parameter.choices else VALUES[parameter.type]
            arguments[parameter.name] = draw(choices)
    return found, {name: value for name, value in arguments.items() if value is not False}


@given(sentences())
def test_what_a_sentence_says_is_read_back(given: tuple[Action, dict[str, Any]]) -> None:
    found, arguments = given
    assert parse(found.sentence(**arguments), AT) == (found, arguments, None)


@given(st.text() | nasty)
def test_a_quoted_word_is_one_word_again(text: str) -> None:
    assert [str(each) for each in words(quoted(text))] == [text]


@given(st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)))
def test_a_duration_said_is_the_duration_read(span: timedelta) -> None:
    assert duration_from_word(duration_words(span)) == span


@given(st.floats(0.001, 999_999))
@example(16666.9375)
def test_any_rate_is_said_so_that_it_can_be_read(rate: float) -> None:
    again = said(f"/jobs replay q --rate {written(Rate, rate)}")["rate"]
    assert again == pytest.approx(rate, rel=1e-9)


# ---------------------------------------------------------------- whatever is typed


SPOKEN = sorted({each.name for each in ACTIONS.values()} | {each.noun for each in ACTIONS.values()})
SCRAPS = st.sampled_from(
    ["--", "-", "—", "--count", "--rate=", "--dry-run=1", '"', "“", "\\", "<@U1|x>", "<#C1|>", "\x00"]
)


@given(st.sampled_from(["", *SPOKEN]), st.lists(st.text() | SCRAPS, max_size=6))
def test_nothing_that_can_be_typed_does_more_than_be_refused(name: str, rest: list[str]) -> None:
    found = tried(" ".join([name, *rest]))
    if isinstance(found, Misworded):
        assert found.sentence or found.usage
        assert "\n" not in found.sentence
        assert len(found.sentence) < 500
    else:
        assert all(parameter.name in found[1] for parameter in found[0].parameters if parameter.required)


@pytest.mark.parametrize("scrap", ['"', '\\"', '"\\', '"x ', "<@", "<https://", "<!", "-", "— ", "`", "\n"])
def test_forty_thousand_characters_of_anything_are_read_at_once(scrap: str) -> None:
    text = scrap * (40_000 // len(scrap))
    began = time.process_time()
    for name in ("/incident note", "/jobs show", "/jobs failed q --cause"):
        found = tried(f"{name} {text}")
        assert not isinstance(found, Misworded) or len(found.sentence) < 500
    assert time.process_time() - began < 2


# ---------------------------------------------------------------- words as phones write them


@pytest.mark.parametrize(
    "text",
    [
        '/jobs replay reposts --count 5 --cause "token expired"',
        "/jobs replay reposts --count=5 --cause=“token expired”",
        "/jobs replay reposts —count 5 —cause “token expired”",
        "/jobs replay reposts –count=5 ––cause „token expired“",
        "/jobs replay —count 5 reposts —cause «token expired»",
        '/Jobs Replay reposts --Count 5 --CAUSE “token expired"',
        '/jobs\u00a0replay reposts  --count\n5 --cause \'x --cause "token expired"'.replace("'x --cause ", ""),
    ],
)
def test_quotes_and_dashes_may_be_a_phones(text: str) -> None:
    assert said(text) == {"queue": "reposts", "count": 5, "cause": "token expired"}


def test_an_option_may_be_written_with_an_underscore() -> None:
    assert said("/jobs replay q --stop_at 10% --dry_run") == {"queue": "q", "stop_at": 0.1, "dry_run": True}


def test_a_quote_that_is_never_closed_is_a_character() -> None:
    assert said('/jobs show q 5"') == {"queue": "q", "id": '5"'}


def test_a_quote_within_quotes_is_escaped() -> None:
    assert said(r'/jobs show q "a \"b\" \\ c"') == {"queue": "q", "id": r'a "b" \ c'}


def test_a_backslash_outside_of_quotes_is_a_backslash() -> None:
    assert said(r"/jobs show q \\server\x") == {"queue": "q", "id": r"\\server\x"}


def test_what_is_in_quotes_is_no_option() -> None:
    assert said('/jobs show q "--count"') == {"queue": "q", "id": "--count"}


def test_what_follows_two_dashes_is_no_option() -> None:
    assert said("/jobs show -- -q --id") == {"queue": "-q", "id": "--id"}


def test_a_negative_number_is_a_value() -> None:
    assert said("/jobs replay q --canary -1")["canary"] == -1


# ---------------------------------------------------------------- free text


@pytest.mark.parametrize(
    "text",
    [
        'restarted "worker 3" and “worker 4”',
        "a  b\n\n  c\td",
        "the flag --force did it; so did -x",
        "died -- again",
        "died — again",
        '5" and 6"',
        r"C:\temp \"x\"",
        "count=5 --count 5",
        "-- is what it said",
        "50 % & <b>",
    ],
)
def test_free_text_is_kept_as_it_was_written(text: str) -> None:
    first = "-- " if text.startswith("--") else ""
    assert said(f"/incident note {first}{text}") == {"text": text}


def test_quotes_around_all_of_a_text_are_not_part_of_it() -> None:
    assert said("/incident note “two words”") == {"text": "two words"}


def test_options_may_stand_before_within_and_after_a_text() -> None:
    expected = {"title": "Uploads fail again", "severity": "sev1", "service": "reposting"}
    assert said("/incident open --severity sev1 Uploads fail --service reposting again") == expected


def test_in_a_text_a_slip_of_the_pen_in_an_option_is_asked_about() -> None:
    assert "Did you mean `--severity`?" in misworded("/incident open Uploads fail --sevrity sev1").sentence


def test_a_text_names_people_and_channels_as_they_were_typed() -> None:
    text = "<@U1|noor> asks <#C1|ops> and <!subteam^S1|@oncall>, see <https://x.example/a|x>, <@U2>, <!here>"
    assert said(f"/incident note {text}")["text"] == (
        "@noor asks #ops and @oncall, see https://x.example/a, <@U2>, @here"
    )


def test_a_word_that_is_a_channel_or_a_link_comes_bare() -> None:
    assert said("/jobs show <#C123|ops> <mailto:a@x.example|a@x.example>") == {"queue": "C123", "id": "a@x.example"}
