"""A queue over time as one PNG: its depth above, what failed and completed each minute below.

Drawn for a phone at night: 1280 × 800 pixels, legible at half of that, the fact as the title, times in UTC. Failed and
completed differ by more than their colour (hatching, and labels with their sums). Matplotlib is loaded with the first
picture (half a second) and used without pyplot, which would keep figures in a state shared by the whole process.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.outside.queues.protocol import Bucket

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, QUIET, GRID = "#1d1c1d", "#5e5d60", "#e3e2e4"
DEPTH, FAILED, COMPLETED = "#1264a3", "#c4314b", "#7fc8a4"
"""Told apart in greys and by people who see no red or green: dark, dark with hatching, light."""

_MOST_POINTS = 1_500  # more than the picture has pixels to show


def queue_picture(title: str, depth: Sequence[tuple[datetime, int]], buckets: Sequence[Bucket], now: datetime) -> bytes:
    """The PNG. ``depth``: samples; ``buckets``: equal steps of time; both oldest first, aware, and possibly empty.

    Never more than the last sample for a time, whatever the order; drawn over the hour before ``now`` or over all that
    was given, when that is longer.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    now = now.astimezone(UTC)
    samples = _thinned([(at.astimezone(UTC), count) for at, count in sorted(dict(depth).items())])
    steps = sorted(buckets, key=lambda bucket: bucket.at)
    start = min([now - timedelta(hours=1), *(at for at, _ in samples[:1]), *(step.at for step in steps[:1])])
    step = (steps[1].at - steps[0].at) if len(steps) > 1 else timedelta(minutes=1)

    figure = Figure(figsize=(8, 5), dpi=160, facecolor="white")
    # Margins by hand: to have them computed would draw everything twice.
    figure.subplots_adjust(left=0.075, right=0.955, top=0.79, bottom=0.12, hspace=0.3)
    canvas = FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    heading = f"{_plain(title)}\n{_fact(samples, now, start)}"
    figure.text(0.02, 0.97, heading, va="top", fontsize=15, fontweight="bold", color=INK, linespacing=1.3)
    _draw_depth(above, samples)
    _draw_ended(below, steps, step)
    for axes in (above, below):
        _quieten(axes)
    _time_axis(below, start, now)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def _plain(text: str) -> str:
    """The queue's name as it is: no mathematics, one line, not too long for the picture."""
    name = " ".join(text.split()).replace("$", r"\$")
    return name if len(name) <= 60 else name[:59] + "…"


def _fact(samples: Sequence[tuple[datetime, int]], now: datetime, start: datetime) -> str:
    if not samples:
        return "Depth: no samples yet"
    (began, first), (_, last) = samples[0], samples[-1]
    if len(samples) == 1:
        return f"Depth {last:,} now"
    minutes = round((now - max(began, start)).total_seconds() / 60)
    if minutes < 1:
        return f"Depth {last:,} now"
    span = (
        f"{minutes} min" if minutes < 55 else "hour" if minutes <= 65 else f"{minutes / 60:.1f} h".replace(".0 h", " h")
    )
    most = max(count for _, count in samples)
    peak = f", at most {most:,}" if most > 1.2 * max(first, last) else ""
    return f"Depth {first:,} → {last:,} in the last {span}{peak}"


def _draw_depth(axes: Axes, samples: Sequence[tuple[datetime, int]]) -> None:
    _name(axes, "Waiting")
    if not samples:
        _say(axes, "no samples yet")
        return
    times: list[Any] = [at for at, _ in samples]
    counts = [count for _, count in samples]
    # Steps: between two looks nothing is known, and a slope would say otherwise.
    axes.fill_between(times, counts, step="post", color=DEPTH, alpha=0.15, linewidth=0)
    axes.step(times, counts, where="post", color=DEPTH, linewidth=2.2)
    axes.plot(times[-1:], counts[-1:], "o", color=DEPTH, markersize=6, clip_on=False, zorder=5)
    axes.annotate(
        f"{counts[-1]:,}", (times[-1], counts[-1]), xytext=(0, 9), textcoords="offset points",
        ha="right", fontsize=12, fontweight="bold", color=DEPTH,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )  # fmt: skip
    axes.set_ylim(0, max(4, *counts) * 1.2)


def _draw_ended(axes: Axes, steps: Sequence[Bucket], step: timedelta) -> None:
    from matplotlib.patches import Patch

    minutes = step.total_seconds() / 60
    per = "minute" if minutes == 1 else f"{minutes:g} min"
    _name(axes, f"Ended per {per}")
    failed, completed = [b.failed for b in steps], [b.completed for b in steps]
    if not any(failed) and not any(completed):
        _say(axes, "no job ended" if steps else "no samples yet")
        return
    width: Any = step * 0.82
    # Failures stand on the ground, where their heights compare. Nothing is drawn of what is nothing: its edge would be.
    legend = []
    hatched: dict[str, Any] = {"facecolor": "white", "edgecolor": FAILED, "hatch": "/////", "linewidth": 0.9}
    filled: dict[str, Any] = {"facecolor": COMPLETED, "edgecolor": "none"}
    for word, counts, base, style in (
        ("failed", failed, [0] * len(steps), hatched),
        ("completed", completed, failed, filled),
    ):
        drawn = [n for n in range(len(steps)) if counts[n]]
        times: list[Any] = [steps[n].at.astimezone(UTC) for n in drawn]
        if drawn:
            heights, bottoms = [counts[n] for n in drawn], [base[n] for n in drawn]
            axes.bar(times, heights, width, bottom=bottoms, align="edge", **style)
        legend.append(Patch(label=f"{word} {sum(counts):,}", **style))
    axes.set_ylim(0, max(4, *(a + b for a, b in zip(failed, completed, strict=True))) * 1.1)
    axes.legend(
        handles=legend, loc="lower right", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, ncols=2, frameon=False,
        fontsize=12, labelcolor=INK, handlelength=1.6, columnspacing=1.4,
    )  # fmt: skip


def _name(axes: Axes, words: str) -> None:
    axes.set_title(words, loc="left", x=-0.055, fontsize=12, color=QUIET)


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", fontsize=13, color=QUIET)
    axes.set_ylim(0, 4)
    axes.set_yticks([])


def _quieten(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=QUIET, labelsize=12, length=0)
    axes.tick_params(axis="x", pad=7)
    if len(axes.get_yticks()):
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(_short))


def _short(value: float, _position: int) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value / 1e3:g}k" if value >= 10_000 else f"{value:,.0f}"


def _time_axis(axes: Axes, start: datetime, now: datetime) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    span = now - start
    first: Any = start
    last: Any = now + span * 0.01
    axes.set_xlim(first, last)
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    shape = "%H:%M" if span <= timedelta(hours=30) else "%d %b"
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DateFormatter(shape, tz=UTC))  # type: ignore[no-untyped-call]
    axes.set_xlabel(f"UTC, {now:%d %b %Y}", color=QUIET, fontsize=12, loc="right", labelpad=2)


def _thinned(samples: Sequence[tuple[datetime, int]]) -> Sequence[tuple[datetime, int]]:
    """No more samples than can be seen; of each stretch the highest, so that no peak is lost, and always the last."""
    if len(samples) <= _MOST_POINTS:
        return samples
    stretch = -(-len(samples) // _MOST_POINTS)
    peaks = [max(samples[n : n + stretch], key=lambda sample: sample[1]) for n in range(0, len(samples), stretch)]
    return [samples[0], *peaks[1:-1], samples[-1]]
