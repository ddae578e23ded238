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

import hashlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from bot.domain.errors import FirewatchError, Incomplete, Later, Misworded, Refused, Unanswered, Unreachable
from bot.domain.parameters import KINDS, Ids, Parameter, Percent, Rate, Since, Text, User, duration, quoted, written

if TYPE_CHECKING:
    from bot.domain.incident import Incident
    from bot.tools import Seen

__all__ = [
    "ACTIONS",
    "Action",
    "Answer",
    "Begin",
    "Call",
    "Door",
    "File",
    "FirewatchError",
    "Handler",
    "Ids",
    "Incomplete",
    "Later",
    "Misworded",
    "Noun",
    "Parameter",
    "Percent",
    "Plan",
    "Prefill",
    "Rate",
    "Refused",
    "Reply",
    "Risk",
    "Since",
    "Text",
    "Unanswered",
    "Unreachable",
    "User",
    "action",
    "duration",
    "nouns",
    "quoted",
    "written",
]


# ---------------------------------------------------------------- what is said and answered


class Risk(StrEnum):
    """What may happen when an action runs; ``policy`` says what follows from it."""

    LOOK = "look"
    ACT = "act"
    CHANGE = "change"
    DESTROY = "destroy"


Door = Literal["slack", "terminal", "pagerduty", "clock"]


@dataclass(frozen=True, slots=True)
class Call:
    """One sentence, said by someone (or by the clock) somewhere at some time.

    ``id`` is the same for every delivery of the same press or command, and so names the one answer to it. ``at`` is
    when it was said. ``trigger`` opens a form within 3 s of the press; ``response_url`` answers the asker alone.
    ``incident`` is filled in from the channel when the call is taken up. ``quiet``: said in passing (a reaction), so
    that outside of incidents it means nothing and is not answered.
    """

    id: str
    actor: str
    channel: str
    text: str
    at: datetime
    channel_name: str = ""
    incident: int | None = None
    door: Door = "slack"
    thread: str = ""
    message: str = ""
    trigger: str = ""
    response_url: str = ""
    quiet: bool = False

    @property
    def ref(self) -> str:
        """The reference under every log line and failure of this call; short enough to read out loud."""
        return self.id[-8:]

    @property
    def begins(self) -> str:
        """The id of the plan or procedure that it begins."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]

    def facts(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """What a template that answers it may use: these facts, and those that every answer has."""
        return {"actor": self.actor, "channel": self.channel, "now": self.at, "said": self.text, **more}

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Call:
        """What another version of this program has added is passed over."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        return cls(**{**known, "at": datetime.fromisoformat(data["at"])})


@dataclass(frozen=True, slots=True)
class File:
    """Something too long for a message: ``text`` as it stands, or a ``picture`` (by name) of facts.

    ``canvas``: it becomes the channel's canvas as well, where the workspace's plan has canvases.
    """

    name: str
    title: str
    text: str = ""
    picture: str = ""
    template: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    canvas: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """A Procedure to start: its kind, first facts, and the rows (jobs) it will work through, if any."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Seen] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A template's name and the facts it needs (JSON values only), and what goes on record with it.

    ``to``: the channel, the asker alone, the asker's home tab, or nobody (a procedure will speak). ``channel``: another
    channel than the call's. ``key``: a name for the message, under which ``Tools.posted`` finds it; with ``edit`` the
    message of that key (without one: the message that was pressed) is changed, and posted only if it never was.
    ``incident``: the new state of the incident, saved together with an Event made of what the message says; ``note``
    puts the message on the timeline without a new state. ``event`` overrides fields of that Event (``at``, ``actor``,
    ``kind``, ``text``, ``by``, ``link``). ``jobs``: the ids of those that were touched.
    """

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    to: Literal["channel", "asker", "home", "nobody"] = "channel"
    channel: str = ""
    key: str = ""
    edit: bool = False
    incident: Incident | None = None
    note: bool = False
    event: Mapping[str, Any] = field(default_factory=dict)
    jobs: Sequence[str] = ()
    files: Sequence[File] = ()
    begins: Sequence[Begin] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, for someone to confirm. ``revision``: what the target looked like; a change kills the plan.

    An empty ``revision`` says that the procedure checks each thing itself as it touches it.
    """

    template: str
    begins: Begin
    facts: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    files: Sequence[File] = ()


Answer = Reply | Plan


# ---------------------------------------------------------------- the actions

Handler = Callable[..., Answer]

Prefill = Callable[["Call", Any], Mapping[str, Any]]
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

    def sentence(self, **arguments: Any) -> str:
        """The words that say this action with these arguments: a button's value. ``read`` gives them back."""
        words: list[str] = []
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
    name: str, risk: Risk, *, form: bool | Prefill = False, hidden: bool = False, doors: tuple[Door, ...] = ()
) -> Callable[[Handler], Handler]:
    """Make a function sayable.

    ``form``: ask for missing words in a form, whose fields begin with what the function gives. ``hidden``: not in
    help, not in the manifest. ``doors``: said only there.
    """

    def add(handler: Handler) -> Handler:
        if name in ACTIONS:
            raise TypeError(f"{name} is said twice: {ACTIONS[name].handler} and {handler}")
        summary, _, rest = (inspect.getdoc(handler) or "").partition("\n")
        if not summary:
            raise TypeError(f"{name} has no docstring, and so no help")
        parameters = tuple(_parameters(handler, rest))
        ACTIONS[name] = Action(name, risk, handler, parameters, summary, rest.strip(), form, hidden, doors)
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
