"""The clock that drills and tests move."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.outside.parts import load
from bot.running.timepiece import FASTEST, Timepiece
from bot.settings.environment import SettingsError

THREE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-a", "SLACK_APP_TOKEN": "xapp-1-a"}


def test_it_goes_as_many_times_as_fast_as_it_says() -> None:
    then = time.time() - 10
    shown = Timepiece(THREE, then, 60)()
    assert timedelta(seconds=600) <= shown - THREE < timedelta(seconds=900)


def test_what_it_writes_it_reads() -> None:
    clock = Timepiece(THREE, 1763866800.25, 60)
    assert str(clock) == "2026-11-23T03:00:00Z@1763866800.250*60"
    assert Timepiece.read(str(clock)) == clock


@pytest.mark.parametrize(
    "text", ["2026-11-23T03:00:00@100", "2026-11-23T03:00:00Z@100*1", "2026-11-23T04:00+01:00@100"]
)
def test_a_time_without_a_zone_is_utc_and_without_a_rate_goes_as_all_do(text: str) -> None:
    assert Timepiece.read(text) == Timepiece(THREE, 100.0, 1)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-23", "2026-13-23T03:00Z@1", "2026-11-23T03:00Z@x*60", f"2026-11-23T03:00Z@1*{FASTEST + 1}"],
)
def test_anything_else_is_refused_by_name(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the text itself, or what datetime says of it
        Timepiece.read(text)
    if text:
        with pytest.raises(SettingsError, match="FIREWATCH_CLOCK is not of the form"):
            load({**TOKENS, "FIREWATCH_CLOCK": text}, tmp_path)


def test_unset_the_clock_is_the_real_one(tmp_path: Path) -> None:
    assert load(TOKENS, tmp_path).clock is None
    assert load({**TOKENS, "FIREWATCH_CLOCK": "2026-11-23T03:00:00Z@100*60"}, tmp_path).clock == Timepiece(
        THREE, 100.0, 60
    )
