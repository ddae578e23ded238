"""What the app declared about itself: scopes, commands, shortcuts, events. Read from its manifest, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

#: The repository's own manifest, used where none is given.
OWN = Path(__file__).resolve().parents[3] / "manifest.yml"

#: What an app that handles incidents usually asks for; used only where there is no manifest at all.
DEFAULT_SCOPES = (
    "commands",
    "chat:write",
    "chat:write.public",
    "channels:manage",
    "channels:join",
    "channels:read",
    "channels:history",
    "groups:write",
    "groups:read",
    "groups:history",
    "im:write",
    "pins:read",
    "pins:write",
    "bookmarks:read",
    "bookmarks:write",
    "reactions:read",
    "reactions:write",
    "files:read",
    "files:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
)
DEFAULT_EVENTS = (
    "app_home_opened",
    "app_mention",
    "reaction_added",
    "reaction_removed",
    "message.channels",
    "message.groups",
    "message.im",
    "member_joined_channel",
    "channel_archive",
    "channel_unarchive",
    "channel_rename",
)


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    should_escape: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a manifest leaves out entirely stays at these defaults.

    `commands` and `shortcuts` None: nothing was declared, so all are let through.
    """

    scopes: frozenset[str] = frozenset(DEFAULT_SCOPES)
    events: frozenset[str] = frozenset(DEFAULT_EVENTS)
    commands: Mapping[str, Command] | None = None
    shortcuts: Mapping[str, str] | None = None
    home_tab: bool = True
    display_name: str = "firewatch"

    @classmethod
    def read(cls, source: Mapping[str, Any] | Path | str | None = None) -> Manifest:
        """From a mapping, a path to YAML or JSON, or (None) the repository's own file where there is one."""
        if source is None:
            if not OWN.exists():
                return cls()
            source = OWN
        if isinstance(source, Path | str):
            source = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
        if not isinstance(source, Mapping):
            raise ValueError("a manifest is a mapping")
        features, settings = source.get("features"), source.get("settings")
        scopes = ((source.get("oauth_config") or {}).get("scopes") or {}).get("bot")
        events = ((settings or {}).get("event_subscriptions") or {}).get("bot_events") or ()
        home = ((features or {}).get("app_home") or {}).get("home_tab_enabled")
        return cls(
            scopes=frozenset(DEFAULT_SCOPES if scopes is None else scopes),
            events=frozenset(DEFAULT_EVENTS if settings is None else events),
            commands=None if features is None else _commands(features),
            shortcuts=None if features is None else _shortcuts(features),
            home_tab=True if features is None else bool(home),
            display_name=str(((features or {}).get("bot_user") or {}).get("display_name") or "firewatch"),
        )


def _commands(features: Mapping[str, Any]) -> dict[str, Command]:
    return {
        str(one["command"]): Command(str(one["command"]), bool(one.get("should_escape")))
        for one in features.get("slash_commands") or ()
    }


def _shortcuts(features: Mapping[str, Any]) -> dict[str, str]:
    return {str(one["callback_id"]): str(one["type"]) for one in features.get("shortcuts") or ()}
