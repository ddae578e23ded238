"""What is wrong with a TOML file: pydantic's findings, each as a sentence with its line.

tomllib reads the values and keeps no places, so the headers and keys are looked up once more in the text.
"""

from __future__ import annotations

import json
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.settings.near import near

Path = tuple[str | int, ...]
"""Where a value stands: ("queues", "repost-dispatch", "backend"); a number counts the tables of an array."""


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
        """``sentence`` goes on after the section and the key: ``[queues.a] backend …``."""
        line = next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 1)
        *section, key = path
        place = f"{_header(section)} {_key(key)}" if section else f"[{_key(key)}]"
        self._found.append((line, f"{self._file} line {line}: {place} {sentence}"))

    def add_table(self, path: Path, sentence: str) -> None:
        """``sentence`` goes on after the section alone."""
        line = next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 1)
        self._found.append((line, f"{self._file} line {line}: {_header(path)} {sentence}"))

    def add_all(self, error: ValidationError, model: type[BaseModel], at: Path = ()) -> None:
        """Everything that pydantic found wrong with the values of ``model``, which stand at ``at``."""
        for each in error.errors(include_url=False):
            self._add(at, each["loc"], each["type"], each.get("input"), each.get("ctx", {}), model)

    def sorted(self) -> list[str]:
        return [sentence for _, sentence in sorted(self._found, key=lambda each: each[0])]

    def _add(
        self, at: Path, loc: Path, kind: str, given: object, more: Mapping[str, Any], model: type[BaseModel]
    ) -> None:
        path = (*at, *loc)
        match kind:
            case "extra_forbidden":
                self.unknown(path, [*_at(model, loc[:-1]).model_fields])
            case "model_type" | "model_attributes_type" | "dict_type":
                self.add_table(path, f"is a table of keys and values, not {shown(given)}")
            case "tuple_type" if not isinstance(_inner(_annotation(model, loc)), type) or not issubclass(
                _inner(_annotation(model, loc)), BaseModel
            ):
                self.add(path, f'is a list of texts, such as ["A", "B"], not {shown(given)}')
            case "tuple_type":
                self.add_table(path, f"stands there as [[{path[-1]}]], once for each")
            case "string_type" if isinstance(loc[-1], int):
                self.add(path[:-1], f"{shown(given)} is not a text")
            case "string_type":
                self.add(path, f"is a text in quotes, not {shown(given)}")
            case "int_type" | "int_from_float" | "int_parsing":
                self.add(path, f"is a whole number, not {shown(given)}")
            case "float_type" | "float_parsing":
                self.add(path, f"is a number, not {shown(given)}")
            case "bool_type" | "bool_parsing":
                self.add(path, f"is true or false, not {shown(given)}")
            case "greater_than_equal":
                self.add(path, f"is {shown(given)}; it is at least {more['ge']}")
            case "less_than_equal":
                self.add(path, f"is {shown(given)}; it is at most {more['le']}")
            case "missing":
                self.add(path, "is missing")
            case "literal_error" if isinstance(given, str):
                known = [str(each) for each in typing.get_args(_annotation(model, loc))]
                self.add(path, f"{shown(given)} {not_one_of(given, known)}")
            case "literal_error":
                self.add(path, f"is a text in quotes, not {shown(given)}")
            case "told":
                # Of the whole table: its validator names the key that the sentence is about.
                path = (*path, more["key"]) if more.get("key") else path
                self.add(path[:-1] if isinstance(path[-1], int) else path, str(more["sentence"]))
            case _:
                self.add(path, f"is not right: {shown(given)}")

    def unknown(self, path: Path, known: list[str]) -> None:
        """A key or a section that nobody asked for."""
        key = str(path[-1])
        if len(path) == 1 and key.isupper():
            self.add(path, "is set in the environment or in .env, not in this file")
        else:
            kind = "keys" if len(path) > 1 else "sections"
            self.add(path, f"is not known; the {kind} are {', '.join(known)}{near(key, known)}")


def not_one_of(value: str, known: list[str], what: str = "") -> str:
    """The rest of a sentence that begins with the value."""
    allowed = f"one of {', '.join(known)}" if known else "empty: there are none"
    return f"is not {what or 'known here'}; it can be {allowed}{near(value, known)}"


def shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


# ---------------------------------------------------------------- what stands where in a model


def _annotation(model: type[BaseModel], loc: Path) -> Any:
    """The type of what stands there."""
    found: Any = model
    for step in loc:
        table = _model_of(found)
        found = table.model_fields[str(step)].annotation if table and step in table.model_fields else _inner(found)
    return found


def _at(model: type[BaseModel], loc: Path) -> type[BaseModel]:
    return _model_of(_annotation(model, loc)) or model


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that this is, or may be."""
    for each in (annotation, *typing.get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None


def _inner(annotation: Any) -> Any:
    """What a mapping or a tuple holds."""
    held = [each for each in typing.get_args(annotation) if each is not Ellipsis]
    return held[-1] if held else annotation


# ---------------------------------------------------------------- what stands where in the text


def _header(path: typing.Sequence[str | int]) -> str:
    names = ".".join(_key(each) for each in path if isinstance(each, str))
    return f"[[{names}]]" if any(isinstance(each, int) for each in path) else f"[{names}]"


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
    for number, path, bracket in _places(text):
        if bracket == "[[":
            rows[path] = rows.get(path, -1) + 1
            path = (*path, rows[path])
        if bracket:
            section = path
        else:
            path = (*section, *path)
        for n in range(1, len(path) + 1):
            lines.setdefault(path[:n], number)
    return lines


def _places(text: str) -> Iterator[tuple[int, Path, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if found := _LINE.match(line):
            bracket, header, key = found.groups()
            yield number, _path(header or key), bracket or ""


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
