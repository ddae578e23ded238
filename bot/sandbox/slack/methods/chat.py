"""chat.*"""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack import content, limits, shown
from bot.sandbox.slack.api import ApiCall, method
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.workspace import Channel


def _where(call: ApiCall) -> Channel:
    """Where a message goes: a channel by id or name, or a person, whose DM with the bot opens by itself."""
    wanted = call.args.text("channel")
    workspace = call.workspace
    if wanted in workspace.users:
        if wanted == call.bot.id:
            raise SlackError("channel_not_found")
        return workspace.direct(call.bot.id, wanted)
    found = workspace.channels.get(wanted)
    if found is None:
        found = workspace.channel(wanted)
    inside = call.bot.id in found.members
    if not inside and found.kind != "public":
        raise SlackError("channel_not_found")
    if not inside and "chat:write.public" not in call.host.manifest.scopes:
        raise SlackError("not_in_channel")
    if found.archived:
        raise SlackError("is_archived")
    return found


def _text(call: ApiCall, said: content.Content) -> str:
    text = said.text or ""
    if call.args.flag("link_names") or call.args.text("parse", "") == "full":
        return content.with_names_linked(call.workspace, text)
    return text


@method("chat.postMessage", "chat:write", tier=None)
def post(call: ApiCall) -> Json:
    where = _where(call)
    if any(name in call.args for name in ("username", "icon_emoji", "icon_url")):
        call.need("chat:write.customize")
    said = content.from_arguments(call.args, call.known_file)
    if said.is_empty:
        raise SlackError("no_text")
    message = call.workspace.add(
        Message(
            where.id,
            call.workspace.new_ts(),
            call.bot.id,
            _text(call, said),
            said.blocks or (),
            said.attachments or (),
            thread_ts=content.thread(call.args, where.by_ts),
            bot_id=call.bot.bot_id,
            username=call.args.text("username", ""),
            metadata=content.metadata(call.args),
            broadcast=call.args.flag("reply_broadcast"),
        )
    )
    return {
        "channel": where.id,
        "ts": message.ts,
        "message": shown.message(call.workspace, message, metadata=True),
    }


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: ApiCall) -> Json:
    where = call.channel(must_be_in=True)
    user = call.args.text("user")
    if where.archived:
        raise SlackError("is_archived")
    if user not in call.workspace.users:
        raise SlackError("user_not_found")
    if user not in where.members:
        raise SlackError("user_not_in_channel")
    said = content.from_arguments(call.args, call.known_file)
    if said.is_empty:
        raise SlackError("no_text")
    message = call.workspace.add(
        Message(
            where.id,
            call.workspace.new_ts(),
            call.bot.id,
            _text(call, said),
            said.blocks or (),
            said.attachments or (),
            thread_ts=content.thread(call.args, where.by_ts),
            bot_id=call.bot.bot_id,
            visible_to=user,
        )
    )
    return {"message_ts": message.ts}


@method("chat.update", "chat:write", tier=3)
def update(call: ApiCall) -> Json:
    where = call.channel()
    old = call.message(where, "ts")
    if old.user != call.bot.id or old.is_system:
        raise SlackError("cant_update_message")
    if where.archived:
        raise SlackError("is_inactive")
    said = content.from_arguments(call.args, call.known_file, limits.UPDATE_TEXT)
    changes: dict[str, Any] = {}
    if said.text is not None:
        changes["text"] = _text(call, said)
    if said.blocks is not None:
        changes["blocks"] = said.blocks
    elif said.text is not None:
        # Text alone replaces what was shown: blocks are kept only when neither is given.
        changes |= {"blocks": (), "edited_at": call.workspace.new_ts()}
    if said.attachments is not None:
        changes["attachments"] = said.attachments
    if "metadata" in call.args:
        changes["metadata"] = content.metadata(call.args)
    if said.text is None and said.blocks is None and said.attachments is None:
        raise SlackError("no_text")
    if said.is_empty and not old.files:
        raise SlackError("no_text")
    message = call.workspace.edit(old, **changes)
    return {
        "channel": where.id,
        "ts": message.ts,
        "text": message.text,
        "message": shown.message(call.workspace, message, metadata=True),
    }


@method("chat.delete", "chat:write", tier=3)
def delete(call: ApiCall) -> Json:
    where = call.channel()
    old = call.message(where, "ts")
    if old.user != call.bot.id or old.is_system:
        raise SlackError("cant_delete_message")
    call.workspace.delete(old)
    return {"channel": where.id, "ts": old.ts}


@method("chat.getPermalink", tier=None, form_only=True)
def permalink(call: ApiCall) -> Json:
    where = call.channel()
    found = call.message(where, "message_ts")
    url = f"https://{call.workspace.team.domain}.slack.com/archives/{where.id}/p{found.ts.replace('.', '')}"
    if found.is_reply:
        url += f"?thread_ts={found.thread_ts}&cid={where.id}"
    return {"channel": where.id, "permalink": url}
