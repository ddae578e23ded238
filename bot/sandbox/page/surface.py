"""What blocks stand on, and what they need of it: names, choices made, pictures."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.page import markup
from bot.sandbox.slack.blocks import SlackFile
from bot.sandbox.slack.forms import initial, options
from bot.sandbox.slack.model import SLACKBOT
from bot.sandbox.slack.workspace import Workspace

Json = dict[str, Any]


def dom(id: str) -> str:
    """An id that is one in HTML and in a selector too."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", id)


@dataclass(frozen=True, slots=True)
class Surface:
    """What blocks stand on: a message or a view, before one person."""

    id: str
    base: str
    words: markup.PageNames
    workspace: Workspace
    picked: Mapping[tuple[str, str], Json] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    heading: str = "h3"

    def file(self, image: Json) -> Json | None:
        """The workspace's own file that a picture shows, None for a picture from elsewhere."""
        wanted = image.get("slack_file") or {}
        for one in self.workspace.files.values():
            if one.id == wanted.get("id") or (wanted.get("url") and one.url == wanted["url"]):
                return picture(one)
        return None

    def question(self, confirm: Json) -> Json:
        return {
            "title": confirm["title"]["text"],
            "text": str(markup.text(confirm["text"], self.words)),
            "ok": confirm["confirm"]["text"],
            "no": confirm["deny"]["text"],
            "style": confirm.get("style", ""),
        }

    def state(self, element: Json) -> list[str]:
        """What is chosen or filled in now: values, ids or the text."""
        chosen = next((one for (_, action), one in self.picked.items() if action == element["action_id"]), None)
        now = chosen or initial(element)
        value = next((one for key, one in now.items() if key not in ("type", "timezone")), None)
        several = value if isinstance(value, list) else [value] if value not in (None, "") else []
        return [str(one["value"]) if isinstance(one, dict) else str(one) for one in several]

    def options(self, element: Json) -> list[Json]:
        """Groups of (value, text) that a select offers; the group without a label is the only one."""
        workspace, kind = self.workspace, str(element["type"])
        if "users" in kind:
            people = [(one.id, one.real_name) for one in workspace.users.values() if one.id != SLACKBOT]
            return [{"label": "", "options": people}]
        if "conversations" in kind or "channels" in kind:
            rooms = [(one.id, f"#{one.name}") for one in workspace.channels.values() if one.kind == "public"]
            return [{"label": "", "options": rooms}]
        groups = element.get("option_groups") or [{"options": options(element)}]
        return [
            {
                "label": str((group.get("label") or {}).get("text", "")),
                "options": [(str(one["value"]), str(one["text"]["text"])) for one in group["options"]],
            }
            for group in groups
        ]


def picture(file: SlackFile) -> Json:
    width, height = dimensions(file.content)
    return {"url": f"/file/{file.id}", "width": width, "height": height}


def dimensions(content: bytes) -> tuple[int, int]:
    """Of a PNG, so that what is below does not jump when it arrives; (0, 0) for what is none."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) > 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    return 0, 0
