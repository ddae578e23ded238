"""The reposting system's queues, as a part of this program."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.outside.part import Check, Part, Surroundings
from bot.outside.queues.protocol import Queues
from bot.settings.fields import RedisAddress, Variables, variable


class QueuesSettings(Variables):
    """The reposting system's queues. Which there are says the catalogue: `[queues.NAME]`."""

    redis_url: RedisAddress | None = variable(
        "QUEUE_REDIS_URL", "Redis of the queues", "Where that is another than the bot's own.", shown="REDIS_URL"
    )
    prefix: str = variable("QUEUE_PREFIX", "Key prefix", "What BullMQ's keys begin with.", "bull")


def _build(settings: QueuesSettings, around: Surroundings) -> Queues:
    from bot.outside.queues.client import NamedQueues

    url = (settings.redis_url or around.redis_url).reveal()
    return NamedQueues(
        {
            name: (each.backend, url, each.prefix or settings.prefix, each.max_replay)
            for name, each in around.catalogue.queues.items()
        }
    )


def _checks(settings: QueuesSettings, around: Surroundings) -> Sequence[Check[QueuesSettings, Queues]]:
    remedy = "Look at QUEUE_REDIS_URL and QUEUE_PREFIX, and at the queue's name and backend in firewatch.toml."
    return [Check(f"queue {name}", _look(name), remedy) for name in around.catalogue.queues]


def _look(name: str) -> Callable[[QueuesSettings, Queues, Surroundings], str]:
    def look(settings: QueuesSettings, queues: Queues, around: Surroundings) -> str:
        now = queues.get(name).status()
        return f"{now.version or now.backend}, depth {now.depth}, {now.failed} failed, {now.workers} workers"

    return look


QUEUES = Part(
    "queues",
    QueuesSettings,
    off="No queue is known: add [queues.NAME] with a backend to {file}, then restart Firewatch.",
    offers=Queues,
    build=_build,
    checks=_checks,
)
