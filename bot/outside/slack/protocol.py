"""Slack as the bot sees it: ``Chat`` for handlers, ``Workspace`` for what sends messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the channel. ``at`` is when it was written; ``link`` leads back to it."""

    author: str
    text: str
    at: datetime
    link: str


class Chat(Protocol):
    """The workspace, for what a handler needs beyond its reply. Errors: Refused ("no"), Later ("ask again")."""

    def message(self, channel: str, ts: str) -> Said: ...

    def create_channel(self, name: str, since: datetime) -> str:
        """Create the channel, or adopt the one of that name which this bot made since ``since``; returns its id."""
        ...

    def invite(self, channel: str, users: Sequence[str]) -> None:
        """Those already there, and those who cannot be invited, are passed over."""
        ...

    def set_topic(self, channel: str, topic: str) -> None: ...

    def pin(self, channel: str, ts: str) -> None: ...

    def bookmark(self, channel: str, title: str, link: str) -> None: ...

    def link(self, channel: str, ts: str) -> str: ...

    def name(self, user: str) -> str:
        """A person's name."""
        ...

    def email(self, user: str) -> str:
        """A person's e-mail address, "" when Slack does not tell it."""
        ...

    def user_of(self, email: str) -> str:
        """The user id of whoever has this e-mail address, "" when nobody has."""
        ...

    def channel_name(self, channel: str) -> str:
        """A channel's name, "" for a conversation that has none."""
        ...

    def dm(self, user: str) -> str:
        """The channel in which the bot speaks to this person alone."""
        ...


class Postable(Protocol):
    """What a template said: ``text`` for the lock screen and screen readers, ``blocks`` beside it."""

    @property
    def text(self) -> str: ...

    @property
    def blocks(self) -> Sequence[Mapping[str, Any]]: ...


class Workspace(Chat, Protocol):
    """What the desk itself needs of Slack. Errors: Refused for its "no", Later for 429, 5xx and a lost connection."""

    def post(self, channel: str, message: Postable, key: str, thread: str = "", since: datetime | None = None) -> str:
        """Post and return the ``ts``.

        ``key`` goes out as message metadata; with ``since``, the channel's history from then on is first searched for
        that key, and the message found is returned instead of posting it again.
        """
        ...

    def update(self, channel: str, ts: str, message: Postable) -> None: ...

    def whisper(self, channel: str, user: str, message: Postable, response_url: str = "", thread: str = "") -> None:
        """To one person alone: through the response_url while it lives, else ephemerally, else directly."""
        ...

    def respond(self, response_url: str, message: Postable) -> None:
        """Into the channel through the response_url: for channels in which the bot is not."""
        ...

    def upload(
        self, channel: str, name: str, title: str, content: bytes, thread: str = "", since: datetime | None = None
    ) -> str:
        """Put a file there, once: with ``since``, one of that name that went there after it is taken for this one."""
        ...

    def canvas(self, channel: str, markdown: str) -> None:
        """Make this the channel's canvas. Raises Refused where it has one, and where the plan has none."""
        ...

    def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Raises Refused when the trigger has expired or was used."""
        ...

    def publish_home(self, user: str, view: Mapping[str, Any]) -> None: ...

    def members(self, group: str) -> Sequence[str]:
        """User ids in a user group, named by handle or id."""
        ...

    def ping(self) -> str:
        """The team's name, asked anew: whether Slack is there and still takes this token."""
        ...

    def identity(self) -> Mapping[str, str]:
        """By auth.test: ``user_id``, ``bot_id``, ``team_id``, ``team``, ``url`` and ``scopes`` (comma separated)."""
        ...
