"""Parsing a sentence: which action it names, which incident it is about, and its arguments."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.domain.action import ACTIONS, Action, Incomplete
from bot.domain.errors import Misworded, Refused
from bot.domain.parameters import Parameter, Text
from bot.domain.words import Word, clipped, unslacked, words

_OPTION = re.compile(r"--?[A-Za-z]")
_NUMBER = re.compile(r"#(\d{1,9})")
INCIDENT = "--incident"


class Parsed(NamedTuple):
    """What a sentence says. ``incident``: the number in ``#12`` or ``--incident 12``, None where neither is said."""

    action: Action
    arguments: dict[str, Any]
    incident: int | None


def parse(text: str, at: datetime) -> Parsed:
    """A sentence → the action it names, its arguments, typed, and the incident that it names.

    ``#12`` directly after the name of the action is the number of an incident; anywhere else it is text. Raises
    Misworded when there is no such action, option or value, Incomplete when words are missing that a form could ask
    for. ``/noun``, ``/noun help`` and an unknown verb raise Misworded with the usage of all its verbs.
    """
    action, said = _named(words(text.strip()))
    try:
        given = _given(action, said)
        missing = [p.name for p in action.parameters if p.required and not given.arguments.get(p.name)]
        if missing:
            raise Incomplete(action, given.arguments, missing, given.incident)
        arguments = {
            name: value if isinstance(value, bool) else action.parameter(name).read(value, at)
            for name, value in given.arguments.items()
        }
        return Parsed(action, arguments, given.incident)
    except Misworded:
        raise
    except Refused as no:
        raise Misworded(no.sentence, [action.usage]) from no


def with_incident(text: str, incident: int) -> str:
    """The same sentence, about this incident. One that names an incident, or can be about none, stays as it is."""
    said = words(text)
    try:
        action, rest = _named(said)
    except Misworded:
        return text
    if not action.incident or any(_NUMBER.fullmatch(word) for word in rest[:1] if not word.literal):
        return text
    if any(not word.literal and word.partition("=")[0].lower() == INCIDENT for word in rest):
        return text
    return f"{action.name} #{incident}{''.join(word.gap + word.raw for word in rest)}"


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


@dataclass(slots=True)
class _Given:
    """Arguments by name, as words still; flags as True."""

    arguments: dict[str, Any] = field(default_factory=dict)
    incident: int | None = None


def _given(action: Action, said: Sequence[Word]) -> _Given:
    """Options by their names; of the other words one for each place, in order, and the rest for the free text."""
    given = _Given()
    if action.incident and said and not said[0].literal and (number := _NUMBER.fullmatch(said[0])):
        given.incident, said = int(number[1]), said[1:]
    free = next((p for p in action.parameters if p.positional and p.type is Text), None)
    places = [p for p in action.parameters if p.positional and p is not free]
    loose = _options(action, said, free, len(places), given)
    for place, word in zip(places, loose, strict=False):
        if value := unslacked(word):
            given.arguments[place.name] = value
    rest = loose[len(places) :]
    if rest and free is None:
        raise Refused(f"{action.name} does not know what to do with `{clipped(' '.join(rest))}`.")
    if rest and free and (text := _joined(rest)):
        given.arguments[free.name] = text
    return given


def _options(action: Action, said: Sequence[Word], free: Parameter | None, places: int, given: _Given) -> list[Word]:
    """Take the options, wherever they stand, into ``given``; returns the words that are left.

    After ``--`` no word is an option; once free text has begun, ``--`` is two dashes in it.
    """
    options = {p.option: p for p in action.parameters if not p.positional}
    loose: list[Word] = []
    rest = iter(said)
    for word in rest:
        if word.raw == "--" and not (free and len(loose) > places):
            return [*loose, *(each.verbatim() for each in rest)]
        if word.literal or not _OPTION.match(word):
            loose.append(word)
            continue
        name, equals, value = word.partition("=")
        name = name.lower().replace("_", "-")
        if name in options and options[name].flag:
            if equals:
                raise Refused(f"`{name}` takes no value.")
            given.arguments[options[name].name] = True
        elif name in options or (name == INCIDENT and action.incident):
            found = value if equals else _value(name, rest, options)
            if name not in options:
                _name_incident(given, found)
            elif found:
                given.arguments[options[name].name] = unslacked(found)
        else:
            _refuse_near_miss(action, word, name, options, free)
            loose.append(word)
    return loose


def _value(name: str, rest: Iterator[Word], options: Mapping[str, Parameter]) -> Word:
    """The word after an option that takes a value. Raises Refused when there is none."""
    word = next(rest, None)
    if word is None or (not word.literal and word.partition("=")[0].lower().replace("_", "-") in options):
        raise Refused(f"`{name}` needs a value after it.")
    return word


def _name_incident(given: _Given, word: str) -> None:
    number = re.fullmatch(r"#?(\d{1,9})", word)
    if not number:
        raise Refused(f"`{INCIDENT}` takes the number of an incident, such as `12`, not `{clipped(word)}`.")
    if given.incident not in (None, int(number[1])):
        raise Refused(f"Name one incident, not #{given.incident} and #{number[1]}.")
    given.incident = int(number[1])


def _refuse_near_miss(
    action: Action, word: Word, name: str, options: Mapping[str, Parameter], free: Parameter | None
) -> None:
    """In free text nearly everything may stand; what is one slip away from an option is asked about."""
    near = difflib.get_close_matches(name, options, 1, 0.85 if free else 0.6)
    if near or not free:
        if _help(word):
            raise _explained(action)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise Refused(f"{action.name} has no option `{clipped(name)}`.{hint}")


def _joined(rest: Sequence[Word]) -> str:
    """Free text as it was written, white space and quotes and all, but for quotes around the whole of it."""
    if len(rest) == 1 and rest[0].whole:
        return unslacked(rest[0], free=True)
    return unslacked("".join(word.gap + word.raw for word in rest).strip(), free=True)
