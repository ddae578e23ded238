"""The Slack app as Slack wants it described: commands from the registry, and only the scopes and events in use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot.domain.action import Noun
from bot.domain.errors import Refused

SCOPES: Mapping[str, str] = {
    "commands": "hear slash commands and shortcuts",
    "chat:write": "answer, and edit its cards",
    "chat:write.public": "answer in public channels nobody invited it to",
    "channels:manage": "create incident channels, invite people, set topics",
    "channels:read": "find the incident channel it made before it was interrupted",
    "groups:read": "know the name of a private channel it is in",
    "channels:history": "read the message that is put on the timeline, and see what it said already",
    "groups:history": "do the same in private channels",
    "im:history": "do the same in direct messages",
    "im:write": "remind a person directly",
    "pins:write": "pin an incident's summary",
    "bookmarks:read": "see which links a channel has already",
    "bookmarks:write": "put an incident's links at the top of its channel",
    "reactions:read": "see the 📌 that puts a message on the timeline",
    "files:write": "upload pictures and long lists",
    "canvases:write": "keep the postmortem's draft as the channel's canvas, where the plan has canvases",
    "users:read": "know people by name",
    "users:read.email": "find the PagerDuty user of a Slack user",
    "usergroups:read": "know who is in the groups of on-call engineers and leads",
}
"""Scope → what it is for."""

EVENTS = ("app_home_opened", "reaction_added")

ADD_TO_TIMELINE = "add_to_timeline"
"""The message shortcut's callback id."""


def manifest(nouns: Sequence[Noun], http: str | None = None, prefix: str = "") -> dict[str, Any]:
    """The manifest of an app with these commands.

    Socket Mode, or with `http` (the bot's public base address) request URLs. `prefix` stands before each
    command's name: two bots in one workspace cannot share a command. Raises Refused for either when Slack would.
    """
    if http is not None and not (urlsplit(http).scheme in ("http", "https") and urlsplit(http).netloc):
        raise Refused(f"{http} is not the address of a web server; it is of the form https://firewatch.example.com")
    if not re.fullmatch(r"[a-z0-9_-]{0,12}", prefix):
        raise Refused(f"{prefix} cannot begin a command; it is at most 12 of a-z, 0-9, - and _, such as fw-")
    events = f"{http.rstrip('/')}/slack/events" if http else None
    url = {"url": events} if events else {}
    request_url = {"request_url": events} if events else {}
    return {
        "display_information": {
            "name": "Firewatch",
            "description": "Carries the operations runbook: incidents, failed jobs, workers, deploys.",
            "background_color": "#7a2e12",
            "long_description": (
                "Firewatch stands by whoever is on call. It opens the incident channel and keeps its timeline, finds "
                "failed jobs by cause and replays them with a canary, a rate and a receipt, and reminds of the next "
                "update before it is late. What changes something shows its plan first and asks the right person. "
                "Type /runbook to find the section for what you see."
            ).replace("/runbook", f"/{prefix}runbook"),
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "firewatch", "always_online": True},
            "shortcuts": [
                {
                    "name": "Add to timeline",
                    "type": "message",
                    "callback_id": ADD_TO_TIMELINE,
                    "description": "Puts this message on the incident's timeline, with its own time and author.",
                }
            ],
            "slash_commands": [_command(noun, url, prefix) for noun in nouns],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**request_url, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request_url},
            "org_deploy_enabled": False,
            "socket_mode_enabled": http is None,
            "token_rotation_enabled": False,
        },
    }


def _command(noun: Noun, url: Mapping[str, str], prefix: str) -> dict[str, Any]:
    return {
        "command": f"/{prefix}{noun.name.removeprefix('/')}",
        **url,
        "description": noun.summary,
        **({"usage_hint": noun.hint} if noun.hint else {}),
        # People and channels then come as <@U…> and <#C…>, which stay true when somebody is renamed.
        "should_escape": True,
    }


def to_yaml(described: Mapping[str, Any]) -> str:
    """The manifest as the text that Slack's "From a manifest" takes, and that `manifest.yml` holds."""
    text: str = yaml.safe_dump(dict(described), sort_keys=False, allow_unicode=True, width=110)
    return f"# The output of `firewatch manifest`, for api.slack.com/apps → Create New App → From a manifest.\n{text}"
