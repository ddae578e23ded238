"""The sandbox's page with 2,000 messages in a channel: how soon it is painted, and how soon what is new is seen."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from bot.sandbox.queues.redis import RedisServer
from tests.bench import Figure, part
from tests.browser.chromium import ARGUMENTS, executable
from tests.sandbox.page.test_run import running
from tests.sandbox.pages import Night, a_night
from tests.sandbox.slacks import actions, button, client_of, section

MESSAGES = 2_000
OPENED = 7
POSTED = 25
STARTED = 3
READY_MS = 5_000
PAINT_MS = 1_000
SHOWN_MS = 200

SEEN = """() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const one of document.querySelectorAll("#messages > .message")) {
      const probe = /probe-\\d+/.exec(one.textContent)?.[0];
      // After the frame in which it was painted.
      if (probe && !(probe in window.seen)) {
        window.seen[probe] = null;
        requestAnimationFrame(() => setTimeout(() => { window.seen[probe] = Date.now(); }));
      }
    }
  }).observe(document.getElementById("messages"), { childList: true });
}"""

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


@part("`firewatch sandbox`: from its start to its address", reach=f"p50 ≤ {READY_MS:,} ms")
def ready() -> Iterator[Figure]:
    yield _figure(_ready(), READY_MS)


@part(
    f"page of a channel with {MESSAGES:,} messages: first paint, the browser's cache empty",
    "a message posted in it, seen in the browser",
    reach=(f"p50 ≤ {PAINT_MS:,} ms", f"p50 ≤ {SHOWN_MS:,} ms"),
)
def seen() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as url, a_night(url) as night:
        _fill(night)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(playwright), args=ARGUMENTS)
            try:
                yield _figure([_painted(browser, night) for _ in range(OPENED)], PAINT_MS)
                yield _figure(_shown(browser, night), SHOWN_MS)
            finally:
                browser.close()


def _ready() -> list[float]:
    """Milliseconds until a whole night stands, its incident open: Redis, Slack, pipeline and the bot's four roles."""
    took = []
    for _ in range(STARTED):
        begun = time.monotonic()
        with running() as sandbox:
            took.append((time.monotonic() - begun) * 1000)
            assert sandbox.page().status_code == 200
    return took


def _figure(times: list[float], most: int) -> Figure:
    middle = statistics.median(times)
    return Figure(f"p50 {middle:.0f} ms, slowest {max(times):.0f} ms of {len(times)}", met=middle <= most)


def _fill(night: Night) -> None:
    """People and the bot in turns, as a long night leaves a channel."""
    client = client_of(night.slack)
    for number in range(MESSAGES // 2):
        night.slack.oncall.says(
            "ops", f"what happened at {number}, @linnea? `job {number}` is at https://example.com/{number}"
        )
        client.chat_postMessage(channel="COPS", text=f"card {number}", blocks=_card(number))


def _card(number: int) -> list[dict[str, Any]]:
    text = (
        f"🟠 *Instagram token expired* ×{number} · refresh first\n<!date^1767225845^{{time}}|then> · <@UONCALL> leads"
    )
    return [section(text), actions(button("Replay these", "go", style="primary"), button("Show jobs", "show"))]


def _open(browser: Browser, night: Night) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(f"{night.slack.base_url}/as/noor/in/ops", wait_until="load")
    return page


def _painted(browser: Browser, night: Night) -> float:
    page = _open(browser, night)
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    took = float(page.evaluate(PAINTED))
    page.context.close()
    return took


def _shown(browser: Browser, night: Night) -> list[float]:
    """Milliseconds from Slack taking a message to the frame after the one it is painted in."""
    page = _open(browser, night)
    page.evaluate(SEEN)
    client = client_of(night.slack)
    took = []
    for number in range(POSTED):
        posted = client.chat_postMessage(
            channel="COPS", text=f"probe-{number}", blocks=[*_card(number), section(f"probe-{number}")]
        )
        page.wait_for_function("probe => window.seen[probe]", arg=f"probe-{number}", timeout=10_000)
        took.append(
            float(page.evaluate("probe => window.seen[probe]", f"probe-{number}")) - float(str(posted["ts"])) * 1000
        )
    page.context.close()
    return took
