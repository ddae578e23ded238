"""`firewatch up`: every role as a process of its own, restarted when it dies, stopped together.

Should the supervisor itself be killed, its roles notice and stop: left alone they would hold the door's port, and the
next supervisor's door would find it taken.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

STOPS_IN = 15.0
"""Seconds a role has to finish what it is at, before it is killed."""

STEADY = 30.0
"""A role that has lived so many seconds starts anew at once; one that dies sooner waits longer each time, to 15 s."""


SUPERVISOR = "FIREWATCH_SUPERVISOR"
"""The variable in which a role is told whose it is: a process id."""

LOOKS = 0.25
"""Seconds between two looks of a role at whether its supervisor lives."""


@dataclass(slots=True)
class RoleProcess:
    """One role and its process, if it has one now."""

    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    again: float = 0.0

    @property
    def name(self) -> str:
        return " ".join(self.arguments)

    def start(self) -> None:
        self.started = time.monotonic()
        own = {**os.environ, SUPERVISOR: str(os.getpid())}
        self.process = subprocess.Popen([sys.executable, "-m", "bot", *self.arguments], env=own)
        log.info("started", extra={"role": self.name, "pid": self.process.pid})


def supervise(roles: Sequence[Sequence[str]]) -> int:
    """Until SIGTERM or SIGINT. Returns 0 after a clean stop, 1 when a role would not start (exit 1 or 2, thrice)."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    running = [RoleProcess(arguments) for arguments in roles]
    try:
        while not stop.is_set():
            for role in running:
                if not _kept(role):
                    log.error("gives up", extra={"role": role.name})
                    return 1
            stop.wait(0.1)
        return 0
    finally:
        _stop(running)


def _kept(role: RoleProcess) -> bool:
    """See to it that the role runs. False when it cannot."""
    now = time.monotonic()
    if role.process is None:
        if now >= role.again:
            role.start()
        return True
    code = role.process.poll()
    if code is None:
        return True
    role.process = None
    role.deaths = 1 if now - role.started > STEADY else role.deaths + 1
    role.again = now + (0 if role.deaths == 1 else min(15.0, 0.5 * 2**role.deaths))
    log.warning("died", extra={"role": role.name, "code": code, "deaths": role.deaths})
    return not (role.deaths >= 3 and code in (1, 2) and now - role.started < 5)


def end_with_supervisor() -> None:
    """In a role: stop, as SIGTERM would have it, when the supervisor that started it is gone. Else does nothing."""
    supervisor = os.environ.get(SUPERVISOR, "")
    if supervisor.isdecimal():
        threading.Thread(target=_watch, args=(int(supervisor),), name="supervisor", daemon=True).start()


def _watch(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(LOOKS)
    log.warning("the supervisor is gone", extra={"pid": supervisor})
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(roles: Sequence[RoleProcess]) -> None:
    """Ask all to stop, the door first asked and so first gone; kill what does not."""
    living = [role.process for role in roles if role.process and role.process.poll() is None]
    for process in living:
        process.terminate()
    until = time.monotonic() + STOPS_IN
    for process in living:
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
