"""One sentence, one Action: what can be said to the bot, read from the signatures of the functions that answer it.

A handler is a function with typed parameters and a docstring. Parameters without a default are the words a sentence
needs, in order; those before a ``/`` are words it may have; the others are ``--options``. Usage, help, forms and the
Slack manifest are all read from that one signature, and argparse does the parsing.

    @action("/jobs replay", Risk.CHANGE)
    def replay(call: Call, tools: Tools, queue: str, count: int = 50, cause: str | None = None) -> Plan:
        '''Put failed jobs back on their queue, oldest first, and watch how they end.

        count: at most so many jobs
        '''
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from bot.domain.call import Call, Door
from bot.domain.errors import Misworded, Taken
from bot.domain.parameters import KINDS, Parameter, Text, written
from bot.domain.reply import Answer
from bot.domain.words import quoted

# ---------------------------------------------------------------- what is said and answered


class Risk(StrEnum):
    """What may happen when an action runs; ``policy`` says what follows from it."""

    LOOK = "look"
    ACT = "act"
    CHANGE = "change"
    DESTROY = "destroy"


# ---------------------------------------------------------------- the actions

Handler = Callable[..., Answer]

Prefill = Callable[[Call, Any], Mapping[str, Any]]
"""What the fields of a form begin with, by the parameter's name: a function of the Call and Tools."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the bot can do: ``/noun verb``, its parameters, its risk, and the function that answers."""

    name: str
    risk: Risk
    handler: Handler
    parameters: tuple[Parameter, ...]
    summary: str
    help: str
    form: bool | Prefill = False
    hidden: bool = False
    doors: tuple[Door, ...] = ()
    """Through which alone it is said, where that is not every one: the clock's reminders, PagerDuty's alerts."""
    incident: bool = True
    """Whether it can be about an incident: ``#12`` directly after its name says which."""

    @property
    def noun(self) -> str:
        return self.name.split()[0]

    @property
    def verb(self) -> str:
        return self.name.partition(" ")[2]

    @property
    def usage(self) -> str:
        return " ".join([self.name, *(parameter.shown() for parameter in self.parameters)])

    @property
    def notes(self) -> list[tuple[str, str]]:
        """What ``/noun verb help`` says: each line of it, and what it means."""
        asked = [(p.shown(), p.help) for p in self.parameters if p.help]
        return [(self.usage, self.summary), *asked]

    def answer(self, call: Call, tools: Any, arguments: Mapping[str, Any]) -> Answer:
        """What the handler says to this call."""
        given = dict(arguments)
        places = [given.pop(p.name, p.default) for p in self.parameters if p.nameless]
        return self.handler(call, tools, *places, **given)

    def parameter(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    def sentence(self, incident: int | None = None, **arguments: Any) -> str:
        """The words that say this action with these arguments: a button's value. ``parse`` gives them back.

        ``incident``: the number of the one that it is about.
        """
        words = [f"#{incident}"] if incident is not None and self.incident else []
        options: list[str] = []
        last: list[str] = []
        for parameter in self.parameters:
            value = arguments.get(parameter.name)
            if value is None:
                continue
            if parameter.flag:
                options += [parameter.option] if value else []
            elif parameter.type is Text and parameter.positional:
                last.append(str(value))
            else:
                word = quoted(written(parameter.type, value))
                if not parameter.positional:
                    options.append(f"{parameter.option}={word}")
                else:
                    words.append(word)
        return " ".join([self.name, *words, *options, *(["--", *last] if last else [])])


ACTIONS: dict[str, Action] = {}


def action(
    name: str,
    risk: Risk,
    *,
    form: bool | Prefill = False,
    hidden: bool = False,
    doors: tuple[Door, ...] = (),
    incident: bool = True,
) -> Callable[[Handler], Handler]:
    """Make a function sayable.

    ``form``: ask for missing words in a form, whose fields begin with what the function gives. ``hidden``: not in
    help, not in the manifest. ``doors``: said only there. ``incident``: False for what is never about an incident on
    record, so that ``#12`` is text in it.
    """

    def add(handler: Handler) -> Handler:
        if name in ACTIONS:
            raise Taken(name, ACTIONS[name].handler.__module__, handler.__module__)
        summary, _, rest = (inspect.getdoc(handler) or "").partition("\n")
        if not summary:
            raise TypeError(f"{name} has no docstring, and so no help")
        parameters = tuple(_parameters(handler, rest))
        ACTIONS[name] = Action(name, risk, handler, parameters, summary, rest.strip(), form, hidden, doors, incident)
        return handler

    return add


def _parameters(handler: Handler, doc: str) -> Iterator[Parameter]:
    hints = typing.get_type_hints(handler)
    helps = dict(re.findall(r"^\s*(\w+): (.+)$", doc, re.M))
    for name, parameter in list(inspect.signature(handler).parameters.items())[2:]:
        kind, choices = _kind(hints[name])
        if kind is not bool and kind not in KINDS:
            raise TypeError(f"{handler.__name__}: {name} has a type no word can be read as: {kind}")
        required = parameter.default is parameter.empty
        positional = required or parameter.kind is parameter.POSITIONAL_ONLY
        default = None if required else parameter.default
        nameless = parameter.kind is parameter.POSITIONAL_ONLY
        yield Parameter(name, kind, positional, required, default, helps.get(name, ""), choices, nameless)


def _kind(hint: Any) -> tuple[Any, tuple[str, ...]]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is Literal:
        return str, tuple(typing.get_args(hint))
    return hint, ()


@dataclass(frozen=True, slots=True)
class Noun:
    """A slash command: what the manifest and ``/noun help`` show of it."""

    name: str
    summary: str
    hint: str
    actions: tuple[Action, ...]


def nouns() -> list[Noun]:
    """Every slash command with its verbs, in the order they were imported."""
    found: dict[str, list[Action]] = {}
    for each in ACTIONS.values():
        if not each.hidden:
            found.setdefault(each.noun, []).append(each)
    return [
        Noun(
            name,
            actions[0].summary.rstrip(".") if len(actions) == 1 else _summary_of(actions),
            " | ".join(each.verb for each in actions) if actions[0].verb else actions[0].usage.partition(" ")[2],
            tuple(actions),
        )
        for name, actions in found.items()
    ]


def _summary_of(actions: Sequence[Action]) -> str:
    """The handler file's own first line: the section of the runbook it is."""
    module = inspect.getmodule(actions[0].handler)
    return (inspect.getdoc(module) or actions[0].summary).partition("\n")[0].rstrip(".")


class Incomplete(Misworded):
    """The sentence lacks words that a form can ask for. ``given`` holds those that were said, as they were said,
    ``incident`` the number of the one that was named."""

    def __init__(
        self, action: Action, given: Mapping[str, Any], missing: Sequence[str], incident: int | None = None
    ) -> None:
        names = " and ".join(f"`{name.upper()}`" for name in missing)
        super().__init__(f"{action.name} needs {names}.", [action.usage])
        self.action = action
        self.given = dict(given)
        self.missing = tuple(missing)
        self.incident = incident
