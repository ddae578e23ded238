"""Slack's text as HTML: mrkdwn, plain text and rich text. Whatever is not understood is shown as it was written.

All of it may come from outside: every piece is escaped before it becomes Markup, and links lead to http(s) only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup, escape

from bot.sandbox.slack.mrkdwn import DATES, emoji, unescape

Json = dict[str, Any]

SIGNS: Final = {
    "🔴": ("red", "red"),
    "🟠": ("amber", "amber"),
    "🟢": ("green", "green"),
    "⏰": ("due", "due"),
    "📟": ("page", "page"),
    "▶": ("play", "play"),
    "⏹": ("stop", "stop"),
    "📌": ("note", "pinned"),
}
"""The bot's small set of signs, drawn by the page itself: few machines have all of them in their fonts."""

_SIGN = re.compile(f"({'|'.join(SIGNS)})\ufe0f?")
_BAR = re.compile("([▓█]*)([░▒]+)|([▓█]{5,})")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.S)
_CODE = re.compile(r"`([^`\n]+)`")
_TOKEN = re.compile(r"<([^<>\n]+)>")
_URL = re.compile(r"(?<![\w/])https?://[^\s<>\ue000\ue001]*[^\s<>\ue000\ue001.,;:!?)\]'\"]")
_QUOTED = re.compile(r"(?:&gt;|>) ?(.*)")
_TAG = re.compile(r"<(/?)\w[^>]*>")
_KEPT = re.compile("\ue000(\\d+)\ue001")
_STYLES = [
    (
        re.compile(
            rf"(?:(?<=^)|(?<=[\s(\[{{\ue001·–—\"'/,.:;>_~-]))\{mark}(?=\S)([^{mark}\n]*?\S)\{mark}(?![^\W_]|\{mark})"
        ),
        tag,
    )
    for mark, tag in (("*", "strong"), ("_", "em"), ("~", "s"))
]


@dataclass(frozen=True, slots=True)
class PageNames:
    """Who and what is meant by an id, and where on the page it is. `me`: the person who looks."""

    user: Callable[[str], str]
    group: Callable[[str], str]
    channel: Callable[[str], str]
    channel_url: Callable[[str], str]
    link: Callable[[str], str]
    """An address as it is on this page: a permalink of the workspace leads to the message here."""
    me: str = ""
    my_groups: frozenset[str] = frozenset()


def text(said: Json | None, words: PageNames) -> Markup:
    """A text object."""
    if not said:
        return Markup()
    written = str(said.get("text", ""))
    return mrkdwn(written, words) if said.get("type") == "mrkdwn" else plain(written)


def plain(written: str) -> Markup:
    """Text without markup; entities are decoded and signs drawn, as Slack does in plain_text too."""
    return _lines(_drawn(emoji(unescape(written))))


def mrkdwn(written: str, words: PageNames) -> Markup:
    out: list[Markup] = []
    at = 0
    for fence in _FENCE.finditer(written):
        out += [_paragraphs(written[at : fence.start()], words), _pre(fence[1])]
        at = fence.end()
        if written[at : at + 1] == "\n":
            at += 1
    out.append(_paragraphs(written[at:], words))
    return Markup("").join(out)


def _pre(code: str) -> Markup:
    # tabindex: what scrolls sideways must be within the keyboard's reach.
    return Markup('<pre tabindex="0"><code>{}</code></pre>').format(unescape(_TOKEN.sub(_bare, code)))


def _bare(hit: re.Match[str]) -> str:
    target, _, label = hit[1].partition("|")
    return label or target


def _paragraphs(written: str, words: PageNames) -> Markup:
    """Lines, those that begin with > gathered into quotes."""
    out: list[Markup] = []
    lines: list[str] = []
    quote: list[str] = []

    def close() -> None:
        if quote:
            out.append(Markup("<blockquote>{}</blockquote>").format(_inline("\n".join(quote), words)))
            quote.clear()

    def flush() -> None:
        if lines:
            out.append(_inline("\n".join(lines).rstrip("\n"), words))
            lines.clear()

    for line in written.split("\n"):
        if found := _QUOTED.fullmatch(line):
            flush()
            quote.append(found[1])
        else:
            close()
            lines.append(line)
    close()
    flush()
    return Markup("").join(out)


def _inline(written: str, words: PageNames) -> Markup:
    kept: list[Markup] = []

    def keep(made: Markup) -> str:
        kept.append(made)
        return f"\ue000{len(kept) - 1}\ue001"

    written = _KEPT.sub("", written)
    written = _CODE.sub(
        lambda hit: keep(Markup("<code>{}</code>").format(unescape(_TOKEN.sub(_bare, hit[1])))), written
    )
    written = _TOKEN.sub(lambda hit: keep(_token(hit[1], words)), written)
    written = _URL.sub(lambda hit: keep(link(unescape(hit[0]), "", words)), written)
    html = str(_drawn(emoji(unescape(written))))
    for pattern, tag in _STYLES:
        html = pattern.sub(_nested(tag), html)
    html = _KEPT.sub(lambda hit: str(kept[int(hit[1])]) if int(hit[1]) < len(kept) else "", html)
    return _lines(Markup(html))  # every piece of it was escaped above


def _nested(tag: str) -> Callable[[re.Match[str]], str]:
    """Put what was found into a tag, unless tags that were opened outside of it would close inside, or the reverse."""

    def put(hit: re.Match[str]) -> str:
        depth = 0
        for each in _TAG.finditer(hit[1]):
            depth += 0 if each[0].startswith("<br") else -1 if each[1] else 1
            if depth < 0:
                return hit[0]
        return hit[0] if depth else f"<{tag}>{hit[1]}</{tag}>"

    return put


