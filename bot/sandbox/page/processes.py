"""The bot as it runs in earnest: `firewatch up` in a process group of its own, which ends as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

import bot
from bot.running.timepiece import Timepiece
from bot.sandbox.bot_environment import bot_environment
from bot.sandbox.page.session import BotState

STOP_SECONDS: Final = 12.0
"""For the supervisor to end its roles; what is left of the group then is killed."""

LOOK_EVERY: Final = 2.0
ROOT: Final = Path(bot.__file__).resolve().parent.parent


class BotProcess:
    """Starts, watches and ends the bot. Safe to call from any thread.

    `connected`: whether Slack has somebody to talk to now. `port`: of the bot's own door, which says how all of it is.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], port: int, connected: Callable[[], bool]) -> None:
        self._folder, self._environment, self._port, self._connected = (
            folder,
            bot_environment(settings),
            port,
            connected,
        )
        self._environment |= {
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._well, self._trouble = False, ""
        self._started = 0.0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="bot watcher", daemon=True)

    @property
    def log(self) -> Path:
        return self._folder / "bot.log"

    @property
    def pid(self) -> int | None:
        """The supervisor's, which is its group's too."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        with self._lock:
            if self._running():
                return
            self._sweep()
            self._well, self._started = False, time.monotonic()
            with self.log.open("ab") as log:
                # A session of its own: Ctrl-C reaches the sandbox, and the sandbox ends the bot.
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "bot", "up"],
                    cwd=self._folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if not self._watcher.is_alive() and not self._over.is_set():
                self._watcher.start()

    def stop(self) -> None:
        """Ask it to end, and see to it that nothing of its group is left."""
        with self._lock:
            process, self._process = self._process, None
            self._well = False
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        _kill_group(process.pid)
        process.wait()

    def go_by(self, clock: Timepiece) -> None:
        """Start it anew under this clock, unless it is stopped: then it will when it is started."""
        with self._lock:
            self._environment["FIREWATCH_CLOCK"] = str(clock)
            runs = self._running()
        if runs:
            self.stop()
            self.start()

    def close(self) -> None:
        self._over.set()
        self.stop()

    def look(self) -> BotState:
        with self._lock:
            running, asked_for = self._running(), self._process is not None
        if not asked_for:
            return BotState("down", "The bot is stopped", can_start=True)
        if not running:
            return BotState("down", "The bot has ended by itself; bot.log says why", can_start=True)
        if self._connected() and self._well:
            return BotState("up", "The bot is up", can_stop=True)
        if time.monotonic() - self._started < 15 and not self._trouble:
            return BotState("starting", "The bot is starting", can_stop=True)
        why = f": {self._trouble}" if self._trouble else ""
        return BotState("starting" if self._connected() else "down", f"The bot is not well{why}", can_stop=True)

    def ready(self) -> bool:
        """Whether all of it is there, asked of it now."""
        well, self._trouble = _asked(self._port)
        self._well = well and self._connected()
        return self._well

    def ended(self) -> bool:
        with self._lock:
            return self._process is not None and not self._running()

    def _sweep(self) -> None:
        """A supervisor that died leaves its roles behind; they go with it."""
        with self._lock:
            if self._process is not None and not self._running():
                _kill_group(self._process.pid)

    def _running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY if self._well else 0.2):
            if self._running():
                self.ready()
            else:
                self._sweep()


def _asked(port: int) -> tuple[bool, str]:
    """(is all well, what is wrong); nothing is said to be wrong with a bot that does not answer yet."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=3, trust_env=False)
        parts = answer.json().get("parts", {})
    except (httpx.HTTPError, ValueError):
        return False, ""
    wrong = [f"{name}: {part['is']}" for name, part in parts.items() if not part["ok"]]
    return answer.status_code == 200, "; ".join(wrong)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.02)
