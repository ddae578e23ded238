"""The far ends that are servers beside the bot, found by name: `bot.sandbox.<name>` for the part `<name>`.

A far end's module holds `FAR_END`, which is called with the clock and gives a server. A team's package brings its own
as `<package>.sandbox.<name>`. Slack and the queues have none: nothing runs without them, so whoever starts the bot
starts them too.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")
SHIPPED = ("bot",)
"""The packages whose far ends come with Firewatch; a team adds the names of its own."""


class FarEnd(Protocol):
    """A server that stands for an outside system, while a `with` lasts or from `start` to `stop`."""

    def start(self) -> Self: ...
    def stop(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: Any) -> None: ...

    def environment(self) -> dict[str, str]:
        """The settings by which the bot is told of it."""
        ...

    def bot_is_at(self, url: str) -> None:
        """Where the bot's own door is, for a system that calls the bot."""
        ...


class NoFarEnd(Exception):
    """There is no far end of that name."""


def found(packages: Sequence[str] = SHIPPED) -> list[str]:
    """The names of all far ends in these packages, in order of the alphabet."""
    names = set()
    for package in packages:
        sandbox = _imported(f"{package}.sandbox")
        outside = _imported(f"{package}.outside")
        here = {each.name for each in pkgutil.iter_modules(getattr(sandbox, "__path__", ()))}
        parts = {each.name for each in pkgutil.iter_modules(getattr(outside, "__path__", ()))}
        names |= {name for name in here & parts if hasattr(_imported(f"{package}.sandbox.{name}"), "FAR_END")}
    return sorted(names)


def far_ends(names: Iterable[str], now: Callable[[], float], packages: Sequence[str] = SHIPPED) -> list[FarEnd]:
    """One of each, made and not started, in the order of the names. Raises `NoFarEnd`."""
    return [_make(name, packages)(now=now) for name in names]


def the(kind: type[T], ends: Iterable[object]) -> T:
    """The far end of this kind. Raises `NoFarEnd`."""
    for one in ends:
        if isinstance(one, kind):
            return one
    raise NoFarEnd(f"there is no {kind.__name__} among the far ends")


def _make(name: str, packages: Sequence[str]) -> Callable[..., FarEnd]:
    for package in packages:
        made = getattr(_imported(f"{package}.sandbox.{name}"), "FAR_END", None)
        if made is not None:
            return made  # type: ignore[no-any-return]
    looked = ", ".join(f"{package}.sandbox.{name}" for package in packages)
    raise NoFarEnd(f"no FAR_END for {name!r} in {looked}")


def _imported(module: str) -> object:
    """None when there is no such module; one that is there and cannot be imported raises."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        if missing.name is not None and (module == missing.name or module.startswith(f"{missing.name}.")):
            return None
        raise
