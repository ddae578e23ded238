"""How values are said: the filters and functions of the templates, once for Slack and once for Markdown files.

The names are the same in both, so that a line can move from a card to a file. A filter never raises for the sake of a
value it does not understand: it says the value as text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from bot.domain.masking import mask, mask_data
from bot.domain.tokens import clean
from bot.domain.words import quoted
from bot.messages.mrkdwn import BREAK, admit, alive, escape, named, shorten, straighten

NOTHING = "–"
_MILLISECONDS = 1e11  # beyond it (in seconds: the year 5138) a number of the queues can only be milliseconds
_NEAR = timedelta(hours=12)  # a time of day is clear without its date as long as there is only one such hour


@dataclass(frozen=True, slots=True)
class Words:
    """What one environment's templates may call."""

    filters: Mapping[str, Callable[..., Any]]
    functions: Mapping[str, Callable[..., Any]]


def spoken(value: Any, files: bool = False) -> str:
    """Any value as text; Markup where it is a time (Slack's date token)."""
    if isinstance(value, str):
        return value
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return utc(value) if files else token(value, datetime.now(UTC))
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0") if math.isfinite(value) and abs(value) < 1e15 else str(value)
    if isinstance(value, Enum):
        return spoken(value.value, files)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(spoken(each, True)) for each in value)
    return str(value)


# --- times ----------------------------------------------------------------------------------------------------------


