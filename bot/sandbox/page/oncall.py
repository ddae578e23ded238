"""What rings and what customers read: every far end beside Slack and the queues, under one clock."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bot.running.timepiece import Timepiece
from bot.sandbox.far_ends import SHIPPED, far_ends, found, the
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty.model import PagerDutyError, PagerDutyIncident, PagerDutyService
from bot.sandbox.pagerduty.seeds import POLICY, SERVICE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.statuspage import StatuspageSandbox

Json = dict[str, Any]

SYNCING: Final = "PSERVICE3"
"""A second service that Noor is on call for: its alert opens an incident of its own."""

FAST: Final = 60
SHOWN: Final = 5
"""Alerts on the panel, the latest first."""


@dataclass(frozen=True, slots=True)
class MonitorAlert:
    """What a monitor reports when somebody asks for it."""

    title: str
    service: str
    means: str


ALERTS: Final[Mapping[str, MonitorAlert]] = {
    "syncing": MonitorAlert("TikTok syncs have stopped", SYNCING, "opens an incident of its own"),
    "uploads": MonitorAlert("Instagram uploads failing", SERVICE, "joins the incident on reposting"),
}


class OnCallPanel:
    """Safe to call from any thread. Every far end of `packages` is served from ``start`` to ``close``."""

    def __init__(self, packages: Sequence[str] = SHIPPED) -> None:
        self.clock = Timepiece(datetime.now(UTC), time.time())
        self.far_ends = far_ends(found(packages), self.seconds, packages)
        self.pagerduty = the(PagerDutySandbox, self.far_ends)
        self.statuspage = the(StatuspageSandbox, self.far_ends)
        self.github = the(GitHubSandbox, self.far_ends)
        account = self.pagerduty.account
        account.services[SYNCING] = PagerDutyService(SYNCING, "TikTok sync", POLICY)
        for service in account.services.values():
            service.acknowledgement = None  # it lasts until the end of the incident
        self._webhooks = ""

    def seconds(self) -> float:
        """The time of this night, which may go faster than the real one."""
        return self.clock.seconds()

    def settings(self, port: int) -> dict[str, str]:
        """What the bot is told of all this, and where webhooks go from now on: to the bot's own door."""
        settings: dict[str, str] = {}
        for each in self.far_ends:
            each.bot_is_at(f"http://127.0.0.1:{port}")
            settings |= each.environment()
        self._webhooks = self.pagerduty.webhooks.url
        return settings

    def start(self) -> None:
        for each in self.far_ends:
            each.start()

    def close(self) -> None:
        for each in reversed(self.far_ends):
            each.stop()

    # ------------------------------------------------------------ what is done on the page

    def trigger(self, name: str) -> PagerDutyIncident:
        """Raises Wrong for an alert there is not."""
        if name not in ALERTS:
            raise PagerDutyError(404, 2100, "There is no such alert")
        return self.pagerduty.trigger(ALERTS[name].title, ALERTS[name].service)

    def acknowledge(self, id: str) -> None:
        """On the phone, by whoever it rings for. Raises Wrong."""
        incident = self.pagerduty.incident(id)
        if not incident.assigned:
            raise PagerDutyError(400, 1001, "It is resolved already")
        self.pagerduty.acknowledge(id, incident.assigned[0][0])

    def resolve(self, id: str) -> None:
        """The monitor sees that all is well. Raises Wrong."""
        self.pagerduty.resolve(id)

    def lose_webhooks(self, lost: bool) -> None:
        """While they are lost, only the bot's own asking finds what happened."""
        self.pagerduty.webhooks.url = "" if lost else self._webhooks

    def hurry(self, fast: bool) -> Timepiece:
        """From this moment on time goes so; returns the clock that the bot is to go by."""
        self.clock = Timepiece(self.clock(), time.time(), FAST if fast else 1)
        return self.clock

    # ------------------------------------------------------------ what is seen on the page

    @property
    def acknowledged(self) -> bool:
        """Whether any alert ever was."""
        with self.pagerduty.lock:
            every = list(self.pagerduty.account.incidents.values())
        return any(entry.kind == "acknowledge_log_entry" for one in every for entry in one.log)

    def look(self) -> Json:
        with self.pagerduty.lock:
            account = self.pagerduty.account
            alerts = [self._alert(one) for one in list(account.incidents.values())[: -SHOWN - 1 : -1]]
            rings = Counter(account.users[user].name for _, user, _ in account.paged)
        with self.statuspage.lock:
            public = [
                {"name": one.name, "status": one.status, "said": [each.body for each in one.updates][::-1]}
                for one in reversed(self.statuspage.incidents.values())
            ]
        with self.github.lock:
            issues = [f"#{one.number} {one.title}" for one in reversed(self.github.issues)]
        return {
            "alerts": alerts,
            "rings": list(rings.items()),
            "lost": not self.pagerduty.webhooks.url,
            "fast": self.clock.rate > 1,
            "public": public,
            "issues": issues,
        }

    def _alert(self, one: PagerDutyIncident) -> Json:
        users = self.pagerduty.account.users
        since = one.resolved or (one.acknowledged[-1][1] if one.acknowledged else one.created)
        who = [user for user, _ in (one.acknowledged if one.status == "acknowledged" else one.assigned)]
        return {
            "id": one.id,
            "title": one.title,
            "status": one.status,
            "since": since,
            "level": one.level,
            "who": ", ".join(users[user].name for user in who),
            "notes": len(one.notes),
        }
