"""Blocks, messages and views, held to Slack's limits: `invalid_blocks`, `msg_blocks_too_long`, `invalid_arguments`.

Figures: 50 blocks a message and 100 a modal or home; section text 3,000 and 10 fields of 2,000; header 150; actions
25; context 10; markdown 12,000; table 100 rows of 20; modal title 24; private_metadata 3,000; a view 250 kB. Slack
documents no figure for `msg_blocks_too_long`; about 12,000 characters is what people report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.sandbox.slack.blocks import characters, texts
from bot.sandbox.slack.elements import accessory, in_actions, in_input, slack_file
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.shapes import (
    Check,
    Report,
    Shape,
    boolean,
    many,
    one_of,
    string,
    text,
    typed,
    url,
    whole,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_CHARACTERS = 12_000
VIEW_BYTES = 250_000
#: chat.postMessage cuts what is longer, chat.update refuses beyond 4,000.
POST_TEXT = 40_000
UPDATE_TEXT = 4_000

#: Finds out whether a file id or URL exists in the workspace.
KnownFile = Callable[[str], bool]


def _block_id(value: Any, path: str, report: Report) -> None:
    string(255)(value, path, report)
    if isinstance(value, str) and value:
        if value in report.block_ids:
            report.add(path, f"block_id already exists: {value}")
        report.block_ids.add(value)


def _block(
    fields: Mapping[str, Check],
    required: tuple[str, ...] = (),
    also: Callable[[Json, str, Report], None] | None = None,
) -> Shape:
    return Shape({"block_id": _block_id, **fields}, required, also)


def _section(value: Json, path: str, report: Report) -> None:
    if not value.get("text") and not value.get("fields"):
        report.add(path, "missing required field: text")


def _image(value: Json, path: str, report: Report) -> None:
    if bool(value.get("image_url")) == bool(value.get("slack_file")):
        report.add(path, "must provide exactly one of: image_url, slack_file")


def _context_element(value: Any, path: str, report: Report) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        Shape({"image_url": url(), "slack_file": slack_file, "alt_text": string(2000)}, ("alt_text",), _image)(
            value, path, report
        )
    else:
        text()(value, path, report)


_style = Shape(dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight", "unlink"), boolean))
_rich_inline: Check = typed(
    {
        "text": Shape({"text": string(), "style": _style}, ("text",)),
        "link": Shape(
            {"url": url(), "text": string(0, 0), "style": _style, "unsafe": boolean},
            ("url",),
        ),
        "user": Shape({"user_id": string(), "style": _style}, ("user_id",)),
        "usergroup": Shape({"usergroup_id": string(), "style": _style}, ("usergroup_id",)),
        "channel": Shape({"channel_id": string(), "style": _style}, ("channel_id",)),
        "broadcast": Shape({"range": one_of("here", "channel", "everyone"), "style": _style}, ("range",)),
        "emoji": Shape({"name": string(), "unicode": string(), "skin_tone": whole(1, 6), "style": _style}, ("name",)),
        "color": Shape({"value": string()}, ("value",)),
        "date": Shape(
            {
                "timestamp": whole(0, 9_999_999_999),
                "format": string(),
                "url": url(),
                "fallback": string(),
                "style": _style,
            },
            ("timestamp", "format"),
        ),
    }
)
_rich_section = Shape({"elements": many(_rich_inline, 0)}, ("elements",))
_rich_part: Check = typed(
    {
        "rich_text_section": _rich_section,
        "rich_text_list": Shape(
            {
                "style": one_of("bullet", "ordered"),
                "elements": many(typed({"rich_text_section": _rich_section})),
                "indent": whole(0, 8),
                "offset": whole(0, 100_000),
                "border": whole(0, 1),
            },
            ("style", "elements"),
        ),
        "rich_text_preformatted": Shape(
            {"elements": many(_rich_inline, 0), "border": whole(0, 1), "language": string()}, ("elements",)
        ),
        "rich_text_quote": Shape({"elements": many(_rich_inline, 0), "border": whole(0, 1)}, ("elements",)),
    }
)
_rich_text = _block({"elements": many(_rich_part)}, ("elements",))
_cell: Check = typed(
    {
        "raw_text": Shape({"text": string()}, ("text",)),
        "raw_number": Shape({"value": lambda value, path, report: None, "text": string()}, ("value",)),
        "rich_text": Shape({"elements": many(_rich_part)}, ("elements",)),
    }
)


def _table(value: Json, path: str, report: Report) -> None:
    rows = [row for row in value.get("rows") or [] if isinstance(row, list)]
    if len({len(row) for row in rows}) > 1:
        report.add(f"{path}/rows", "all rows must have the same number of cells")
    if sum(len(said) for _, said in texts(rows)) > 10_000:
        report.add(f"{path}/rows", "must be less than 10001 characters")


def _input(value: Json, path: str, report: Report) -> None:
    element = value.get("element")
    if isinstance(element, dict) and element.get("type") == "file_input" and report.surface != "modal":
        report.add(f"{path}/element/type", "unsupported type: file_input")


#: type → shape, for every surface.
_EVERYWHERE: dict[str, Check] = {
    "section": _block(
        {
            "text": text(),
            "fields": many(text(2000), 1, 10),
            "accessory": accessory,
            "expand": boolean,
        },
        also=_section,
    ),
    "header": _block({"text": text(150, plain=True), "level": whole(1, 4)}, ("text",)),
    "divider": _block({}),
    "context": _block({"elements": many(_context_element, 1, 10)}, ("elements",)),
    "actions": _block({"elements": many(in_actions, 1, 25)}, ("elements",)),
    "image": _block(
        {
            "image_url": url(),
            "slack_file": slack_file,
            "alt_text": string(2000),
            "title": text(2000, plain=True),
        },
        ("alt_text",),
        _image,
    ),
    "input": _block(
        {
            "label": text(2000, plain=True),
            "element": in_input,
            "hint": text(2000, plain=True),
            "optional": boolean,
            "dispatch_action": boolean,
        },
        ("label", "element"),
        _input,
    ),
    "rich_text": _rich_text,
}
_IN_MESSAGES: dict[str, Check] = {
    "markdown": _block({"text": string(12_000)}, ("text",)),
    "table": _block(
        {
            "rows": many(many(_cell, 1, 20), 1, 100),
            "column_settings": many(Shape({"align": one_of("left", "center", "right"), "is_wrapped": boolean}), 1, 20),
        },
        ("rows",),
        _table,
    ),
}
_SURFACES: dict[str, Check] = {
    "message": typed(_EVERYWHERE | _IN_MESSAGES),
    "modal": typed(_EVERYWHERE),
    "home": typed(_EVERYWHERE),
}


def message_blocks(blocks: Any, known_file: KnownFile, path: str = "/blocks") -> None:
    """Raise `invalid_blocks`, saying all that is wrong, or `msg_blocks_too_long`."""
    report = Report("message", files=known_file)
    many(_SURFACES["message"], 0, MESSAGE_BLOCKS)(blocks, path, report)
    if isinstance(blocks, list):
        tables = [one for one in blocks if isinstance(one, dict) and one.get("type") == "table"]
        if len(tables) > 1:
            report.add(path, "only_one_table_allowed")
    if report.problems:
        raise SlackError(
            "invalid_blocks",
            *(f"[ERROR] {one}" for one in report.problems),
            errors=report.problems,
        )
    if characters(blocks) > MESSAGE_CHARACTERS:
        raise SlackError("msg_blocks_too_long")


def attachments(given: Any, known_file: KnownFile) -> None:
    """Attachments are old and lenient; blocks inside them are not."""
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise SlackError("invalid_attachments")
    if len(given) > 100:
        raise SlackError("too_many_attachments")
    for index, one in enumerate(given):
        if "blocks" in one:
            message_blocks(one["blocks"], known_file, f"/attachments/{index}/blocks")


def _modal(value: Json, path: str, report: Report) -> None:
    blocks = [one for one in value.get("blocks") or [] if isinstance(one, dict)]
    if not value.get("submit") and any(one.get("type") == "input" for one in blocks):
        report.add(f"{path}/submit", "must define `submit` to use an `input` block in modals")


_COMMON: dict[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
}
_VIEWS: dict[str, Check] = {
    "modal": Shape(
        {
            **_COMMON,
            "title": text(24, plain=True),
            "blocks": many(_SURFACES["modal"], 0, VIEW_BLOCKS),
            "close": text(24, plain=True),
            "submit": text(24, plain=True),
            "clear_on_close": boolean,
            "notify_on_close": boolean,
            "submit_disabled": boolean,
        },
        ("title", "blocks"),
        _modal,
    ),
    "home": Shape(
        {**_COMMON, "blocks": many(_SURFACES["home"], 0, VIEW_BLOCKS)},
        ("blocks",),
    ),
}


def view(given: Any, kinds: Iterable[str], known_file: KnownFile) -> Json:
    """The view, if Slack would take it; else `invalid_arguments` with all that is wrong, or `view_too_large`."""
    if not isinstance(given, dict):
        raise SlackError("invalid_arguments", "[ERROR] must provide an object [json-pointer:/view]")
    if len(json.dumps(given, ensure_ascii=False).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    allowed = {kind: _VIEWS[kind] for kind in kinds}
    report = Report(str(given.get("type")), files=known_file)
    typed(allowed)(given, "/view", report)
    if report.problems:
        raise SlackError("invalid_arguments", *(f"[ERROR] {one}" for one in report.problems))
    return given
