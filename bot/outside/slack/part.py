"""Slack, as a part of this program: the only one that is never off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from bot.outside.part import Check, Part, Sick, Surroundings
from bot.outside.slack.protocol import Workspace
from bot.settings.fields import HttpBase, Need, Role, Variables, token, variable
from bot.settings.secrets import Secret

REINSTALL = "reinstall the app from manifest.yml"


class SlackSettings(Variables):
    """Slack: the bot token, and one of the two doors."""

    bot_token: Annotated[Secret, token("xoxb-", "the bot token of the app's page OAuth & Permissions")] = variable(
        "SLACK_BOT_TOKEN",
        "Bot token",
        "From the app's page OAuth & Permissions.",
        Secret(""),
        example="xoxb-",
        filled=True,
        shown="required",
    )
    app_token: Annotated[Secret, token("xapp-", "an app-level token with the scope connections:write")] | None = (
        variable(
            "SLACK_APP_TOKEN",
            "App-level token",
            "Set: Socket Mode, no public address needed. It has the scope connections:write.",
            example="xapp-",
            filled=True,
        )
    )
    signing_secret: Secret | None = variable(
        "SLACK_SIGNING_SECRET", "Signing secret", "Set, and no app-level token: HTTP, on HOST and PORT."
    )
    api_base: HttpBase = variable("SLACK_API_URL", "Web API", "Of another Slack.", "https://slack.com/api")

    @property
    def api_url(self) -> str:
        """Always ends in a slash."""
        return f"{self.api_base}/"

    @property
    def door(self) -> Literal["socket", "http"]:
        return "socket" if self.app_token else "http"


def _build(settings: SlackSettings, around: Surroundings) -> Workspace:
    from bot.outside.slack.client import SlackWorkspace

    return SlackWorkspace(settings.bot_token.reveal(), settings.api_url)


def _needs(settings: SlackSettings, role: Role) -> Iterator[Need]:
    if role != "offline":
        yield Need(("SLACK_BOT_TOKEN",), "it begins with xoxb- and stands on the app's page OAuth & Permissions")
    if role in ("up", "slack"):
        yield Need(
            ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"),
            "Slack cannot reach the bot: set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which needs no public "
            "address, or SLACK_SIGNING_SECRET for HTTP",
        )


def _checks(settings: SlackSettings, around: Surroundings) -> Sequence[Check[SlackSettings, Workspace]]:
    slack = Check("slack", _scopes, "Look at SLACK_BOT_TOKEN, on the app's page OAuth & Permissions.")
    socket = Check("socket", _socket, "Look at SLACK_APP_TOKEN, on the app's page Basic Information.")
    return [slack, socket] if settings.app_token else [slack]


def _scopes(settings: SlackSettings, workspace: Workspace, around: Surroundings) -> str:
    from bot.outside.slack.manifest import SCOPES

    who = workspace.identity()
    granted = {scope.strip() for scope in who.get("scopes", "").split(",") if scope.strip()}
    missing = sorted(set(SCOPES) - granted) if granted else []
    if missing:
        raise Sick(f"the token of {who.get('team', '?')} lacks {', '.join(missing)}: {REINSTALL}", f"{REINSTALL}.")
    return f"{who.get('team', '?')} as {who.get('user_id', '?')}, by {settings.door}"


def _socket(settings: SlackSettings, workspace: Workspace, around: Surroundings) -> str:
    from bot.outside.slack.socket import SlackSocket

    app_token = settings.app_token.reveal() if settings.app_token else ""
    if not SlackSocket(app_token, lambda _: {}, settings.api_url).ticket():
        raise Sick("Slack takes SLACK_APP_TOKEN, but names no address to connect to")
    return "Slack offers a connection"


SLACK = Part(
    "slack",
    SlackSettings,
    off="Slack is never off.",
    offers=Workspace,
    build=_build,
    needs=_needs,
    checks=_checks,
)
