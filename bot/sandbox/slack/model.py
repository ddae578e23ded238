"""Who and what a workspace knows of: the team, its people and groups, bookmarks, and Slack's refusals.

Values are frozen: a reader on any thread keeps what it saw, and a change replaces the value. `as_json` gives the
shapes of Slack's Web API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

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
