"""A value in a sentence means what it says, and a bad one is answered with what would be right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.action import ACTIONS
from tests.domain.sentences import AT, misworded, said


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
        ("--rate", "0"),
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
