"""A team's own procedure with rows of its own type, its duty and its receipt: no standing file knows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acme import write_package
from tests.evacuation import FILES

ROOT = Path(__file__).parents[1]


@pytest.fixture
def played(tmp_path: Path, redis_url: str) -> Any:
    """In a process of its own, because what is registered stays registered."""
    write_package(tmp_path, FILES)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.evacuation", redis_url, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_it_is_planned_stepped_stopped_receipted_and_comes_again(played: Any, tmp_path: Path) -> None:
    assert played["from"].startswith(str(tmp_path)), "from the team's own folder"
    assert played["plan"] == "Empty floor 3?"
    assert played["said"].count("Floor 3 empty: Ada, Bo, Cy") == 1
    assert [each for each in played["said"] if each.startswith("Floor 4 stopped")] == ["Floor 4 stopped: Ada"]
    assert "Stopping on floor 4, begun by <@UONCALL>, first out Ada" in played["said"]
    assert played["receipts"] == ["Floor 3 empty: Ada, Bo, Cy", "Floor 4 stopped: Ada"]
    done = played["draft"][played["draft"].index("## What was done") :]
    done = done[: done.index("## ", 5)]
    assert [done.count(each) for each in played["receipts"]] == [1, 1]
    assert (played["lane"], "roll-call:" in played["recurring"]) == ("steps", True)
    assert played["rolls"] == [f"Roll call at 18:{minute:02}" for minute in range(0, 30, 5)]
