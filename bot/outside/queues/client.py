"""The queues of the catalogue by their names, each with the client of its own library."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Mapping, Sequence

from bot.domain.errors import Refused
from bot.outside.queues.protocol import Queue

QueueOrder = tuple[str, str, str, int]
"""backend ("bullmq" or "rq"), the address of its Redis (which may hold a password), BullMQ's key prefix, max_replay."""


class NamedQueues:
    """``Queues``: clients are made when first asked for, and kept; any thread may ask."""

    def __init__(self, entries: Mapping[str, QueueOrder]) -> None:
        self._entries = dict(entries)
        self._clients: dict[str, Queue] = {}
        self._lock = threading.Lock()

    def names(self) -> Sequence[str]:
        return tuple(self._entries)

    def get(self, name: str) -> Queue:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = _client(name, self._entry(name))
            return self._clients[name]

    def _entry(self, name: str) -> QueueOrder:
        found = self._entries.get(name)
        if found is not None:
            return found
        if not self._entries:
            raise Refused("No queue is named in the catalogue: add a [queues.NAME] to it.")
        near = difflib.get_close_matches(name.casefold(), self._entries, n=1, cutoff=0.5)
        known = f"Did you mean {near[0]}?" if near else f"There is {_listed(self.names())}."
        raise Refused(f"There is no queue {name}. {known}")


def _client(name: str, entry: QueueOrder) -> Queue:
    backend, url, prefix, max_replay = entry
    # Imported here: a process that asks one library's queue does not pay for the other.
    if backend == "rq":
        from bot.outside.queues.rq.client import RqQueue

        return RqQueue(name, url, max_replay=max_replay)
    if backend == "bullmq":
        from bot.outside.queues.bullmq.client import BullQueue

        return BullQueue(name, url, prefix=prefix, max_replay=max_replay)
    raise Refused(f"The queue {name} is of the backend {backend}, which is neither bullmq nor rq.")


def _listed(names: Sequence[str], most: int = 10) -> str:
    """`a, b and c`, cut where a catalogue is long."""
    shown = [*names[:most], f"{len(names) - most} more"] if len(names) > most else list(names)
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
