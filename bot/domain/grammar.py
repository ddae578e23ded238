"""Reading a sentence: which action it names, and its arguments. argparse does the parsing; this stands around it."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from bot.domain.action import ACTIONS, Action, Incomplete
from bot.domain.errors import Misworded, Refused
from bot.domain.parameters import Parameter, Text
from bot.domain.words import SHIELD, Word, clipped, unslacked, words

_OPTION = re.compile(r"--?[A-Za-z]")


class _Reader(argparse.ArgumentParser):
    """argparse, but a mistake is an exception with a sentence and never an exit."""

    def error(self, message: str) -> NoReturn:
        if lacking := re.match(r"argument (--[\w-]+): expected", message):
            raise Refused(f"`{lacking[1]}` needs a value after it.")
        if flag := re.match(r"argument (--[\w-]+): ignored explicit argument", message):
            raise Refused(f"`{flag[1]}` takes no value.")
        if spare := re.match(r"unrecognized arguments: (.*)", message, re.S):
            raise Refused(f"{self.prog} does not know what to do with `{clipped(spare[1].replace(SHIELD, ''))}`.")
        raise Refused(clipped(message.replace(SHIELD, "")))


def parse(text: str, at: datetime) -> tuple[Action, dict[str, Any]]:
    """A sentence → the action it names and its arguments, typed.

    Raises Misworded when there is no such action, option or value, Incomplete when words are missing that a form could
    ask for. ``/noun``, ``/noun help`` and an unknown verb raise Misworded with the usage of all its verbs.
    """
    said = words(text.strip())
    found, rest = _named(said)
    try:
        given = _given(found, rest)
        missing = [p.name for p in found.parameters if p.required and not given.get(p.name)]
        if missing:
            raise Incomplete(found, given, missing)
        return found, {
            name: value if isinstance(value, bool) else found.parameter(name).read(value, at)
            for name, value in given.items()
        }
    except Misworded:
        raise
    except Refused as no:
        raise Misworded(no.sentence, [found.usage]) from no


def _named(said: Sequence[Word]) -> tuple[Action, Sequence[Word]]:
    noun = said[0].lower() if said else ""
    mine = [each for each in ACTIONS.values() if each.noun == noun]
    if not mine:
        known = sorted({each.noun for each in ACTIONS.values() if not each.hidden})
        near = difflib.get_close_matches(noun, known, 1)
        raise Misworded(f"There is no `{clipped(noun) or '/'}`.", known, near[0] if near else "")
    if len(mine) == 1 and not mine[0].verb:
        if len(said) == 2 and _help(said[1]):
            raise _explained(mine[0])
        return mine[0], said[1:]
    shown = [each for each in mine if not each.hidden]
    usage = [each.usage for each in shown]
    if len(said) == 1 or _help(said[1]):
        raise Misworded("", usage, notes=[each.summary for each in shown])
    verb = said[1].lower()
    for each in mine:
        if each.verb == verb:
            if len(said) == 3 and _help(said[2]):
                raise _explained(each)
            return each, said[2:]
    near = difflib.get_close_matches(verb, [each.verb for each in shown], 1, 0.5)
    raise Misworded(f"{noun} has no `{clipped(said[1])}`.", usage, f"{noun} {near[0]}" if near else "")


def _help(word: Word) -> bool:
    return not word.literal and word.lower() in ("help", "--help", "-h", "?")


def _explained(found: Action) -> Misworded:
    lines, notes = zip(*found.notes, strict=True)
    return Misworded("", lines, notes=notes)


def _given(found: Action, said: Sequence[Word]) -> dict[str, Any]:
    """Arguments by name, as words still. argparse reads them; what is no option of this action is shielded from it."""
    reader = _Reader(prog=found.name, add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    free = next((p for p in found.parameters if p.positional and p.type is Text), None)
    for p in found.parameters:
        if p.positional:
            reader.add_argument(p.name, nargs="*" if p is free else "?")
        else:
            reader.add_argument(p.option, dest=p.name, action="store_true" if p.flag else "store")
    given = vars(reader.parse_intermixed_args(_tokens(found, said, free)))
    return {
        name: value if isinstance(value, bool) else _joined(value, free is not None and name == free.name)
        for name, value in given.items()
        if value not in (None, [], "", SHIELD)
    }


def _tokens(found: Action, said: Sequence[Word], free: Parameter | None) -> list[str]:
    """The words as argparse shall see them: options as they are declared, everything else behind a shield."""
    options = {p.option: p for p in found.parameters if not p.positional}
    fixed = sum(p.positional and p is not free for p in found.parameters)
    tokens: list[str] = []
    placed, awaited = 0, False
    for place, word in enumerate(said):
        # Once free text has begun, "--" is two dashes in it.
        if word.raw == "--" and not awaited and not (free and placed > fixed):
            return [*tokens, *(each.shielded(verbatim=True) for each in said[place + 1 :])]
        if not word.literal and _OPTION.match(word):
            name, equals, value = word.partition("=")
            name = name.lower().replace("_", "-")
            if name in options:
                tokens.append(f"{name}={SHIELD}{value}" if equals else name)
                awaited = not equals and not options[name].flag
                continue
            # In free text nearly everything may stand; what is one slip away from an option is asked about.
            near = difflib.get_close_matches(name, options, 1, 0.85 if free else 0.6)
            if near or not free:
                if _help(word):
                    raise _explained(found)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise Refused(f"{found.name} has no option `{clipped(name)}`.{hint}")
        tokens.append(word.shielded())
        placed += not awaited
        awaited = False
    return tokens


def _joined(value: str | list[Word], free: bool) -> str:
    """One word without its shield; free text as it was written, white space and quotes and all, but for quotes around
    the whole of it."""
    if isinstance(value, str):
        return unslacked(value.removeprefix(SHIELD))
    if len(value) == 1 and value[0].whole:
        return unslacked(value[0].removeprefix(SHIELD), free=free)
    return unslacked("".join(word.gap + word.raw for word in value).strip(), free=free)
