"""Sentences: what is said is what is parsed, and what cannot be parsed is answered with one sentence."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import handlers  # noqa: F401  every sentence there is
from bot.domain import action as grammar
from bot.domain import grammar as reading
from bot.domain.action import ACTIONS, Action, Incomplete, Risk, action, nouns
from bot.domain.call import Call
from bot.domain.errors import Misworded, Refused
from bot.domain.grammar import parse
from bot.domain.parameters import Ids, Percent, Rate, Since, Text, User, duration_from_word, duration_words, written
from bot.domain.reply import Reply
from bot.domain.words import quoted, words

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def said(text: str) -> Mapping[str, Any]:
    return parse(text, AT).arguments


def tried(text: str) -> tuple[Action, Mapping[str, Any]] | Misworded:
    """What it means, or why it means nothing."""
    try:
        return parse(text, AT)[:2]
    except Misworded as wrong:
        return wrong


def misworded(text: str) -> Misworded:
    with pytest.raises(Misworded) as wrong:
        parse(text, AT)
    return wrong.value


@pytest.fixture(autouse=True)
def _only_for_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(ACTIONS)
    for module in (grammar, reading):
        monkeypatch.setattr(module, "ACTIONS", known)


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


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("option", "word", "value"),
    [
        ("--since", "90s", AT - timedelta(seconds=90)),
        ("--since", "1h30m", AT - timedelta(minutes=90)),
        ("--since", "2d", AT - timedelta(days=2)),
        ("--since", "14:30", AT.replace(hour=14, minute=30)),
        ("--since", "15:30", AT.replace(day=1, hour=15, minute=30)),
        ("--since", "2026-03-01", AT.replace(day=1, hour=0)),
        ("--since", "2026-03-01T14:30Z", AT.replace(day=1, hour=14, minute=30)),
        ("--since", "2026-03-01T14:30+02:00", AT.replace(day=1, hour=12, minute=30)),
        ("--rate", "10/s", 10.0),
        ("--rate", "90/m", 1.5),
        ("--rate", "0.5/s", 0.5),
        ("--rate", "7200/h", 2.0),
        ("--rate", "none", 0.0),
        ("--stop-at", "20%", 0.2),
        ("--stop-at", "20", 0.2),
        ("--stop-at", "100%", 1.0),
        ("--count", "1,000", 1000),
        ("--ids", "41,57,41", ("41", "57")),
        ("--status", "Completed", "completed"),
    ],
)
def test_a_value_means_what_it_says(option: str, word: str, value: Any) -> None:
    assert said(f"/jobs replay q {option} {word}")[option[2:].replace("-", "_")] == value


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ("--since", "yesterday"),
        ("--since", "25:00"),
        ("--since", "2027-01-01"),
        ("--since", "m"),
        ("--since", "999999w"),
        ("--rate", "10"),
        ("--rate", "0/s"),
        ("--rate", "10/day"),
        ("--stop-at", "0%"),
        ("--stop-at", "0.2"),
        ("--stop-at", "101%"),
        ("--stop-at", "nan%"),
        ("--count", "many"),
        ("--count", "1.5"),
        ("--count", "9" * 13),
        ("--ids", ","),
        ("--status", "faild"),
    ],
)
def test_a_bad_value_is_answered_with_what_would_be_right(option: str, word: str) -> None:
    wrong = misworded(f"/jobs replay q {option} {word}")
    assert wrong.sentence.startswith(f"`{option}` takes ")
    assert f"not `{word}`" in wrong.sentence
    assert wrong.usage == (ACTIONS["/jobs replay"].usage,)


def test_a_near_miss_of_a_choice_is_offered() -> None:
    assert misworded("/jobs replay q --status faild").sentence.endswith("Did you mean `failed`?")


def test_a_long_bad_value_is_not_repeated_at_length() -> None:
    assert len(misworded(f"/jobs replay q --count {'x' * 40_000}").sentence) < 200


@pytest.mark.parametrize("word", ["<@U123|maria>", "<@U123>", "U123"])
def test_a_person_is_a_mention(word: str) -> None:
    assert said(f"/incident lead {word}") == {"user": "U123"}


def test_a_name_is_no_mention() -> None:
    assert "written as a mention" in misworded("/incident lead maria").sentence


# ---------------------------------------------------------------- help and near misses


def test_a_noun_alone_and_help_show_every_verb_with_what_it_does() -> None:
    for text in ("/jobs", "/jobs help", "/jobs --help", "/jobs —help", "/jobs ?"):
        help = misworded(text)
        assert help.sentence == ""
        assert "/jobs pause QUEUE" in help.usage
        assert len(help.notes) == len(help.usage)


def test_help_for_a_verb_explains_each_of_its_words() -> None:
    for text in ("/jobs replay help", "/jobs replay --help", "/jobs replay reposts --help"):
        help = dict(zip(misworded(text).usage, misworded(text).notes, strict=True))
        assert help["[--count 50]"] == "at most so many jobs"
        assert help["QUEUE"]
        assert help[ACTIONS["/jobs replay"].usage] == ACTIONS["/jobs replay"].summary


def test_hidden_actions_are_not_in_the_help() -> None:
    assert not any("keep" in line for line in misworded("/incident help").usage)


@pytest.mark.parametrize(
    ("text", "near"),
    [("/jbos status", "/jobs"), ("jobs status", "/jobs"), ("/jobs reply q", "/jobs replay"), ("/jobs xyzzy", "")],
)
def test_a_near_miss_of_a_noun_or_a_verb_is_offered(text: str, near: str) -> None:
    assert misworded(text).near == near


def test_an_unknown_option_is_named_with_a_near_miss() -> None:
    wrong = misworded("/jobs replay q --cuont 5")
    assert wrong.sentence == "/jobs replay has no option `--cuont`. Did you mean `--count`?"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/jobs replay q --count", "`--count` needs a value after it."),
        ("/jobs replay q --cause --count 5", "`--cause` needs a value after it."),
        ("/jobs replay q --dry-run=no", "`--dry-run` takes no value."),
        ("/jobs show q 41 57", "/jobs show does not know what to do with `57`."),
        ("", "There is no `/`."),
    ],
)
def test_each_mistake_has_its_sentence(text: str, sentence: str) -> None:
    assert misworded(text).sentence == sentence


def test_missing_words_are_named_and_those_given_are_kept() -> None:
    with pytest.raises(Incomplete) as lacking:
        parse("/incident open --severity sev1", AT)
    assert lacking.value.missing == ("title",)
    assert lacking.value.given == {"severity": "sev1"}
    assert lacking.value.sentence == "/incident open needs `TITLE`."


# ---------------------------------------------------------------- from a function


def test_a_function_is_all_that_an_action_needs() -> None:
    @action("/night watch", Risk.ACT)
    def watch(call: Call, tools: object, post: str, hours: timedelta = timedelta(hours=2), loud: bool = False) -> Reply:
        """Stand guard.

        post: where to stand
        """
        return Reply("x", {"post": post, "hours": hours, "loud": loud})

    made = grammar.ACTIONS["/night watch"]
    assert made.usage == "/night watch POST [--hours 2h] [--loud]"
    assert (made.summary, made.parameters[0].help) == ("Stand guard.", "where to stand")
    found, arguments, _ = parse("/night watch gate --hours 90m --loud", AT)
    answer = found.answer(Call("1", "U1", "C1", "", AT), None, arguments)
    assert isinstance(answer, Reply)
    assert answer.facts == {"post": "gate", "hours": timedelta(minutes=90), "loud": True}


def test_what_stands_before_the_slash_may_be_left_out() -> None:
    @action("/night shift", Risk.LOOK)
    def shift(call: Call, tools: object, length: Literal["short", "long"] | None = None, /, who: str = "me") -> Reply:
        """Change the guard."""
        return Reply("x", {"length": length, "who": who})

    made = grammar.ACTIONS["/night shift"]
    assert made.usage == "/night shift [short|long] [--who me]"
    call = Call("1", "U1", "C1", "", AT)
    assert made.answer(call, None, said("/night shift")) == Reply("x", {"length": None, "who": "me"})
    assert made.answer(call, None, said("/night shift long --who you")) == Reply("x", {"length": "long", "who": "you"})


def test_a_function_that_cannot_be_said_is_noticed_at_once() -> None:
    def wordless(call: Call, tools: object) -> Reply:
        return Reply("x")

    def unreadable(call: Call, tools: object, thing: bytes) -> Reply:
        """Take bytes."""
        return Reply("x")

    for handler, why in ((wordless, "no docstring"), (unreadable, "no word can be read as")):
        with pytest.raises(TypeError, match=why):
            action("/night x", Risk.LOOK)(handler)
    with pytest.raises(TypeError, match="/jobs status is declared twice: in handlers"):
        action("/jobs status", Risk.LOOK)(unreadable)


def test_the_manifest_lists_each_noun_once_and_nothing_hidden() -> None:
    names = [noun.name for noun in nouns()]
    assert len(names) == len(set(names))
    assert "/jobs" in names
    assert not {"/home", "/unknown"} & set(names)


def test_every_action_has_a_help_for_each_of_its_words() -> None:
    lacking = [f"{each.name} {p.name}" for each in ACTIONS.values() for p in each.parameters if not p.help]
    assert [each for each in lacking if not ACTIONS[each.rpartition(" ")[0]].hidden] == []


# ---------------------------------------------------------------- calls


@pytest.mark.parametrize(
    "call",
    [
        Call("1", "U1", "C1", "/jobs", AT),
        Call("2", "U1", "C1", "/jobs", AT, "ops", 7, "terminal", "1.2", "3.4", "t", "https://x", True),
    ],
)
def test_a_call_is_the_same_after_storing_it(call: Call) -> None:
    assert Call.from_json(call.to_json()) == call


def test_a_call_stored_by_another_version_is_understood() -> None:
    assert Call.from_json({**Call("1", "U1", "C1", "/jobs", AT).to_json(), "mood": "calm"}).text == "/jobs"


def test_the_reference_is_short_enough_to_read_out() -> None:
    assert Call("abcdefghijklmnop", "U1", "C1", "", AT).ref == "ijklmnop"


def test_refusing_is_one_family() -> None:
    assert issubclass(Misworded, Refused)
    assert issubclass(Incomplete, Misworded)