def _lines(html: Markup) -> Markup:
    return Markup(str(html).replace("\n", "<br>"))


def _drawn(written: str) -> Markup:
    """Escaped, with the signs as pictures that have a name, and progress bars as what they are."""
    html = _SIGN.sub(_sign, str(escape(written)))
    return Markup(_BAR.sub(_bar, html))


def _sign(hit: re.Match[str]) -> str:
    kind, name = SIGNS[hit[1]]
    return f'<span class="sign sign-{kind}" role="img" aria-label="{name}"></span>'


def _bar(hit: re.Match[str]) -> str:
    done, left = len(hit[1] or hit[3] or ""), len(hit[2] or "")
    if done + left < 5:
        return hit[0]
    return f'<progress class="bar" aria-label="progress" value="{done}" max="{done + left}"></progress>'


def _token(inner: str, words: PageNames) -> Markup:
    target, _, label = inner.partition("|")
    if target.startswith("@"):
        return mention(words.user(target[1:]), me=target[1:] == words.me)
    if target.startswith("#"):
        return channel(target[1:], words)
    if target.startswith("!subteam^"):
        group = target.removeprefix("!subteam^")
        return mention(words.group(group), me=group in words.my_groups)
    if target.startswith("!date^"):
        _, stamp, form, *url = target.split("^")
        return date(stamp, form, unescape(label), words.link(unescape(url[0])) if url else "")
    if target.startswith("!"):
        return mention(label or target[1:], me=True)
    return link(unescape(target), unescape(label), words)


def mention(name: str, *, me: bool = False) -> Markup:
    return Markup('<span class="{}">@{}</span>').format("mention mine" if me else "mention", name.removeprefix("@"))


def channel(id: str, words: PageNames) -> Markup:
    return Markup('<a class="mention" href="{}">#{}</a>').format(words.channel_url(id), words.channel(id))


def link(url: str, label: str, words: PageNames) -> Markup:
    if not url.startswith(("http://", "https://", "mailto:")):
        return escape(f"<{url}|{label}>" if label else f"<{url}>")
    return Markup("{}{}</a>").format(link_opening(url, words), label or url)


def link_opening(url: str, words: PageNames) -> Markup:
    """The `<a …>` of an address that leads to the web; others are the caller's to refuse."""
    here = words.link(url)
    away = Markup(' target="_blank" rel="noopener noreferrer"') if here == url else ""
    return Markup('<a href="{}"{}>').format(here, away)


def date(stamp: str, form: str, fallback: str, url: str = "") -> Markup:
    """A moment, which the page's script writes in the reader's own zone; UTC until then, and always in its title."""
    try:
        at = datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return escape(fallback)
    said = re.sub(r"\{(\w+)\}", lambda hit: at.strftime(DATES[hit[1]]) if hit[1] in DATES else hit[0], form)
    said += " UTC" if "{time" in form else ""
    made = Markup('<time datetime="{}" data-form="{}" title="{}">{}</time>').format(
        at.strftime("%Y-%m-%dT%H:%M:%SZ"), form, at.strftime("%Y-%m-%d %H:%M:%S UTC"), said
    )
    return Markup('<a href="{}">{}</a>').format(url, made) if url else made


def time_tag(at: float) -> Markup:
    return date(str(int(at)), "{time}", "")


def seconds_tag(at: float) -> Markup:
    return date(str(int(at)), "{time_secs}", "")


# ---------------------------------------------------------------- rich text


def rich(block: Json, words: PageNames) -> Markup:
    """A rich_text block: what people's own messages are made of."""
    return Markup("").join(_part(one, words) for one in block.get("elements", ()))


def _part(one: Json, words: PageNames) -> Markup:
    kind = one.get("type")
    if kind == "rich_text_list":
        tag = "ol" if one.get("style") == "ordered" else "ul"
        items = Markup("").join(Markup("<li>{}</li>").format(_part(each, words)) for each in one.get("elements", ()))
        start = Markup(' start="{}"').format(int(one.get("offset", 0)) + 1) if tag == "ol" and one.get("offset") else ""
        return Markup("<{0}{1}>{2}</{0}>").format(Markup(tag), start, items)
    said = Markup("").join(_styled(each, words) for each in one.get("elements", ()))
    if kind == "rich_text_quote":
        return Markup("<blockquote>{}</blockquote>").format(said)
    if kind == "rich_text_preformatted":
        return Markup('<pre tabindex="0"><code>{}</code></pre>').format(said)
    return said


def _styled(one: Json, words: PageNames) -> Markup:
    made = _element(one, words)
    for style, tag in (("code", "code"), ("bold", "strong"), ("italic", "em"), ("strike", "s"), ("underline", "u")):
        if (one.get("style") or {}).get(style):
            made = Markup("<{0}>{1}</{0}>").format(Markup(tag), made)
    return made


def _element(one: Json, words: PageNames) -> Markup:
    match one.get("type"):
        case "text":
            return _lines(_drawn(emoji(str(one.get("text", "")))))
        case "link":
            return link(str(one.get("url", "")), str(one.get("text") or ""), words)
        case "user":
            return mention(words.user(one["user_id"]), me=one["user_id"] == words.me)
        case "usergroup":
            return mention(words.group(one["usergroup_id"]), me=one["usergroup_id"] in words.my_groups)
        case "channel":
            return channel(one["channel_id"], words)
        case "broadcast":
            return mention(one["range"], me=True)
        case "emoji":
            return _drawn(emoji(f":{one['name']}:"))
        case "date":
            return date(str(one.get("timestamp")), str(one.get("format")), str(one.get("fallback", "")))
        case _:
            return escape(str(one.get("value", "")))
