"""Channels of Slack: made or adopted, people invited, the topic, pins and bookmarks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from bot.outside.slack.api import SKEW, Json, SlackApi, word_at
from bot.outside.slack.errors import NOT_INVITED, SlackRefused, refused

log = logging.getLogger(__name__)

TOPIC: Final = 250
CHANNEL_NAME: Final = 80
INVITED_AT_ONCE: Final = 100


class SlackChannels(SlackApi):
    """What is done to a channel. All of it may be done twice."""

    def create_channel(self, name: str, since: datetime) -> str:
        """Create a public channel, or adopt the one of that name which this bot made since ``since``; returns its id.

        Where someone else has that name, ``name-2``, ``name-3``… are tried.
        """
        mine: dict[str, str] | None = None
        for number in range(1, 21):
            ending = "" if number == 1 else f"-{number}"
            wanted = name[: CHANNEL_NAME - len(ending)].rstrip("-") + ending
            try:
                # No is_private: some servers take any value of it, False too, for a yes.
                made = word_at(self._ask(self._web.conversations_create, name=wanted), "channel", "id")
            except SlackRefused as no:
                if no.code != "name_taken":
                    raise
            else:
                if not made:
                    raise refused("no_channel", "conversations.create")
                return made
            if mine is None:
                mine = self._created_since(since)
            if wanted in mine:
                return mine[wanted]
        raise refused("name_taken", "conversations.create")

    def _created_since(self, since: datetime) -> dict[str, str]:
        """Name → id of the channels that this bot made; as many of them as I may see."""
        me, earliest = self.identity()["user_id"], (since - SKEW).timestamp()
        found = {}
        try:
            for page in self._pages(self._web.users_conversations, types="public_channel", exclude_archived=True):
                for each in page.get("channels") or ():
                    if each.get("creator") == me and float(each.get("created") or 0) >= earliest:
                        found[word_at(each, "name")] = word_at(each, "id")
        except SlackRefused as no:
            # A channel that may be made twice is better than none.
            log.warning("cannot look for a channel made before: %s", no.code)
        return found

    def invite(self, channel: str, users: Sequence[str]) -> None:
        """Those already there, and those who cannot be invited, are passed over."""
        wanted = [user for user in dict.fromkeys(users) if user and user != self._identity.get("user_id")]
        for start in range(0, len(wanted), INVITED_AT_ONCE):
            some = wanted[start : start + INVITED_AT_ONCE]
            try:
                self._ask(self._web.conversations_invite, channel=channel, users=some, force=True)
            except SlackRefused as no:
                if no.code not in NOT_INVITED:
                    raise
                # One of them, or all: a server that does not heed "force" invites nobody for the sake of one.
                for user in some if len(some) > 1 else ():
                    self._invite(channel, user)

    def _invite(self, channel: str, user: str) -> None:
        try:
            self._ask(self._web.conversations_invite, channel=channel, users=[user])
        except SlackRefused as no:
            if no.code not in NOT_INVITED:
                raise
            if no.code not in ("already_in_channel", "cant_invite_self"):
                log.warning("%s was not invited to %s: %s", user, channel, no.code)

    def set_topic(self, channel: str, topic: str) -> None:
        self._ask(self._web.conversations_setTopic, channel=channel, topic=topic[:TOPIC])

    def pin(self, channel: str, ts: str) -> None:
        try:
            self._ask(self._web.pins_add, channel=channel, timestamp=ts)
        except SlackRefused as no:
            if no.code != "already_pinned":
                raise

    def bookmark(self, channel: str, title: str, link: str) -> None:
        """Once: a channel that has this link keeps what it has."""
        there: Sequence[Json] = ()
        with suppress(SlackRefused):  # who may not look may still put one there
            there = self._ask(self._web.bookmarks_list, channel_id=channel).get("bookmarks") or ()
        if not any(each.get("link") == link for each in there):
            self._ask(self._web.bookmarks_add, channel_id=channel, title=title, type="link", link=link)
