"""What falls due: a kind has one name, one lane, and a rhythm where it recurs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.domain.due import DUE_KINDS, Due, due, due_kind, lane_of, lanes, recurring


@pytest.fixture(autouse=True)
def only_those_of_the_test() -> Iterator[None]:
    before = dict(DUE_KINDS)
    DUE_KINDS.clear()
    yield
    DUE_KINDS.clear()
    DUE_KINDS.update(before)


@pytest.mark.parametrize(
    ("name", "parsed"),
    [
        ("duty:12", Due("duty", "12")),
        ("poll:", Due("poll")),
        ("call:duty1xackmissedx1", Due("call", "duty1xackmissedx1")),
        ("acme:a:b", Due("acme", "a:b")),
    ],
)
def test_a_name_is_its_kind_and_of_what(name: str, parsed: Due) -> None:
    assert Due.parse(name) == parsed
    assert str(parsed) == name


def test_a_kind_has_a_lane_and_what_nobody_knows_goes_on_by_itself() -> None:
    due_kind("call", lane="calls")
    due_kind("callback")
    assert [lane_of(name) for name in ("call:1", "callback:1", "unheard:1")] == ["calls", "steps", "steps"]
    assert lanes() == {"call": "calls", "callback": "steps"}


def test_what_recurs_is_kept_due() -> None:
    due_kind("call", lane="calls")

    @due("weather", every=timedelta(minutes=5))
    def look_out(of: str, tools: object) -> None: ...

    assert recurring() == [Due("weather")]
    assert DUE_KINDS["weather"].does is look_out


@pytest.mark.parametrize(
    ("name", "says"),
    [("call", "call is declared twice: in bot.road"), ("a:b", "a colon ends it"), ("", "is no name")],
)
def test_a_name_that_is_taken_or_cannot_be_one_stops_the_start(name: str, says: str) -> None:
    due_kind("call")
    with pytest.raises(TypeError, match=says):
        due_kind(name)
