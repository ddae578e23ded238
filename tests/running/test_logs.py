"""Logs: a line of JSON each, whatever is put into it, and never a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.running.logs import JsonLines, to_stderr

TOKEN = "xoxb-" + "1234567890-" * 2 + "abcdefABCDEF1234567890"


def line(message: str = "said", *arguments: object, error: BaseException | None = None, **extra: Any) -> dict[str, Any]:
    """What is written of it, read back."""
    raised = (type(error), error, error.__traceback__) if error else None
    logger = logging.getLogger("bot.road.desk")
    record = logger.makeRecord("bot.road.desk", logging.WARNING, "desk.py", 1, message, arguments, raised, extra=extra)
    written = JsonLines().format(record)
    assert "\n" not in written
    found: dict[str, Any] = json.loads(written)
    return found


def test_a_line_says_when_who_what_and_whatever_was_passed_beside() -> None:
    found = line("step %s failed", 3, ref="ref12345", seconds=0.25, ids=("a", "b"), more=None)
    assert datetime.fromisoformat(found.pop("at")).utcoffset() == timedelta(0)
    assert found == {
        "level": "warning",
        "from": "bot.road.desk",
        "says": "step 3 failed",
        "ref": "ref12345",
        "seconds": 0.25,
        "ids": ["a", "b"],
        "more": None,
    }


def test_a_traceback_is_a_field_of_the_same_line() -> None:
    try:
        raise ValueError(f"the token {TOKEN} is wrong")
    except ValueError as error:
        found = line("failed", error=error, ref="ref12345")
    assert "ValueError: the token" in found["traceback"]
    assert TOKEN not in found["traceback"]


@pytest.mark.parametrize(
    "extra",
    [
        {"text": f"/incident note {TOKEN}"},
        {"body": {"access_token": "hunter2hunter2", "deep": [{"says": TOKEN}]}},
        {"why": ValueError(TOKEN)},
        {"texts": (TOKEN, {"Set-Cookie": "session=hunter2hunter2"})},
    ],
)
def test_a_secret_is_masked_wherever_it_stands(extra: dict[str, Any]) -> None:
    written = json.dumps(line(**extra))
    assert TOKEN not in written
    assert "hunter2" not in written


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=10,
)


@given(values, st.text())
def test_whatever_is_passed_one_line_comes_of_it(value: Any, text: str) -> None:
    found = line(text.replace("%", ""), field=value)
    assert found["from"] == "bot.road.desk"
    assert "field" in found


@pytest.fixture
def handlers() -> Iterator[None]:
    """The loggers as they were."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in ("bot", "handlers")]
    before, levels = list(root.handlers), [each.level for each in (root, *ours)]
    yield
    for each, level in zip((root, *ours), levels, strict=True):
        each.setLevel(level)
    root.handlers = before


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", "bot.debug bot.info lib.warning"), ("info", "bot.info lib.warning"), ("error", "")],
)
def test_the_libraries_chatter_is_left_out(level: str, heard: str, capsys: pytest.CaptureFixture[str]) -> None:
    to_stderr(level)
    logging.getLogger("bot.road.desk").debug("bot.debug")
    logging.getLogger("bot.road.desk").info("bot.info")
    logging.getLogger("urllib3").info("lib.info")
    logging.getLogger("urllib3").warning("lib.warning")
    said = [json.loads(each)["says"] for each in capsys.readouterr().err.splitlines()]
    assert " ".join(said) == heard


def test_nothing_unseen_reaches_a_line_and_half_a_character_stops_none() -> None:
    found = line("turned \u202e\x9b31m", half="\ud83d", inner={"k\u202e": ["\x85", "\u2066x"]})
    assert found["says"] == "turned 31m"
    assert (found["half"], found["inner"]) == ("\ufffd", {"k": ["\n", "x"]})
