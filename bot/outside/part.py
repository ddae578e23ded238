"""What an outside system declares of itself, in the ``part.py`` of its folder. CONTRIBUTING shows one.

A part is found, not listed (``bot.outside.parts``). Its settings are read with all others, ``firewatch doctor`` asks
its checks, `.env.example` and the documentation list it, handlers get what it builds by its Protocol, and its far end
in the sandbox has the same name.

A ``part.py`` imports no client and no SDK at its top: ``build`` does, so that a door stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from bot.settings.catalogue import Catalogue, Table
from bot.settings.fields import Need, Role, Variables
from bot.settings.secrets import Address

S = TypeVar("S", bound=Variables)
T = TypeVar("T")
Found = TypeVar("Found")
OwnTable = TypeVar("OwnTable", bound=Table)


class Sick(Exception):
    """A system answers, but not as it should. ``remedy`` stands in for the check's own."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Finder(Protocol):
    """The other systems, each by the Protocol that it offers; None while one is off."""

    def __call__(self, kind: type[Found]) -> Found | None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a part may need beside its own settings."""

    catalogue: Catalogue
    redis_url: Address
    """The bot's own Redis."""
    now: Callable[[], datetime]
    find: Finder
    tables: Mapping[str, Table]

    def table(self, kind: type[OwnTable]) -> OwnTable:
        """The part's own table of the catalogue, by its model."""
        return next(each for each in self.tables.values() if isinstance(each, kind))


@dataclass(frozen=True, slots=True)
class Check(Generic[S, T]):
    """One thing that ``firewatch doctor`` asks of a system: ``look`` says that it is well, or raises.

    What it raises is Sick, or an error of ``bot.domain.errors``. ``remedy``: what to do then, in one sentence.
    """

    name: str
    look: Callable[[S, T, Surroundings], str]
    remedy: str


@dataclass(frozen=True, slots=True)
class Part(Generic[S, T]):
    """One outside system."""

    name: str
    """Of its folder, and of its far end in the sandbox."""
    settings: type[S]
    off: str
    """How to turn it on, for the person who asked for it; ``{file}`` stands for the catalogue's name."""
    offers: type[T] | None = None
    """The Protocol that handlers ask for; None for a part that has only settings."""
    build: Callable[[S, Surroundings], T] | None = None
    """What handlers see. Called once, when it is first asked for; opens no connection yet."""
    on: Callable[[S], object] | None = None
    """Whether it is turned on; a part without it always is."""
    needs: Callable[[S, Role], Iterable[Need]] | None = None
    """What has to be set, by what else is set and by what is started."""
    checks: Sequence[Check[S, T]] | Callable[[S, Surroundings], Sequence[Check[S, T]]] = ()
    table: type[Table] | None = None
    """The model of its own table in the catalogue, ``[name]``."""

    def turned_on(self, settings: S) -> bool:
        return self.on is None or bool(self.on(settings))

    def needed(self, settings: S, role: Role) -> Iterable[Need]:
        return self.needs(settings, role) if self.needs else ()

    def asked(self, settings: S, around: Surroundings) -> Sequence[Check[S, T]]:
        """What doctor asks of it."""
        return self.checks(settings, around) if callable(self.checks) else self.checks


AnyPart = Part[Any, Any]
