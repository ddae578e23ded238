"""Work that outlives one job: a stored record, stepped forward until it ends.

A procedure is a function from (its record, tools, its ledger) to what comes Next. Between two steps everything it knows
is in the record, so any process may take the next one, and the death of one at any line costs at most the repetition of
a step: a step therefore has to be safe to repeat. What a step says (cards, messages, Events) is saved with its record,
in one transaction, and sent afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from bot.domain.incident import Incident
    from bot.domain.reply import Reply
    from bot.outside.queues.protocol import Seen
    from bot.tools import Tools


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure under way. ``data`` is its own, JSON values only. ``stop``: who asked it to stop, "" for nobody."""

    id: str
    kind: str
    step: str
    asker: str
    channel: str
    started: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    confirmer: str = ""
    incident: int | None = None
    stop: str = ""
    ref: str = ""

    @property
    def ended(self) -> bool:
        return not self.step

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"started": self.started.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        return cls(**{**values, "started": datetime.fromisoformat(data["started"])})


@dataclass(frozen=True, slots=True)
class Next:
    """What one step leads to.

    ``step``: the name of the next one, "" at the end. ``wait``: seconds until it. ``card``: the one message that is
    edited as things change (not every edit has to reach Slack; the last one does). ``say``: messages of their own, each
    posted once. ``opened``, ``closed``: rows of the ledger that are now under way, or over with this outcome.
    ``incident``: its new state, when nothing is said about it.
    """

    step: str
    data: Mapping[str, Any] = field(default_factory=dict)
    wait: float = 0.0
    card: Reply | None = None
    say: Sequence[Reply] = ()
    opened: Sequence[int] = ()
    closed: Mapping[int, Any] = field(default_factory=dict)
    incident: Incident | None = None


class Ledger(Protocol):
    """The rows a procedure works through: fixed when it was planned, each with what became of it."""

    def count(self) -> int: ...

    def rows(self, start: int, stop: int) -> Sequence[Seen]: ...

    def open(self, most: int, after: int = -1) -> Mapping[int, Seen]:
        """Rows under way, by their place, at most so many: the next after that place, else from the first on."""
        ...

    def closed(self) -> Mapping[int, Any]: ...


Step = Callable[["Procedure", "Tools", "Ledger"], "Next"]

PROCEDURES: dict[str, Step] = {}


def procedure(kind: str) -> Callable[[Step], Step]:
    """Make a function the steps of that kind of procedure."""

    def add(step: Step) -> Step:
        if kind in PROCEDURES:
            raise TypeError(f"two procedures are called {kind}")
        PROCEDURES[kind] = step
        return step

    return add
