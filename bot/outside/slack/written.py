"""What a message says, wherever its sender put it: monitoring bots leave the text empty and fill other parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bot.outside.slack.api import Json

MOST: Final = 4_000
"""Characters of a message without text of its own: enough to know it by; its link leads to the whole."""

_DEEP: Final = 12
_PLAIN: Final = ("plain_text", "text")


def written(message: Json) -> str:
    """Its text; without one the words of its blocks, else of its attachments, else the names of its files.

    As Slack writes text: three characters escaped, mentions and links in brackets.
    """
    for found in (_said(message), _lines(message.get("attachments"), _attachment), _lines(message.get("files"), _file)):
        if found.strip():
            return found[:MOST] if found != message.get("text") else found
    return ""


def _said(part: Json) -> str:
    return _word(part, "text") or _lines(part.get("blocks"), lambda block: _one(_words(block, 0)))


def _attachment(part: Json) -> str:
    own = [_word(part, name) for name in ("pretext", "title", "text")]
    fields = [f"{_word(each, 'title')}: {_word(each, 'value')}" for each in _parts(part.get("fields"))]
    inner = _lines(part.get("blocks"), lambda block: _one(_words(block, 0)))
    found = "\n".join(each for each in [*own, *fields, inner] if each.strip(": \n"))
    return found or _word(part, "fallback")


def _file(part: Json) -> str:
    return _escaped(_word(part, "title") or _word(part, "name"))


def _words(block: Any, depth: int) -> Iterator[str]:
    """Every text within a block, in the order in which it stands there."""
    if isinstance(block, list):
        for each in block:
            yield from _words(each, depth + 1)
    elif isinstance(block, dict) and depth < _DEEP:
        kind = block.get("type")
        match kind:
            case "mrkdwn":
                yield _word(block, "text")
            case "user":
                yield f"<@{_word(block, 'user_id')}>"
            case "channel":
                yield f"<#{_word(block, 'channel_id')}>"
            case "link":
                label = _escaped(_word(block, "text"))
                yield f"<{_escaped(_word(block, 'url'))}{'|' + label if label else ''}>"
            case "emoji":
                yield f":{_word(block, 'name')}:"
            case "actions":
                return
            case _ if kind in _PLAIN:
                yield _escaped(_word(block, "text"))
            case _:
                for name in ("title", "text", "fields", "elements", "alt_text"):
                    inner = block.get(name)
                    if isinstance(inner, str):
                        yield _escaped(inner)
                    else:
                        yield from _words(inner, depth + 1)


def _one(words: Iterator[str]) -> str:
    return " ".join(each for each in (word.strip() for word in words) if each)


def _lines(parts: Any, said: Any) -> str:
    return "\n".join(each for each in map(said, _parts(parts)) if each)


def _parts(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, dict)][:50] if isinstance(value, list) else []


def _word(part: Json, name: str) -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
