"""Fixtures: a sandbox that is ready, and pages of a browser in it that must not have complained at the end."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, Missing, executable
from tests.sandbox.page.test_run import ROOT, environment

PATIENCE = 15_000
"""Milliseconds for anything to appear: the machine may be busy with other tests."""

NewPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Ended before other tests begin in this process: while it runs, so does an event loop, and no other can."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    try:
        found = executable(playwright)
    except Missing as why:
        pytest.fail(str(why), pytrace=False)
    browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
    yield browser
    browser.close()


@contextmanager
def a_sandbox(folder: Path) -> Iterator[str]:
    """The address of a sandbox of its own, ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "sandbox", "--no-browser", "--port", "0", "--folder", str(folder / "state")],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said + process.stdout.read()
        yield found[0]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="package")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_sandbox(tmp_path_factory.mktemp("sandbox")) as url:
        yield url


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[str]:
    """For tests that stop the bot or go through the whole story."""
    with a_sandbox(tmp_path) as url:
        yield url


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Pages in browsers of their own. What the page complained of while it ran fails the test."""
    complaints: list[str] = []

    def excused(text: str) -> bool:
        # A stream that ends because its server did is no fault of the page's.
        return text == "[object Event]" or "net::ERR_" in text or "status of 503" in text

    with ExitStack() as stack:

        def make(**options: Any) -> Page:
            given = {"viewport": {"width": 1280, "height": 800}, "timezone_id": "Europe/Berlin", "locale": "en-GB"}
            context = chromium.new_context(**{**given, **options})
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda said: complaints.append(said.text) if said.type == "error" and not excused(said.text) else None,
            )
            return page

        yield make
    assert complaints == []
