"""Slack's own text markup, one string at a time: make outside text harmless, shorten it safely, read it back as plain.

Slack reads three characters specially, ``& < >``, in ``mrkdwn`` as in ``plain_text``, and decodes their three entities
once. Escaped text is kept as ``Markup``; everything that is not ``Markup`` came from outside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.domain.masking import mask
from bot.domain.tokens import clean, delivered

BREAK = "\x1f"
"""Stands for a line break inside a value until the output has been cut into lines: so no value can begin a line."""

MOST = 12_000
"""Characters of one value that can possibly be shown: Slack takes about 12,000 for a whole message."""

_MARGIN = 4_000  # read beyond MOST and thrown away after masking, so that no secret is cut in half at the edge
_TOKENS = re.compile(r"(<[^<>\n]{1,3500}>)")
_ATOMS = re.compile(r"<[^<>\n]{1,3500}>|&(?:amp|lt|gt);")
_TOKEN = re.compile(
    r"""<(?: @[UW][A-Z0-9]{1,30}
          | \#[CGD][A-Z0-9]{1,30} (?:\|[^<>|]*)?
          | !subteam\^S[A-Z0-9]{1,30}
          | !(?:here|channel|everyone)
          | !date\^-?\d{1,12}\^[^<>|^]{1,100}\|[^<>|]{1,100}
          | https?://[^<>|\s]{1,3000} (?:\|[^<>]{0,500})?
        )>""",
    re.VERBOSE,
)
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")


def escape(text: str) -> str:
    """The three characters as entities; quotes stay, because Slack would show their entities as they are."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def straighten(markup: str) -> str:
    """Undo what markupsafe does to quotes when plain text is joined to Markup (``~``, ``+``, ``join``, ``replace``).

    Unambiguous: the same five characters in outside text were escaped to ``&amp;#34;``.
    """
    markup = str(markup)  # Markup.replace would escape the quotes once more
    if "&#" in markup:
        return markup.replace("&#34;", '"').replace("&#39;", "'")
    return markup


def admit(text: str) -> str:
    """Outside text on its way into a message: bounded, clean, masked, escaped, its line breaks as ``BREAK``."""
    text = clean(text[: MOST + _MARGIN])
    return escape(mask(text)[:MOST]).replace("\n", BREAK)


def settle(markup: str, newline: str = "\n") -> str:
    """The last look at one string of a message: only well-formed tokens keep their brackets, and no secret shows.

    Secrets are looked for once more because a name and its value can be two values that only meet here.
    """
    markup = clean(straighten(markup).replace(BREAK, newline))
    if "<" not in markup:
        return _settle_plain(markup)
    # split() with one group: texts at even places, what may be a token at odd ones.
    pieces = _TOKENS.split(markup)
    return "".join(
        piece if i % 2 and _TOKEN.fullmatch(piece) else _settle_plain(piece) for i, piece in enumerate(pieces)
    )


def _settle_plain(text: str) -> str:
    if "&" in text:
        text = _AMPERSAND.sub("&amp;", text)
    return mask(text).replace("<", "&lt;")


def size(text: str) -> int:
    """Length in UTF-16 units, the longest of the ways in which a far end may count characters."""
    if text.isascii():
        return len(text)
    return len(text) + sum(1 for c in text if c > "\uffff")


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` long, cut with ``…`` where no token, entity or code is cut through; open code is closed."""
    if size(text) <= limit:
        return text
    room = max(limit - 1, 0)
    for reserve in (0, 1, 4):  # for nothing, a backtick, a fence to close
        head = _head(text, room - reserve)
        closing = _closing(head)
        if len(closing) <= reserve:
            return (head.rstrip() + "…" + closing) if limit > 0 else ""
    return "…"  # pragma: no cover - a closing is never longer than the last reserve


def _head(text: str, room: int) -> str:
    end = max(room, 0)
    while size(text[:end]) > room and end > 0:
        end -= max(1, (size(text[:end]) - room) // 2)
    whole = 0  # where the last token or entity that is kept ends
    for atom in _ATOMS.finditer(text[: end + 3600]):
        if atom.end() > end:
            end = min(end, atom.start())
            break
        whole = atom.end()
    space = max(text.rfind(" ", whole, end), text.rfind("\n", whole, end))
    if space >= 0 and end - space <= min(40, end // 2):
        end = space
    if 0 < end < len(text) and text[end] == "`":
        end = len(text[:end].rstrip("`"))  # not through a fence
    return text[:end]


