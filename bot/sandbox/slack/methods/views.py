"""views.*: modals and home tabs"""

from __future__ import annotations

from bot.sandbox.slack import limits, modals
from bot.sandbox.slack.api import ApiCall, method
from bot.sandbox.slack.blocks import View
from bot.sandbox.slack.model import Json, SlackError


def _given(call: ApiCall, *kinds: str) -> Json:
    if "view" not in call.args:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    return limits.view(call.args.data("view", "invalid_arguments"), kinds, call.known_file)


def _shown(call: ApiCall, view: View) -> Json:
    return {"view": view.as_json(call.workspace.team.id, call.workspace.team.app_id, call.bot.bot_id)}


@method("views.open", tier=4)
def open_view(call: ApiCall) -> Json:
    trigger_id = call.args.text("trigger_id")
    body = _given(call, "modal")
    modals.check_external_id(call.workspace, body)
    trigger = call.host.tickets.exchange(trigger_id)
    return _shown(call, modals.show(call.workspace, trigger.user, body))


@method("views.push", tier=4)
def push_view(call: ApiCall) -> Json:
    trigger_id = call.args.text("trigger_id")
    body = _given(call, "modal")
    modals.check_external_id(call.workspace, body)
    trigger = call.host.tickets.exchange(trigger_id)
    return _shown(call, modals.push(call.workspace, trigger.user, body))


@method("views.update", tier=4)
def update_view(call: ApiCall) -> Json:
    if "view_id" not in call.args and "external_id" not in call.args:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view_id")
    old = modals.find(call.workspace, call.args.text("view_id", ""), call.args.text("external_id", ""))
    if old is None:
        raise SlackError("not_found")
    if call.args.text("hash", old.hash) != old.hash:
        raise SlackError("hash_conflict")
    body = _given(call, old.type)
    modals.check_external_id(call.workspace, body, but=old)
    return _shown(call, modals.update(call.workspace, old, body))


@method("views.publish", tier=4)
def publish(call: ApiCall) -> Json:
    user = call.args.text("user_id")
    if user not in call.workspace.users:
        raise SlackError("user_not_found")
    if not call.host.manifest.home_tab:
        raise SlackError("not_enabled")
    body = _given(call, "home")
    old = call.workspace.homes.get(user)
    if old is not None and call.args.text("hash", old.hash) != old.hash:
        raise SlackError("hash_conflict")
    return _shown(call, modals.publish(call.workspace, user, body))
