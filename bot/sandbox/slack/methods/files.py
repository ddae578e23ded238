"""files.* and canvases.*"""

from __future__ import annotations

import mimetypes
import secrets
from dataclasses import replace

from bot.sandbox.slack import content
from bot.sandbox.slack.api import ApiCall, method
from bot.sandbox.slack.blocks import Message, SlackFile
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.workspace import Channel

#: A gigabyte is Slack's end; the sandbox keeps files in memory.
MOST_BYTES = 50_000_000


@method("files.getUploadURLExternal", "files:write", tier=4, form_only=True)
def upload_url(call: ApiCall) -> Json:
    name = call.args.text("filename")
    length = call.args.whole("length", 0, 1, 10**12)
    if "length" not in call.args:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: length")
    if length > MOST_BYTES:
        raise SlackError("file_upload_size_restricted")
    kind = mimetypes.guess_type(name)[0] or ("text/plain" if "." not in name else "application/octet-stream")
    workspace = call.workspace
    file_id = workspace.new_id("F")
    ticket = secrets.token_urlsafe(12)
    made = SlackFile(
        file_id,
        name,
        name,
        call.bot.id,
        int(workspace.now()),
        kind,
        name.rpartition(".")[2].lower() if "." in name else "text",
        b"",
        f"{call.host.base_url}/files/{file_id}/{name}",
        alt_text=call.args.text("alt_txt", ""),
    )
    workspace.uploads[ticket] = (made, length)
    return {"upload_url": f"{call.host.base_url}/upload/v1/{ticket}", "file_id": file_id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete(call: ApiCall) -> Json:
    given = call.args.data("files", "invalid_arguments")
    if not isinstance(given, list) or not given:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    workspace = call.workspace
    channels = [_channel(call, one) for one in _wanted(call)]
    files = []
    for one in given:
        found = workspace.files.get(str(one.get("id")) if isinstance(one, dict) else "")
        if found is None:
            raise SlackError("file_not_found")
        if not found.content:
            raise SlackError("file_not_found")
        shared = tuple(dict.fromkeys([*found.channels, *(each.id for each in channels)]))
        files.append(replace(found, title=str(one.get("title") or found.name), channels=shared))
    blocks = call.args.data("blocks", "invalid_blocks_format")
    said = content.from_arguments(call.args, call.known_file) if blocks else None
    for file in files:
        workspace.files[file.id] = file
    for where in channels:
        workspace.add(
            Message(
                where.id,
                workspace.new_ts(),
                call.bot.id,
                call.args.text("initial_comment", ""),
                (said.blocks if said else None) or (),
                thread_ts=content.thread(call.args, where.by_ts),
                bot_id=call.bot.bot_id,
                files=tuple(files),
            )
        )
    return {"files": [one.as_json() for one in files]}


def _wanted(call: ApiCall) -> list[str]:
    if "channel_id" in call.args:
        return [call.args.text("channel_id")]
    return call.args.listed("channels")


def _channel(call: ApiCall, wanted: str) -> Channel:
    """A file is shared where the bot is; unlike words, it does not go into a channel from outside."""
    found = call.workspace.channels.get(wanted)
    if found is None or (found.kind != "public" and call.bot.id not in found.members):
        raise SlackError("channel_not_found")
    if call.bot.id not in found.members:
        raise SlackError("not_in_channel")
    if found.archived:
        raise SlackError("is_archived")
    return found


@method("files.info", "files:read", tier=4, form_only=True)
def info(call: ApiCall) -> Json:
    found = call.workspace.files.get(call.args.text("file"))
    if found is None:
        raise SlackError("file_not_found")
    return {"file": found.as_json(), "comments": [], "response_metadata": {"next_cursor": ""}}


def _canvas(call: ApiCall, channel: str) -> Json:
    given = call.args.data("document_content", "invalid_arguments")
    if given is not None and (not isinstance(given, dict) or given.get("type") != "markdown"):
        raise SlackError("canvas_creation_failed")
    canvas_id = call.workspace.new_id("F")
    call.workspace.canvases[canvas_id] = {
        "title": call.args.text("title", ""),
        "markdown": str((given or {}).get("markdown", "")),
        "channel": channel,
    }
    call.workspace.tell("canvas_created", channel, user=call.bot.id, canvas=canvas_id)
    return {"canvas_id": canvas_id}


@method("canvases.create", "canvases:write", tier=2)
def create_canvas(call: ApiCall) -> Json:
    channel = call.channel(name="channel_id", must_be_in=True).id if "channel_id" in call.args else ""
    return _canvas(call, channel)


@method("conversations.canvases.create", "canvases:write", tier=2)
def create_channel_canvas(call: ApiCall) -> Json:
    where = call.channel(name="channel_id", must_be_in=True)
    if any(one["channel"] == where.id for one in call.workspace.canvases.values()):
        raise SlackError("channel_canvas_already_exists")
    return _canvas(call, where.id)
