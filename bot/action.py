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
    """The sentence cannot be read. ``usage`` says how it is written; ``near`` what may have been meant."""

    def __init__(self, sentence: str, usage: Sequence[str] = (), near: str = "") -> None:
        super().__init__(sentence)
        self.usage = tuple(usage)
        self.near = near


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
    ``incident`` is filled in from the channel when the call is taken up. ``quiet``: said in passing (a reaction), so that
    outside of incidents it means nothing and is not answered.
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
        return cls(**{**data, "at": datetime.fromisoformat(data["at"])})


@dataclass(frozen=True, slots=True)
class File:
    """Something too long for a message: ``text`` as it stands, or a ``picture`` (by name) of facts."""

    name: str
    title: str
    text: str = ""
    picture: str = ""
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
    channel than the call's. ``key``: a name for the message, under which ``Tools.posted`` finds it. ``incident``: the
    new state of the incident, saved together with an Event made of what the message says; ``note`` puts the message on
    the timeline without a new state. ``event`` overrides fields of that Event (``at``, ``actor``, ``kind``, ``text``,
    ``by``, ``link``). ``jobs``: the ids of those that were touched.
    """

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    to: Literal["channel", "asker", "home", "nobody"] = "channel"
    channel: str = ""
    key: str = ""
    incident: Incident | None = None
    note: bool = False
    event: Mapping[str, Any] = field(default_factory=dict)
    jobs: Sequence[str] = ()
    files: Sequence[File] = ()
    begins: Begin | None = None


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
"""The rest of the sentence, exactly as it was written."""

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
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*/\s*(s|sec|m|min|h)", re.I)
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|[^>]*)?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>\s]+)(?:\|[^>]*)?>")


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
    if not 0 < share <= 1:
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
        if self.choices:
            wanted = word.lower()
            if wanted not in self.choices:
                near = difflib.get_close_matches(wanted, self.choices, 1)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise Refused(f"{self.called} takes {self.takes}, not `{word}`.{hint}")
            return wanted
        try:
            return KINDS[self.type].read(word, at)
        except (ValueError, OverflowError) as wrong:
            raise Refused(f"{self.called} takes {self.takes}, not `{word}`.") from wrong

    @property
    def called(self) -> str:
        return f"`{self.name.upper()}`" if self.positional else f"`{self.option}`"


def written(kind: Any, value: Any) -> str:
    """A value as a person would type it: the inverse of reading it."""
    if isinstance(value, timedelta):
        return duration_words(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if kind is Rate:
        return f"{value:g}/s" if value else "none"
    if kind is Percent:
        return f"{value * 100:.10g}%"
    if isinstance(value, tuple | list):
        return ",".join(str(part) for part in value)
    return str(value)


# ---------------------------------------------------------------- the actions

Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the bot can do: ``/noun verb``, its parameters, its risk, and the function that answers."""

    name: str
    risk: Risk
    handler: Handler
    parameters: tuple[Parameter, ...]
    summary: str
    help: str
    form: bool = False
    hidden: bool = False

    @property
    def noun(self) -> str:
        return self.name.split()[0]

    @property
    def verb(self) -> str:
        return self.name.partition(" ")[2]

    @property
    def usage(self) -> str:
        return " ".join([self.name, *(parameter.shown() for parameter in self.parameters)])

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
                elif word.startswith(("-", '"-')):
                    last.append(word)
                else:
                    words.append(word)
        return " ".join([self.name, *words, *options, *(["--", *last] if last else [])])


ACTIONS: dict[str, Action] = {}


def action(name: str, risk: Risk, *, form: bool = False, hidden: bool = False) -> Callable[[Handler], Handler]:
    """Make a function sayable. ``form``: ask for missing words in a form. ``hidden``: not in help, not in the manifest."""

    def add(handler: Handler) -> Handler:
        if name in ACTIONS:
            raise TypeError(f"{name} is said twice: {ACTIONS[name].handler} and {handler}")
        summary, _, rest = (inspect.getdoc(handler) or "").partition("\n")
        if not summary:
            raise TypeError(f"{name} has no docstring, and so no help")
        parameters = tuple(_parameters(handler, rest))
        ACTIONS[name] = Action(name, risk, handler, parameters, summary, rest.strip(), form, hidden)
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
        yield Parameter(name, kind, positional, required, default, helps.get(name, ""), choices)


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

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‟": '"', "\u00a0": " "})
_DASHES = re.compile(r"^(?:—|–|―|‒|--)(?=\w)")
_TOKEN = re.compile(r'(\s*)((?:"[^"]*"|[^\s"]|"(?![^"]*"))+)')


