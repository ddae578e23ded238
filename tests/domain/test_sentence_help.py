"""Help says what each verb and each word does, and a mistake is answered with one sentence and a near miss."""

from __future__ import annotations

import pytest

from bot.domain.action import ACTIONS, Incomplete
from bot.domain.grammar import parse
from tests.domain.sentences import AT, misworded


def test_a_noun_alone_and_help_show_every_verb_with_what_it_does() -> None:
    for text in ("/jobs", "/jobs help", "/jobs --help", "/jobs —help", "/jobs ?"):
        help = misworded(text)
        assert help.sentence == ""
        assert "/jobs pause QUEUE" in help.usage
        assert len(help.notes) == len(help.usage)


def test_help_for_a_verb_explains_each_of_its_words() -> None:
    for text in ("/jobs replay help", "/jobs replay --help", "/jobs replay reposts --help"):
        help = dict(zip(misworded(text).usage, misworded(text).notes, strict=True))
        assert help["[--count N]"] == "at most so many jobs; when nothing is said, 50, or all of `--ids`"
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
