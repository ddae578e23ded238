"""`firewatch sandbox`: a Redis, a Slack, a repost pipeline and the real bot on loopback, and a page to see all of it.

One folder holds the state of a session. It is named at the start and removed at the end unless it is to be kept.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, Literal
from urllib.parse import urlsplit

from starlette.routing import BaseRoute

from bot.domain.action import nouns
from bot.outside.slack.manifest import manifest
from bot.sandbox.far_ends import SHIPPED
from bot.sandbox.page import acts, live, pages
from bot.sandbox.page.guide import Guide
from bot.sandbox.page.oncall import SYNCING, OnCallPanel
from bot.sandbox.page.pipeline_panel import PipelinePanel
from bot.sandbox.page.processes import BotProcess
from bot.sandbox.page.session import Current, Session
from bot.sandbox.pagerduty.seeds import SERVICE
from bot.sandbox.queues.pipeline import QUEUE, Pipeline, Switches, seed
from bot.sandbox.queues.platforms import PlatformFault
from bot.sandbox.queues.redis import RedisServer, free_port
from bot.sandbox.slack.server import SlackSandbox

READY_SECONDS: Final = 30.0
MARKER: Final = ".firewatch-sandbox"
"""Stands in a folder that a sandbox made: no other is ever emptied or removed."""

TITLE: Final = "Reposts failing on three platforms"

CATALOGUE: Final = f"""\
[access]
channels = ["ops", "inc-*"]
oncall = ["group:oncall"]
leads = ["group:leads"]

[queues.{QUEUE}]
backend = "bullmq"
max_replay = 5000

[services.reposting]
pagerduty = "{SERVICE}"
channel = "COPS"
queue = "{QUEUE}"
runbook = "uploads"

[services.syncing]
pagerduty = "{SYNCING}"
channel = "COPS"
queue = "{QUEUE}"
runbook = "tiktok"
"""

Ending = Literal["stopped", "again"]


class CannotRun(Exception):
    """A line for standard error."""


@dataclass(slots=True)
class Wish:
    """What is to happen next, set by a signal or by the page."""

    ending: Ending = "stopped"
    over: threading.Event = field(default_factory=threading.Event)

    def end(self, how: Ending) -> None:
        self.ending = how
        self.over.set()


def run(
    port: int = 8765,
    *,
    http: bool = False,
    folder: Path | None = None,
    keep: bool = False,
    browser: bool = True,
    packages: Sequence[str] = SHIPPED,
) -> int:
    """Until Ctrl-C, SIGTERM or a closed terminal; 0 then. 1, with a line on standard error, when it cannot start.

    `packages`: every far end in them is served beside Slack and the queues.
    """
    opened = not browser
    while True:
        wish = Wish()
        try:
            with _signals(wish), session(port, wish, http=http, folder=folder, keep=keep, packages=packages) as url:
                port = urlsplit(url).port or port  # the next session is found where this one was
                if not opened:
                    opened = True
                    _open(url)
                while not wish.over.wait(0.5):
                    pass
        except CannotRun as no:
            print(f"firewatch: {no}", file=sys.stderr)
            return 1
        if wish.ending != "again":
            return 0


def routes(current: Current) -> list[BaseRoute]:
    """All of the page's addresses."""
    return [*pages.routes(current), *acts.routes(current), *live.routes(current)]


@contextmanager
def _signals(wish: Wish) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        wish.end("stopped")

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def session(
    port: int,
    wish: Wish,
    *,
    http: bool = False,
    folder: Path | None = None,
    keep: bool = False,
    packages: Sequence[str] = SHIPPED,
) -> Iterator[str]:
    """One session from an empty folder to the end of the block; gives the page's address once all of it is there."""
    began = time.monotonic()
    with ExitStack() as stack:
        current = Current()
        oncall = OnCallPanel(packages)
        stack.callback(oncall.close)
        try:
            slack = SlackSandbox(
                port=port,
                routes=routes(current),
                manifest=manifest(nouns(), http="https://sandbox.example" if http else None),
                now=oncall.seconds,
                patience=time.time,
            )
        except OSError as taken:
            raise CannotRun(_taken(port, taken)) from None
        stack.callback(slack.stop)
        state = _folder(folder)
        stack.callback(_leave, state, keep)
        redis = RedisServer(state / "redis")
        stack.callback(redis.stop)
        url = redis.start()
        _break(url)
        slack.start()
        oncall.start()
        bot = _bot(state, url, slack, oncall, http=http, packages=packages)
        stack.callback(bot.close)
        bot.start()
        pipeline = Pipeline(url, every=None)
        stack.callback(pipeline.switches.close)
        stack.callback(pipeline.stop)
        pipeline.start()
        panel = PipelinePanel(url)
        stack.callback(panel.close)
        guide = Guide(slack, panel, oncall, url)
        stack.callback(guide.close)
        keeps = "It stays when the sandbox stops." if keep else "It is removed when the sandbox stops."
        again = partial(wish.end, "again")
        made = Session(slack, panel, oncall, guide, bot, _shortcuts(), str(state), keeps, again)
        stack.callback(made.over.set)
        address = f"http://127.0.0.1:{slack.port}/"
        _ready(slack, bot, wish)
        if not wish.over.is_set():
            _open_incident(slack, wish)
            current.session = made
            _greet(address, state, keep, time.monotonic() - began)
        yield address