def as_datetime(value: Any) -> datetime | None:
    """An aware datetime in UTC of a datetime, ISO text, or seconds or milliseconds since 1970; None when it is none."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = datetime.fromtimestamp(value / 1000 if abs(value) > _MILLISECONDS else value, UTC)
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def utc(value: Any) -> str:
    """``2025-11-23 02:14 UTC``: for records and files."""
    at = as_datetime(value)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else spoken_or_raise(value)


def token(value: Any, now: datetime) -> str:
    """A time that each reads in their own zone; with its date when it is not of this half day."""
    at = as_datetime(value)
    if at is None:
        return spoken_or_raise(value)
    if abs(at - now) < _NEAR:
        shape, fallback = "{time}", f"{at:%H:%M} UTC"
    else:
        shape, fallback = "{date_short_pretty} {time}", utc(at)
    return Markup(f"<!date^{math.floor(at.timestamp())}^{shape}|{fallback}>")


def spoken_or_raise(value: Any) -> str:
    return str(value) if isinstance(value, Undefined | datetime) else spoken(value)


@pass_context
def _when(context: Context, value: Any) -> str:
    return token(value, as_datetime(context.get("now")) or datetime.now(UTC))


@pass_context
def _ago(context: Context, value: Any) -> str:
    """How far away a time is, either way: ``14 min``. The template says "ago" or "in"."""
    at = as_datetime(value)
    now = as_datetime(context.get("now")) or datetime.now(UTC)
    return duration_text(abs(now - at)) if at else spoken_or_raise(value)


def duration_text(value: Any) -> str:
    """A timedelta or seconds as two units at most: ``3 s``, ``14 min``, ``2 h 5 min``, ``3 d 4 h``."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return spoken_or_raise(value)
    minus, value = ("−", -value) if value < 0 else ("", value)
    if 0 < value < 0.95:
        return f"{minus}{max(value, 0.1):.1f} s"
    seconds = round(value)
    if seconds < 60:
        return f"{minus if seconds else ''}{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minus}{minutes} min"
    (large, small), units = (divmod(minutes, 60), "h min") if minutes < 1440 else (divmod(minutes // 60, 24), "d h")
    first, second = units.split()
    return f"{minus}{large:,} {first}" + (f" {small} {second}" if small else "")


# --- numbers --------------------------------------------------------------------------------------------------------


def number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return spoken_or_raise(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}".removesuffix(".0")


def plural(count: Any, one: str, many: str | None = None) -> str:
    """``1 job``, ``37 jobs``; ``many`` where an s does not do."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def percent(value: Any) -> str:
    """A share (0.2) as ``20%``; what is neither none nor all never reads as 0% or 100%."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return spoken_or_raise(value)
    rounded = round(value * 100)
    if 0 < value < 1:
        rounded = min(max(rounded, 1), 99)
    return f"{rounded:,}%"


def signed(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return spoken_or_raise(value)
    return f"+{number(value)}" if value > 0 else f"−{number(-value)}" if value < 0 else "±0"


def progress(done: Any, total: Any, width: int = 10) -> str:
    """``▓▓▓▓▓▓░░░░``; full only when all is done, empty only when nothing is."""
    done, total = (max(float(x), 0.0) if isinstance(x, int | float) else 0.0 for x in (done, total))
    share = min(done / total, 1.0) if total > 0 else 0.0
    full = int(share * width + 1e-9)
    if share > 0 and full == 0:
        full = 1
    return "▓" * full + "░" * (width - full)


# --- words ----------------------------------------------------------------------------------------------------------


def cut(value: Any, limit: int = 80) -> str:
    """At most ``limit`` characters, ending in ``…`` when shortened. Masked first: half a secret is no longer known."""
    if isinstance(value, Markup):
        return Markup(shorten(straighten(value), limit))
    text = clean(spoken_or_raise(value)[: limit * 4 + 4_000])
    return shorten(mask(text), limit)


def arg(value: Any) -> str:
    """One word of a sentence, in double quotes where it needs them."""
    return quoted(clean(spoken_or_raise(value)))


def columns(rows: Iterable[Sequence[Any]], head: Sequence[Any] | None = None) -> str:
    """Rows as aligned columns in a code block; numbers to the right."""
    lines = [[_cell(each) for each in row] for row in ([head] if head else []) + list(rows)]
    width = max((len(line) for line in lines), default=0)
    lines = [line + [""] * (width - len(line)) for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(width)]
    right = [all(re.fullmatch(r"[+−-]?[\d,.]+%?|–|", line[i]) for line in lines[bool(head) :]) for i in range(width)]
    text = "\n".join(
        "  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip()
        for line in lines
    )
    return pre(text)


def _cell(value: Any) -> str:
    text = value if isinstance(value, Markup) else mask(clean(spoken(value, True)))
    return shorten(" ".join(str(text).split()), 40)


def _code(value: Any) -> Markup:
    text = straighten(value) if isinstance(value, Markup) else admit(spoken_or_raise(value))
    text = text.replace(BREAK, " ").replace("\n", " ").replace("`", "ˋ").strip()
    return Markup(f"`{text}`" if text else NOTHING)


def pre(value: Any) -> Markup:
    """A block of code; three backticks inside cannot end it."""
    text = straighten(value) if isinstance(value, Markup) else admit(spoken_or_raise(value))
    return Markup(f"```\n{text.replace('`', 'ˋ').strip(BREAK) or NOTHING}\n```")


def _quote(value: Any) -> Markup:
    text = straighten(value) if isinstance(value, Markup) else admit(spoken_or_raise(value))
    return Markup("\n".join(f"> {line}" for line in re.split(f"[\n{BREAK}]", text)))


def _address(url: Any) -> str | None:
    """The URL when it can be linked: http or https, a host, no white space; its secrets masked."""
    text = clean(str(url)).strip()
    if not re.fullmatch(r"https?://[^\s<>\"`\\]{1,2900}", text, re.IGNORECASE):
        return None
    try:
        host = urlsplit(text).hostname
    except ValueError:
        return None
    return mask(text).replace("|", "%7C") if host else None


def _link(url: Any, text: Any = None) -> Markup:
    label = straighten(text) if isinstance(text, Markup) else admit(spoken_or_raise(url if text is None else text))
    label = re.sub(f"[\n{BREAK}]+", " ", label).strip()
    address = _address(url)
    if not address or not label or "<" in label:
        return Markup(label)
    return Markup(f"<{escape(address)}|{shorten(label, 400)}>")


def _named(pattern: str, form: str) -> Callable[[Any], str]:
    known = re.compile(pattern)

    def said(value: Any) -> str:
        text = spoken_or_raise(value)
        return Markup(form.format(text)) if known.fullmatch(text) else text

    return said


_USER, _GROUP, _CHANNEL = "[UW][A-Z0-9]{1,30}", "S[A-Z0-9]{1,30}", "[CGD][A-Z0-9]{1,30}"
_user, _group, _channel = _named(_USER, "<@{}>"), _named(_GROUP, "<!subteam^{}>"), _named(_CHANNEL, "<#{}>")


def _ping(value: Any) -> str:
    """Whom the catalogue wants called: a user, a user group, or ``here`` or ``channel``. Only for its own settings."""
    text = spoken_or_raise(value)
    if text in ("here", "channel"):
        return Markup(f"<!{text}>")
    return _user(_group(text))


def pretty(value: Any) -> str:
    """Data as indented JSON, secrets masked by the names of their keys as well as by their looks."""
    if isinstance(value, str):
        return value
    return json.dumps(mask_data(value), indent=2, ensure_ascii=False, default=str)


def _naming(value: Any) -> Markup:
    """A sentence that names people, channels and links: those tokens stay, everything else in it is outside text.

    What somebody merely typed out is no token any more since it came in (``tokens.literal``).
    """
    text = straighten(value) if isinstance(value, Markup) else admit(spoken_or_raise(value))
    return Markup(alive(text))


def _option(pair: Any) -> dict[str, Any]:
    label, value = (pair, pair) if isinstance(pair, str) else pair
    return {"text": {"type": "plain_text", "text": spoken_or_raise(label), "emoji": True}, "value": value}


def _chosen(options: Iterable[Any], initial: Any) -> dict[str, Any] | None:
    found = (option for option in map(_option, options) if initial is not None and option["value"] == initial)
    return next(found, None)


# --- Markdown files ---------------------------------------------------------------------------------------------------


def escape_markdown(text: str) -> str:
    """Outside text inside a line of Markdown: shown as it is, no markup of its own, no line break."""
    text = " ".join(text.split("\n"))
    text = re.sub(r"([\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)
    text = re.sub(r"^(\s*)([#+>-]|\d+(?=[.)]\s))", r"\1\\\2", text) if re.match(r"\s*[#+>-]", text) else text
    return re.sub(r"&(?=#?\w{1,32};)", "&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def _file_code(value: Any) -> Markup:
    text = " ".join(mask(clean(spoken_or_raise(value))).split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return Markup(f"{fence}{pad}{text}{pad}{fence}" if text else NOTHING)


def _file_pre(value: Any) -> Markup:
    text = mask(clean(spoken_or_raise(value))).strip("\n")
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return Markup(f"{fence}\n{text}\n{fence}")


def _file_quote(value: Any) -> Markup:
    lines = mask(clean(spoken_or_raise(value))).split("\n")
    return Markup("\n".join(f"> {escape_markdown(line)}" for line in lines))


def _file_link(url: Any, text: Any = None) -> Markup:
    label = escape_markdown(mask(clean(spoken_or_raise(url if text is None else text))))
    address = _address(url)
    return Markup(f"[{label}](<{address}>)" if address else label)


@pass_context
def _file_name(context: Context, value: Any) -> str:
    """A user, group or channel by its name, where the facts hold ``names``: in a file nobody resolves an id."""
    text = spoken_or_raise(value)
    names = context.get("names")
    return str(names.get(text, text)) if isinstance(names, Mapping) else text


@pass_context
def _file_naming(context: Context, value: Any) -> str:
    """A sentence of our own that names people: by their names, where the facts hold them."""
    names = context.get("names")
    return named(spoken_or_raise(value), names if isinstance(names, Mapping) else {})


_BOTH: dict[str, Callable[..., Any]] = {
    "ago": _ago,
    "duration": duration_text,
    "number": number,
    "plural": plural,
    "percent": percent,
    "signed": signed,
    "pretty": pretty,
    "cut": cut,
    "arg": arg,
    "utc": utc,
}

SLACK = Words(
    filters={
        **_BOTH,
        "user": _user,
        "group": _group,
        "channel": _channel,
        "ping": _ping,
        "when": _when,
        "code": _code,
        "pre": pre,
        "quote": _quote,
        "naming": _naming,
        "link": _link,
        "option": _option,
        "chosen": _chosen,
    },
    functions={"progress": progress, "link": _link, "columns": columns},
)
MARKDOWN = Words(
    filters={
        **_BOTH,
        "user": _file_name,
        "group": _file_name,
        "channel": _file_name,
        "when": utc,
        "code": _file_code,
        "pre": _file_pre,
        "quote": _file_quote,
        "naming": _file_naming,
        "link": _file_link,
    },
    functions={"progress": progress, "link": _file_link},
)
