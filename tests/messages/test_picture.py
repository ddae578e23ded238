"""The picture of a queue: a valid PNG of the promised size whatever the data, and no state left behind."""

from __future__ import annotations

import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.messages.picture import _fact, _plain, _thinned, queue_picture
from bot.outside.queues.protocol import Bucket

NOW = datetime(2025, 11, 23, 2, 14, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert png.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


HOUR = [(ago(60 - n), 412 - 7 * n if n < 57 else 9) for n in range(61)]
ENDED = [Bucket(ago(60 - n), n % 5, 20 - n % 7) for n in range(60)]


def test_an_hour_of_a_queue_is_a_picture() -> None:
    assert size(queue_picture("repost-dispatch", HOUR, ENDED, NOW)) == (1280, 800)


@pytest.mark.parametrize(
    ("depth", "buckets"),
    [
        ([], []),
        ([(NOW, 0)], []),
        ([(NOW, 412)], [Bucket(NOW, 0, 0)]),
        ([], [Bucket(ago(1), 3, 0)]),
        ([(ago(3), 5), (ago(3), 6)], [Bucket(ago(1), 0, 10**9)]),
        (list(reversed(HOUR)), list(reversed(ENDED))),
        ([(ago(60 * 24 * 9), 1), (NOW, 10**9)], [Bucket(ago(60 * 24 * 9), 1, 1), Bucket(ago(60 * 24 * 8), 1, 1)]),
        ([(ago(5).astimezone(timezone(timedelta(hours=9))), 3), (NOW, 2)], []),
    ],
)
def test_no_data_or_odd_data_is_a_picture_too(depth: list[tuple[datetime, int]], buckets: list[Bucket]) -> None:
    assert size(queue_picture("q", depth, buckets, NOW)) == (1280, 800)


@given(
    st.text(max_size=100),
    st.lists(st.tuples(st.integers(0, 90).map(ago), st.integers(0, 10**7)), max_size=5),
    st.lists(st.builds(Bucket, st.integers(0, 90).map(ago), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=5),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.filterwarnings("ignore:Glyph:UserWarning")  # a queue may be named in any script; a box is drawn for it
def test_whatever_the_name_and_the_figures(
    title: str, depth: list[tuple[datetime, int]], buckets: list[Bucket]
) -> None:
    assert size(queue_picture(title, depth, buckets, NOW)) == (1280, 800)


@pytest.mark.parametrize(
    ("samples", "fact"),
    [
        ([], "Depth: no samples yet"),
        ([(NOW, 1412)], "Depth 1,412 now"),
        ([(ago(60), 412), (NOW, 9)], "Depth 412 → 9 in the last hour"),
        ([(ago(60), 30), (ago(30), 1410), (NOW, 9)], "Depth 30 → 9 in the last hour, at most 1,410"),
        ([(ago(12), 412), (NOW, 57)], "Depth 412 → 57 in the last 12 min"),
        ([(ago(180), 1), (NOW, 2)], "Depth 1 → 2 in the last 3 h"),
        ([(ago(150), 1), (NOW, 2)], "Depth 1 → 2 in the last 2.5 h"),
    ],
)
def test_the_title_states_the_fact(samples: list[tuple[datetime, int]], fact: str) -> None:
    assert _fact(samples, NOW, ago(600)) == fact


def test_a_name_is_shown_as_it_is_on_one_line() -> None:
    assert _plain("a $x$\nb") == r"a \$x\$ b"
    assert len(_plain("long " * 40)) == 60


def test_many_samples_are_thinned_without_losing_the_peak_or_the_last() -> None:
    samples = [(ago(20_000 - n), 10_000 if n == 7_777 else 1) for n in range(20_001)]
    few = _thinned(samples)
    assert len(few) <= 1_500
    assert (few[0], few[-1]) == (samples[0], samples[-1])
    assert max(count for _, count in few) == 10_000


def test_matplotlib_is_loaded_late_and_pyplot_never() -> None:
    program = (
        "import sys, bot.messages.picture\n"
        "assert not any(name.startswith('matplotlib') for name in sys.modules)\n"
        "from datetime import datetime, UTC\n"
        "bot.messages.picture.queue_picture('q', [], [], datetime(2025, 11, 23, tzinfo=UTC))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)
