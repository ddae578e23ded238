"""What people see blocks on (messages, modals, home tabs), the files beside them, and ways to look through blocks.

Values are frozen: a reader on any thread keeps what it saw, and a change replaces the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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

_PING = re.compile(
    r"<(?:@(?P<user>[UW][A-Z0-9]+)|!subteam\^(?P<group>S[A-Z0-9]+)|!(?P<all>channel|here|everyone))"
    r"(?:\^[^<>|]*)?(?:\|[^<>]*)?>"
)


# ---------------------------------------------------------------- looking through blocks


def texts(node: object) -> Iterator[tuple[str, str]]:
    """Every piece of text in blocks or attachments as `(kind, text)`, in order.

    Kinds: `mrkdwn` and `markdown` (tokens are live), `plain` (they are not).
    """
    if isinstance(node, list | tuple):
        for one in node:
            yield from texts(one)
    elif isinstance(node, dict):
        kind, text = node.get("type"), node.get("text")
        if isinstance(text, str):
            yield {"mrkdwn": "mrkdwn", "markdown": "markdown"}.get(str(kind), "plain"), text
        for key, value in node.items():
            if isinstance(value, dict | list | tuple) and key != "metadata":
                yield from texts(value)


def characters(blocks: Iterable[Json]) -> int:
    """How many characters of text the blocks hold together, the figure `msg_blocks_too_long` is about."""
    return sum(len(text) for _, text in texts(list(blocks)))


def pings(text: str, blocks: Sequence[Json] = (), attachments: Sequence[Json] = ()) -> tuple[str, ...]:
    """Who a message would ping, each once, as found: user ids, `group:S…`, `channel`, `here`, `everyone`."""
    found: dict[str, None] = {}

    def look(piece: str) -> None:
        for hit in _PING.finditer(piece):
            who = hit["user"] or (f"group:{hit['group']}" if hit["group"] else hit["all"])
            found.setdefault(who)

    look(text)
    for kind, piece in texts(list(blocks)):
        if kind != "plain":
            look(piece)
    _rich(list(blocks), found.setdefault)
    for attachment in attachments:
        for key in ("text", "pretext", "fallback"):
            look(str(attachment.get(key) or ""))
        for line in attachment.get("fields") or ():
            look(str(line.get("value") or ""))
        for who in pings("", attachment.get("blocks") or ()):
            found.setdefault(who)
    return tuple(found)


def _rich(node: object, add: Callable[[str], object]) -> None:
    """Rich text carries its mentions as elements of their own."""
    if isinstance(node, list | tuple):
        for one in node:
            _rich(one, add)
    elif isinstance(node, dict):
        match node.get("type"):
            case "user" if "user_id" in node:
                add(str(node["user_id"]))
            case "usergroup" if "usergroup_id" in node:
                add(f"group:{node['usergroup_id']}")
            case "broadcast" if "range" in node:
                add(str(node["range"]))
        for value in node.values():
            _rich(value, add)


def interactive(block: Json) -> Iterator[Json]:
    """The elements of a block that a person can press, choose or fill in."""
    match block.get("type"):
        case "actions":
            yield from block.get("elements", ())
        case "section" if block.get("accessory", {}).get("type", "image") != "image":
            yield block["accessory"]
        case "input":
            yield block["element"]


def buttons(blocks: Iterable[Json]) -> tuple[str, ...]:
    return tuple(str(one["text"]["text"]) for block in blocks for one in interactive(block) if one["type"] == "button")


# ---------------------------------------------------------------- what holds blocks


@dataclass(frozen=True, slots=True)
class SlackFile:
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
    files: tuple[SlackFile, ...] = ()
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

    def as_json(self, team: str, app: str, bot_id: str, values: Json | None = None) -> Json:
        return {
            "id": self.id,
            "team_id": team,
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
            "app_id": app,
            "external_id": self.body.get("external_id", ""),
            "app_installed_team_id": team,
            "bot_id": bot_id,
        }
