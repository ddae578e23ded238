"""Procedures as they are declared, and as they stand on record: JSON that another version may have written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from bot.domain.procedure import PROCEDURES, Ledger, Next, Procedure, begun, kind_of, procedure
from bot.domain.recorded import from_record, from_row, to_record, to_row
from bot.domain.reply import Begin

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Seat(NamedTuple):
    row: int
    name: str
    window: bool = False


@dataclass(frozen=True)
class Person:
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Evacuation:
    """What is declared as richly as it may be."""

    floor: int
    since: datetime = NOON
    within: timedelta | None = None
    people: tuple[Person, ...] = ()
    seats: tuple[Seat, ...] = ()
    exits: Mapping[str, int] = field(default_factory=dict)
    words: tuple[str, int] = ("", 0)

    def step(self, under_way: Procedure, tools: Any, ledger: Ledger[Seat]) -> Next:
        return Next("")


@pytest.fixture
def declared() -> Iterator[None]:
    procedure("evacuation", called="the evacuation", row=Seat)(Evacuation)
    yield
    PROCEDURES.pop("evacuation")


def test_what_a_procedure_knows_is_read_as_it_was_recorded() -> None:
    knows = Evacuation(
        3,
        NOON + timedelta(minutes=1),
        timedelta(seconds=90),
        (Person("U1", "Noor"), Person("U2")),
        (Seat(1, "a"), Seat(2, "b", True)),
        {"north": 2},
        ("x", 1),
    )
    assert from_record(Evacuation, json.loads(json.dumps(to_record(knows)))) == knows


def test_what_another_version_has_added_is_passed_over_and_what_it_lacked_has_its_default() -> None:
    assert from_record(Evacuation, {"floor": 3, "lifts": "out of order"}) == Evacuation(3)
    with pytest.raises(TypeError, match="floor"):
        from_record(Evacuation, {})


@pytest.mark.parametrize("row", [Seat(7, "c", True), Person("U1", "Noor")])
def test_a_row_is_a_list_whatever_its_type(row: Any) -> None:
    recorded = json.loads(json.dumps(to_row(row)))
    assert recorded == [7, "c", True] or recorded == ["U1", "Noor"]
    assert from_row(type(row), recorded) == row
    assert from_row(type(row), [*recorded, "of a later version"]) == row


def test_a_row_that_lacks_its_last_fields_has_their_defaults() -> None:
    assert from_row(Seat, [7, "c"]) == Seat(7, "c")
    assert from_row(Person, ["U1"]) == Person("U1")


class Kept:
    """A ledger as the store keeps it."""

    def count(self) -> int:
        return 2

    def rows(self, start: int, stop: int) -> Sequence[Sequence[Any]]:
        return [[1, "a"], [2, "b", True]][start:stop]

    def open(self, most: int, after: int = -1) -> Mapping[int, Sequence[Any]]:
        return {1: [2, "b", True]}

    def closed(self) -> Mapping[int, Any]:
        return {0: {"end": "out"}}


@pytest.mark.usefixtures("declared")
def test_a_procedure_sees_rows_of_its_own_type() -> None:
    ledger = kind_of(Evacuation).ledger(Kept())
    assert ledger.rows(0, 9) == [Seat(1, "a"), Seat(2, "b", True)]
    assert ledger.open(9) == {1: Seat(2, "b", True)}
    assert (ledger.count(), ledger.closed()) == (2, {0: {"end": "out"}})


@pytest.mark.usefixtures("declared")
def test_what_is_to_begin_is_kept_by_the_name_of_its_kind() -> None:
    kept = begun(Begin(Evacuation(3), incident=4))
    assert (kept["kind"], kept["data"]["floor"], kept["incident"]) == ("evacuation", 3, 4)
    assert "incident" not in begun(Begin(Evacuation(3)))


@pytest.mark.usefixtures("declared")
def test_two_procedures_do_not_have_one_name() -> None:
    with pytest.raises(TypeError, match="the procedure evacuation is declared twice"):
        procedure("evacuation")(Evacuation)


def test_what_is_no_dataclass_or_no_procedure_says_so() -> None:
    class Bare:
        def step(self, under_way: Procedure, tools: Any, ledger: Ledger[Any]) -> Next:
            return Next("")

    with pytest.raises(TypeError, match="Bare is not a dataclass"):
        procedure("bare")(Bare)
    with pytest.raises(TypeError, match="Evacuation is no procedure"):
        begun(Begin(Evacuation(3)))
