"""Standard Markdown, as Slack's `markdown` block takes it, as HTML: CommonMark, with tables and text struck out.

What is written may come from outside. Raw HTML is shown as it is written, links lead to http(s) only, and every piece
of text is escaped. Slack's own tokens (`<@U1>`, `<https://x.example|there>`) mean what they mean in mrkdwn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

from bot.sandbox.page.markup import PageNames, link, link_opening, mrkdwn

NESTED: Final = 100
"""Quotes and lists within each other; what lies deeper is not shown."""

_SLACK = re.compile(r"<(?:[@#!][^<>\n]+|https?://[^<>\n]+)>")
_URL = re.compile(r"(?<![\w(\"'>=])(https?://[^\s<>)\]]+)")
_TASK = re.compile(r"\[([ xX])\]\s+")
_ALIGNED: Final = {"text-align:left": "left", "text-align:center": "center", "text-align:right": "right"}


def _slack_token(state: StateInline, silent: bool) -> bool:
    found = _SLACK.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("slack", "", 0).content = found[0]
    state.pos = found.end()
    return True


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return url.startswith(("http://", "https://"))


def _parser() -> MarkdownIt:
    parser = _Parser("commonmark", {"html": False, "maxNesting": NESTED})
    parser.enable(["table", "strikethrough"])
    # Slack draws neither pictures, nor headings that are underlined, nor code that is only indented.
    parser.disable(["html_block", "html_inline", "autolink", "image", "lheading", "code", "reference"])
    parser.inline.ruler.before("backticks", "slack", _slack_token)
    return parser


_PARSER: Final = _parser()


def markdown(written: str, words: PageNames) -> Markup:
    tokens = _PARSER.parse(written)
    return Markup("").join(_block(tokens, at, words) for at in range(len(tokens)))


def _block(tokens: Sequence[Token], at: int, words: PageNames) -> Markup:
    token = tokens[at]
    match token.type:
        case "inline":
            in_item = at >= 2 and tokens[at - 2].type == "list_item_open"
            return _inline(token.children or [], words, task=in_item)
        case "fence":
            # tabindex: what scrolls sideways must be within the keyboard's reach.
            return Markup('<pre tabindex="0"><code>{}</code></pre>').format(token.content.removesuffix("\n"))
        case "hr":
            return Markup("<hr>")
        case "table_open":
            return Markup('<div class="scroll" tabindex="0"><table>')
        case "table_close":
            return Markup("</table></div>")
        case "th_open" | "td_open":
            aligned = _ALIGNED.get(str(token.attrGet("style")), "left")
            return Markup('<{} class="{}">').format(token.tag, aligned)
        case "ordered_list_open" if (start := token.attrGet("start")) is not None:
            return Markup('<ol start="{}">').format(start)
        case "heading_open" | "heading_close":
            # The page has its own h1 and h2; a message's headings stand below them.
            return _tag(token, f"h{min(int(token.tag[1:]) + 2, 6)}")
        case _:
            return Markup() if token.hidden else _tag(token, token.tag)


def _tag(token: Token, name: str) -> Markup:
    return Markup("</{}>" if token.nesting < 0 else "<{}>").format(name)


def _inline(tokens: Sequence[Token], words: PageNames, *, task: bool) -> Markup:
    out: list[Markup] = []
    linked = 0
    for at, token in enumerate(tokens):
        text = token.content
        match token.type:
            case "text" if at == 0 and task and (found := _TASK.match(text)):
                out += [_checked(found[1] != " "), _text(text[found.end() :], words)]
            case "text":
                out.append(escape(text) if linked else _text(text, words))
            case "code_inline":
                out.append(Markup("<code>{}</code>").format(text))
            case "slack":
                out.append(escape(text) if linked else mrkdwn(text, words))
            case "softbreak" | "hardbreak":
                out.append(Markup("<br>"))
            case "link_open":
                linked += 1
                out.append(link_opening(str(token.attrGet("href")), words))
            case "link_close":
                linked -= 1
                out.append(Markup("</a>"))
            case _:
                out.append(_tag(token, token.tag) if token.tag else escape(text))
    return Markup("").join(out)


def _text(written: str, words: PageNames) -> Markup:
    """Addresses that were only typed become links."""
    pieces = _URL.split(written)
    return Markup("").join(link(one, "", words) if at % 2 else escape(one) for at, one in enumerate(pieces))


def _checked(done: bool) -> Markup:
    said, sign = ("done", "☑") if done else ("to do", "☐")
    return Markup('<span class="task" role="img" aria-label="{}">{}</span> ').format(said, sign)
