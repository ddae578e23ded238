"""An action is made from a function, and a call that was stored is read again."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from bot.domain import action as grammar
from bot.domain import grammar as reading
from bot.domain.action import ACTIONS, Incomplete, Risk, action, nouns
from bot.domain.call import Call
from bot.domain.errors import Misworded, Refused
from bot.domain.grammar import parse
from bot.domain.reply import Reply
from tests.domain.sentences import AT, said


@pytest.fixture(autouse=True)
def _only_for_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(ACTIONS)
    for module in (grammar, reading):
        monkeypatch.setattr(module, "ACTIONS", known)


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
