"""Values as they stand on record: a dataclass or a NamedTuple ↔ what JSON can hold.

What another version of this program has added is passed over; what it did not know yet has its default.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


def to_record(value: object) -> dict[str, Any]:
    """A dataclass → a JSON object: times as ISO words, durations as seconds, dataclasses within it as lists."""
    return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}  # type: ignore[arg-type]


def from_record(kind: type[T], record: Mapping[str, Any]) -> T:
    """The dataclass of this kind that the JSON object tells of. Raises TypeError where a field is missing."""
    hints = _hints(kind)
    return kind(**{name: _typed(hint, record[name]) for name, hint in hints.items() if name in record})


def to_row(row: Any) -> Sequence[Any]:
    """A NamedTuple or dataclass → a JSON list, in the order of its fields."""
    if isinstance(row, tuple):
        return row
    return [_plain(getattr(row, each.name)) for each in dataclasses.fields(row)]


def from_row(kind: type[T], row: Sequence[Any]) -> T:
    """The row of this kind that the JSON list tells of."""
    hints = _hints(kind)
    if issubclass(kind, tuple):
        return kind(*row[: len(hints)])
    return kind(*(_typed(hint, value) for hint, value in zip(hints.values(), row, strict=False)))


_KNOWN: dict[Any, Mapping[str, Any]] = {}


def _hints(kind: Any) -> Mapping[str, Any]:
    """Its fields with their types, in their order."""
    if kind not in _KNOWN:
        hints = typing.get_type_hints(kind)
        names = kind._fields if issubclass(kind, tuple) else [each.name for each in dataclasses.fields(kind)]
        _KNOWN[kind] = {name: hints[name] for name in names}
    return _KNOWN[kind]


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case tuple() | list():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case _ if dataclasses.is_dataclass(value):
            return to_row(value)
    return value


def _typed(hint: Any, value: Any) -> Any:
    """What JSON holds → what the field is declared as."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        if value is None:
            return None
        hint = next(each for each in typing.get_args(hint) if each is not type(None))
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is datetime:
        return datetime.fromisoformat(value)
    if origin is timedelta:
        return timedelta(seconds=value)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_typed(inner[0], each) for each in value)
        return tuple(_typed(each, one) for each, one in zip(inner, value, strict=False)) if inner else tuple(value)
    if dataclasses.is_dataclass(origin) and isinstance(origin, type):
        return from_record(origin, value) if isinstance(value, Mapping) else from_row(origin, value)
    if isinstance(origin, type) and issubclass(origin, tuple):
        return from_row(origin, value)
    return value
