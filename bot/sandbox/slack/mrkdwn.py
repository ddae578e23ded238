"""Slack's text: what its tokens mean, who would be pinged by it, and how what a person types becomes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.sandbox.slack.model import Json

_PING = re.compile(
    r"<(?:@(?P<user>[UW][A-Z0-9]+)|!subteam\^(?P<group>S[A-Z0-9]+)|!(?P<all>channel|here|everyone))"
    r"(?:\^[^<>|]*)?(?:\|[^<>]*)?>"
)
_TOKEN = re.compile(r"<([^<>]*)>")
_TYPED = re.compile(r"(?P<mark>[@#])(?P<name>[a-z0-9][a-z0-9._-]*)|(?P<url>https?://[^\s<>|]+)", re.IGNORECASE)


def escape(text: str) -> str:
    """`& < >` as the client escapes what a person types."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def texts(node: object) -> Iterator[tuple[str, str]]:
    """Every piece of text in blocks or attachments as `(kind, text)`, in order.

    Kinds: `mrkdwn` and `markdown` (tokens are live), `plain` (they are not).
    """
    if isinstance(node, list | tuple):
        for one in node:
            yield from texts(one)
    elif isinstance(node, dict):
        kind, text = node.get("type"), node.get("text")
        if isinstance(text, str):
            yield {"mrkdwn": "mrkdwn", "markdown": "markdown"}.get(str(kind), "plain"), text
        for key, value in node.items():
            if isinstance(value, dict | list | tuple) and key != "metadata":
                yield from texts(value)


def characters(blocks: Iterable[Json]) -> int:
    """How many characters of text the blocks hold together, the figure `msg_blocks_too_long` is about."""
    return sum(len(text) for _, text in texts(list(blocks)))


def pings(text: str, blocks: Sequence[Json] = (), attachments: Sequence[Json] = ()) -> tuple[str, ...]:
    """Who a message would ping, each once, as found: user ids, `group:S…`, `channel`, `here`, `everyone`."""
    found: dict[str, None] = {}

    def look(piece: str) -> None:
        for hit in _PING.finditer(piece):
            who = hit["user"] or (f"group:{hit['group']}" if hit["group"] else hit["all"])
            found.setdefault(who)

    look(text)
    for kind, piece in texts(list(blocks)):
        if kind != "plain":
            look(piece)
    _rich(list(blocks), found.setdefault)
    for attachment in attachments:
        for key in ("text", "pretext", "fallback"):
            look(str(attachment.get(key) or ""))
        for line in attachment.get("fields") or ():
            look(str(line.get("value") or ""))
        for who in pings("", attachment.get("blocks") or ()):
            found.setdefault(who)
    return tuple(found)


def _rich(node: object, add: Callable[[str], object]) -> None:
    """Rich text carries its mentions as elements of their own."""
    if isinstance(node, list | tuple):
        for one in node:
            _rich(one, add)
    elif isinstance(node, dict):
        match node.get("type"):
            case "user" if "user_id" in node:
                add(str(node["user_id"]))
            case "usergroup" if "usergroup_id" in node:
                add(f"group:{node['usergroup_id']}")
            case "broadcast" if "range" in node:
                add(str(node["range"]))
        for value in node.values():
            _rich(value, add)


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
