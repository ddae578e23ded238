"""What falls due: one registry of its kinds, each with its lane and, where it comes again and again, its rhythm.

    @due("weather", every=timedelta(minutes=5))
    def look_out(of: str, tools: Tools) -> Sequence[Call]: ...

What is due has a name, ``kind:of``: the clock hands names over, and a worker looks up what a kind of them needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Self

from bot.domain.call import Call
from bot.domain.errors import Taken

Lane = Literal["calls", "steps", "clock"]
"""calls: somebody waits for it. steps: it goes on by itself. clock: so quickly done that the clock does it itself."""

Recurring = Callable[[str, Any], Sequence[Call] | None]
"""Of what (the second half of its name) and Tools → sentences to take, if any."""


@dataclass(frozen=True, slots=True)
class Due:
    """The name of one thing that is due: ``duty:12`` is the duty of incident 12."""

    kind: str
    of: str = ""

    @classmethod
    def parse(cls, name: str) -> Self:
        kind, _, of = name.partition(":")
        return cls(kind, of)

    def __str__(self) -> str:
        return f"{self.kind}:{self.of}"


@dataclass(frozen=True, slots=True)
class DueKind:
    """A kind of what falls due. ``does``: what is done, where that is not the road's own business."""

    name: str
    lane: Lane = "steps"
    every: timedelta | None = None
    does: Recurring | None = None

    @property
    def place(self) -> str:
        """Where it is declared."""
        return self.does.__module__ if self.does else "bot.road"


DUE_KINDS: dict[str, DueKind] = {}


def due_kind(name: str, lane: Lane = "steps", every: timedelta | None = None, does: Recurring | None = None) -> DueKind:
    """Put a kind into the registry."""
    made = DueKind(name, lane, every, does)
    if name in DUE_KINDS:
        raise Taken(f"what falls due as {name}", DUE_KINDS[name].place, made.place)
    if not name or ":" in name:
        raise TypeError(f"{name!r} is no name for what falls due: a colon ends it")
    DUE_KINDS[name] = made
    return made


def due(name: str, *, every: timedelta, lane: Literal["calls", "steps"] = "steps") -> Callable[[Recurring], Recurring]:
    """Do this again and again: at most once in ``every``, however many processes there are.

    It may be done twice when a process dies, so it has to be safe to repeat. What it gives is taken as sentences. It
    may raise Refused or Later: then it waits for its next time.
    """

    def add(does: Recurring) -> Recurring:
        due_kind(name, lane, every, does)
        return does

    return add


def lane_of(name: str) -> Lane:
    """The lane of what has this name; of a kind that this version does not know, that of what goes on by itself."""
    kind = DUE_KINDS.get(Due.parse(name).kind)
    return kind.lane if kind else "steps"


def lanes() -> Mapping[str, Lane]:
    """Kind → lane."""
    return {name: kind.lane for name, kind in DUE_KINDS.items()}


def recurring() -> Sequence[Due]:
    """What is kept due for ever: one of each kind that has a rhythm."""
    return [Due(name) for name, kind in DUE_KINDS.items() if kind.every]
