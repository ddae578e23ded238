"""What handlers may ask of the store, in the shapes of ``tools``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.domain.errors import Refused
from bot.domain.incident import Event, Incident
from bot.domain.procedure import Procedure
from bot.store.store import Commit, Conflict, Put, Store


class StoredIncidents:
    """``tools.Incidents``."""

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


class Replays:
    """``tools.Replays``: read from the procedures under way, so that there is nothing to keep in step with them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def running(self, queue: str = "") -> Sequence[Mapping[str, Any]]:
        return [
            {
                "id": each.id,
                "queue": each.data["queue"],
                "asker": each.asker,
                "total": each.data["total"],
                "channel": each.channel,
            }
            for each in self._store.running("replay")
            if queue in ("", each.data["queue"])
        ]

    def holders(self, queue: str) -> Mapping[str, str]:
        held: dict[str, str] = {}
        for each in self._store.running("replay"):
            if each.data["queue"] == queue:
                ledger = self._store.ledger(each.id)
                over = ledger.closed()
                rows = enumerate(ledger.rows(0, ledger.count()))
                held.update({seen.id: each.asker for place, seen in rows if place not in over})
        return held

    def stop(self, id: str, by: str) -> None:
        for _ in range(50):
            found = self._store.get("procedure", id)
            if not found:
                raise Refused("That replay is not on record any more.")
            body, version = found
            procedure = Procedure.from_json(body["procedure"])
            if procedure.ended:
                raise Refused("That replay has ended already.")
            if procedure.stop:
                return
            stopped = {**body, "procedure": replace(procedure, stop=by).to_json()}
            try:
                self._store.commit(Commit([Put("procedure", id, version, stopped, 30 * 86400)]))
            except Conflict:
                continue
            return
        raise Refused("That replay is changing too fast to be stopped just now.", "Press Stop again.")
