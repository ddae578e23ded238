"""What a message is made of, read from arguments and held to the limits; shared by every way of saying something."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import ids, limits
from bot.sandbox.slack.api import Args
from bot.sandbox.slack.limits import KnownFile
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.mrkdwn import link_names
from bot.sandbox.slack.workspace import Workspace

#: Slack says only that there is a limit ("metadata_too_large"); 16 kB is what is reported.
METADATA_BYTES = 16_000
_TS = re.compile(r"\d{1,10}\.\d{6}")


@dataclass(frozen=True, slots=True)
class Content:
    """`blocks` and `attachments` None: not mentioned, which for an update means something."""

    text: str | None
    blocks: tuple[Json, ...] | None
    attachments: tuple[Json, ...] | None

    @property
    def is_empty(self) -> bool:
        return not ((self.text or "").strip() or self.blocks or self.attachments)


def from_arguments(args: Args, known_file: KnownFile, most_text: int = limits.POST_TEXT) -> Content:
    """Text, blocks and attachments of a call; raises `invalid_blocks`, `msg_too_long` and their kin."""
    text = args.text("text", "") if "text" in args else None
    if "markdown_text" in args:
        if text or "blocks" in args:
            raise SlackError("markdown_text_conflict")
        text = args.text("markdown_text")
        if len(text) > 12_000:
            raise SlackError("msg_too_long")
    if text is not None and len(text) > most_text:
        raise SlackError("msg_too_long")
    blocks = args.data("blocks", "invalid_blocks_format")
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackError("invalid_blocks_format")
        limits.message_blocks(blocks, known_file)
    attachments = args.data("attachments", "invalid_attachments")
    if attachments is not None:
        limits.attachments(attachments, known_file)
    return Content(
        text,
        None if blocks is None else ids.filled(blocks),
        None if attachments is None else tuple(attachments),
    )


def metadata(args: Args) -> Json | None:
    """`{"event_type": …, "event_payload": {…}}`, or None when the call has none."""
    given = args.data("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str) or not given["event_type"]:
        raise SlackError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict) or set(given) - {
        "event_type",
        "event_payload",
        "entities",
    }:
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given).encode()) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return given


def thread(args: Args, channel_messages: dict[str, Any], name: str = "thread_ts") -> str:
    """The ts of the thread's head. A reply's ts leads to its thread; a ts nobody wrote is refused."""
    wanted = args.text(name, "")
    if not wanted:
        return ""
    if not _TS.fullmatch(wanted):
        raise SlackError("invalid_arguments", f"[ERROR] invalid timestamp [json-pointer:/{name}]")
    found = channel_messages.get(wanted)
    if found is None:
        raise SlackError("thread_not_found")
    if found.is_system and found.subtype != "tombstone":
        raise SlackError("cannot_reply_to_message")
    return str(found.thread_ts or found.ts)


def with_names_linked(workspace: Workspace, text: str) -> str:
    """`link_names` and `parse=full`: bare `@name`, `@here` and `#channel` come alive, and may ping."""

    def user(name: str) -> str | None:
        if name in ("here", "channel", "everyone"):
            return f"<!{name}>"
        for group in workspace.groups.values():
            if group.handle == name:
                return f"<!subteam^{group.id}>"
        return next((f"<@{one.id}>" for one in workspace.users.values() if one.name == name), None)

    def channel(name: str) -> str | None:
        return next((f"<#{one.id}>" for one in workspace.channels.values() if one.name == name != ""), None)

    return link_names(text, user, channel)
