"""Messages and channels as the Web API shows them."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.model import Json
from bot.sandbox.slack.workspace import Channel, Workspace


def message(workspace: Workspace, one: Message, *, metadata: bool = False) -> Json:
    """A message as `conversations.history` gives it. `metadata` only when it was asked for."""
    where = workspace.channels[one.channel]
    shown: Json = {"type": "message", "user": one.user, "ts": one.ts, "text": one.text}
    if one.subtype:
        shown["subtype"] = one.subtype
    if one.bot_id:
        bot = next((user for user in workspace.users.values() if user.bot_id == one.bot_id), None)
        shown |= {
            "bot_id": one.bot_id,
            "app_id": workspace.team.app_id,
            "team": workspace.team.id,
            "bot_profile": {
                "id": one.bot_id,
                "app_id": workspace.team.app_id,
                "name": one.username or (bot.real_name if bot else ""),
                "icons": {},
                "deleted": False,
                "updated": 1700000000,
                "team_id": workspace.team.id,
            },
        }
        if one.username:
            shown["username"] = one.username
    elif not one.subtype:
        shown |= {"client_msg_id": f"client-{one.ts}", "team": workspace.team.id}
    if one.blocks:
        shown["blocks"] = list(one.blocks)
    if one.attachments:
        shown["attachments"] = list(one.attachments)
    if one.files:
        shown |= {"files": [each.as_json() for each in one.files], "upload": False}
    if one.edited_at:
        shown["edited"] = {"user": one.user, "ts": one.edited_at}
    if one.reactions:
        shown["reactions"] = [
            {"name": name, "users": list(users), "count": len(users)} for name, users in one.reactions.items()
        ]
    if one.ts in where.pins:
        shown |= {
            "pinned_to": [where.id],
            "pinned_info": {"channel": where.id, "pinned_by": where.pins[one.ts][0]},
        }
    if metadata and one.metadata:
        shown["metadata"] = one.metadata
    shown |= one.extra
    shown |= _thread(where, one)
    return shown


def _thread(where: Channel, one: Message) -> Json:
    if not one.thread_ts:
        return {}
    if one.is_reply:
        parent = where.by_ts.get(one.thread_ts)
        return {"thread_ts": one.thread_ts, **({"parent_user_id": parent.user} if parent else {})}
    replies = where.thread(one.ts)
    if not replies:
        return {"thread_ts": one.thread_ts}
    who = list(dict.fromkeys(each.user for each in replies))
    return {
        "thread_ts": one.thread_ts,
        "reply_count": len(replies),
        "reply_users": who[:5],
        "reply_users_count": len(who),
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def channel(workspace: Workspace, where: Channel, member: str, *, count: bool = False) -> Json:
    """A conversation object, as seen by `member`."""
    if where.kind == "im":
        other = next((one for one in where.members if one != member), member)
        return {
            "id": where.id,
            "created": where.created,
            "is_im": True,
            "is_org_shared": False,
            "is_archived": where.archived,
            "context_team_id": workspace.team.id,
            "updated": where.created * 1000,
            "user": other,
            "is_user_deleted": False,
            "priority": 0,
        }
    shown: dict[str, Any] = {
        "id": where.id,
        "name": where.name,
        "name_normalized": where.name,
        "is_channel": where.kind == "public",
        "is_group": where.kind == "private",
        "is_im": False,
        "is_mpim": where.kind == "mpim",
        "is_private": where.kind != "public",
        "created": where.created,
        "is_archived": where.archived,
        "is_general": where.name == "general",
        "unlinked": 0,
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "parent_conversation": None,
        "context_team_id": workspace.team.id,
        "shared_team_ids": [workspace.team.id],
        "updated": where.created * 1000,
        "creator": where.creator,
        "is_member": member in where.members,
        "topic": {
            "value": where.topic,
            "creator": where.topic_by,
            "last_set": where.created if where.topic else 0,
        },
        "purpose": {
            "value": where.purpose,
            "creator": where.purpose_by,
            "last_set": where.created if where.purpose else 0,
        },
        "previous_names": list(where.former_names),
    }
    if count:
        shown["num_members"] = len(where.members)
    return shown
