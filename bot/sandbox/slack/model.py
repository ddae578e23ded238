"""What a workspace is made of.

Values are frozen: a reader on any thread keeps what it saw, and a change replaces the value. Only `Channel` changes
in place, under the workspace's lock. `as_json` gives the shapes of Slack's Web API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.slack.ids import interactive
from bot.sandbox.slack.mrkdwn import texts

Json = dict[str, Any]

#: Subtypes Slack writes itself when something happens to a channel; nobody said them.
SYSTEM_SUBTYPES = frozenset(
    {
        "channel_join",
        "channel_leave",
        "channel_topic",
        "channel_purpose",
        "channel_name",
        "channel_archive",
        "channel_unarchive",
        "tombstone",
    }
)
SLACKBOT = "USLACKBOT"


class SlackError(Exception):
    """A refusal in Slack's own words: `error` is the name a caller finds in the answer, `more` stands beside it."""

    def __init__(self, error: str, *messages: str, **more: Any) -> None:
        super().__init__(error if not messages else f"{error}: {'; '.join(messages)}")
        self.error = error
        self.messages = messages
        self.more = more

    def as_json(self) -> Json:
        answer: Json = {"ok": False, "error": self.error, **self.more}
        if self.messages:
            answer["response_metadata"] = {"messages": list(self.messages)}
        return answer


@dataclass(frozen=True, slots=True)
class Team:
    """The workspace itself and the one app installed in it."""

    id: str = "TREPOSTER"
    name: str = "Reposter"
    domain: str = "reposter"
    app_id: str = "AFIREWATCH"
    #: The old verification token: still sent in every payload, and not to be trusted by anyone.
    verification_token: str = "sandbox-verification"


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    real_name: str
    email: str = ""
    tz: str = "Etc/UTC"
    bot_id: str = ""
    is_admin: bool = False
    deleted: bool = False

    @property
    def is_bot(self) -> bool:
        return bool(self.bot_id)

    def as_json(self, team: str, *, with_email: bool) -> Json:
        """`with_email` is the scope `users:read.email`: without it the address is absent, as at Slack."""
        profile: Json = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "first_name": self.real_name.partition(" ")[0],
            "last_name": self.real_name.partition(" ")[2],
            "status_text": "",
            "status_emoji": "",
            "title": "",
            "team": team,
        }
        if with_email and self.email:
            profile["email"] = self.email
        if self.is_bot:
            profile |= {"bot_id": self.bot_id, "api_app_id": "AFIREWATCH"}
        return {
            "id": self.id,
            "team_id": team,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": self.deleted,
            "tz": self.tz,
            "tz_label": "Coordinated Universal Time",
            "tz_offset": 0,
            "profile": profile,
            "is_admin": self.is_admin,
            "is_owner": False,
            "is_restricted": False,
            "is_ultra_restricted": False,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
        }


@dataclass(frozen=True, slots=True)
class UserGroup:
    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()
    disabled: bool = False

    def as_json(self, team: str, *, with_users: bool, with_count: bool) -> Json:
        group: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "is_external": False,
            "date_create": 1700000000,
            "date_update": 1700000000,
            "date_delete": 1700000001 if self.disabled else 0,
            "auto_type": None,
            "prefs": {"channels": [], "groups": []},
        }
        if with_users:
            group["users"] = list(self.users)
        if with_count:
            group["user_count"] = len(self.users)
        return group


