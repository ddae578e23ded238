"""What the tests of the commands share."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis

from bot.outside.parts import load
from bot.sandbox.queues.pipeline import QUEUE
from bot.sandbox.stage import Stage
from bot.wiring import House, house

CATALOGUE = """\
[access]
channels = ["ops", "COPS"]
oncall = ["{oncall}"]
leads = ["group:leads"]

[queues.{queue}]
backend = "bullmq"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def one_line(self) -> str:
        """What it said on standard error: one line, no traceback."""
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        [line] = self.err.splitlines()
        return line


Run = Callable[..., Ended]


def catalogue(oncall: str = "group:oncall") -> str:
    return CATALOGUE.format(oncall=oncall, queue=QUEUE)


def paused(stage: Stage) -> bool:
    with Redis.from_url(stage.redis_url) as redis:
        return bool(redis.hexists(f"bull:{QUEUE}:meta", "paused"))


def closed_port() -> int:
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return int(wire.getsockname()[1])


def opened(stage: Stage) -> House:
    return house(load(stage.environment, stage.folder, "do"))
