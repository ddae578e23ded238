"""Standard Markdown, as Slack's `markdown` block takes it, as HTML: the part of it that reports and drafts use.

Headings, paragraphs, emphasis, code, fences, quotes, nested lists, task lists, tables, links, rules. Everything is
escaped; raw HTML is shown as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from bot.sandbox.page.markup import Words, link, mrkdwn, nested

_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*")
_ITEM = re.compile(r"(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)")
_TASK = re.compile(r"\[([ xX])\]\s+(.*)", re.S)
_ROW = re.compile(r"\s*\|?(.+?)\|?\s*")
_DASHES = re.compile(r"\s*\|?\s*:?-{1,}:?\s*(\|\s*:?-{1,}:?\s*)*\|?\s*")
_LINK = re.compile(r"\[([^\]\n]+)\]\((https?://[^\s)]+)\)")
_URL = re.compile(r"(?<![\w(\"'>=])(https?://[^\s<>)\]]+)")
_SPAN = re.compile(r"(`+)(.+?)\1")
_SLACK = re.compile(r"<(?:[@#!][^<>\n]+|https?://[^<>\n]+)>")
_MARKS = [
    (re.compile(r"\*\*(?=\S)(.+?\S?)\*\*"), "strong"),
    (re.compile(r"__(?=\S)(.+?\S?)__"), "strong"),
    (re.compile(r"~~(?=\S)(.+?\S?)~~"), "s"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)\*(?![\w*])"), "em"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)_(?![\w_])"), "em"),
]


def markdown(written: str, words: Words) -> Markup:
    return _blocks(written.replace("\r\n", "\n").split("\n"), words)


def _blocks(lines: Sequence[str], words: Words) -> Markup:
    out: list[Markup] = []
    paragraph: list[str] = []

    def close() -> None:
        if paragraph:
            out.append(Markup("<p>{}</p>").format(inline("\n".join(paragraph), words)))
            paragraph.clear()

    at = 0
    while at < len(lines):
        line = lines[at]
        bare = line.strip()
        if bare.startswith("```"):
            close()
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == "```"), len(lines))
            code = "\n".join(lines[at + 1 : end])
            out.append(Markup('<pre tabindex="0"><code>{}</code></pre>').format(code))
            at = end + 1
            continue
        if not bare:
            close()
        elif found := _HEADING.fullmatch(bare):
            close()
            # The page has its own h1 and h2; a message's headings stand below them.
            level = min(len(found[1]) + 2, 6)
            out.append(Markup("<h{0}>{1}</h{0}>").format(level, inline(found[2], words)))
        elif _RULE.fullmatch(line):
            close()
            out.append(Markup("<hr>"))
        elif bare.startswith(">"):
            close()
            end = _while(lines, at, lambda one: one.strip().startswith(">"))
            inner = [one.strip().removeprefix(">").removeprefix(" ") for one in lines[at:end]]
            out.append(Markup("<blockquote>{}</blockquote>").format(_blocks(inner, words)))
            at = end
            continue
        elif _ITEM.fullmatch(line):
            close()
            end = _while(
                lines, at, lambda one: bool(_ITEM.fullmatch(one)) or (one.startswith("  ") and bool(one.strip()))
            )
            out.append(_list(lines[at:end], words))
            at = end
            continue
        elif "|" in line and at + 1 < len(lines) and "|" in lines[at + 1] and _DASHES.fullmatch(lines[at + 1]):
            close()
            end = _while(lines, at + 2, lambda one: "|" in one)
            out.append(_table(line, lines[at + 1], lines[at + 2 : end], words))
            at = end
            continue
        else:
            paragraph.append(bare)
        at += 1
    close()
    return Markup("").join(out)


def _while(lines: Sequence[str], at: int, fits: Callable[[str], bool]) -> int:
    while at < len(lines) and fits(lines[at]):
        at += 1
    return at


def _list(lines: Sequence[str], words: Words) -> Markup:
    """One list; what is indented below an item belongs to it."""
    first = _ITEM.fullmatch(lines[0])
    assert first is not None
    indent, number = len(first[1]), first[2]
    items: list[tuple[str, list[str]]] = []
    for line in lines:
        found = _ITEM.fullmatch(line)
        if found and len(found[1]) <= indent:
            items.append((found[3], []))
        elif found:
            items[-1][1].append(line)
        else:
            items[-1] = (f"{items[-1][0]}\n{line.strip()}", items[-1][1])
    made = Markup("").join(
        Markup("<li>{}{}</li>").format(_item(said, words), _list(below, words) if below else "")
        for said, below in items
    )
    if number is None:
        return Markup("<ul>{}</ul>").format(made)
    start = Markup(' start="{}"').format(int(number)) if number != "1" else ""
    return Markup("<ol{}>{}</ol>").format(start, made)


def _item(said: str, words: Words) -> Markup:
    task = _TASK.fullmatch(said)
    if task is None:
        return inline(said, words)
    done = task[1] != " "
    return Markup('<span class="task" role="img" aria-label="{}">{}</span> {}').format(
        "done" if done else "to do", "☑" if done else "☐", inline(task[2], words)
    )


def _table(head: str, dashes: str, rows: Sequence[str], words: Words) -> Markup:
    aligned = [
        "center" if one.startswith(":") and one.endswith(":") else "right" if one.endswith(":") else "left"
        for one in _cells(dashes)
    ]

    def row(line: str, tag: str) -> Markup:
        cells = [*_cells(line), *[""] * len(aligned)][: len(aligned)]
        made = Markup("").join(
            Markup('<{0} class="{1}">{2}</{0}>').format(Markup(tag), align, inline(cell, words))
            for cell, align in zip(cells, aligned, strict=True)
        )
        return Markup("<tr>{}</tr>").format(made)

    body = Markup("").join(row(line, "td") for line in rows)
    return Markup('<div class="scroll" tabindex="0"><table><thead>{}</thead><tbody>{}</tbody></table></div>').format(
        row(head, "th"), body
    )


def _cells(line: str) -> list[str]:
    found = _ROW.fullmatch(line)
    return [one.strip().replace("\\|", "|") for one in re.split(r"(?<!\\)\|", found[1] if found else line)]


def inline(written: str, words: Words) -> Markup:
    kept: list[Markup] = []

    def keep(made: Markup) -> str:
        kept.append(made)
        return f"\ue000{len(kept) - 1}\ue001"

    written = re.sub("[\ue000\ue001]", "", written)
    written = _SPAN.sub(lambda hit: keep(Markup("<code>{}</code>").format(hit[2].strip())), written)
    written = _LINK.sub(lambda hit: keep(link(hit[2], hit[1], words)), written)
    written = _SLACK.sub(lambda hit: keep(mrkdwn(hit[0], words)), written)
    written = _URL.sub(lambda hit: keep(link(hit[1], "", words)), written)
    html = str(escape(written))
    for pattern, tag in _MARKS:
        html = pattern.sub(nested(tag), html)
    html = re.sub("\ue000(\\d+)\ue001", lambda hit: str(kept[int(hit[1])]), html)
    return Markup(html.replace("\n", "<br>"))
