"""What is to be said, kept until Slack has it: each message once, however often its sender dies.

A Posting is saved with the change that it tells of, and delivered afterwards. Its key goes out as message metadata, so that a
message which was sent but not noted down is found in the channel's history instead of being sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, Self

from bot.action import Refused
from bot.render import Message
from bot.store import Store
from bot.tools import Workspace

log = logging.getLogger(__name__)

Mode = Literal["post", "edit", "whisper", "home"]


@dataclass(frozen=True, slots=True)
class Posting:
    """One thing to be said. ``key`` is its name for ever; an edit carries the key of the message that it edits."""

    mode: Mode
    key: str
    channel: str
    message: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    thread: str = ""
    response_url: str = ""
    files: Sequence[Mapping[str, Any]] = ()
    """``action.File`` as JSON; pictures are drawn when they are sent, after the message, so that it need not wait."""

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


Draw = Callable[[str, Mapping[str, Any]], bytes]
"""A picture's name and its facts → PNG."""


class Outbox:
    """Delivers postings. ``now`` is the time that can be moved in tests."""

    def __init__(self, store: Store, workspace: Workspace, now: Callable[[], datetime], draw: Draw) -> None:
        self.store = store
        self.workspace = workspace
        self.now = now
        self.draw = draw

    def deliver(self, posting: Posting) -> None:
        """Raises Later when Slack asks to be asked again; what Slack will never take is logged and let go."""
        message = Message.from_dict(posting.message) if posting.message else Message("")
        try:
            match posting.mode:
                case "post":
                    self._post(posting, message)
                case "edit":
                    self._edit(posting, message)
                case "whisper":
                    self.workspace.whisper(posting.channel, posting.user, message, posting.response_url, posting.thread)
                case "home":
                    self.workspace.publish_home(posting.user, {"type": "home", "blocks": message.blocks})
            self._upload(posting)
        except Refused as no:
            log.warning("not delivered", extra={"key": posting.key, "channel": posting.channel, "why": no.sentence})

    def _post(self, posting: Posting, message: Message) -> None:
        ts, since = self.store.posting(posting.key, self.now())
        if ts:
            return
        try:
            ts = self.workspace.post(posting.channel, message, posting.key, posting.thread, since)
        except Refused:
            if not posting.response_url:
                raise
            # A command may be said where the bot is no member: its own address still answers there.
            self.workspace.respond(posting.response_url, message)
            ts = "0"
        self.store.posted(posting.key, posting.channel, ts)

    def _edit(self, posting: Posting, message: Message) -> None:
        channel, ts = self.store.where(posting.key)
        if not ts or ts == "0":
            self._post(posting, message)
        else:
            self.workspace.update(channel, ts, message)

    def _upload(self, posting: Posting) -> None:
        for place, file in enumerate(posting.files):
            key = f"{posting.key}:file:{place}"
            ts, _ = self.store.posting(key, self.now())
            if not ts and (content := self._content(file)):
                thread = posting.thread or self._thread_for(posting)
                sent = self.workspace.upload(posting.channel, file["name"], file["title"], content, thread)
                self.store.posted(key, posting.channel, sent or "sent")

    def _content(self, file: Mapping[str, Any]) -> bytes:
        """What is in a file. A picture that cannot be drawn is left out: the message it belongs to has been said."""
        if not file["picture"]:
            return str(file["text"]).encode()
        try:
            return self.draw(file["picture"], file["facts"])
        except Exception:
            log.exception("picture not drawn", extra={"picture": file["picture"]})
            return b""

    def _thread_for(self, posting: Posting) -> str:
        """Files go under the message they belong to."""
        _, ts = self.store.where(posting.key)
        return "" if ts == "0" else ts
