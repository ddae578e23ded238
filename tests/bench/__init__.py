"""Figures beside their yardsticks, measured in one run: `make bench`, or `python -m tests.bench queues`."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

RUNS = 3
"""Every figure with a yardstick is the median of so many runs, ours and the yardstick's in turns."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is how many times better ours is than the yardstick, None where there is none."""

    what: str
    ours: str
    yardstick: str
    ratio: float | None
    reach: str
    met: bool

    def cells(self) -> tuple[str, ...]:
        ratio = "–" if self.ratio is None else f"{self.ratio:.1f} ×"
        return (self.what, self.ours, self.yardstick or "–", ratio, self.reach, "met" if self.met else "**short**")


HEAD = ("what", "ours", "yardstick", "ratio", "to reach", "")


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)


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
