"""Twenty nights at once, on the whole bot as processes, sixty times as fast, while door, worker and clock are killed.

Each night has a service and an alert of its own. Nobody acknowledges it for five minutes; then somebody does, on the
phone, and no update follows. Whatever dies: each reminder and each page comes, and comes once.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.pagerduty.model import PagerDutyService
from bot.sandbox.pagerduty.seeds import LINNEA, NOOR, POLICY
from bot.sandbox.stage import CATALOGUE, CLOCKS, NightStage

NIGHTS = 20
DEATHS = 20
ROLES = ("slack", "worker", "steps", "clock")
SECONDS = 100
"""Real ones, at most: the night takes 26 of its minutes, and as long as the machine takes to raise the dead."""

FIRST = r"Update due: [12]\d min"
"""15 minutes, or some more where the machine is slow; the second such reminder comes after 30."""

SAID = (
    "📟 Uploads fail",
    "Not acknowledged yet",
    "Nobody has acknowledged",
    "Level 2 paged",
    "Acknowledged by",
    FIRST,
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[NightStage]:
    services = "".join(
        f'\n[services.service{number}]\npagerduty = "PNIGHT{number}"\nchannel = "COPS"\n' for number in range(NIGHTS)
    )
    stage = NightStage(
        tmp_path,
        roles=ROLES,
        catalogue=CATALOGUE + services + CLOCKS,
        rate_limits="off",
        environment={"FIREWATCH_LEASE": "0.5"},
    )
    stage.pagerduty.rate_limits = "off"
    for number in range(NIGHTS):
        id = f"PNIGHT{number}"
        stage.pagerduty.account.services[id] = PagerDutyService(id, f"Night {number}", POLICY, acknowledgement=None)
    with stage:
        yield stage


class Nights:
    """What was said in each night's room, and to whom directly."""

    def __init__(self, stage: NightStage) -> None:
        self.channels = stage.slack.workspace.channels

    def said(self, beginning: str) -> Counter[str]:
        """Title of the alert → how often."""
        return Counter(
            room.topic.rpartition("· ")[2]
            for room in list(self.channels.values())
            if room.name.startswith("inc-")
            for each in list(room.messages)
            if re.match(beginning, each.text)
        )

    def direct(self) -> Counter[str]:
        return Counter(
            each.text.partition(":")[0]
            for channel in list(self.channels.values())
            if channel.kind == "im"
            for each in list(channel.messages)
            if each.text.startswith("No update for incident")
        )


@pytest.mark.timeout(180)
def test_in_twenty_nights_full_of_deaths_every_reminder_and_page_comes_once(stage: NightStage) -> None:
    chance, nights = random.Random(4), Nights(stage)
    pagerduty, until, deaths = stage.pagerduty, time.monotonic() + SECONDS, 0
    alerts = {f"Uploads fail {number}": f"PNIGHT{number}" for number in range(NIGHTS)}
    ids = {title: pagerduty.trigger(title, service).id for title, service in alerts.items()}
    waiting = set(ids)
    while time.monotonic() < until and (deaths < DEATHS or waiting or len(nights.direct()) < NIGHTS):
        if deaths < DEATHS:
            role = chance.choice(ROLES)
            stage.kill(role)
            stage.start(role)
            deaths += 1
        time.sleep(chance.uniform(1.0, 2.2))
        # Somebody answers once all was said that is said until then.
        heard = set.intersection(*(set(nights.said(beginning)) for beginning in SAID[1:4])) & waiting
        for title in heard:
            pagerduty.acknowledge(ids[title], NOOR.id)
        waiting -= heard
    stage.slack.wait_for(lambda: len(nights.said(FIRST)) == NIGHTS, 20)
    assert deaths >= DEATHS
    for beginning in SAID:
        found = nights.said(beginning)
        if beginning == "Level 2 paged":
            found.subtract(nights.said("No update for"))  # a slow machine may come to the second update missed
        assert found == Counter(dict.fromkeys(alerts, 1)), f"{beginning}: {found}"
    assert sorted(nights.direct().values()) == [1] * NIGHTS
    rang = Counter(which for _, user, which in pagerduty.account.paged if user == LINNEA.id)
    paged = nights.said("Level 2 paged")
    assert rang == Counter({ids[title]: count for title, count in paged.items()})
