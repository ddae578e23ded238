"""The table of `make bench`: rows come as they are measured, and what goes wrong costs only its own row."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.bench import Figure, Goal, Part, part
from tests.bench.__main__ import main, measured

MADE_UP = "tests.bench.made_up"


def module(monkeypatch: pytest.MonkeyPatch, **parts: Part) -> None:
    made = ModuleType(MADE_UP)
    vars(made).update(parts)
    monkeypatch.setitem(sys.modules, MADE_UP, made)


@part("jobs put back", "meanwhile, the worst wait", reach=("≥ 3 ×", "≤ 50 ms"))
def breaks_half_way() -> Iterator[Figure]:
    yield Figure("10 jobs/s", "Node: 2 jobs/s", 5.0, met=True)
    raise RuntimeError("no\nRedis")


@part("a tick", reach="≤ 5 ms")
def ticks() -> Iterator[Figure]:
    yield Figure("7 ms", met=False)


@part("first paint", reach="≤ 1 s")
def promises_more() -> Iterator[Figure]:
    yield from ()


def test_a_part_that_raises_costs_only_the_rows_it_had_not_measured_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    module(monkeypatch, a=breaks_half_way, b=ticks, c=promises_more)
    assert [row.line for row in measured(MADE_UP)] == [
        "| jobs put back | 10 jobs/s | Node: 2 jobs/s | 5.0 × | ≥ 3 × | met |",
        "| meanwhile, the worst wait | could not be measured: RuntimeError: no Redis | – | – | ≤ 50 ms | short |",
        "| a tick | 7 ms | – | – | ≤ 5 ms | short |",
        "| first paint | could not be measured: it ended without this figure | – | – | ≤ 1 s | short |",
    ]


def test_a_row_is_there_before_the_next_one_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def measuring(name: str) -> Part:
        def measure() -> Iterator[Figure]:
            begun.append(name)
            yield Figure("1", met=True)

        return Part([Goal(name, "1")], measure)

    module(monkeypatch, a=measuring("a"), b=measuring("b"))
    rows = measured(MADE_UP)
    assert next(rows).goal.what == "a"
    assert begun == ["a"]
    assert [row.goal.what for row in rows] == ["b"]


def test_a_module_that_cannot_be_imported_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MADE_UP, None)
    [row] = measured(MADE_UP)
    assert row.line.startswith("| made_up | could not be measured: ")
    assert not row.figure.met


def test_a_name_that_is_no_bench_is_answered_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dor"]) == 2
    assert capsys.readouterr().err == (
        "There is no bench dor. Did you mean door? There is answers, door, duties, page, queues.\n"
    )
