"""What the tests of the page share: a night without processes, a browser's requests, and a bot that answers as told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

import handlers  # noqa: F401  makes every sentence known
from bot.running.timepiece import Timepiece
from bot.sandbox.page.guide import Guide
from bot.sandbox.page.oncall import OnCallPanel
from bot.sandbox.page.pipeline_panel import PipelinePanel
from bot.sandbox.page.run import routes
from bot.sandbox.page.session import BotState, Current, Session
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import client_of


class Standing:
    """A bot that is as it is told to be."""

    def __init__(self) -> None:
        self.state = BotState("up", "The bot is up", can_stop=True)
        self.clock: Timepiece | None = None

    def look(self) -> BotState:
        return self.state

    def start(self) -> None:
        self.state = BotState("up", "The bot is up", can_stop=True)

    def stop(self) -> None:
        self.state = BotState("down", "The bot is stopped", can_start=True)

    def go_by(self, clock: Timepiece) -> None:
        self.clock = clock


@dataclass(slots=True)
class Night(Session):
    """A session with its servers in reach."""

    slack: SlackSandbox
    oncall: OnCallPanel


@contextmanager
def a_night(redis_url: str, **slack_options: Any) -> Iterator[Night]:
    """The page over a Slack that listens, with nobody behind it yet."""
    current = Current()
    options = {"manifest": {}, "rate_limits": "off", "ping_interval": 0.2, **slack_options}
    with SlackSandbox(routes=routes(current), **options) as slack:
        panel = PipelinePanel(redis_url)
        oncall = OnCallPanel()
        guide = Guide(slack, panel, oncall, redis_url)
        shortcuts = {"add_to_timeline": "Add to timeline"}
        night = Night(slack, panel, oncall, guide, Standing(), shortcuts, "/tmp/x", "Kept.")
        try:
            current.session = night
            yield night
        finally:
            night.over.set()
            guide.close()
            oncall.close()
            panel.close()


class Browser:
    """Requests as a browser on the page sends them."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self._client = httpx.Client(base_url=night.slack.base_url, trust_env=False, timeout=10, follow_redirects=True)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._client.get(path, headers=headers)

    def post(self, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        own = {"Origin": self.night.slack.base_url, "Sec-Fetch-Site": "same-origin"}
        return self._client.post(path, data=data or {}, headers={**own, **headers})


def card(night: Night, *blocks: dict[str, Any]) -> dict[str, str]:
    """A message of the bot's; answers what names it in a form."""
    posted = client_of(night.slack).chat_postMessage(channel="COPS", text="card", blocks=list(blocks))
    return {"channel": "COPS", "ts": str(posted["ts"])}


def events(answer: httpx.Response) -> dict[str, Any]:
    """What the page's script is told by an act's answer."""
    assert answer.status_code == 204, answer.text
    told: dict[str, Any] = json.loads(answer.headers["HX-Trigger"])
    return told


def refused(answer: httpx.Response) -> str:
    return str(events(answer)["fw:refused"]["text"])


def stream(night: Night, path: str, until: str, headers: dict[str, str] | None = None, seconds: float = 5) -> str:
    """What the stream says until `until` has come."""

    said, deadline = "", time.monotonic() + seconds
    # Without asyncio: a browser's test may have left its loop running in this thread.
    with httpx.stream(
        "GET", night.slack.base_url + path, headers=headers or {}, trust_env=False, timeout=seconds
    ) as answer:
        for piece in answer.iter_text():
            said += piece
            if until in said:
                return said
            if time.monotonic() > deadline:
                break
    raise AssertionError(f"{until!r} has not come within {seconds:g} s: {said}")