def _break(redis_url: str) -> None:
    """The night's 120 failures. Of their five causes three go on; the other two were the posts' own, or have passed."""
    seed(redis_url)
    switches = Switches(redis_url)
    switches.off("instagram", PlatformFault.MEDIA)
    switches.off("twitter", PlatformFault.TIMEOUT)
    switches.close()


def _bot(
    state: Path, redis_url: str, slack: SlackSandbox, oncall: OnCallPanel, *, http: bool, packages: Sequence[str]
) -> BotProcess:
    own = [each for each in packages if each not in SHIPPED]
    parts = f"\n[parts]\npackages = {json.dumps(own)}\n" if own else ""
    (state / "firewatch.toml").write_text(CATALOGUE + parts, encoding="utf-8")
    port = free_port()
    if http:
        slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    settings = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
        "REDIS_URL": redis_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **oncall.settings(port),
        **({} if http else {"SLACK_APP_TOKEN": slack.app_token}),
    }
    connected: Callable[[], bool] = (lambda: True) if http else (lambda: slack.socket.connections > 0)
    return BotProcess(state, settings, port, connected)


def _shortcuts() -> dict[str, str]:
    declared = manifest(nouns())["features"]["shortcuts"]
    return {one["callback_id"]: one["name"] for one in declared if one["type"] == "message"}


def _ready(slack: SlackSandbox, bot: BotProcess, wish: Wish) -> None:
    until = time.monotonic() + READY_SECONDS
    while not wish.over.is_set() and not bot.ready():
        if bot.ended() or time.monotonic() > until:
            raise CannotRun(f"the bot does not start. The end of its log:\n{_tail(bot.log)}")
        wish.over.wait(0.05)


def _open_incident(slack: SlackSandbox, wish: Wish) -> None:
    """The on-call engineer has opened it already: the first thing to see is what they would see."""
    slack.oncall.types("ops", f'/incident open "{TITLE}" --severity sev2 --service reposting')

    def there() -> bool:
        return any(one.name.startswith("inc-") and one.pins for one in slack.workspace.channels.values())

    while not wish.over.is_set():
        try:
            slack.wait_for(there, 0.5)
        except TimeoutError:
            continue
        return


def _greet(address: str, state: Path, keep: bool, seconds: float) -> None:
    stays = "kept when this stops" if keep else "removed when this stops; --keep keeps it"
    print(f"Firewatch sandbox: {address}  (ready in {seconds:.1f} s)")
    print(f"Its state is in {state} ({stays}). Ctrl-C stops it.", flush=True)


# ---------------------------------------------------------------- the folder


def _folder(wanted: Path | None) -> Path:
    """An empty folder with our marker. One that holds anything a sandbox did not make is left alone."""
    if wanted is None:
        made = Path(tempfile.mkdtemp(prefix="firewatch-sandbox-"))
    else:
        made = wanted.expanduser().resolve()
        if made.is_dir() and any(made.iterdir()):
            if not (made / MARKER).exists():
                raise CannotRun(f"{made} holds things that are not a sandbox's; name an empty folder")
            shutil.rmtree(made)
        try:
            made.mkdir(parents=True, exist_ok=True)
        except OSError as no:
            raise CannotRun(f"cannot make {made}: {no.strerror}") from None
    (made / MARKER).touch()
    return made


def _leave(state: Path, keep: bool) -> None:
    if not keep and (state / MARKER).exists():
        shutil.rmtree(state, ignore_errors=True)


def _taken(port: int, why: OSError) -> str:
    if why.errno == errno.EADDRINUSE:
        return f"port {port} is taken. Stop what is there, or choose another: firewatch sandbox --port {port + 1}"
    return f"cannot listen on port {port}: {why.strerror or why}"


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return "\n".join(line[:600] for line in lines[-6:]) or "(it wrote nothing)"


# ---------------------------------------------------------------- the browser


def _open(url: str) -> None:
    """Only where there is a screen: a browser in the terminal would hide the address."""
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if screen and sys.stdout.isatty():
        webbrowser.open(url)
