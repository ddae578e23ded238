"""What every person's client knows and allows, whatever they do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import modals
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.forms import NotPossible
from bot.sandbox.slack.model import Json, User
from bot.sandbox.slack.mrkdwn import link_names
from bot.sandbox.slack.traffic import Delivery
from bot.sandbox.slack.workspace import Channel, Workspace

Surface = Message | View
Picked = dict[tuple[str, str], dict[tuple[str, str], Json]]
"""(user, message or view) → what they chose on it and have not sent."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person did, and the events it sent to the bot (none, when the bot does not listen for it)."""

    deliveries: tuple[Delivery, ...]
    message: Message | None = None

    def wait(self, timeout: float = 5.0) -> Act:
        for one in self.deliveries:
            one.wait(timeout)
        return self

    @property
    def acked(self) -> bool:
        return bool(self.deliveries) and all(one.acked for one in self.deliveries)

    @property
    def latency(self) -> float | None:
        """Seconds to the slowest acknowledgement; None while any is missing."""
        each = [one.latency for one in self.deliveries]
        known = [one for one in each if one is not None]
        return max(known) if known and len(known) == len(each) else None


class Client:
    """One person before their client."""

    def __init__(self, workspace: Workspace, picked: Picked, user: User) -> None:
        self._workspace, self._picked_on = workspace, picked
        self.user = user

    def __repr__(self) -> str:
        return f"Person({self.user.name})"

    @property
    def id(self) -> str:
        return self.user.id

    def _linked(self, text: str, *, labels: bool = False) -> str:
        """`labels`: with names inside the tokens, as slash commands have them and messages do not."""
        workspace = self._workspace

        def user(name: str) -> str | None:
            if name in ("here", "channel", "everyone"):
                return f"<!{name}>"
            for group in workspace.groups.values():
                if group.handle == name:
                    return f"<!subteam^{group.id}|@{name}>" if labels else f"<!subteam^{group.id}>"
            for one in workspace.users.values():
                if one.name == name:
                    return f"<@{one.id}|{one.name}>" if labels else f"<@{one.id}>"
            return None

        def channel(name: str) -> str | None:
            for one in workspace.channels.values():
                if one.name == name != "":
                    return f"<#{one.id}|{one.name}>"
            return None

        return link_names(text, user, channel, links=labels)

    def _own(self, message: Message) -> None:
        if message.user != self.id:
            raise NotPossible("that message is somebody else's")

    def _picked(self, where: Surface) -> dict[tuple[str, str], Json]:
        surface = where.id if isinstance(where, View) else f"{where.channel}/{where.ts}"
        return self._picked_on.setdefault((self.id, surface), {})

    def _before_me(self, where: Surface) -> Surface:
        """The message or view as it stands now; `NotPossible` when this person does not have it before them."""
        workspace = self._workspace
        if isinstance(where, View):
            now = modals.top(workspace, self.id) if where.type == "modal" else workspace.homes.get(self.id)
            if now is None or now.id != where.id:
                raise NotPossible("that view is not open any more")
            return now
        channel = workspace.channel(where.channel)
        self._inside(channel)
        found = (channel.hidden if where.visible_to else channel.by_ts).get(where.ts)
        if found is None or (found.visible_to and found.visible_to != self.id):
            raise NotPossible("that message is not there (any more)")
        return found

    def _marked(self, message: Message) -> Message:
        now = self._before_me(message)
        if isinstance(now, View) or now.is_ephemeral:
            raise NotPossible("that cannot be marked")
        return now

    def _inside(self, where: Channel) -> None:
        if where.kind != "public" and self.id not in where.members:
            raise NotPossible(f"{self.user.name} is not in that channel")

    def _composer(self, channel: str) -> Channel:
        """The channel, if this person can write there."""
        where = self._workspace.channel(channel)
        if self.id not in where.members:
            raise NotPossible(f"{self.user.name} is not in #{where.name or where.id}")
        if where.archived:
            raise NotPossible(f"#{where.name} is archived")
        return where


def never_sent(kind: Any, user: str, error: str) -> Delivery:
    """A delivery that is over before it began: the client kept it to itself."""
    delivery = Delivery(kind, {}, user, error=error)
    delivery.finish()
    return delivery
