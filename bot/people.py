"""Who is on call, who leads, which channels are served: the catalogue's words, with user groups looked up in Slack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial

from bot.action import FirewatchError
from bot.store import Store
from bot.tools import Workspace

FRESH = 120.0
"""Seconds for which the members of a group are believed; what Slack last said counts for a day when it is away."""


class Roster:
    """``tools.People``, and the channels served."""

    def __init__(
        self,
        oncall: Sequence[str],
        leads: Sequence[str],
        served: Sequence[str],
        workspace: Workspace,
        store: Store,
    ) -> None:
        self.served = tuple(served)
        self._oncall = tuple(oncall)
        self._leads = tuple(leads)
        self._workspace = workspace
        self._store = store

    def is_oncall(self, user: str) -> bool:
        # Whoever is named by id is known without asking Slack, which may be away.
        return user in self._oncall or user in self.oncall()

    def is_lead(self, user: str) -> bool:
        return user in self._leads or user in self.leads()

    def oncall(self) -> Sequence[str]:
        return self._users(self._oncall)

    def leads(self) -> Sequence[str]:
        return self._users(self._leads)

    def serves(self, channel: str, name: str, incident: int | None) -> bool:
        """Whether sentences from this channel are heard. The bot's own incident channels always are."""
        if incident is not None or "*" in self.served:
            return True
        return any(fnmatchcase(word, pattern) for word in (channel, name) if word for pattern in self.served)

    def _users(self, entries: Sequence[str]) -> Sequence[str]:
        """User ids, each once. A group that cannot be looked up and was never seen counts for nobody."""
        found: dict[str, None] = {}
        for entry in entries:
            if re.fullmatch(r"[UW][A-Z0-9]+", entry):
                found[entry] = None
            elif entry.startswith("group:"):
                group = entry.removeprefix("group:")
                try:
                    members = self._store.remembered(f"group:{group}", FRESH, partial(self._members, group))
                except FirewatchError:
                    continue
                found.update(dict.fromkeys(members))
        return list(found)

    def _members(self, group: str) -> list[str]:
        return list(self._workspace.members(group))
