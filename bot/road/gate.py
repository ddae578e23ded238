"""What a door is made of, which is little: it stays small."""

from __future__ import annotations

from dataclasses import dataclass

from bot.outside.slack.protocol import Workspace
from bot.outside.systems import PartSystems
from bot.road.reception import Reception
from bot.settings.environment import Settings
from bot.store.store import Store


@dataclass(frozen=True, slots=True)
class Gate:
    """A door's share of the whole."""

    settings: Settings
    store: Store
    workspace: Workspace
    reception: Reception
    systems: PartSystems