def _closing(head: str) -> str:
    parts = head.split("```")
    if len(parts) % 2 == 0:
        return "\n```" if "\n" in head else "```"  # what is one line stays one
    return "`" if sum(part.count("`") for part in parts[::2]) % 2 else ""


_DATE = re.compile(r"<!date\^[^|<>]*\|([^<>]*)>")
_LINK = re.compile(r"<(https?://[^<>|]*)\|([^<>]*)>")
_BARE = re.compile(r"<(https?://[^<>|]*)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)>")
_CHANNEL = re.compile(r"<#([CGD][A-Z0-9]+)(?:\|([^<>]*))?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)>")
_WIDE = re.compile(r"<!(here|channel|everyone)>")
_BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
_CODE = re.compile(r"`([^`\n]+)`")


def recorded(text: str) -> str:
    """The text of a message as a record keeps it: outside text as it came, our own mentions, channels and links.

    Whatever came from outside and looks like one is none any more: a character of no width stands in it.
    """
    return delivered(_DATE.sub(r"\1", text))


def plain(text: str, names: Mapping[str, str] | None = None) -> str:
    """What a reader would see, without markup: for terminals and files. ``names``: user and channel ids → names."""
    known = names or {}
    text = _DATE.sub(r"\1", text)
    text = _LINK.sub(lambda m: m[2] if m[1] == m[2] else f"{m[2]} ({m[1]})", text)
    text = _BARE.sub(r"\1", text)
    text = _USER.sub(lambda m: "@" + escape(known.get(m[1], m[1])), text)
    text = _CHANNEL.sub(lambda m: "#" + (m[2] or escape(known.get(m[1], m[1]))), text)
    text = _GROUP.sub(lambda m: "@" + escape(known.get(m[1], m[1])), text)
    text = _WIDE.sub(r"@\1", text)
    parts = text.split("```")
    parts[::2] = [_CODE.sub(r"\1", _BOLD.sub(r"\1", part)) for part in parts[::2]]
    return unescape("".join(parts))


_ESCAPED_NAME = re.compile(r"&lt;(@[UW][A-Z0-9]{1,30}|#[CGD][A-Z0-9]{1,30})(?:\|[^&]{0,200})?&gt;")
_ESCAPED_LINK = re.compile(
    r"&lt;(https?://(?:[^\s|&<>\"`\x1f]|&amp;){1,2900})(?:\|((?:[^&<>|\n\x1f]|&amp;){1,400}))?&gt;", re.IGNORECASE
)
_NAME = re.compile(r"<[@#]([UWCGD][A-Z0-9]{1,30})(?:\|([^<>|]{0,200}))?>")
_ANY_LINK = re.compile(r"<(https?://[^\s<>|]{1,2900})(?:\|([^<>|\n]{1,400}))?>", re.IGNORECASE)


def alive(markup: str) -> str:
    """Escaped text in which mentions of people and channels and links are tokens again; everything else stays text."""
    markup = _ESCAPED_LINK.sub(lambda found: f"<{found[1]}|{found[2]}>" if found[2] else f"<{found[1]}>", markup)
    return _ESCAPED_NAME.sub(r"<\1>", markup)


def named(text: str, names: Mapping[str, str]) -> str:
    """Text for a file: people and channels by their names, where those are known, links as label and address."""
    text = _ANY_LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], text)
    return _NAME.sub(lambda found: str(names.get(found[1], found[2] or found[1])), text)
