"""Figures beside their yardsticks, measured in one run: `make bench`, or `python -m tests.bench queues`.

A part is a function that measures one figure, or several that come from the same runs:

    @part("the door's time from start to ready", reach="≤ 2 s")
    def start() -> Iterator[Figure]:
        yield Figure(f"{seconds:.2f} s", met=seconds <= 2)

What each part promises to measure is known before it runs: where it cannot, its rows say so, and no other row is lost.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

RUNS = 3
"""Every figure with a yardstick is the median of so many runs, ours and the yardstick's in turns."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured. `ratio` is how many times better ours is than the yardstick, None where there is none."""

    ours: str
    yardstick: str = ""
    ratio: float | None = None
    _: KW_ONLY
    met: bool


@dataclass(frozen=True, slots=True)
class Goal:
    """A row before it is measured."""

    what: str
    reach: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    goal: Goal
    figure: Figure

    @property
    def line(self) -> str:
        """As Markdown."""
        figure = self.figure
        ratio = "–" if figure.ratio is None else f"{figure.ratio:.1f} ×"
        verdict = "met" if figure.met else "short"
        return line((self.goal.what, figure.ours, figure.yardstick or "–", ratio, self.goal.reach, verdict))


@dataclass(frozen=True, slots=True)
class Part:
    """`measure` yields a figure for each of the goals, in their order."""

    goals: Sequence[Goal]
    measure: Callable[[], Iterator[Figure]]

    def rows(self) -> Iterator[Row]:
        """A row for each goal as soon as it is measured; whatever goes wrong is said in the rows that are left."""
        left = list(self.goals)
        why = "it ended without this figure"
        try:
            for figure in self.measure():
                yield Row(left.pop(0), figure)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        for goal in left:
            yield Row(goal, Figure(f"could not be measured: {why}", met=False))


HEAD = ("what", "ours", "yardstick", "ratio", "to reach", "")


def part(*what: str, reach: str | Sequence[str]) -> Callable[[Callable[[], Iterator[Figure]]], Part]:
    """Make a part of a function that measures these rows; `reach` says what is to be reached, row by row."""
    goals = [Goal(*each) for each in zip(what, [reach] if isinstance(reach, str) else reach, strict=True)]
    return lambda measure: Part(goals, measure)


def line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"


def head() -> str:
    """The table's first two lines."""
    return f"{line(HEAD)}\n{line(['---'] * len(HEAD))}"


def spin() -> float:
    """Milliseconds for a fixed piece of work: what differs between two calls is the machine."""
    begun = time.perf_counter()
    sum(number * number for number in range(200_000))
    return (time.perf_counter() - begun) * 1000


def noise(before: list[float], after: list[float]) -> str:
    """A line on how steady the machine was, from `spin` before and after the figures."""
    times = sorted(before + after)
    middle = statistics.median(times)
    spread = (times[int(len(times) * 0.95)] - times[0]) / middle
    drift = statistics.median(after) / statistics.median(before) - 1
    return (
        f"The machine's own noise: a fixed piece of work took {middle:.1f} ms, 19 of 20 times within {spread:.0%} "
        f"of the fastest, {drift:+.0%} from the beginning to the end. Ratios under 1.5 are ties."
    )
