"""Which changes in the workspace become events for the app, and what those look like.

An event goes out only if the manifest subscribes to it, its scope is granted, and the bot is in the channel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bot.sandbox.slack import shown
from bot.sandbox.slack.api import HISTORY, READ
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.feed import Change
from bot.sandbox.slack.manifest import Manifest
from bot.sandbox.slack.model import Json, User
from bot.sandbox.slack.traffic import Delivery
from bot.sandbox.slack.workspace import Channel, Workspace

#: kind of channel → (subscription, channel_type in the event, its letter).
_TYPES = {
    "public": ("message.channels", "channel", "C"),
    "private": ("message.groups", "group", "G"),
    "im": ("message.im", "im", "D"),
    "mpim": ("message.mpim", "mpim", "G"),
}
_MEMBER_EVENTS = ("member_joined_channel", "member_left_channel")


class Events:
    """Listens to the workspace's feed and hands events to `send`."""

    def __init__(
        self, workspace: Workspace, manifest: Manifest, bot: User, send: Callable[[Delivery], Delivery]
    ) -> None:
        self._workspace, self._manifest, self._bot, self._send = workspace, manifest, bot, send
        self._caught = threading.local()

    @contextmanager
    def caught(self) -> Iterator[list[Delivery]]:
        """The deliveries that this thread causes inside the block."""
        mine: list[Delivery] = []
        self._caught.list = mine
        try:
            yield mine
        finally:
            self._caught.list = None

    def on_change(self, change: Change) -> None:
        for event in self._events(change):
            self.emit(event)

    def emit(self, event: Json, user: str = "") -> Delivery:
        """Send one event, in the envelope of the Events API."""
        team = self._workspace.team
        delivery = Delivery(
            "event",
            {
                "token": team.verification_token,
                "team_id": team.id,
                "context_team_id": team.id,
                "context_enterprise_id": None,
                "api_app_id": team.app_id,
                "event": event,
                "type": "event_callback",
                "event_id": self._workspace.new_id("Ev"),
                "event_time": int(self._workspace.now()),
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": team.id,
                        "user_id": self._bot.id,
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": False,
                "event_context": f"4-{self._workspace.new_id('')}",
            },
            user or str(event.get("user", "")),
        )
        caught = getattr(self._caught, "list", None)
        if caught is not None:
            caught.append(delivery)
        return self._send(delivery)

    def wants(self, event: str, *scopes: str) -> bool:
        """Whether the app subscribes to this event and may read what it tells."""
        granted = self._manifest.scopes
        return event in self._manifest.events and (not scopes or bool(granted.intersection(scopes)))

    def _events(self, change: Change) -> Iterator[Json]:
        where = self._workspace.channels.get(change.channel)
        if where is None or (self._bot.id not in where.members and change.user != self._bot.id):
            return
        base: Json = {"event_ts": f"{change.at:.6f}"}
        match change.kind:
            case "message" | "message_changed" | "message_deleted":
                yield from self._message(change, where, base)
            case "reaction_added" | "reaction_removed" if self.wants(change.kind, "reactions:read"):
                yield base | {
                    "type": change.kind,
                    "user": change.user,
                    "reaction": change.data["name"],
                    "item": {"type": "message", "channel": where.id, "ts": change.ts},
                    "item_user": change.data["item_user"],
                }
            case "member_joined_channel" | "member_left_channel" if self.wants(change.kind, READ[where.kind]):
                more = {"inviter": change.data["inviter"]} if change.data.get("inviter") else {}
                yield base | {
                    "type": change.kind,
                    "user": change.user,
                    "channel": where.id,
                    "channel_type": _TYPES[where.kind][2],
                    "team": self._workspace.team.id,
                    **more,
                }
            case "pin_added" | "pin_removed" if self.wants(change.kind, "pins:read"):
                yield base | {
                    "type": change.kind,
                    "user": change.user,
                    "channel_id": where.id,
                    "item": {"type": "message", "channel": where.id, "created": int(change.at)},
                }
            case "channel_archive" | "channel_unarchive" | "channel_rename":
                yield from self._channel(change, where, base)
            case _:
                return

    def _channel(self, change: Change, where: Channel, base: Json) -> Iterator[Json]:
        name = change.kind if where.kind == "public" else change.kind.replace("channel", "group")
        if not self.wants(name, READ[where.kind]):
            return
        if change.kind == "channel_rename":
            told: Any = {
                "id": where.id,
                "name": where.name,
                "name_normalized": where.name,
                "created": where.created,
            }
            yield base | {"type": name, "channel": told}
        else:
            yield base | {"type": name, "channel": where.id, "user": change.user}

    def _message(self, change: Change, where: Channel, base: Json) -> Iterator[Json]:
        subscription, kind, _ = _TYPES[where.kind]
        base = base | {"channel": where.id, "channel_type": kind}
        message: Message | None = change.data.get("message")
        if change.kind == "message" and message is not None:
            told = shown.message(self._workspace, message, metadata=True) | base | {"event_ts": message.ts}
            if self.wants(subscription, HISTORY[where.kind]):
                yield told
            if (
                self._bot.id in message.pings
                and message.user != self._bot.id
                and not message.is_system
                and where.kind != "im"
                and self.wants("app_mention", "app_mentions:read")
            ):
                yield {key: value for key, value in told.items() if key != "channel_type"} | {"type": "app_mention"}
            return
        if not self.wants(subscription, HISTORY[where.kind]):
            return
        before = shown.message(self._workspace, change.data["previous"])
        told = base | {"type": "message", "hidden": True, "ts": base["event_ts"], "previous_message": before}
        if message is not None:
            yield told | {
                "subtype": "message_changed",
                "message": shown.message(self._workspace, message, metadata=True),
            }
        else:
            yield told | {"subtype": "message_deleted", "deleted_ts": change.ts}
