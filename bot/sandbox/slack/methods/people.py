"""users.* and usergroups.*"""

from __future__ import annotations

from bot.sandbox.slack import shown
from bot.sandbox.slack.api import READ, ApiCall, method, of_kinds, one_page
from bot.sandbox.slack.model import SLACKBOT, Json, SlackError, User


def _shown(call: ApiCall, one: User) -> Json:
    return one.as_json(call.workspace.team.id, with_email="users:read.email" in call.host.manifest.scopes)


@method("users.info", "users:read", tier=4, form_only=True)
def info(call: ApiCall) -> Json:
    found = call.workspace.users.get(call.args.text("user"))
    if found is None:
        raise SlackError("user_not_found")
    return {"user": _shown(call, found)}


@method("users.list", "users:read", tier=2, form_only=True)
def users_list(call: ApiCall) -> Json:
    some, following = one_page(call, list(call.workspace.users.values()), 1000, default=1000)
    return {
        "members": [_shown(call, one) for one in some],
        "cache_ts": int(call.workspace.now()),
        "response_metadata": {"next_cursor": following},
    }


@method("users.lookupByEmail", "users:read.email", tier=3, form_only=True)
def lookup(call: ApiCall) -> Json:
    wanted = call.args.text("email").lower()
    found = next((one for one in call.workspace.users.values() if one.email.lower() == wanted), None)
    if found is None or found.deleted:
        raise SlackError("users_not_found")
    return {"user": _shown(call, found)}


@method("users.conversations", *READ.values(), tier=3, form_only=True)
def conversations(call: ApiCall) -> Json:
    who = call.args.text("user", call.bot.id)
    if who not in call.workspace.users:
        raise SlackError("user_not_found")
    found = [one for one in of_kinds(call) if who in one.members]
    some, following = one_page(call, found, 999)
    return {
        "channels": [shown.channel(call.workspace, one, call.bot.id) for one in some],
        "response_metadata": {"next_cursor": following},
    }


@method("usergroups.list", "usergroups:read", tier=2, form_only=True)
def groups(call: ApiCall) -> Json:
    team = call.workspace.team.id
    users, count = call.args.flag("include_users"), call.args.flag("include_count")
    disabled = call.args.flag("include_disabled")
    return {
        "usergroups": [
            one.as_json(team, with_users=users, with_count=count)
            for one in call.workspace.groups.values()
            if disabled or not one.disabled
        ]
    }


@method("usergroups.users.list", "usergroups:read", tier=2, form_only=True)
def group_users(call: ApiCall) -> Json:
    found = call.workspace.groups.get(call.args.text("usergroup"))
    if found is None:
        raise SlackError("no_such_subteam")
    if found.disabled and not call.args.flag("include_disabled"):
        return {"users": []}
    return {"users": [one for one in found.users if one != SLACKBOT]}
