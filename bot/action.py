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

import argparse
import difflib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NewType, NoReturn

if TYPE_CHECKING:
    from bot.incident import Incident
    from bot.tools import Seen


# ---------------------------------------------------------------- what goes wrong


class FirewatchError(Exception):
    """The root of what this program raises on purpose."""


class Refused(FirewatchError):
    """ "No": a sentence for the person who asked. Nothing was changed. Anything else that is raised is "broken"."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class Misworded(Refused):
    """The sentence cannot be read. ``usage`` says how it is written; ``near`` what may have been meant.

    ``notes`` says of each line of the usage what it does; empty where a mistake was made and no help asked for.
    """

    def __init__(self, sentence: str, usage: Sequence[str] = (), near: str = "", notes: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.usage = tuple(usage)
        self.near = near
        self.notes = tuple(notes)


class Incomplete(Misworded):
    """The sentence lacks words that a form can ask for. ``given`` holds those that were said, as they were said."""

    def __init__(self, action: Action, given: Mapping[str, str], missing: Sequence[str]) -> None:
        names = " and ".join(f"`{name.upper()}`" for name in missing)
        super().__init__(f"{action.name} needs {names}.", [action.usage])
        self.action = action
        self.given = dict(given)
        self.missing = tuple(missing)


class Unreachable(Refused):
    """An outside system cannot be reached. A person is told so; a procedure tries again."""


class Unanswered(Refused):
    """Nothing to say: the second of two presses, a reaction that was not meant for us, a duty that is no longer due."""


class Later(FirewatchError):
    """An outside system asks to be asked again in ``seconds``. Nothing is lost: the same work is taken up then."""

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.why = why


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

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Call:
        """What another version of this program has added is passed over."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        return cls(**{**known, "at": datetime.fromisoformat(data["at"])})


@dataclass(frozen=True, slots=True)
class File:
    """Something too long for a message: ``text`` as it stands, or a ``picture`` (by name) of facts."""

    name: str
    title: str
    text: str = ""
    picture: str = ""
    template: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


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


# ---------------------------------------------------------------- what a word may mean

Text = NewType("Text", str)
"""The rest of the sentence, exactly as it was written: white space, quotes and dashes stay."""

User = NewType("User", str)
"""A Slack user id, written as a mention."""

Since = NewType("Since", datetime)
"""A time gone by: how long ago (``2h``) or when (``14:30``, ISO)."""

Rate = NewType("Rate", float)
"""So many a second; 0 means as fast as it goes."""

Percent = NewType("Percent", float)
"""A share, 0 to 1, written as ``20%``."""

Ids = NewType("Ids", tuple[str, ...])
"""Several ids, with commas between them."""

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?:in)?)?(?:(\d{1,6})s)?", re.I)
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,15})?)\s*/\s*(s|sec|m|min|h)", re.I)
# No "<" within: each starts a token of its own, and a text of nothing else would take quadratic time.
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^<>]*)?>")
_TOKEN = re.compile(r"<([@#!])([^|<>\s]+)(?:\|([^<>]*))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|<>\s]+)(?:\|[^<>]*)?>")


def duration(word: str) -> timedelta:
    """``90s``, ``15m``, ``2h``, ``1d``, ``1h30m`` → timedelta. Raises ValueError."""
    found = _DURATION.fullmatch(word.strip())
    if not found or not any(found.groups()):
        raise ValueError(word)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def duration_words(span: timedelta) -> str:
    """timedelta → the shortest words that ``duration`` reads back: ``1h30m``; whole seconds."""
    left, words = int(span.total_seconds()), ""
    for unit in ("w", "d", "h", "m", "s"):
        count, left = divmod(left, UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def moment(word: str, at: datetime) -> datetime:
    """``14:30`` (UTC, today) or ISO 8601 (UTC unless it says otherwise) → aware datetime. Raises ValueError."""
    if re.fullmatch(r"\d{1,2}:\d{2}", word):
        hour, minute = (int(part) for part in word.split(":"))
        return at.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    then = datetime.fromisoformat(word)
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)


