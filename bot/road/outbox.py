"""What is to be said, kept until Slack has it: each message once, however often its sender dies.

A Posting is saved with the change that it tells of, and delivered afterwards. Its key goes out as message metadata, so
that a message which was sent but not noted down is found in the channel's history instead of being sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.errors import Gone, Paused, Refused
from bot.messages.render import Message
from bot.outside.slack.protocol import Workspace
from bot.road.about import lost_channel
from bot.road.naming import naming
from bot.road.posting import ELSEWHERE, Posting
from bot.store.store import Store

log = logging.getLogger(__name__)


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
        except Refused as no:
            log.warning("not delivered", extra={"key": posting.key, "channel": posting.channel, "why": no.sentence})
        for each in posting.also:
            self.deliver(Posting.from_json(each))
        self.attach(posting)

    def attach(self, posting: Posting) -> None:
        """Send its files, each once, under the message. Raises Later like ``deliver``."""
        try:
            self._upload(posting)
        except Refused as no:
            log.warning("file not sent", extra={"key": posting.key, "channel": posting.channel, "why": no.sentence})

    def _post(self, posting: Posting, message: Message) -> None:
        ts, since = self.store.posting(posting.key, self.now())
        if ts:
            return
        channel = posting.channel
        try:
            ts = self.workspace.post(channel, message, posting.key, posting.thread, since)
        except Paused:
            if since is None:
                self.store.unposted(posting.key)  # so that the history, of which Slack gives little, is not searched
            raise
        except Refused as no:
            channel, ts = self._elsewhere(posting, message, since, no)
        self.store.posted(posting.key, channel, ts or ELSEWHERE)

    def _elsewhere(self, posting: Posting, message: Message, since: datetime | None, no: Refused) -> tuple[str, str]:
        """Say it where it can be said; raises ``no`` when that is nowhere.

        A command may be typed where the bot is no member: its own address answers there for half an hour. What is
        about an incident whose channel is gone is posted where the incident was opened, else to its lead. After that,
        whoever asked is told directly.
        """
        if posting.response_url:
            with suppress(Refused):
                self.workspace.respond(posting.response_url, message)
                return posting.channel, ELSEWHERE
        if isinstance(no, Gone) and posting.label:
            lost_channel(self.store, posting.channel, no.sentence, self.now())
            incident = self.store.incident(posting.label["number"])
            for other in [incident.origin, incident.lead, incident.opened_by] if incident else []:
                if other != posting.channel and other.startswith(("C", "G", "U", "W")):
                    with suppress(Refused):
                        named = naming(message, posting.label, other)
                        return other, self.workspace.post(other, named, posting.key, "", since)
        if not posting.user.startswith(("U", "W")) or posting.user == posting.channel:
            raise no
        return posting.user, self.workspace.post(posting.user, message, posting.key, "", since)

    def _edit(self, posting: Posting, message: Message) -> None:
        channel, ts = self.store.where(posting.key)
        if not ts:
            self._post(posting, message)
        elif ts == ELSEWHERE:
            if posting.response_url:
                self.workspace.respond(posting.response_url, message)
        else:
            try:
                self.workspace.update(channel, ts, message)
            except Refused:
                # Someone deleted it, or it is too old to be edited: it is said anew, once, and edited there from now.
                again = replace(posting, key=f"{posting.key}:after:{ts}")
                self._post(again, message)
                self.store.posted(posting.key, *self.store.where(again.key))

    def _upload(self, posting: Posting) -> None:
        for place, file in enumerate(posting.files):
            key = f"{posting.key}:file:{place}"
            ts, since = self.store.posting(key, self.now())
            if not ts and (content := self._content(file)):
                channel, thread = self._under(posting)
                sent = self.workspace.upload(channel, file["name"], file["title"], content, thread, since)
                if file.get("canvas"):
                    self._canvas(channel, file["text"])
                self.store.posted(key, channel, sent or "sent")

    def _canvas(self, channel: str, markdown: str) -> None:
        """The same words as the channel's canvas, where the workspace's plan has canvases; the file is there anyway."""
        try:
            self.workspace.canvas(channel, markdown)
        except Refused as no:
            log.info("no canvas", extra={"channel": channel, "why": no.sentence})

    def _content(self, file: Mapping[str, Any]) -> bytes:
        """What is in a file. A picture that cannot be drawn is left out: the message it belongs to has been said."""
        if not file["picture"]:
            return str(file["text"]).encode()
        try:
            return self.draw(file["picture"], file["facts"])
        except Exception:
            log.exception("picture not drawn", extra={"picture": file["picture"]})
            return b""

    def _under(self, posting: Posting) -> tuple[str, str]:
        """Files go under the message they belong to: its channel and the thread."""
        channel, ts = self.store.where(posting.key)
        return channel or posting.channel, posting.thread or ("" if ts == ELSEWHERE else ts)
