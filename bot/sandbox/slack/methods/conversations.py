"""conversations.*, apart from what reads messages"""

from __future__ import annotations

from typing import Literal

from bot.sandbox.slack import shown
from bot.sandbox.slack.api import MANAGE, READ, ApiCall, method, of_kinds, one_page
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.workspace import Channel

#: Slack takes the broad scope or the narrow one.
INVITE = ("channels:manage", "channels:write.invites", "groups:write", "groups:write.invites", "mpim:write")
TOPIC = ("channels:manage", "channels:write.topic", "groups:write", "groups:write.topic", "im:write", "mpim:write")


def _shown(call: ApiCall, where: Channel) -> Json:
    return {"channel": shown.channel(call.workspace, where, call.bot.id)}


def _mine(call: ApiCall, *narrow: str) -> Channel:
    """The channel of a call that changes it: the bot has to be in it, and it has to be alive."""
    where = call.channel()
    call.need(MANAGE[where.kind], *(f"{MANAGE[where.kind].partition(':')[0]}:{one}" for one in narrow))
    if call.bot.id not in where.members:
        raise SlackError("not_in_channel")
    if where.archived:
        raise SlackError("is_archived")
    if where.kind in ("im", "mpim"):
        raise SlackError("method_not_supported_for_channel_type")
    return where


@method("conversations.create", "channels:manage", "groups:write", tier=2)
def create(call: ApiCall) -> Json:
    private = call.args.flag("is_private")
    call.need(MANAGE["private" if private else "public"])
    name = call.args.text("name", "")
    made = call.workspace.add_channel(name, call.bot.id, kind="private" if private else "public")
    return _shown(call, made)


@method("conversations.rename", "channels:manage", "groups:write", tier=2)
def rename(call: ApiCall) -> Json:
    where = _mine(call)
    if where.name == "general":
        raise SlackError("method_not_supported_for_channel_type")
    if where.creator != call.bot.id:
        raise SlackError("not_authorized")
    call.workspace.rename(where, call.args.text("name", ""), call.bot.id)
    return _shown(call, where)


@method("conversations.archive", "channels:manage", "groups:write", tier=2)
def archive(call: ApiCall) -> Json:
    where = call.channel()
    if where.archived:
        raise SlackError("already_archived")
    where = _mine(call)
    if where.name == "general":
        raise SlackError("cant_archive_general")
    call.workspace.archive(where, call.bot.id)
    return {}


@method("conversations.unarchive", "channels:manage", "groups:write", tier=2)
def unarchive(call: ApiCall) -> Json:
    where = call.channel()
    call.need(MANAGE[where.kind])
    if not where.archived:
        raise SlackError("not_archived")
    if call.bot.id not in where.members:
        raise SlackError("not_in_channel")
    call.workspace.archive(where, call.bot.id, archived=False)
    return {}


@method("conversations.invite", *INVITE, tier=3)
def invite(call: ApiCall) -> Json:
    where = _mine(call, "write.invites")
    users = call.args.listed("users")
    if not users:
        raise SlackError("no_user")
    if len(users) > 100:
        raise SlackError("too_many_users")
    problems: list[Json] = []
    for one in users:
        if one == call.bot.id:
            problems.append({"user": one, "ok": False, "error": "cant_invite_self"})
        elif one not in call.workspace.users or call.workspace.users[one].deleted:
            problems.append({"user": one, "ok": False, "error": "user_not_found"})
        elif one in where.members:
            problems.append({"user": one, "ok": False, "error": "already_in_channel"})
    if problems and not (call.args.flag("force") and len(problems) < len(users)):
        raise SlackError(str(problems[0]["error"]), errors=problems)
    refused = {one["user"] for one in problems}
    for one in users:
        if one not in refused:
            call.workspace.join(where, one, inviter=call.bot.id)
    return _shown(call, where) | ({"errors": problems} if problems else {})


@method("conversations.kick", *INVITE, tier=3)
def kick(call: ApiCall) -> Json:
    where = _mine(call)
    user = call.args.text("user")
    if user not in call.workspace.users:
        raise SlackError("user_not_found")
    if user == call.bot.id:
        raise SlackError("cant_kick_self")
    if user not in where.members:
        raise SlackError("not_in_channel")
    if where.name == "general":
        raise SlackError("cant_kick_from_general")
    call.workspace.leave(where, user)
    return {}


@method("conversations.join", "channels:join", tier=3)
def join(call: ApiCall) -> Json:
    where = call.channel()
    if where.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if where.archived:
        raise SlackError("is_archived")
    already = call.bot.id in where.members
    call.workspace.join(where, call.bot.id)
    answer = _shown(call, where)
    if already:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return answer


@method("conversations.leave", *INVITE, tier=3)
def leave(call: ApiCall) -> Json:
    where = call.channel()
    call.need(MANAGE[where.kind])
    if where.name == "general":
        raise SlackError("cant_leave_general")
    if call.bot.id not in where.members:
        return {"not_in_channel": True}
    call.workspace.leave(where, call.bot.id)
    return {}


@method("conversations.info", *READ.values(), tier=3, form_only=True)
def info(call: ApiCall) -> Json:
    where = call.channel(READ)
    count = call.args.flag("include_num_members")
    return {"channel": shown.channel(call.workspace, where, call.bot.id, count=count)}


@method("conversations.list", *READ.values(), tier=2, form_only=True)
def conversations_list(call: ApiCall) -> Json:
    some, following = one_page(call, of_kinds(call), 1000)
    return {
        "channels": [shown.channel(call.workspace, one, call.bot.id, count=True) for one in some],
        "response_metadata": {"next_cursor": following},
    }


@method("conversations.members", *READ.values(), tier=4, form_only=True)
def members(call: ApiCall) -> Json:
    where = call.channel(READ)
    some, following = one_page(call, list(where.members), 1000)
    return {"members": some, "response_metadata": {"next_cursor": following}}


def _describe(call: ApiCall, what: Literal["topic", "purpose"]) -> Json:
    where = call.channel()
    call.need(MANAGE[where.kind], f"{MANAGE[where.kind].partition(':')[0]}:write.topic")
    if call.bot.id not in where.members:
        raise SlackError("not_in_channel")
    if where.archived:
        raise SlackError("is_archived")
    text = call.args.text(what, "")
    if len(text) > 250:
        raise SlackError("too_long")
    call.workspace.describe(where, what, text, call.bot.id)
    return _shown(call, where)


@method("conversations.setTopic", *TOPIC, tier=2)
def set_topic(call: ApiCall) -> Json:
    return _describe(call, "topic")


@method("conversations.setPurpose", *TOPIC, tier=2)
def set_purpose(call: ApiCall) -> Json:
    return _describe(call, "purpose")


@method("conversations.open", "im:write", "mpim:write", "channels:manage", "groups:write", tier=3)
def open_direct(call: ApiCall) -> Json:
    users = call.args.listed("users")
    if "channel" in call.args:
        where = call.channel()
        if where.kind not in ("im", "mpim"):
            raise SlackError("method_not_supported_for_channel_type")
    else:
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 8:
            raise SlackError("too_many_users")
        if any(one not in call.workspace.users for one in users):
            raise SlackError("user_not_found")
        call.need(MANAGE["im" if len(users) == 1 else "mpim"])
        where = call.workspace.direct(call.bot.id, *(one for one in users if one != call.bot.id))
    if call.args.flag("return_im"):
        return _shown(call, where)
    return {"channel": {"id": where.id}}
