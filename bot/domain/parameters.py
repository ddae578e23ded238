"""The words of a sentence: what kinds there are, how each is read, and how it is written so that it reads back."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NewType

from bot.domain.errors import Refused
from bot.domain.words import clipped

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


def duration_from_word(word: str) -> timedelta:
    """``90s``, ``15m``, ``2h``, ``1d``, ``1h30m`` → timedelta. Raises ValueError."""
    found = _DURATION.fullmatch(word.strip())
    if not found or not any(found.groups()):
        raise ValueError(word)
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def duration_words(span: timedelta) -> str:
    """timedelta → the shortest words that ``duration_from_word`` reads back: ``1h30m``; whole seconds."""
    left, words = int(span.total_seconds()), ""
    for unit in ("w", "d", "h", "m", "s"):
        count, left = divmod(left, UNITS[unit])
        words += f"{count}{unit}" if count else ""
    return words or "0s"


def time_from_word(word: str, at: datetime) -> datetime:
    """``14:30`` (UTC, today) or ISO 8601 (UTC unless it says otherwise) → aware datetime. Raises ValueError."""
    if re.fullmatch(r"\d{1,2}:\d{2}", word):
        hour, minute = (int(part) for part in word.split(":"))
        return at.astimezone(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    then = datetime.fromisoformat(word)
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)


def _since(word: str, at: datetime) -> datetime:
    try:
        then = at - duration_from_word(word.removesuffix(" ago"))
    except ValueError:
        then = time_from_word(word, at)
        if then > at and ":" in word and "-" not in word:
            then -= timedelta(days=1)
    if then > at:
        raise ValueError(word)
    return then


def _rate(word: str, at: datetime) -> float:
    if word.lower() in ("none", "max"):
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


_ID = re.compile(r"(?:\\[,\s\\]|[^,\s])+")
_ESCAPED = re.compile(r"\\([,\s\\])")


def _ids(word: str, at: datetime) -> tuple[str, ...]:
    ids = tuple(dict.fromkeys(_ESCAPED.sub(r"\1", part) for part in _ID.findall(word)))
    if not ids:
        raise ValueError(word)
    return ids


@dataclass(frozen=True, slots=True)
class WordKind:
    """One type of word: how it is read, and how to say what it takes."""

    read: Callable[[str, datetime], Any]
    metavar: str
    takes: str


KINDS: dict[Any, WordKind] = {
    str: WordKind(lambda word, at: word, "", "a word"),
    Text: WordKind(lambda word, at: word, "", "words"),
    int: WordKind(_whole, "N", "a whole number such as `50`"),
    timedelta: WordKind(
        lambda word, at: duration_from_word(word), "30m", "a duration such as `90s`, `15m`, `2h` or `1d`"
    ),
    datetime: WordKind(time_from_word, "14:30", "a time such as `14:30` or `2026-03-01T14:30Z` (UTC)"),
    Since: WordKind(
        _since, "2h", "how long ago (`90s`, `15m`, `2h`, `1d`) or since when (`14:30`, `2026-03-01T14:30Z`)"
    ),
    Rate: WordKind(_rate, "10/s", "a rate such as `10/s` or `100/m`, or `none`"),
    Percent: WordKind(_percent, "20%", "a percentage from `1%` to `100%`"),
    User: WordKind(_user, "@user", "a person, written as a mention such as `@maria`"),
    Ids: WordKind(_ids, "A,B", "ids with commas between them, such as `41,57`"),
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
                raise Refused(f"{self.called} takes {self.takes}, not `{clipped(word)}`.{hint}")
            return wanted
        try:
            return KINDS[self.type].read(word, at)
        except (ValueError, OverflowError) as wrong:
            raise Refused(f"{self.called} takes {self.takes}, not `{clipped(word)}`.") from wrong

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
        return _rate_words(value)
    if kind is Percent:
        return f"{value * 100:.10g}%"
    if isinstance(value, tuple | list):
        return ",".join(re.sub(r"[,\s\\]", r"\\\g<0>", str(part)) for part in value)
    return str(value)


def _rate_words(rate: float) -> str:
    """So many a second → ``10/s``, or ``100/m`` or ``5/h`` where that says it exactly."""
    if not rate:
        return "none"
    for unit, seconds in (("s", 1), ("m", 60), ("h", 3600)):
        count = f"{rate * seconds:.3f}".rstrip("0").rstrip(".")
        if float(count) / seconds == rate and _RATE.fullmatch(said := f"{count}/{unit}"):
            return said
    return f"{rate:.15f}".rstrip("0") + "/s"


# ---------------------------------------------------------------- words as they are typed
