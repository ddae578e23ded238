"""A TOML file as a tree that knows its lines and collects what is wrong instead of stopping at the first.

tomllib reads the values; it keeps no places, so the headers and keys are looked up once more in the text.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TypeVar, cast

from bot.domain.parameters import duration_from_word

T = TypeVar("T")

Path = tuple[str | int, ...]
"""Where a value stands: ("queues", "repost-dispatch", "backend"); a number counts the tables of an array."""

LONGEST = timedelta(days=366)
"""No duration of a settings file is longer; one that is must be a slip of the pen."""

Check = Callable[[str], str]
"""Why a text is wrong: the rest of a sentence that begins with the text. Empty when it is right."""


def resembling(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, whatever its case; "" when none comes close."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1)
    return by_lower[found[0]] if found else ""


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when a known word resembles this one, else nothing."""
    found = resembling(word, known)
    return f"; did you mean {found}?" if found else ""


def broken(error: tomllib.TOMLDecodeError, text: str, file: str) -> str:
    """The sentence for a file that is no TOML at all."""
    said = str(error)
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
    line = (at and at[1]) or max(1, len(text.splitlines()))
    return f"{file} line {line}: {said[: at.start()] if at else said}"


class Problems:
    """What is wrong with a file, each with its line."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = _lines(text)
        self._found: list[tuple[int, str]] = []

    def add(self, path: Path, sentence: str) -> None:
        line = next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 1)
        self._found.append((line, f"{self._file} line {line}: {sentence}"))

    def sorted(self) -> list[str]:
        return [sentence for _, sentence in sorted(self._found, key=lambda each: each[0])]


class Table:
    """One table of the file. Each key it is asked for is one it may hold; `close` names all the others."""

    def __init__(self, problems: Problems, path: Path, value: object) -> None:
        self._problems = problems
        self._path = path
        self._asked: dict[str, None] = {}
        self._values = cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            problems.add(path, f"{self.header} is a table of keys and values, not {shown(value)}")

    @property
    def name(self) -> str:
        return str(self._path[-1])

    @property
    def header(self) -> str:
        names = ".".join(_key(each) for each in self._path if isinstance(each, str))
        return f"[[{names}]]" if any(isinstance(each, int) for each in self._path) else f"[{names}]"

    def wrong(self, key: str, sentence: str) -> None:
        place = f"{self.header} {_key(key)}" if self._path else f"[{_key(key)}]"
        self._problems.add((*self._path, key), f"{place} {sentence}")

    def has(self, key: str) -> bool:
        self._asked[key] = None
        return key in self._values

    def table(self, key: str) -> Table:
        self._asked[key] = None
        return Table(self._problems, (*self._path, key), self._values.get(key, {}))

    def tables(self, key: str) -> list[Table]:
        """The tables of a table: `[queues.A]`, `[queues.B]`."""
        outer = self.table(key)
        return [outer.table(name) for name in outer._values]

    def rows(self, key: str) -> list[Table]:
        """The tables of an array: `[[maintenance]]`, as often as it stands there."""
        self._asked[key] = None
        value = self._values.get(key, [])
        if isinstance(value, list):
            return [Table(self._problems, (*self._path, key, n), row) for n, row in enumerate(value)]
        self._problems.add((*self._path, key), f"[{key}] stands there as [[{key}]], once for each")
        return []

    def text(self, key: str, default: str | None = None, check: Check = lambda _: "") -> str:
        """A string; required when there is no default."""
        value = self._value(key, str, "a text in quotes", default)
        if default is None and not value.strip():
            if key not in self._values:
                self.wrong(key, "is missing")
            elif isinstance(self._values[key], str):
                self.wrong(key, "may not be empty")
        elif value != default and (why := check(value)):
            self.wrong(key, f"{shown(value)} {why}")
            return default or ""
        return value

    def texts(self, key: str, default: tuple[str, ...], check: Check = lambda _: "") -> tuple[str, ...]:
        values = self._value(key, list, 'a list of texts, such as ["A", "B"]', list(default))
        good: list[str] = []
        for value in values:
            why = check(value) if isinstance(value, str) and value.strip() else "is not a text"
            if why:
                self.wrong(key, f"{shown(value)} {why}")
            else:
                good.append(value)
        return tuple(good)

    def number(self, key: str, default: int, least: int = 1) -> int:
        value = self._value(key, int, "a whole number", default)
        if value < least:
            self.wrong(key, f"is {value}; it is at least {least}")
            return default
        return value

    def duration(self, key: str, default: timedelta) -> timedelta:
        what = 'a duration in quotes, such as "90s", "15m", "24h" or "1d"'
        text = self._value(key, str, what, "")
        if not isinstance(self._values.get(key), str):
            return default
        try:
            found = duration_from_word(text)
        except (ValueError, OverflowError):
            found = timedelta(0)
        if timedelta(0) < found <= LONGEST:
            return found
        self.wrong(key, f"{shown(text)} is no duration, such as 90s, 15m, 24h or 1d (at most 366d)")
        return default

    def close(self) -> None:
        """Names every key that nobody asked for."""
        kind = "keys" if self._path else "sections"
        for key in self._values:
            if key in self._asked:
                continue
            if not self._path and key.isupper():
                self.wrong(key, "is set in the environment or in .env, not in this file")
            else:
                allowed = ", ".join(self._asked)
                self.wrong(key, f"is not known; the {kind} are {allowed}{near(key, self._asked)}")

    def _value(self, key: str, kind: type[T], what: str, default: T | None) -> T:
        self._asked[key] = None
        value = self._values.get(key, default)
        if isinstance(value, kind) and not isinstance(value, bool):
            return value
        if key in self._values:
            self.wrong(key, f"is {what}, not {shown(value)}")
        return kind() if default is None else default


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _key(key: str | int) -> str:
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else json.dumps(text, ensure_ascii=False)


_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LINE = re.compile(rf"\s*(?:(\[\[?)\s*({_DOTTED})\s*\]|({_DOTTED})\s*=)")


def _lines(text: str) -> dict[Path, int]:
    """Where each header and key stands first."""
    lines: dict[Path, int] = {}
    rows: dict[Path, int] = {}
    section: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.match(line)
        if not found:
            continue
        bracket, header, key = found.groups()
        path = _path(header or key)
        if bracket:
            if bracket == "[[":
                rows[path] = rows.get(path, -1) + 1
                path = (*path, rows[path])
            section = path
        else:
            path = (*section, *path)
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], number)
    return lines


def _path(dotted: str) -> Path:
    """`a."b c".d` → ("a", "b c", "d"), read by tomllib itself."""
    try:
        value: object = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:  # a line inside a text of many lines, which looks like a key and is none
        return (dotted,)
    path: list[str | int] = []
    while isinstance(value, dict):
        [(key, value)] = value.items()
        path.append(key)
    return tuple(path)
