"""Who is on call, who leads, which channels are served: the catalogue's words.

User groups are looked up in Slack, schedules in PagerDuty, whose people are known in Slack by their e-mail addresses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial

from bot.domain.errors import FirewatchError, Refused
from bot.outside.pagerduty.protocol import Pager
from bot.outside.slack.protocol import Workspace
from bot.store.base import SPARED
from bot.store.store import Store

log = logging.getLogger(__name__)

FRESH = 120.0
"""Seconds for which the members of a group are believed; what Slack last said counts for a day when it is away."""

UNTOLD = ("", "privategroup")

NAMED = 600.0
"""Seconds for which the name of a channel is believed."""


class Roster:
    """``People``, and the channels served."""

    def __init__(
        self,
        oncall: Sequence[str],
        leads: Sequence[str],
        served: Sequence[str],
        workspace: Workspace,
        store: Store,
        pager: Callable[[], Pager | None],
        now: Callable[[], datetime],
    ) -> None:
        self.served = tuple(served)
        self._oncall = tuple(oncall)
        self._leads = tuple(leads)
        self._workspace = workspace
        self._store = store
        self._pager = pager
        self._now = now

    def is_oncall(self, user: str) -> bool:
        # Whoever is named by id is known without asking Slack, which may be away.
        return user in self._oncall or user in self.oncall()

    def is_lead(self, user: str) -> bool:
        return user in self._leads or user in self.leads()

    def oncall(self) -> Sequence[str]:
        return self._users(self._oncall)

    def leads(self) -> Sequence[str]:
        return self._users(self._leads)

    def serves(self, channel: str, name: str, lived_in: bool) -> bool:
        """Whether sentences from this channel are answered; always where an incident lives (``lived_in``)."""
        if lived_in or "*" in self.served:
            return True
        if any(fnmatchcase(word, pattern) for word in (channel, name) if word for pattern in self.served):
            return True
        # A terminal and a reaction tell only the id; of a private channel Slack's commands tell only that it is one.
        known = self._channel_name(channel) if channel and name in UNTOLD else ""
        return any(fnmatchcase(known, pattern) for pattern in self.served if known)

    def _channel_name(self, channel: str) -> str:
        """Its name, "" when Slack does not tell and has not told within a day."""
        try:
            look = partial(self._workspace.channel_name, channel)
            return str(self._store.remembered(f"channel:{channel}", NAMED, look))
        except FirewatchError:
            return ""

    def _users(self, entries: Sequence[str]) -> Sequence[str]:
        """User ids, each once. A group or schedule that cannot be looked up and was never seen counts for nobody."""
        found: dict[str, None] = {}
        for entry in entries:
            kind, _, name = entry.partition(":")
            if not name:
                found[entry] = None
            elif not self._store.hushed(f"people:{entry}"):
                look = self._group if kind == "group" else self._schedule
                try:
                    members = self._store.remembered(f"people:{entry}", FRESH, partial(look, name))
                except FirewatchError as unknown:
                    log.warning("nobody known", extra={"entry": entry, "why": str(unknown)})
                    # Whoever is away would hold up every sentence.
                    self._store.hush(f"people:{entry}", SPARED)
                    continue
                found.update(dict.fromkeys(members))
        return list(found)

    def _group(self, name: str) -> list[str]:
        return list(self._workspace.members(name))

    def _schedule(self, id: str) -> list[str]:
        pager = self._pager()
        if pager is None:
            raise Refused("PagerDuty is off.")
        addresses = [person.email for person in pager.on_schedule(id, self._now()) if person.email]
        return [user for address in addresses if (user := self._workspace.user_of(address))]