class Word(str):
    """A word of a sentence that remembers how it was written and what stood before it."""

    raw: str
    gap: str

    @classmethod
    def of(cls, gap: str, raw: str) -> Word:
        plain = raw.translate(_QUOTES)
        word = cls(_DASHES.sub("--", plain).replace('"', "") if plain.count('"') % 2 == 0 else plain)
        word.raw, word.gap = raw, gap
        return word

    def shielded(self) -> Word:
        """The same word, but not to be taken for an option."""
        word = Word(_SHIELD + self)
        word.raw, word.gap = self.raw, self.gap
        return word


def quoted(word: str) -> str:
    """The word, in quotes where it needs them."""
    return f'"{word}"' if not word or re.search(r"\s|^[—–―‒-]|[“”„«»‟\u00a0]", word) else word


def words(text: str) -> list[Word]:
    """Split a sentence at white space; double quotes (straight or typographic) keep words together."""
    plain = text.translate(_QUOTES)
    return [Word.of(m[1], text[m.start(2) : m.end(2)]) for m in _TOKEN.finditer(plain)]


_SHIELD = "\x00"


class _Reader(argparse.ArgumentParser):
    """argparse, but a mistake is an exception with a sentence and never an exit."""

    def error(self, message: str) -> NoReturn:
        if lacking := re.match(r"argument (--[\w-]+): expected", message):
            raise Refused(f"`{lacking[1]}` needs a value after it.")
        if spare := re.match(r"unrecognized arguments: (.*)", message, re.S):
            raise Refused(f"{self.prog} does not know what to do with `{spare[1].replace(_SHIELD, '')}`.")
        raise Refused(message.replace(_SHIELD, ""))


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
        raise Misworded(f"There is no `{noun or '/'}`.", known, near[0] if near else "")
    if len(mine) == 1 and not mine[0].verb:
        if [word.lower() for word in said[1:]] == ["help"]:
            raise Misworded("", [mine[0].usage])
        return mine[0], said[1:]
    usage = [each.usage for each in mine if not each.hidden]
    if len(said) == 1 or said[1].lower() == "help":
        raise Misworded("", usage)
    verb = said[1].lower()
    for each in mine:
        if each.verb == verb:
            if len(said) == 3 and said[2].lower() in ("help", "--help"):
                raise Misworded("", [each.usage])
            return each, said[2:]
    near = difflib.get_close_matches(verb, [each.verb for each in mine if not each.hidden], 1, 0.5)
    raise Misworded(f"{noun} has no `{said[1]}`.", usage, f"{noun} {near[0]}" if near else "")


def _given(found: Action, said: Sequence[Word]) -> dict[str, Any]:
    """Arguments by name, as words still. argparse reads them; what only looks like an option is shielded from it."""
    reader = _Reader(prog=found.name, add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    free = next((p for p in found.parameters if p.positional and p.type is Text), None)
    for p in found.parameters:
        if p.positional:
            reader.add_argument(p.name, nargs="*" if p is free else "?")
        else:
            reader.add_argument(p.option, dest=p.name, action="store_true" if p.flag else "store")
    options = [p.option for p in found.parameters if not p.positional]
    end = next((place for place, word in enumerate(said) if word.raw == "--"), len(said))
    tokens: list[str] = []
    for word in said[:end]:
        name = word.partition("=")[0]
        if not re.match(r"-+[A-Za-z]|--$", word) or name in options:
            tokens.append(word)
        elif free:
            tokens.append(word.shielded())
        else:
            near = difflib.get_close_matches(name, options, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise Refused(f"{found.name} has no option `{name}`.{hint}")
    tokens += [word.shielded() for word in said[end + 1 :]]
    given = vars(reader.parse_intermixed_args(tokens))
    return {
        name: value if isinstance(value, bool) else _unslacked(_joined(value))
        for name, value in given.items()
        if value not in (None, [], "")
    }


def _joined(value: str | list[Word]) -> str:
    """Free text as it was written, white space and quotes and all; any other word without its shield."""
    if isinstance(value, str):
        return value.lstrip(_SHIELD)
    if len(value) == 1 and not value[0].startswith(_SHIELD):
        return str(value[0])
    return "".join(word.gap + word.raw for word in value).strip()


def _unslacked(value: str) -> str:
    """A link or channel that Slack wrapped is given back bare; mentions are kept."""
    return _LINK.sub(lambda m: m[1].removeprefix("mailto:"), _CHANNEL.sub(r"\1", value))
