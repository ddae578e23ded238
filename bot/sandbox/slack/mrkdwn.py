"""Slack's text: entities, emoji, the forms of dates, and how what a person types becomes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

_TOKEN = re.compile(r"<([^<>]*)>")
_TYPED = re.compile(r"(?P<mark>[@#])(?P<name>[a-z0-9][a-z0-9._-]*)|(?P<url>https?://[^\s<>|]+)", re.IGNORECASE)
_EMOJI = re.compile(r":([a-z0-9_+-]+):")
#: The few signs a bot for incidents is likely to use. Others stay as they are written.
_SIGNS = {
    "red_circle": "🔴",
    "large_red_square": "🟥",
    "large_orange_circle": "🟠",
    "large_yellow_circle": "🟡",
    "large_orange_square": "🟧",
    "large_yellow_square": "🟨",
    "large_green_circle": "🟢",
    "large_green_square": "🟩",
    "large_blue_circle": "🔵",
    "white_circle": "⚪",
    "black_circle": "⚫",
    "white_check_mark": "✅",
    "heavy_check_mark": "✔",
    "x": "❌",
    "no_entry": "⛔",
    "warning": "⚠",
    "rotating_light": "🚨",
    "fire": "🔥",
    "pushpin": "📌",
    "bell": "🔔",
    "pager": "📟",
    "alarm_clock": "⏰",
    "hourglass_flowing_sand": "⏳",
    "stopwatch": "⏱",
    "arrow_forward": "▶",
    "black_square_for_stop": "⏹",
    "double_vertical_bar": "⏸",
    "memo": "📝",
    "lock": "🔒",
    "eyes": "👀",
    "+1": "👍",
}
DATES = {
    "date_num": "%Y-%m-%d",
    "date": "%B %-d, %Y",
    "date_short": "%b %-d, %Y",
    "date_long": "%A, %B %-d, %Y",
    "date_pretty": "%B %-d, %Y",
    "date_short_pretty": "%b %-d, %Y",
    "date_long_pretty": "%A, %B %-d, %Y",
    "time": "%H:%M",
    "time_secs": "%H:%M:%S",
}


def escape(text: str) -> str:
    """`& < >` as the client escapes what a person types."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def emoji(text: str) -> str:
    return _EMOJI.sub(lambda hit: _SIGNS.get(hit[1], hit[0]), text)


def link_names(
    typed: str,
    user: Callable[[str], str | None],
    channel: Callable[[str], str | None],
    *,
    links: bool = False,
) -> str:
    """What a person typed as the client sends it: escaped, `@name` and `#name` that exist turned into tokens.

    `user` and `channel` answer the token for a name, or None when nobody bears it. `links`: URLs become tokens too,
    as they do in slash commands that ask for escaping.
    """

    def token(hit: re.Match[str]) -> str:
        if hit["url"]:
            return f"<{hit[0]}>" if links else hit[0]
        name = hit["name"]
        tail = ""
        while name:  # "@noor." is Noor and a full stop
            known = (user if hit["mark"] == "@" else channel)(name.lower())
            if known is not None:
                return known + tail
            if name[-1] not in "._-":
                break
            name, tail = name[:-1], name[-1] + tail
        return hit[0]

    out, at = [], 0
    for kept in re.finditer(r"<[@#!][^<>]+>", typed):  # tokens a test wrote out itself stay tokens
        out += [_TYPED.sub(token, escape(typed[at : kept.start()])), kept[0]]
        at = kept.end()
    out.append(_TYPED.sub(token, escape(typed[at:])))
    return "".join(out)


def rich_text(text: str) -> Json:
    """The rich_text block Slack's client sends beside what a person said."""
    elements: list[Json] = []
    at = 0

    def plain(piece: str) -> None:
        if piece:
            elements.append({"type": "text", "text": unescape(piece)})

    for hit in _TOKEN.finditer(text):
        plain(text[at : hit.start()])
        at = hit.end()
        inner, _, label = hit[1].partition("|")
        if inner.startswith("@"):
            elements.append({"type": "user", "user_id": inner[1:]})
        elif inner.startswith("#"):
            elements.append({"type": "channel", "channel_id": inner[1:]})
        elif inner.startswith("!subteam^"):
            elements.append({"type": "usergroup", "usergroup_id": inner.removeprefix("!subteam^")})
        elif inner.startswith("!"):
            elements.append({"type": "broadcast", "range": inner[1:]})
        else:
            link: Json = {"type": "link", "url": unescape(inner)}
            elements.append(link | ({"text": unescape(label)} if label else {}))
    plain(text[at:])
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}
