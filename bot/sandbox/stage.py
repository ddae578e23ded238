"""A stage for drills and tests: a Redis, a Slack and a pipeline on loopback, the real bot as processes beside them.

    with Stage(folder) as stage:
        stage.slack.oncall.types("ops", "/jobs failed repost-dispatch")

The bot learns of all of it through its settings alone, as it would of another vendor's.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from bot.running.timepiece import Timepiece
from bot.sandbox.bot_environment import bot_environment
from bot.sandbox.far_ends import SHIPPED, the
from bot.sandbox.far_ends import far_ends as make_far_ends
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty.seeds import SERVICE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.queues.pipeline import QUEUE, Pipeline
from bot.sandbox.queues.redis import RedisServer, free_port
from bot.sandbox.slack.server import SlackSandbox
from bot.sandbox.statuspage import StatuspageSandbox

ROLES: Mapping[str, Sequence[str]] = {
    "slack": ["slack"],
    "worker": ["worker"],
    "steps": ["worker", "--steps"],
    "clock": ["clock"],
}

CATALOGUE = """\
[access]
channels = ["ops", "inc-*"]
oncall = ["group:oncall"]
leads = ["group:leads"]

[queues.repost-dispatch]
backend = "bullmq"
max_replay = 5000

[services.reposting]
pagerduty = "PSERVICE1"
channel = "COPS"
queue = "repost-dispatch"
runbook = "uploads"
"""


class Stage:
    """All of it, while the block runs. ``roles``: None for ``firewatch up``, or those to start one by one.

    ``far_ends``: the names of the systems beside Slack and the queues that the bot speaks to, found in ``packages``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        door: Literal["socket", "http"] = "socket",
        redis_url: str = "",
        rate_limits: Literal["real", "off"] = "real",
        catalogue: str = CATALOGUE,
        queue: str = QUEUE,
        roles: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Timepiece | None = None,
        far_ends: Sequence[str] = (),
        packages: Sequence[str] = SHIPPED,
    ) -> None:
        self.folder = folder
        self.queue = queue
        self.redis_url = redis_url
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._door = door
        self._catalogue = catalogue
        self._roles = roles
        self._extra = dict(environment or {})
        if clock:
            self._extra["FIREWATCH_CLOCK"] = str(clock)
        self._stack = ExitStack()
        now = clock.seconds if clock else time.time
        self.far_ends = make_far_ends(far_ends, now, packages)
        for each in self.far_ends:
            each.bot_is_at(f"http://127.0.0.1:{self.port}")
        # People are no faster for it: what they are handed to press with goes stale by the real time.
        self.slack = SlackSandbox(
            rate_limits=rate_limits,
            signing_secret=secrets.token_hex(16),
            now=now,
            patience=time.time,
        )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            if not self.redis_url:
                self.redis_url = self._stack.enter_context(RedisServer(self.folder / "redis"))
            self._stack.enter_context(self.slack)
            for each in self.far_ends:
                self._stack.enter_context(each)
            (self.folder / "firewatch.toml").write_text(self._catalogue, encoding="utf-8")
            self.log = (self.folder / "bot.log").open("ab")
            self._stack.callback(self.log.close)
            self._stack.callback(self.stop)
            for role in self._roles if self._roles is not None else ["up"]:
                self.start(role)
            if self._roles is None or "slack" in self._roles:
                self.ready()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # ------------------------------------------------------------ the bot's processes

    @property
    def environment(self) -> dict[str, str]:
        """What the bot is told, and nothing of this process' own settings."""
        door = {"SLACK_APP_TOKEN": self.slack.app_token} if self._door == "socket" else {}
        settings = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "REDIS_URL": self.redis_url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            **door,
            **self._extra,
        }
        for each in self.far_ends:
            settings |= each.environment()
        return bot_environment(settings)

    def start(self, role: str) -> subprocess.Popen[bytes]:
        """Start a role (``up`` is all of them under their supervisor)."""
        arguments = ROLES.get(role, [role])
        self.processes[role] = subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdout=self.log,
            stderr=self.log,
        )
        return self.processes[role]

    def kill(self, role: str) -> None:
        """SIGKILL: whatever it was at, it is not at it any more."""
        self.processes[role].kill()
        self.processes[role].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ready(self, seconds: float = 20.0) -> None:
        """Wait until the bot says that all of it is there, and Slack has somebody to talk to."""
        if self._door == "http":
            self.slack.request_url = f"http://127.0.0.1:{self.port}/slack/events"
        until = time.monotonic() + seconds
        last: Any = "nothing yet"
        while time.monotonic() < until:
            try:
                answer = httpx.get(f"http://127.0.0.1:{self.port}/ready", timeout=3)
                last = answer.text
                if answer.status_code == 200 and (self._door == "http" or self.slack.socket.connections):
                    return
            except httpx.HTTPError as away:
                last = away
            time.sleep(0.05)
        raise TimeoutError(f"the bot is not ready after {seconds:g} s: {last}; see {self.folder / 'bot.log'}")

    def do(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`firewatch …`, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def pipeline(self, queue: str = "") -> Pipeline:
        """The reposting system's own worker, on this stage's Redis; a context manager. It makes no jobs of its own."""
        return Pipeline(self.redis_url, queue or self.queue, every=None)


THREE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
RATE = 60
CLOCKS = '\n[clocks]\nack = "5m"\nupdate = "15m"\npostmortem = "1h"\n'
"""The runbook's own, but for the postmortem: 24 hours would take 24 minutes."""


class NightStage(Stage):
    """A stage with a PagerDuty, a status page and a tracker, all under one clock that is ``rate`` times as fast."""

    def __init__(self, folder: Path, *, rate: int = RATE, catalogue: str = CATALOGUE + CLOCKS, **more: Any) -> None:
        self.clock = Timepiece(THREE, time.time(), rate)
        names = ("pagerduty", "statuspage", "github")
        super().__init__(folder, clock=self.clock, catalogue=catalogue, far_ends=names, **more)
        self.pagerduty = the(PagerDutySandbox, self.far_ends)
        self.statuspage = the(StatuspageSandbox, self.far_ends)
        self.github = the(GitHubSandbox, self.far_ends)
        self.pagerduty.account.services[SERVICE].acknowledgement = None  # it lasts until the end of the incident
