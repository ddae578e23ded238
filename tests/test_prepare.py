"""Before its first test `make test` brings Chromium and npm's packages, or says in one line what to install."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.chromium import MISSING, Missing, Way, ensure

ROOT = Path(__file__).parents[1]
WITHOUT_APPLICATIONS = """
from tests import prepare
from tests.browser import chromium
chromium.APPLICATIONS = ()  # a Mac may have one
raise SystemExit(prepare.main())
"""


def touching(file: Path) -> list[str]:
    return [sys.executable, "-c", f"open({str(file)!r}, 'w')"]


def test_a_chromium_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    ensure([Way("it again", [touching(tmp_path / "installed")])], there=lambda: True)
    assert not (tmp_path / "installed").exists()


def test_where_one_way_fails_the_next_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    failing = [sys.executable, "-c", "raise SystemExit(1)"]
    ensure([Way("A", [failing, touching(first)]), Way("B", [touching(second)])], there=second.exists)
    assert not first.exists()
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == ["installing A", "installing B"]


def test_what_was_installed_and_does_not_start_counts_for_nothing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="apt-get install chromium"):
        ensure([Way("one without its libraries", [touching(tmp_path / "there")])], there=lambda: False)


def test_a_machine_that_gets_no_browser_stops_with_one_line_before_the_first_test(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_APPLICATIONS],
        cwd=ROOT,
        # No apt-get, no browser, and nobody at the address from which Playwright would fetch one.
        env={
            "PATH": str(Path(sys.executable).parent),
            "HOME": str(tmp_path),
            "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
            "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "browsers"),
            "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, MISSING + "\n")