def _since(word: str, at: datetime) -> datetime:
    try:
        then = at - duration(word.removesuffix(" ago"))
    except ValueError:
        then = moment(word, at)
        if then > at and ":" in word and "-" not in word:
            then -= timedelta(days=1)
    if then > at:
        raise ValueError(word)
    return then


def _rate(word: str, at: datetime) -> float:
    if word.lower() in ("none", "0", "max"):
        return 0.0
    found = _RATE.fullmatch(word.strip())
    if not found or not float(found[1]):
        raise ValueError(word)
    return float(found[1]) / UNITS[found[2][0].lower()]


def _percent(word: str, at: datetime) -> float:
    share = float(word.strip().removesuffix("%")) / 100
    if not 0.01 <= share <= 1:  # 0.2 may be meant as 20 %, and must not pass for 0.2 %
        raise ValueError(word)
    return share


def _user(word: str, at: datetime) -> str:
    found = _MENTION.fullmatch(word) or re.fullmatch(r"([UW][A-Z0-9]{2,})", word)
    if not found:
        raise ValueError(word)
    return found[1]


def _whole(word: str, at: datetime) -> int:
    if not re.fullmatch(r"[+-]?\d{1,12}", word.replace(",", "").replace("_", "")):
        raise ValueError(word)
    return int(word.replace(",", "").replace("_", ""))


def _ids(word: str, at: datetime) -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(part for part in re.split(r"[,\s]+", word) if part))
    if not ids:
        raise ValueError(word)
    return ids


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of word: how it is read, and how to say what it takes."""

    read: Callable[[str, datetime], Any]
    metavar: str
    takes: str


KINDS: dict[Any, Kind] = {
    str: Kind(lambda word, at: word, "", "a word"),
    Text: Kind(lambda word, at: word, "", "words"),
    int: Kind(_whole, "N", "a whole number such as `50`"),
    timedelta: Kind(lambda word, at: duration(word), "30m", "a duration such as `90s`, `15m`, `2h` or `1d`"),
    datetime: Kind(moment, "14:30", "a time such as `14:30` or `2026-03-01T14:30Z` (UTC)"),
    Since: Kind(_since, "2h", "how long ago (`90s`, `15m`, `2h`, `1d`) or since when (`14:30`, `2026-03-01T14:30Z`)"),
    Rate: Kind(_rate, "10/s", "a rate such as `10/s` or `100/m`, or `none`"),
    Percent: Kind(_percent, "20%", "a percentage from `1%` to `100%`"),
    User: Kind(_user, "@user", "a person, written as a mention such as `@maria`"),
    Ids: Kind(_ids, "A,B", "ids with commas between them, such as `41,57`"),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an action: ``positional`` words and ``--options``; a flag takes no value."""

    name: str
    type: Any
    positional: bool
    required: bool
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    nameless: bool = False
    """Before the ``/`` of the signature: given by its place."""

    @property
    def flag(self) -> bool:
        return self.type is bool

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def metavar(self) -> str:
        if self.choices:
            return "|".join(self.choices)
        shown = KINDS[self.type].metavar
        return shown or self.name.upper().replace("_", "-")

    @property
    def takes(self) -> str:
        return (
            "one of " + ", ".join(f"`{choice}`" for choice in self.choices) if self.choices else KINDS[self.type].takes
        )

    def shown(self) -> str:
        """How usage writes it: ``QUEUE``, ``[--count 50]``."""
        if self.positional:
            words = self.name.upper().replace("_", "-") if not self.choices else self.metavar
            return words if self.required else f"[{words}]"
        if self.flag:
            return f"[{self.option}]"
        example = self.metavar if self.default is None or self.choices else written(self.type, self.default)
        return f"[{self.option} {example}]"

    def read(self, word: str, at: datetime) -> Any:
        """The value that the word means. Raises Refused with a sentence that says what would be right."""
        if self.choices:
            wanted = word.lower()
            if wanted not in self.choices:
                near = difflib.get_close_matches(wanted, self.choices, 1)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise Refused(f"{self.called} takes {self.takes}, not `{_short(word)}`.{hint}")
            return wanted
        try:
            return KINDS[self.type].read(word, at)
        except (ValueError, OverflowError) as wrong:
            raise Refused(f"{self.called} takes {self.takes}, not `{_short(word)}`.") from wrong

    @property
    def called(self) -> str:
        return f"`{self.name.upper()}`" if self.positional else f"`{self.option}`"


