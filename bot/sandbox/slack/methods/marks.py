"""reactions.*, pins.*, bookmarks.*"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.sandbox.slack import shown
from bot.sandbox.slack.api import ApiCall, method
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.model import Bookmark, Json, SlackError
from bot.sandbox.slack.workspace import Channel

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def _message(call: ApiCall, ts: str = "timestamp", missing: str = "message_not_found") -> Message:
    """The message a mark goes onto; the bot has to be in its channel."""
    where = call.channel(must_be_in=True)
    if ts not in call.args:
        raise SlackError("no_item_specified")
    return call.message(where, ts, missing)


def _emoji(call: ApiCall) -> str:
    name = call.args.text("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise SlackError("invalid_name")
    return name


@method("reactions.add", "reactions:write", tier=3)
def add_reaction(call: ApiCall) -> Json:
    message = _message(call)
    if call.workspace.channel(message.channel).archived:
        raise SlackError("is_archived")
    call.workspace.react(message, _emoji(call), call.bot.id)
    return {}


@method("reactions.remove", "reactions:write", tier=2)
def remove_reaction(call: ApiCall) -> Json:
    call.workspace.unreact(_message(call), _emoji(call), call.bot.id)
    return {}


@method("reactions.get", "reactions:read", tier=3, form_only=True)
def get_reactions(call: ApiCall) -> Json:
    message = _message(call)
    return {
        "type": "message",
        "channel": message.channel,
        "message": shown.message(call.workspace, message),
    }


@method("pins.add", "pins:write", tier=2)
def add_pin(call: ApiCall) -> Json:
    message = _message(call)
    if call.workspace.channel(message.channel).archived:
        raise SlackError("is_archived")
    if message.is_system:
        raise SlackError("not_pinnable")
    call.workspace.pin(message, call.bot.id)
    return {}


@method("pins.remove", "pins:write", tier=2)
def remove_pin(call: ApiCall) -> Json:
    call.workspace.unpin(_message(call), call.bot.id)
    return {}


@method("pins.list", "pins:read", tier=2, form_only=True)
def list_pins(call: ApiCall) -> Json:
    where = call.channel(must_be_in=True)
    return {
        "items": [
            {
                "type": "message",
                "channel": where.id,
                "created": where.pins[one.ts][1],
                "created_by": where.pins[one.ts][0],
                "message": shown.message(call.workspace, one),
            }
            for one in where.pinned
        ]
    }


def _bookmarked(call: ApiCall) -> Channel:
    return call.channel(name="channel_id", must_be_in=True)


def _link(given: str) -> str:
    if not given.startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    return given


@method("bookmarks.add", "bookmarks:write", tier=2)
def add_bookmark(call: ApiCall) -> Json:
    where = _bookmarked(call)
    if call.args.text("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if len(where.bookmarks) >= 100:
        raise SlackError("too_many_bookmarks")
    now = int(call.workspace.now())
    made = Bookmark(
        call.workspace.new_id("Bk"),
        where.id,
        call.args.text("title"),
        _link(call.args.text("link")),
        call.args.text("emoji", ""),
        now,
        0,
        call.bot.id,
    )
    where.bookmarks[made.id] = made
    call.workspace.tell("bookmark_added", where.id, user=call.bot.id, bookmark=made)
    return {"bookmark": made.as_json(call.workspace.team.app_id)}


@method("bookmarks.edit", "bookmarks:write", tier=2)
def edit_bookmark(call: ApiCall) -> Json:
    where = _bookmarked(call)
    old = where.bookmarks.get(call.args.text("bookmark_id"))
    if old is None:
        raise SlackError("not_found")
    new = replace(
        old,
        title=call.args.text("title", old.title),
        link=_link(call.args.text("link", old.link)),
        emoji=call.args.text("emoji", old.emoji),
        updated=int(call.workspace.now()),
    )
    where.bookmarks[new.id] = new
    call.workspace.tell("bookmark_changed", where.id, user=call.bot.id, bookmark=new)
    return {"bookmark": new.as_json(call.workspace.team.app_id)}


@method("bookmarks.remove", "bookmarks:write", tier=2)
def remove_bookmark(call: ApiCall) -> Json:
    where = _bookmarked(call)
    gone = where.bookmarks.pop(call.args.text("bookmark_id"), None)
    if gone is None:
        raise SlackError("not_found")
    call.workspace.tell("bookmark_removed", where.id, user=call.bot.id, bookmark=gone)
    return {}


@method("bookmarks.list", "bookmarks:read", tier=3, form_only=True)
def list_bookmarks(call: ApiCall) -> Json:
    where = _bookmarked(call)
    return {"bookmarks": [one.as_json(call.workspace.team.app_id) for one in where.bookmarks.values()]}
