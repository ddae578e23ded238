"""Text that comes in from people and far ends: cleaned, and dead where it only looks like a mention or a link.

Within the house ``<@U…>``, ``<#C…>`` and ``<https://…|label>`` in a sentence are a mention, a channel and a link that
somebody really made. What merely looks like one, because it was typed out or quoted, has a character of no width after
its ``<`` from the moment it comes in: no later reader can take it for a living one.
"""

from __future__ import annotations

import re

DEAD = "\u200b"
"""Stands after the ``<`` of whatever only looks like a mention or a link."""

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters, and the marks that turn the direction of writing: neither is ever meant, both can deceive.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1e\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_HALVES = re.compile("[\ud800-\udfff]")
_ALIVE = re.compile(r"<(?=[@#]|[A-Za-z]{2,10}:)")
_ESCAPED = re.compile(r"&lt;(?=[@#]|[A-Za-z]{2,10}:)")


def clean(text: str) -> str:
    """Without control characters, direction marks and lone surrogates; every kind of line break as one ``\\n``."""
    if text.isascii() and text.isprintable():
        return text
    text = _UNSEEN.sub("", _BREAKS.sub("\n", text))
    return whole(text)


def whole(text: str) -> str:
    """Without lone surrogates, which no encoding can write."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def literal(text: str) -> str:
    """Text of which nobody made a mention or a link: what looks like one in it is none."""
    return _ALIVE.sub("<" + DEAD, text)


def delivered(text: str) -> str:
    """Text as Slack delivers it: three characters escaped where they were typed, mentions and links in brackets."""
    text = _ESCAPED.sub("&lt;" + DEAD, text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
