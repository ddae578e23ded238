"""What Slack hands an app to answer with, and how soon each goes stale: trigger ids and response URLs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.model import SlackError

#: Seconds a trigger id lives. It opens one modal.
TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5
#: Old tickets are dropped once there are this many, so that a long rehearsal does not grow without end.
KEPT = 5_000


@dataclass(slots=True)
class Trigger:
    id: str
    user: str
    at: float
    #: The modal it was pressed or submitted in, for `views.push`.
    view_id: str = ""
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where an app may answer. `message_ts` is the message that was pressed, '' for a command."""

    token: str
    channel: str
    user: str
    at: float
    message_ts: str = ""
    ephemeral: bool = False
    uses: int = 0


class Tickets:
    """Handed out on a person's thread and used on the server's: the feed's lock keeps both in order."""

    def __init__(self, feed: Feed, now: Callable[[], float]) -> None:
        self._feed = feed
        self._now = now
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def trigger(self, user: str, view_id: str = "") -> str:
        one = Trigger(
            f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}",
            user,
            self._now(),
            view_id,
        )
        with self._feed.locked():
            self._triggers[one.id] = one
            if len(self._triggers) > KEPT:
                del self._triggers[next(iter(self._triggers))]
        return one.id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger id up."""
        one = self._triggers.get(trigger_id)
        if one is None:
            raise SlackError("invalid_trigger_id")
        if one.used:
            raise SlackError("exchanged_trigger_id")
        if self._now() - one.at > TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        one.used = True
        return one

    def response(self, channel: str, user: str, message_ts: str = "", *, ephemeral: bool = False) -> str:
        """A new response URL's token."""
        one = ResponseUrl(secrets.token_urlsafe(18), channel, user, self._now(), message_ts, ephemeral)
        with self._feed.locked():
            self._responses[one.token] = one
            if len(self._responses) > KEPT:
                del self._responses[next(iter(self._responses))]
        return one.token

    def respond(self, token: str) -> ResponseUrl:
        """The response URL, if it may be used once more; counting the use is the caller's, once it took effect."""
        one = self._responses.get(token)
        if one is None:
            raise SlackError("invalid_url")
        if self._now() - one.at > RESPONSE_SECONDS:
            raise SlackError("expired_url")
        if one.uses >= RESPONSE_USES:
            raise SlackError("used_url")
        return one
