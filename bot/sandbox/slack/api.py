"""The frame every Web API method stands in: its arguments, who calls, which scopes and tier it has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.manifest import Manifest
from bot.sandbox.slack.model import Json, SlackError, User
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.workspace import Channel, Workspace

T = TypeVar("T")

#: Which scope reads what kind of channel, and so on, for methods whose scope depends on the channel.
READ: Mapping[str, str] = {
    "public": "channels:read",
    "private": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
HISTORY: Mapping[str, str] = {
    "public": "channels:history",
    "private": "groups:history",
    "im": "im:history",
    "mpim": "mpim:history",
}
MANAGE: Mapping[str, str] = {
    "public": "channels:manage",
    "private": "groups:write",
    "im": "im:write",
    "mpim": "mpim:write",
}

KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


class Host(Protocol):
    """What methods need of the server beside the workspace."""

    workspace: Workspace
    manifest: Manifest
    tickets: Tickets
    bot: User

    @property
    def base_url(self) -> str: ...

    def socket_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Args:
    """The arguments of a call, as they came: strings from a form, anything from JSON."""

    given: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.given.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a default it is required."""
        value = self.given.get(name)
        if value is None or (value == "" and default is None):
            if default is None:
                raise SlackError("invalid_arguments", f"[ERROR] missing required field: {name}")
            return default
        if isinstance(value, str):
            return value
        if isinstance(value, bool | dict | list):
            raise SlackError("invalid_arguments", f"[ERROR] must provide a string [json-pointer:/{name}]")
        return str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.given.get(name)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        return str(value).lower() in ("1", "true", "yes")

    def whole(self, name: str, default: int, least: int, most: int, error: str = "invalid_arguments") -> int:
        value = self.given.get(name)
        if value in (None, ""):
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise SlackError(error, f"[ERROR] must provide an integer [json-pointer:/{name}]") from None
        if number < least or number > most:
            raise SlackError(error, f"[ERROR] must be between {least} and {most} [json-pointer:/{name}]")
        return number

    def listed(self, name: str) -> list[str]:
        """Comma-separated in a form, or a list in JSON."""
        value = self.given.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            return [str(one) for one in value]
        return [one.strip() for one in str(value).split(",") if one.strip()]

    def data(self, name: str, error: str) -> Any:
        """JSON, which in a form is a string; None when absent. Unreadable JSON is refused as `error`."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error, f"[ERROR] invalid JSON [json-pointer:/{name}]") from None


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of a method, allowed so far as its scopes go."""

    method: str
    args: Args
    host: Host

    @property
    def workspace(self) -> Workspace:
        return self.host.workspace

    @property
    def bot(self) -> User:
        return self.host.bot

    def need(self, *any_of: str) -> None:
        """Raise `missing_scope` unless one of these is granted."""
        granted = self.host.manifest.scopes
        if any_of and not granted.intersection(any_of):
            raise SlackError("missing_scope", needed=",".join(any_of), provided=",".join(sorted(granted)))

    def channel(
        self, scopes: Mapping[str, str] | None = None, *, name: str = "channel", must_be_in: bool = False
    ) -> Channel:
        """The channel named by id in the arguments, as far as the bot may know of it.

        A private channel the bot is not in does not exist for it.
        """
        wanted = self.args.text(name)
        found = self.workspace.channels.get(wanted)
        if found is None:
            raise SlackError("channel_not_found")
        inside = self.bot.id in found.members
        if found.kind != "public" and not inside:
            raise SlackError("channel_not_found")
        if scopes is not None:
            self.need(scopes[found.kind])
        if must_be_in and not inside:
            raise SlackError("not_in_channel")
        return found

    def message(self, channel: Channel, name: str, error: str = "message_not_found") -> Message:
        found = channel.by_ts.get(self.args.text(name))
        if found is None:
            raise SlackError(error)
        return found

    def known_file(self, id_or_url: str) -> bool:
        return id_or_url in self.workspace.files or any(id_or_url == one.url for one in self.workspace.files.values())


def one_page(call: ApiCall, everything: list[T], most: int, default: int = 100) -> tuple[list[T], str]:
    """One page of a list by Slack's cursor, and the cursor of the next ('' at the end)."""
    limit = call.args.whole("limit", default, 1, most, error="invalid_limit")
    cursor = call.args.text("cursor", "")
    start = 0
    if cursor:
        if not cursor.startswith("c3Rh") or not cursor[4:].rstrip("=").isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor[4:].rstrip("="))
    end = start + limit
    return everything[start:end], f"c3Rh{end}=" if end < len(everything) else ""


def of_kinds(call: ApiCall) -> list[Channel]:
    """The channels of the kinds asked for in `types`, as far as the bot may see them, with a scope for each kind."""
    wanted = call.args.listed("types") or ["public_channel"]
    kinds = []
    for one in wanted:
        if one not in KINDS:
            raise SlackError("invalid_types")
        kinds.append(KINDS[one])
        call.need(READ[KINDS[one]])
    without_archived = call.args.flag("exclude_archived")
    return [
        one
        for one in call.workspace.channels.values()
        if one.kind in kinds
        and (one.kind == "public" or call.bot.id in one.members)
        and not (without_archived and one.archived)
    ]


Handler = Callable[[ApiCall], Json]


class Method(NamedTuple):
    """A method's rules. `scopes`: any of these is needed; () needs none. `tier` None: Slack's special limits."""

    name: str
    run: Handler
    scopes: tuple[str, ...]
    tier: int | None
    #: Reads take a form or a query; a JSON body goes unread, as at Slack.
    form_only: bool
    #: The kind of token it takes: an app-level token for opening sockets, a bot token for everything else.
    token: str


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *scopes: str,
    tier: int | None,
    form_only: bool = False,
    token: str = "bot",
) -> Callable[[Handler], Handler]:
    def register(run: Handler) -> Handler:
        METHODS[name] = Method(name, run, scopes, tier, form_only, token)
        return run

    return register
