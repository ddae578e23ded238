"""The parts of one process: each built once, when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.errors import Refused
from bot.outside.part import AnyPart, Part, Surroundings
from bot.settings.environment import Settings
from bot.settings.fields import Variables

S = TypeVar("S", bound=Variables)
T = TypeVar("T")


@dataclass(slots=True)
class PartSystems:
    """``Systems`` of ``bot.tools`` over the parts. Any thread may ask."""

    settings: Settings
    parts: Sequence[AnyPart]
    now: Callable[[], datetime]
    _built: dict[str, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def find(self, kind: type[T]) -> T | None:
        """What offers this Protocol, or one that is derived from it; None while it is off."""
        found: T | None = self.built(self._offering(kind))
        return found

    def off(self, kind: type[Any]) -> str:
        return self.settings.off(self._offering(kind))

    def the(self, part: Part[S, T]) -> T:
        """What this very part builds. Raises Refused, with how to turn it on, while it is off."""
        stands_in = next((each for each in self.parts if each.name == part.name), part)
        found: T | None = self.built(stands_in)
        if found is None:
            raise Refused(self.settings.off(part))
        return found

    def built(self, part: AnyPart) -> Any:
        """What it builds; None while it is off, or when it has only settings."""
        settings = self.settings.find(part)
        if settings is None or part.build is None:
            return None
        with self._lock:
            if part.name not in self._built:
                self._built[part.name] = part.build(settings, self.around)
            return self._built[part.name]

    @property
    def around(self) -> Surroundings:
        settings = self.settings
        return Surroundings(settings.catalogue, settings.redis_url, self.now, self.find, settings.tables)

    def _offering(self, kind: type[Any]) -> AnyPart:
        for part in self.parts:
            if part.offers is not None and kind in part.offers.__mro__:
                return part
        raise LookupError(f"no part offers {kind.__qualname__}")
