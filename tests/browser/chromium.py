"""Chromium for the browser's tests: one that is there; else Debian's package, where we are root; else Playwright's."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ARGUMENTS = [
    *("--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--disable-gpu", "--force-color-profile=srgb"),
]
MISSING = (
    "The browser's tests need Chromium, and it could not be installed: install it yourself "
    "(Debian: apt-get install chromium; elsewhere: .venv/bin/python -m playwright install --with-deps chromium)."
)
LONGEST = 900
"""Seconds that one command of an installation may take."""


class Missing(Exception):
    """There is no Chromium that starts; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to install it: what is said meanwhile, and the commands in their order."""

    what: str
    commands: Sequence[Sequence[str]]


def executable(playwright: Playwright) -> str:
    """The path of the machine's own Chromium, else of Playwright's. Raises Missing."""
    own = playwright.chromium.executable_path
    found = _on_the_machine() or (own if Path(own).exists() else None)
    if found is None:
        raise Missing(MISSING)
    return found


def there() -> bool:
    """Whether there is one, and it starts: Playwright's may lack libraries of the system."""
    found = _on_the_machine()
    if found is None:
        try:
            with sync_playwright() as playwright:
                found = executable(playwright)
        except Missing:
            return False
    return _ran([found, "--version"])


def ways() -> Sequence[Way]:
    """How it can be installed on this machine, the best way first."""
    found = [Way("Chromium, from Playwright", [[sys.executable, "-m", "playwright", "install", "chromium"]])]
    if os.geteuid() == 0 and _is_debian():
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        package = [*apt, "install", "--yes", "--no-install-recommends", "chromium"]
        found.insert(0, Way("Debian's package chromium", [[*apt, "update"], package]))
    return found


def ensure(ways: Sequence[Way], there: Callable[[], bool] = there) -> None:
    """Install Chromium unless it is there, and say so. Raises Missing when no way leads to one that starts."""
    if there():
        return
    for way in ways:
        print(f"installing {way.what}, for the browser's tests …", flush=True)
        if all(_ran(command) for command in way.commands) and there():
            return
    raise Missing(MISSING)


def _on_the_machine() -> str | None:
    on_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    return on_path or next((path for path in APPLICATIONS if Path(path).exists()), None)


def _is_debian() -> bool:
    try:
        return platform.freedesktop_os_release()["ID"] == "debian"
    except OSError:
        return False


def _ran(command: Sequence[str]) -> bool:
    """Whether it came to a good end. What it writes is left out: it would hide the one line that says what to do."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
