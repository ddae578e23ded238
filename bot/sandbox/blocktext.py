"""Block Kit and mrkdwn as lines of plain text: what a person would see, without the colours."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.slack.mrkdwn import DATES, emoji, unescape

Json = dict[str, Any]

_TOKEN = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Names:
    """Who is meant by an id; unknown ids come back as they are."""

    user: Callable[[str], str]
    channel: Callable[[str], str]
    group: Callable[[str], str]


def mrkdwn_as_text(text: str, names: Names) -> str:
    """Tokens resolved (mentions by name, dates in UTC), entities decoded; `*bold*` and the like stay as written."""
    out, at = [], 0
    for hit in _TOKEN.finditer(text):
        out += [unescape(text[at : hit.start()]), _token(hit[1], names)]
        at = hit.end()
    out.append(unescape(text[at:]))
    return emoji("".join(out))


def _token(inner: str, names: Names) -> str:
    what, _, label = inner.partition("|")
    if what.startswith("@"):
        return f"@{names.user(what[1:])}"
    if what.startswith("#"):
        return f"#{names.channel(what[1:])}"
    if what.startswith("!date^"):
        return date_as_text(what, label)
    if what.startswith("!subteam^"):
        return f"@{names.group(what.removeprefix('!subteam^'))}"
    if what.startswith("!"):
        return f"@{what[1:].partition('^')[0]}"
    if not label or label == what:
        return unescape(what.removeprefix("mailto:"))
    return f"{unescape(label)} ({unescape(what)})"


def date_as_text(token: str, fallback: str) -> str:
    """`!date^<seconds>^<format>^<link>` in UTC; the fallback where Slack would show it."""
    parts = token.split("^")
    try:
        when = datetime.fromtimestamp(int(parts[1]), UTC)
        wanted = parts[2]
    except (IndexError, ValueError, OverflowError):
        return unescape(fallback)
    unknown = [one for one in re.findall(r"{(\w+)}", wanted) if one not in DATES and one != "ago"]
    if unknown:
        return unescape(fallback)

    def part(hit: re.Match[str]) -> str:
        return when.strftime(DATES.get(hit[1], "%Y-%m-%d %H:%M"))

    return unescape(re.sub(r"{(\w+)}", part, wanted))


def lines(blocks: Iterable[Json], names: Names, width: int = 96) -> Iterator[str]:
    """The blocks as lines no longer than `width`, as far as words can be broken."""
    for block in blocks:
        yield from _block(block, names, width)


def wrapped(text: str, width: int) -> Iterator[str]:
    for line in text.split("\n"):
        pieces = textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
        yield from pieces or [""]


def _text(said: Json | None, names: Names) -> str:
    if not said:
        return ""
    text = str(said.get("text", ""))
    return mrkdwn_as_text(text, names) if said.get("type") == "mrkdwn" else emoji(text)


def _block(block: Json, names: Names, width: int) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield from wrapped(_text(block["text"], names), width)
        case "section":
            if block.get("text"):
                yield from wrapped(_text(block["text"], names), width)
            yield from _fields([_text(one, names) for one in block.get("fields") or ()], width)
            if block.get("accessory"):
                yield element_as_text(block["accessory"], names)
        case "divider":
            yield "─" * min(width, 40)
        case "context":
            said = [
                f"({one['alt_text']})" if one["type"] == "image" else _text(one, names) for one in block["elements"]
            ]
            yield from wrapped(" · ".join(said), width)
        case "actions":
            yield from wrapped("  ".join(element_as_text(one, names) for one in block["elements"]), width)
        case "input":
            optional = " (optional)" if block.get("optional") else ""
            yield f"{_text(block['label'], names)}{optional}: {element_as_text(block['element'], names)}"
            if block.get("hint"):
                yield from wrapped(f"  {_text(block['hint'], names)}", width)
        case "image":
            title = _text(block.get("title"), names)
            yield f"(picture: {block['alt_text']}{f' · {title}' if title else ''})"
        case "markdown":
            yield from wrapped(emoji(block["text"]), width)
        case "table":
            yield from _table(block, names)
        case "rich_text":
            yield from wrapped(rich_as_text(block, names), width)


def element_as_text(one: Json, names: Names) -> str:
    """A control as it looks untouched: `[Button]`, `[Choose ▾]`, `[____]`."""
    kind = one["type"]
    hint = _text(one.get("placeholder"), names)
    options = one.get("options") or []
    chosen = {str(each["value"]) for each in [one.get("initial_option"), *(one.get("initial_options") or [])] if each}

    def box(on: str, off: str) -> str:
        return "  ".join(f"{on if each['value'] in chosen else off} {_text(each['text'], names)}" for each in options)

    if kind == "button":
        return f"[{_text(one['text'], names)}]"
    if kind == "image":
        return f"(picture: {one['alt_text']})"
    if kind == "overflow":
        return "[⋯ " + " / ".join(_text(each["text"], names) for each in options) + "]"
    if kind == "checkboxes":
        return box("☑", "☐")
    if kind == "radio_buttons":
        return box("●", "○")
    if kind.endswith("_select"):
        initial = one.get("initial_option")
        return f"[{_text(initial['text'], names) if initial else hint or 'Choose'} ▾]"
    if kind in ("datepicker", "timepicker", "datetimepicker"):
        initial = one.get("initial_date") or one.get("initial_time") or one.get("initial_date_time")
        return f"[{initial or hint or 'Choose a time'} ▾]"
    return f"[{one.get('initial_value') or hint or '____'}]"


def _fields(fields: list[str], width: int) -> Iterator[str]:
    """Two columns, as Slack sets them on a wide screen."""
    half = width // 2
    for index in range(0, len(fields), 2):
        pair = [list(wrapped(one, half - 2)) for one in fields[index : index + 2]]
        left, right = pair[0], pair[1] if len(pair) > 1 else []
        for row in range(max(len(left), len(right))):
            first = left[row] if row < len(left) else ""
            second = right[row] if row < len(right) else ""
            yield f"{first:<{half}}{second}".rstrip()


def _table(block: Json, names: Names) -> Iterator[str]:
    def cell(one: Json) -> str:
        match one["type"]:
            case "rich_text":
                return rich_as_text(one, names)
            case "raw_number":
                return str(one.get("text", one["value"]))
            case _:
                return str(one["text"])

    rows = [[cell(one).replace("\n", " ") for one in row] for row in block["rows"]]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    aligned = [(one or {}).get("align", "left") for one in block.get("column_settings") or []]
    aligned += ["left"] * (len(widths) - len(aligned))
    marks = {"left": "<", "center": "^", "right": ">"}
    for row in rows:
        yield " │ ".join(
            f"{said:{marks[align]}{wide}}" for said, wide, align in zip(row, widths, aligned, strict=False)
        ).rstrip()


def rich_as_text(block: Json, names: Names) -> str:
    """A rich_text block, list or section as text."""

    def inline(one: Json) -> str:
        match one["type"]:
            case "text":
                return str(one["text"])
            case "link":
                return f"{one['text']} ({one['url']})" if one.get("text") else str(one["url"])
            case "user":
                return f"@{names.user(one['user_id'])}"
            case "usergroup":
                return f"@{names.group(one['usergroup_id'])}"
            case "channel":
                return f"#{names.channel(one['channel_id'])}"
            case "broadcast":
                return f"@{one['range']}"
            case "emoji":
                return emoji(f":{one['name']}:")
            case "date":
                return date_as_text(f"!date^{one['timestamp']}^{one['format']}", one.get("fallback", ""))
            case _:
                return str(one.get("value", ""))

    def part(one: Json) -> str:
        match one["type"]:
            case "rich_text_list":
                ordered = one["style"] == "ordered"
                indent = "  " * one.get("indent", 0)
                start = one.get("offset", 0) + 1
                return "\n".join(
                    f"{indent}{f'{number}.' if ordered else '•'} {part(each)}"
                    for number, each in enumerate(one["elements"], start)
                )
            case "rich_text_quote":
                return "\n".join(f"▌ {line}" for line in "".join(map(inline, one["elements"])).split("\n"))
            case _:
                return "".join(map(inline, one["elements"]))

    return "\n".join(part(one) for one in block["elements"])
