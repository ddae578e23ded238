"""What handlers may ask of the store, in the shapes of ``tools``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from bot.domain.errors import Refused
from bot.domain.incident import Event, Incident
from bot.domain.procedure import Procedure, called, kind_of
from bot.store.base import MONTH
from bot.store.commit import Commit, Conflict, Put
from bot.store.store import Store
from bot.tools import Running

T = TypeVar("T")
TRIES = 50


class StoredIncidents:
    """``Incidents`` of ``bot.tools``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, number: int) -> Incident:
        incident = self._store.incident(number)
        if incident is None:
            raise Refused(f"There is no incident {number}.", "`/incident list` shows those on record.")
        return incident

    def living_in(self, channel: str) -> Sequence[Incident]:
        return self._store.living_in(channel) if channel else []

    def of_alert(self, alert: str) -> Incident | None:
        return self._store.of_alert(alert)

    def opened_by(self, key: str) -> Incident | None:
        return self._store.opened_by(key)

    def next_number(self) -> int:
        return self._store.next_number()

    def open(self) -> Sequence[Incident]:
        return self._store.incidents("open", 1000)

    def recent(self, count: int) -> Sequence[Incident]:
        return self._store.incidents("all", count)

    def timeline(self, number: int) -> Sequence[Event]:
        return self._store.timeline(number)


class StoredProcedures:
    """``Procedures`` of ``bot.tools``: read from their records, so that there is nothing to keep in step with them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def running(self, work: type[T]) -> Sequence[Running[T]]:
        kind = kind_of(work)
        known = [Procedure.from_json(body["procedure"]) for body, _ in self._store.running()]
        return [
            Running(
                each.id,
                kind.read(each.data),
                each.asker,
                each.channel,
                each.incident,
                each.started,
                kind.ledger(self._store.ledger(each.id)),
            )
            for each in known
            if each.kind == kind.name and not each.ended
        ]

    def stop(self, id: str, by: str) -> None:
        for _ in range(TRIES):
            found = self._store.get("procedure", id)
            if not found:
                raise Refused("That is not on record any more.")
            body, version = found
            procedure = Procedure.from_json(body["procedure"])
            if procedure.ended:
                raise Refused(f"{_capital(called(procedure.kind))} has ended already.")
            if procedure.stop:
                return
            stopped = {**body, "procedure": replace(procedure, stop=by).to_json()}
            try:
                self._store.commit(Commit([Put("procedure", id, version, stopped, MONTH)]))
            except Conflict:
                continue
            return
        raise Refused("It is changing too fast to be stopped just now.", "Press Stop again.")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