def _short(word: str) -> str:
    """What was typed, for a sentence about it: on one line, and not all of a long one."""
    plain = " ".join(word.replace("`", "'").split())
    return plain if len(plain) <= 80 else f"{plain[:79]}…"


def written(kind: Any, value: Any) -> str:
    """A value as a person would type it: the inverse of reading it."""
    if isinstance(value, timedelta):
        return duration_words(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if kind is Rate:
        return _rate_words(value)
    if kind is Percent:
        return f"{value * 100:.10g}%"
    if isinstance(value, tuple | list):
        return ",".join(str(part) for part in value)
    return str(value)


def _rate_words(rate: float) -> str:
    """So many a second → ``10/s``, or ``100/m`` or ``5/h`` where that says it exactly."""
    if not rate:
        return "none"
    for unit, seconds in (("s", 1), ("m", 60), ("h", 3600)):
        count = f"{rate * seconds:.3f}".rstrip("0").rstrip(".")
        if float(count) / seconds == rate:
            return f"{count}/{unit}"
    return f"{rate:.15f}".rstrip("0") + "/s"


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


# ---------------------------------------------------------------- reading a sentence

_QUOTE = '"“”„«»‟'
"""Whatever a phone puts in the place of a double quote."""

_DASH = "-—–―‒"
_DASHES = re.compile(f"[{_DASH[1:]}][{_DASH}]?(?=\\w)")
_OPTION = re.compile(r"--?[A-Za-z]")
_PIECE = re.compile(rf"(?P<gap>\s+)|(?P<escape>\\[{_QUOTE}\\])|(?P<quote>[{_QUOTE}])|(?P<plain>[^\s\\{_QUOTE}]+|\\)")


class Word(str):
    """A word of a sentence that remembers how it was written and what stood before it.

    ``literal``: in quotes from its first character on, so that it is what it is and no option. ``whole``: in one pair
    of quotes from the first to the last.
    """

    raw: str
    gap: str
    literal: bool
    whole: bool

    @classmethod
    def of(cls, text: str, raw: str, gap: str, whole: bool) -> Word:
        literal = raw[0] in _QUOTE
        word = cls(text if literal else _DASHES.sub("--", text, 1) if _DASHES.match(raw) else text)
        word.raw, word.gap, word.literal, word.whole = raw, gap, literal, whole
        return word

    def shielded(self, *, verbatim: bool = False) -> Word:
        """The same word, but not to be taken for an option; ``verbatim``: nor for anything else than what it says."""
        word = Word(_SHIELD + self)
        word.raw, word.gap, word.literal, word.whole = self.raw, self.gap, True, self.whole and not verbatim
        return word


def quoted(word: str) -> str:
    """The word, in quotes where it needs them; within them ``\\`` stands before a quote or another ``\\``."""
    if word and word[0] not in _DASH and not re.search(rf"[\s\\{_QUOTE}]", word):
        return word
    return '"' + re.sub(rf"[{_QUOTE}\\]", r"\\\g<0>", word) + '"'


def words(text: str) -> list[Word]:
    """Split a sentence at white space; double quotes (straight or typographic) keep words together.

    A quote that is never closed is a character like others. Takes time in proportion to the length, whatever is in it.
    """
    pieces = list(_PIECE.finditer(text))
    quotes = [piece.start() for piece in pieces if piece.lastgroup == "quote"]
    alone = quotes[-1] if len(quotes) % 2 else -1
    found: list[Word] = []
    said, raw, gap, inside, pairs = "", "", "", False, 0

    def done() -> None:
        if raw:
            whole = pairs == 1 and raw[0] in _QUOTE and raw[-1] in _QUOTE and len(raw) > 1
            found.append(Word.of(said, raw, gap, whole))

    for piece in pieces:
        part = piece[0]
        if piece.lastgroup == "gap" and not inside:
            done()
            said, raw, gap, pairs = "", "", part, 0
            continue
        raw += part
        if piece.lastgroup == "quote" and piece.start() != alone:
            inside, pairs = not inside, pairs + inside
        elif piece.lastgroup == "escape" and (inside or part[1] != "\\"):
            said += part[1]
        else:
            said += part
    done()
    return found


_SHIELD = "\x00"


class _Reader(argparse.ArgumentParser):
    """argparse, but a mistake is an exception with a sentence and never an exit."""

    def error(self, message: str) -> NoReturn:
        if lacking := re.match(r"argument (--[\w-]+): expected", message):
            raise Refused(f"`{lacking[1]}` needs a value after it.")
        if flag := re.match(r"argument (--[\w-]+): ignored explicit argument", message):
            raise Refused(f"`{flag[1]}` takes no value.")
        if spare := re.match(r"unrecognized arguments: (.*)", message, re.S):
            raise Refused(f"{self.prog} does not know what to do with `{_short(spare[1].replace(_SHIELD, ''))}`.")
        raise Refused(_short(message.replace(_SHIELD, "")))


def read(text: str, at: datetime) -> tuple[Action, dict[str, Any]]:
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
        raise Misworded(f"There is no `{_short(noun) or '/'}`.", known, near[0] if near else "")
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
    raise Misworded(f"{noun} has no `{_short(said[1])}`.", usage, f"{noun} {near[0]}" if near else "")


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
        if value not in (None, [], "", _SHIELD)
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
                tokens.append(f"{name}={_SHIELD}{value}" if equals else name)
                awaited = not equals and not options[name].flag
                continue
            # In free text nearly everything may stand; what is one slip away from an option is asked about.
            near = difflib.get_close_matches(name, options, 1, 0.85 if free else 0.6)
            if near or not free:
                if _help(word):
                    raise _explained(found)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise Refused(f"{found.name} has no option `{_short(name)}`.{hint}")
        tokens.append(word.shielded())
        placed += not awaited
        awaited = False
    return tokens


def _joined(value: str | list[Word], free: bool) -> str:
    """One word without its shield; free text as it was written, white space and quotes and all, but for quotes around
    the whole of it."""
    if isinstance(value, str):
        return _unslacked(value.removeprefix(_SHIELD))
    if len(value) == 1 and value[0].whole:
        return _unslacked(value[0].removeprefix(_SHIELD), free=free)
    return _unslacked("".join(word.gap + word.raw for word in value).strip(), free=free)


def _unslacked(value: str, *, free: bool = False) -> str:
    """What Slack wrapped is given back as it was typed: links bare, channels as their id, in free text by their name.

    In free text mentions become names too; as a word of its own a mention is kept, for ``User`` to read.
    """
    bare = _TOKEN.sub(_named_token, value) if free else _CHANNEL.sub(r"\1", value)
    return _LINK.sub(lambda m: m[1].removeprefix("mailto:"), bare)


def _named_token(found: re.Match[str]) -> str:
    sign, id, label = found[1], found[2], found[3]
    if sign == "!":
        return f"@{id}" if id in ("here", "channel", "everyone") else label or found[0]
    return f"{sign}{label}" if label else found[0]
