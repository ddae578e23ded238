"""What Slack tells an app when a person does something: commands, presses, choices, shortcuts, submissions."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.slack import shown
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.forms import STATELESS, Chosen, Found, values
from bot.sandbox.slack.model import Json, User
from bot.sandbox.slack.tickets import Tickets
from bot.sandbox.slack.workspace import Channel, Workspace


@dataclass(frozen=True, slots=True)
class Payloads:
    workspace: Workspace
    tickets: Tickets
    bot_id: str
    #: Where response URLs lie, without a slash at its end.
    base_url: str

    def _common(self, user: User, trigger_view: str = "") -> Json:
        team = self.workspace.team
        return {
            "team": {"id": team.id, "domain": team.domain},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": team.id},
            "api_app_id": team.app_id,
            "token": team.verification_token,
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self.tickets.trigger(user.id, trigger_view),
        }

    def _view(self, view: View, picked: Chosen) -> Json:
        team = self.workspace.team
        return view.as_json(team.id, team.app_id, self.bot_id, values(view.blocks, picked))

    def _response_url(self, kind: str, token: str) -> str:
        return f"{self.base_url}/{kind}/{self.workspace.team.id}/{token}"

    @staticmethod
    def channel_name(where: Channel) -> str:
        """The name payloads carry: private channels and DMs are named by what they are."""
        return {"im": "directmessage", "private": "privategroup"}.get(where.kind, where.name)

    def command(self, user: User, where: Channel, command: str, text: str) -> Json:
        team = self.workspace.team
        return {
            "token": team.verification_token,
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": where.id,
            "channel_name": self.channel_name(where),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": team.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url("commands", self.tickets.response(where.id, user.id)),
            "trigger_id": self.tickets.trigger(user.id),
        }

    def actions(self, user: User, where: Message | View, found: Found, state: Json, picked: Chosen) -> Json:
        """block_actions. `state` is what was chosen, empty for a button; `picked` the whole surface's state."""
        element = found.element
        action: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": found.block["block_id"],
            "action_ts": f"{self.workspace.now():.6f}",
        }
        if element["type"] == "button":
            action["text"] = {"emoji": True, **element["text"]}
            action |= {key: element[key] for key in ("value", "style", "url") if key in element}
        else:
            action |= {key: value for key, value in state.items() if key != "type"}
        if "confirm" in element:
            action["confirm"] = element["confirm"]
        common = self._common(user, where.id if isinstance(where, View) else "")
        payload: Json = {"type": "block_actions", **common, "actions": [action]}
        if isinstance(where, View):
            shown_view = where.as_json(
                self.workspace.team.id, self.workspace.team.app_id, self.bot_id, values(where.blocks, picked)
            )
            return payload | {"container": {"type": "view", "view_id": where.id}, "view": shown_view}
        channel = self.workspace.channels[where.channel]
        container: Json = {
            "type": "message",
            "message_ts": where.ts,
            "channel_id": where.channel,
            "is_ephemeral": where.is_ephemeral,
        }
        if where.thread_ts:
            container["thread_ts"] = where.thread_ts
        token = self.tickets.response(where.channel, user.id, where.ts, ephemeral=where.is_ephemeral)
        payload |= {
            "container": container,
            "channel": {"id": channel.id, "name": self.channel_name(channel)},
            "state": {"values": values(where.blocks, picked)},
            "response_url": self._response_url("actions", token),
        }
        if not where.is_ephemeral:  # what one person saw for a moment is not kept, so it cannot be shown again
            payload["message"] = shown.message(self.workspace, where)
        return payload

    def message_shortcut(self, user: User, message: Message, callback_id: str) -> Json:
        channel = self.workspace.channels[message.channel]
        token = self.tickets.response(message.channel, user.id, message.ts)
        return {
            "type": "message_action",
            **self._common(user),
            "action_ts": f"{self.workspace.now():.6f}",
            "callback_id": callback_id,
            "channel": {"id": channel.id, "name": self.channel_name(channel)},
            "message_ts": message.ts,
            "message": shown.message(self.workspace, message),
            "response_url": self._response_url("app", token),
        }

    def global_shortcut(self, user: User, callback_id: str) -> Json:
        return {
            "type": "shortcut",
            **self._common(user),
            "action_ts": f"{self.workspace.now():.6f}",
            "callback_id": callback_id,
        }

    def submission(self, user: User, view: View, picked: Chosen) -> Json:
        return {
            "type": "view_submission",
            **self._common(user, view.id),
            "view": self._view(view, picked),
            "response_urls": [],
        }

    def closed(self, user: User, view: View, picked: Chosen, *, cleared: bool) -> Json:
        payload = self._common(user, view.id)
        del payload["trigger_id"]
        return {
            "type": "view_closed",
            **payload,
            "view": self._view(view, picked),
            "is_cleared": cleared,
        }


def acts(found: Found) -> bool:
    """Whether touching this element tells the app at once; inputs in a form wait for the submission."""
    if found.element["type"] in STATELESS or found.block["type"] != "input":
        return True
    return bool(found.block.get("dispatch_action"))