@dataclass(frozen=True, slots=True)
class File:
    id: str
    name: str
    title: str
    user: str
    created: int
    mimetype: str
    filetype: str
    content: bytes = field(repr=False)
    url: str
    alt_text: str = ""
    channels: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What the file says, for those that are text."""
        return self.content.decode("utf-8", "replace")

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.filetype,
            "pretty_type": self.filetype.upper(),
            "user": self.user,
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "is_public": bool(self.channels),
            "url_private": self.url,
            "url_private_download": f"{self.url}?download=1",
            "permalink": self.url,
            "alt_txt": self.alt_text,
            "channels": [one for one in self.channels if one.startswith("C")],
            "groups": [one for one in self.channels if one.startswith("G")],
            "ims": [one for one in self.channels if one.startswith("D")],
        }


@dataclass(frozen=True, slots=True)
class Bookmark:
    id: str
    channel: str
    title: str
    link: str
    emoji: str
    created: int
    updated: int
    by: str

    def as_json(self, app_id: str) -> Json:
        return {
            "id": self.id,
            "channel_id": self.channel,
            "title": self.title,
            "link": self.link,
            "emoji": self.emoji,
            "icon_url": "",
            "type": "link",
            "entity_id": None,
            "date_created": self.created,
            "date_updated": self.updated,
            "rank": "U",
            "last_updated_by_user_id": self.by,
            "last_updated_by_team_id": "",
            "shortcut_id": None,
            "app_id": app_id,
        }


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said before an edit."""

    at: float
    text: str
    blocks: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it stands. `visible_to` names the one person an ephemeral message is shown to, else ''."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    thread_ts: str = ""
    subtype: str = ""
    bot_id: str = ""
    username: str = ""
    metadata: Json | None = None
    files: tuple[File, ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edited_at: str = ""
    visible_to: str = ""
    broadcast: bool = False
    #: Who would be pinged: user ids, `group:S…`, `channel`, `here`, `everyone`. Empty: nobody.
    pings: tuple[str, ...] = ()
    #: What it said before each edit, oldest first.
    versions: tuple[Version, ...] = ()
    extra: Json = field(default_factory=dict)

    @property
    def is_ephemeral(self) -> bool:
        return bool(self.visible_to)

    @property
    def is_reply(self) -> bool:
        return bool(self.thread_ts) and self.thread_ts != self.ts

    @property
    def is_system(self) -> bool:
        return self.subtype in SYSTEM_SUBTYPES

    @property
    def at(self) -> float:
        """Seconds since the epoch."""
        return float(self.ts)

    @property
    def shown(self) -> str:
        """All the words a reader sees: those of the blocks where there are any, else the text; mrkdwn as it is."""
        pieces = [said for _, said in texts([*self.blocks, *self.attachments])] if self.blocks else [self.text]
        return "\n".join([*pieces, *(one.title for one in self.files)])

    @property
    def buttons(self) -> tuple[str, ...]:
        """What is written on the buttons, in order."""
        return buttons(self.blocks)


@dataclass(frozen=True, slots=True)
class View:
    """A modal or a home tab: `body` is what the app sent (type, title, blocks, …) with ids filled in."""

    id: str
    user: str
    hash: str
    body: Json
    root_id: str = ""
    previous_id: str = ""
    #: block_id → sentence, as the app's last `response_action: errors` said.
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return str(self.body.get("type", ""))

    @property
    def title(self) -> str:
        return str(self.body.get("title", {}).get("text", ""))

    @property
    def callback_id(self) -> str:
        return str(self.body.get("callback_id", ""))

    @property
    def private_metadata(self) -> str:
        return str(self.body.get("private_metadata", ""))

    @property
    def blocks(self) -> tuple[Json, ...]:
        return tuple(self.body.get("blocks", ()))

    @property
    def shown(self) -> str:
        return "\n".join(said for _, said in texts(list(self.blocks)))

    @property
    def buttons(self) -> tuple[str, ...]:
        return buttons(self.blocks)

    def as_json(self, team: Team, bot_id: str, values: Json | None = None) -> Json:
        return {
            "id": self.id,
            "team_id": team.id,
            "type": self.type,
            "blocks": list(self.blocks),
            "private_metadata": self.private_metadata,
            "callback_id": self.callback_id,
            "state": {"values": values or {}},
            "hash": self.hash,
            "title": self.body.get("title"),
            "clear_on_close": bool(self.body.get("clear_on_close", False)),
            "notify_on_close": bool(self.body.get("notify_on_close", False)),
            "close": self.body.get("close"),
            "submit": self.body.get("submit"),
            "previous_view_id": self.previous_id or None,
            "root_view_id": self.root_id or self.id,
            "app_id": team.app_id,
            "external_id": self.body.get("external_id", ""),
            "app_installed_team_id": team.id,
            "bot_id": bot_id,
        }


def buttons(blocks: Iterable[Json]) -> tuple[str, ...]:
    return tuple(str(one["text"]["text"]) for block in blocks for one in interactive(block) if one["type"] == "button")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. `number` counts up without gaps, so a listener can ask for what it missed."""

    number: int
    kind: str
    at: float
    channel: str = ""
    ts: str = ""
    user: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
