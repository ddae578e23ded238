"""Work that outlives one job: a stored record, stepped forward until it ends.

A procedure is a frozen dataclass: its fields are what it knows, its ``step`` takes one step and tells what comes Next.

    @procedure("evacuation", called="the evacuation", row=Seat, gives_up=timedelta(hours=12))
    @dataclass(frozen=True)
    class Evacuation:
        floor: int
        out: int = 0

        def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Seat]) -> Next:
            return Next("count", replace(self, out=self.out + 1), wait=60.0)

Between two steps everything it knows is in the record, so any process may take the next one, and the death of one at
any line costs at most the repetition of a step: a step therefore has to be safe to repeat. What a step says (cards,
messages, Events) is saved with its record, in one transaction, and sent afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, Self, TypeVar

from bot.domain.errors import Taken
from bot.domain.incident import Incident
from bot.domain.recorded import from_record, from_row, to_record
from bot.domain.reply import Begin, Reply, Work

W = TypeVar("W", bound=Work)
Row_co = TypeVar("Row_co", covariant=True)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Procedure:
    """One procedure under way. ``data`` is its own, as JSON. ``stop``: who asked it to stop, "" for nobody."""

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

    ``step``: the name of the next one, "" at the end. ``data``: the same dataclass, changed; None leaves it as it was.
    ``wait``: seconds until the next step. ``card``: the one message that is edited as things change (not every edit has
    to reach Slack; the last one does). ``say``: messages of their own, each posted once. ``opened``, ``closed``: rows
    of the ledger that are now under way, or over with this outcome. ``incident``: its new state, when nothing is said
    about it.
    """

    step: str
    data: Work | None = None
    wait: float = 0.0
    card: Reply | None = None
    say: Sequence[Reply] = ()
    opened: Sequence[int] = ()
    closed: Mapping[int, Any] = field(default_factory=dict)
    incident: Incident | None = None


class Ledger(Protocol[Row_co]):
    """The rows a procedure works through: fixed when it was planned, each with what became of it."""

    def count(self) -> int: ...

    def rows(self, start: int, stop: int) -> Sequence[Row_co]: ...

    def open(self, most: int, after: int = -1) -> Mapping[int, Row_co]:
        """Rows under way, by their place, at most so many: the next after that place, else from the first on."""
        ...

    def closed(self) -> Mapping[int, Any]: ...


@dataclass(frozen=True, slots=True)
class TypedLedger(Generic[Row]):
    """A ledger whose rows are of a procedure's own type, over one that keeps them as JSON lists."""

    kept: Ledger[Sequence[Any]]
    row: type[Row]

    def count(self) -> int:
        return self.kept.count()

    def rows(self, start: int, stop: int) -> Sequence[Row]:
        return [from_row(self.row, each) for each in self.kept.rows(start, stop)]

    def open(self, most: int, after: int = -1) -> Mapping[int, Row]:
        return {place: from_row(self.row, each) for place, each in self.kept.open(most, after).items()}

    def closed(self) -> Mapping[int, Any]:
        return self.kept.closed()


@dataclass(frozen=True, slots=True)
class ProcedureKind:
    """What ``@procedure`` says of a dataclass."""

    name: str
    work: type[Any]
    called: str
    row: type[Any] | None
    gives_up: timedelta | None

    def read(self, data: Mapping[str, Any]) -> Any:
        """The dataclass, from what is on record."""
        return from_record(self.work, data)

    def ledger(self, kept: Ledger[Sequence[Any]]) -> Ledger[Any]:
        return TypedLedger(kept, self.row) if self.row else kept


PROCEDURES: dict[str, ProcedureKind] = {}


def procedure(
    name: str, *, called: str = "", row: type[Any] | None = None, gives_up: timedelta | None = None
) -> Callable[[type[W]], type[W]]:
    """Make a frozen dataclass a kind of procedure, on record under that name.

    ``called``: what it is in a sentence. ``row``: the type of its ledger's rows, a NamedTuple or a frozen dataclass.
    ``gives_up``: after how long it ends, with a sentence, if all that time an outside system was away; without it, it
    keeps trying.
    """

    def add(work: type[W]) -> type[W]:
        made: Any = work
        if name in PROCEDURES:
            raise Taken(f"the procedure {name}", PROCEDURES[name].work.__module__, work.__module__)
        if not is_dataclass(made):
            raise TypeError(f"{work.__name__} is not a dataclass: @procedure stands above @dataclass(frozen=True)")
        PROCEDURES[name] = ProcedureKind(name, work, called or f"the {name}", row, gives_up)
        return work

    return add


def kind_of(work: type[Any]) -> ProcedureKind:
    """The kind of procedure that this dataclass is. Raises TypeError for one that ``@procedure`` does not stand on."""
    found = next((kind for kind in PROCEDURES.values() if kind.work is work), None)
    if found is None:
        raise TypeError(f"{work.__name__} is no procedure: @procedure is missing on it")
    return found


def begun(begins: Begin) -> Mapping[str, Any]:
    """What is to begin, as a plan keeps it until it is confirmed."""
    kept = {"kind": kind_of(type(begins.work)).name, "data": to_record(begins.work)}
    return kept if begins.incident is None else {**kept, "incident": begins.incident}


def called(name: str) -> str:
    """What a kind of procedure is in a sentence; one that this version does not know, by its name on record."""
    kind = PROCEDURES.get(name)
    return kind.called if kind else f"the {name}"
