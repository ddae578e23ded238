"""Who is who in Slack: names, addresses, user groups, and the channels of direct messages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from bot.outside.slack.api import Json, SlackApi, word_at
from bot.outside.slack.errors import SlackRefused

PROFILE_SECONDS: Final = 600.0


class SlackPeople(SlackApi):
    """Keeps nothing but names and ids."""

    def __init__(self, token: str, api_url: str = "") -> None:
        super().__init__(token, api_url)
        self._dms: dict[str, str] = {}
        self._profiles: dict[str, tuple[float, Json]] = {}

    def members(self, group: str) -> Sequence[str]:
        """User ids in a user group, named by handle, name or id."""
        wanted = group.removeprefix("<!subteam^").partition("|")[0].strip("@>").casefold()
        groups = self._ask(self._web.usergroups_list).get("usergroups") or ()
        for each in groups:
            if wanted in (word_at(each, name).casefold() for name in ("id", "handle", "name")):
                found = self._ask(self._web.usergroups_users_list, usergroup=word_at(each, "id"))
                return [str(user) for user in found.get("users") or ()]
        near = get_close_matches(wanted, [word_at(each, "handle") for each in groups], 1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        sentence = f"There is no user group `{group}` in this workspace.{hint}"
        raise SlackRefused("no_such_subteam", "usergroups.list", sentence)

    def name(self, user: str) -> str:
        """What people call this user: the display name, else the full one."""
        info = self._user(user)
        profile = info.get("profile") or {}
        return str(profile.get("display_name") or profile.get("real_name") or info.get("name") or user)

    def email(self, user: str) -> str:
        """The address, or "" when Slack shows none (a bot, or an app without users:read.email)."""
        return str((self._user(user).get("profile") or {}).get("email") or "")

    def user_of(self, email: str) -> str:
        """The user id of whoever has this address, "" when nobody has."""
        if not email:
            return ""
        try:
            return word_at(self._ask(self._web.users_lookupByEmail, email=email), "user", "id")
        except SlackRefused as no:
            if no.code == "users_not_found":
                return ""
            raise

    def _user(self, user: str) -> Json:
        at, info = self._profiles.get(user, (0.0, {}))
        if not info or time.monotonic() - at > PROFILE_SECONDS:
            info = self._ask(self._web.users_info, user=user).get("user") or {}
            if len(self._profiles) > 5_000:
                self._profiles.clear()
            self._profiles[user] = (time.monotonic(), info)
        return info

    def channel_name(self, channel: str) -> str:
        return word_at(self._ask(self._web.conversations_info, channel=channel), "channel", "name")

    def dm(self, user: str) -> str:
        """The channel of direct messages with this user, opened when there is none."""
        if user not in self._dms:
            # Slack takes a user's id for the channel as well; only an edit needs the channel's own.
            self._dms[user] = word_at(self._ask(self._web.conversations_open, users=user), "channel", "id") or user
        return self._dms[user]

    def _place(self, channel: str) -> str:
        """A user's id stands for the channel of direct messages with them."""
        return self.dm(channel) if channel.startswith(("U", "W")) else channel
