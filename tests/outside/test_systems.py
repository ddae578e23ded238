"""The parts of one process: built once, when first asked for, and found by the Protocol that they offer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from bot.domain.errors import Refused
from bot.outside.github.part import GITHUB
from bot.outside.github.protocol import Tracker
from bot.outside.part import Part, Surroundings
from bot.outside.parts import find, load
from bot.outside.queues.part import QUEUES
from bot.outside.queues.protocol import Queues
from bot.outside.slack.part import SLACK
from bot.outside.slack.protocol import Chat, Workspace
from bot.outside.systems import PartSystems
from bot.settings.environment import Settings, SettingsError
from bot.settings.fields import Variables, variable
from bot.settings.secrets import Secret
from tests.parts import Slack

ENV = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


class Kettle(Protocol):
    def boil(self) -> str: ...


@dataclass
class Boiler:
    water: str

    def boil(self) -> str:
        return f"hot {self.water}"


class KettleSettings(Variables):
    """A kettle."""

    water: Secret | None = variable("KETTLE_WATER", "Water", "Where it comes from.")


def at_noon() -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


def kettle(settings: KettleSettings, around: Surroundings) -> Kettle:
    return Boiler(settings.water.reveal() if settings.water else "")


KETTLE = Part("kettle", KettleSettings, off="Fill it.", offers=Kettle, build=kettle, on=lambda settings: settings.water)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(ENV, tmp_path)


def systems(settings: Settings, *parts: Part[KettleSettings, Kettle], water: str = "") -> PartSystems:
    chosen = {"kettle": KettleSettings.model_validate({"KETTLE_WATER": water}) if water else None}
    settings = replace(settings, parts={**settings.parts, **chosen})
    return PartSystems(settings, [*find(), *(parts or (KETTLE,))], at_noon)


def test_a_system_is_found_by_its_protocol(settings: Settings) -> None:
    found = systems(settings, water="tap").find(Kettle)
    assert found is not None
    assert found.boil() == "hot tap"


def test_one_that_is_off_is_none_and_says_how_to_turn_it_on(settings: Settings) -> None:
    cold = systems(settings)
    assert (cold.find(Kettle), cold.off(Kettle)) == (None, "Fill it.")
    with pytest.raises(Refused, match="Fill it"):
        cold.the(KETTLE)
    assert cold.find(Tracker) is None
    assert cold.off(Tracker) == GITHUB.off


def test_a_protocol_is_offered_by_what_offers_one_derived_from_it(settings: Settings) -> None:
    slack = replace(SLACK, build=lambda settings, around: Slack())
    here = PartSystems(settings, [slack], at_noon)
    assert here.find(Chat) is here.find(Workspace) is here.the(SLACK)


def test_what_nobody_offers_is_a_mistake_of_the_program(settings: Settings) -> None:
    with pytest.raises(LookupError, match="no part offers Chat"):
        PartSystems(settings, [QUEUES], at_noon).find(Chat)


def test_it_is_built_once_however_many_ask_at_once(settings: Settings) -> None:
    built: list[Kettle] = []

    def slowly(settings: KettleSettings, around: Surroundings) -> Kettle:
        time.sleep(0.05)
        built.append(Boiler("rain"))
        return built[-1]

    here, found = systems(settings, replace(KETTLE, build=slowly), water="rain"), []
    threads = [threading.Thread(target=lambda: found.append(here.find(Kettle))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(built) == 1
    assert found == [built[0]] * 8


def test_a_part_may_ask_for_another_while_it_is_built(settings: Settings) -> None:
    def beside(settings: KettleSettings, around: Surroundings) -> Kettle:
        queues = around.find(Queues)
        return Boiler(f"{list(queues.names()) if queues else None} at {around.now():%H:%M}")

    found = systems(settings, replace(KETTLE, build=beside), water="tap").find(Kettle)
    assert found is not None
    assert found.boil() == "hot [] at 12:00"


def test_firewatchs_own_packages_are_no_teams() -> None:
    for name in ("bot", "handlers", "bot.sandbox"):
        with pytest.raises(SettingsError, match=rf"names {name}, which is Firewatch's own"):
            find([name])
