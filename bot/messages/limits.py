"""Slack's limits on what one message or one form may hold, and how a card that is too large is made to fit.

Figures from Slack's Block Kit reference, but for ``TOTAL``: how much all blocks may hold together is not documented.
Messages were refused (``msg_blocks_too_long``) from about 13,200 characters of JSON on, and with much markup from
about 11,300 of text (bolt-js issues 2509 and 2867), so the JSON is counted and kept below the lower round figure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bot.messages.mrkdwn import shorten, size

Block = dict[str, Any]

BLOCKS = 50
VIEW_BLOCKS = 100
TOTAL = 12_000
TEXT = 4_000
SECTION = 3_000
FIELDS, FIELD = 10, 2_000
HEADER = 150
MARKDOWN = 12_000
CONTEXT, CONTEXT_TEXT = 10, 2_000
ACTIONS = 25
LABEL = 75
VALUE = 1_985  # Slack takes 2,000; what names an incident (#123456789) comes to it
OPTIONS, OPTION_VALUE = 100, 135  # of 150, likewise
PLACEHOLDER = 150
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_LABEL = 100, 300, 30
URL = 3_000
ALT = 2_000
INPUT_LABEL = 2_000
INITIAL = 3_000
VIEW_TITLE = 24
METADATA = 3_000
IDENTIFIER = 255

_URL = re.compile(r"https?://[^\s<>|]+", re.IGNORECASE)


class Unfit(ValueError):
    """What cannot be mended: no block at all, or a button's sentence that is too long to be cut without harm."""


def fit(blocks: Iterable[Block], most: int = BLOCKS, total: int | None = TOTAL) -> list[Block]:
    """The blocks as Slack takes them: texts shortened, empty ones mended, and what is too much counted in one line.

    Raises Unfit for what is no block and for a value or an id beyond its limit. The blocks given are not changed.
    """
    fitted = [made for block in blocks if (made := _block(block)) is not None]
    if total is not None:
        _squeeze(fitted, total)
    if len(fitted) <= most and (total is None or length(fitted) <= total):
        return fitted
    # The last row of buttons is what the reader is to do next: it outlives what came before it.
    last = [fitted.pop()] if fitted and fitted[-1].get("type") == "actions" else []
    room = (total or 10**9) - length([*last, _left_out(len(fitted))])
    kept: list[Block] = []
    for block in fitted:
        room -= length([block])
        if room < 0 or len(kept) + len(last) + 2 > most:
            break
        kept.append(block)
    while kept and kept[-1].get("type") == "divider":
        kept.pop()
    left = len(fitted) - len(kept)
    return [*kept, *([_left_out(left)] if left else []), *last]


def length(blocks: Sequence[Block]) -> int:
    """Characters of the blocks as JSON, with a comma for each."""
    return sum(size(json.dumps(block, ensure_ascii=False, separators=(",", ":"))) + 1 for block in blocks)


def elements(blocks: Iterable[Block]) -> Iterator[Block]:
    """Everything that can be pressed or chosen, in reading order."""
    for block in blocks:
        if block.get("type") == "actions":
            yield from block["elements"]
        elif isinstance(accessory := block.get("accessory"), dict) and accessory.get("type") != "image":
            yield accessory


def _squeeze(blocks: list[Block], total: int) -> None:
    """Shorten the longest texts first (ten long fields, a page of quotes), as long as that is where the length is."""
    sizes = [length([block]) for block in blocks]
    while sum(sizes) > total and max(sizes) > total // 4:
        longest = sizes.index(max(sizes))
        block = _scaled(blocks[longest])
        if block == blocks[longest]:
            break
        blocks[longest], sizes[longest] = block, length([block])


def _scaled(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {k: _scaled(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_scaled(v) for v in value]
    if key == "text" and isinstance(value, str) and len(value) > 20:
        return shorten(value, len(value) * 3 // 4)
    return value


def _left_out(count: int) -> Block:
    parts = "1 more part" if count == 1 else f"{count} more parts"
    text = f"{parts} left out: this is all that fits into one message."
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _text(text: Block, limit: int) -> Block:
    words = text["text"].strip("\n")
    return {**text, "text": shorten(words, limit) if words.strip() else "–"}


def _section(block: Block) -> Block:
    out = dict(block)
    if "text" in out:
        out["text"] = _text(out["text"], SECTION)
    if "fields" in out:
        out["fields"] = [_text(field, FIELD) for field in out["fields"][:FIELDS]]
        if not out["fields"]:
            del out["fields"]
    if "text" not in out and "fields" not in out:
        out["text"] = {"type": "mrkdwn", "text": "–"}
    if "accessory" in out:
        out["accessory"] = _element(out["accessory"])
        if out["accessory"] is None:
            del out["accessory"]
    return out


def _context(block: Block) -> Block | None:
    given = block["elements"]
    kept = given if len(given) <= CONTEXT else given[: CONTEXT - 1]
    shown = [
        made
        for each in kept
        if (made := _element(each) if each.get("type") == "image" else _text(each, CONTEXT_TEXT)) is not None
    ]
    if len(kept) < len(given):
        shown.append({"type": "mrkdwn", "text": f"and {len(given) - len(kept)} more"})
    return {**block, "elements": shown} if shown else None


def _actions(block: Block) -> Block | None:
    fitted = [made for element in block["elements"] if (made := _element(element)) is not None]
    return {**block, "elements": fitted[:ACTIONS]} if fitted else None


def _image(block: Block) -> Block:
    out = {**block, "alt_text": shorten(block["alt_text"].strip() or "picture", ALT)}
    if "slack_file" not in out and not _address(out):
        # One picture that cannot be fetched makes Slack refuse the whole message: its words stand in for it.
        words = {"type": "plain_text", "text": shorten(out["alt_text"], CONTEXT_TEXT), "emoji": True}
        return {"type": "context", "elements": [words]}
    if "title" in out:
        out["title"] = _text(out["title"], ALT)
    return out


def _input(block: Block) -> Block:
    _must_fit(block.get("block_id", ""), IDENTIFIER, "the name of an input")
    out = {**block, "label": _text(block["label"], INPUT_LABEL), "element": _element(block["element"])}
    if out["element"] is None:
        raise Unfit(f"the input {block.get('block_id')!r} has nothing to choose from")
    if "hint" in out:
        out["hint"] = _text(out["hint"], INPUT_LABEL)
    return out


def _markdown(block: Block) -> Block:
    return {**block, "text": shorten(block["text"].strip() or "–", MARKDOWN)}


_KINDS: dict[str, Callable[[Block], Block | None]] = {
    "section": _section,
    "header": lambda block: {**block, "text": _text(block["text"], HEADER)},
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "divider": lambda block: block,
}


def _block(block: Block) -> Block | None:
    kind = block.get("type", "")
    if kind not in _KINDS:
        raise Unfit(f"{kind!r} cannot stand as a block of its own; these can: {', '.join(sorted(_KINDS))}")
    return _KINDS[kind](block)


def _element(element: Block) -> Block | None:
    if not isinstance(element, dict):
        raise Unfit(f"only what a macro has made can stand in a row or beside a text, not {str(element)[:60]!r}")
    out = dict(element)
    if "text" in out:
        out["text"] = _text(out["text"], LABEL)
    if "placeholder" in out:
        out["placeholder"] = _text(out["placeholder"], PLACEHOLDER)
    if "value" in out:
        _must_fit(out["value"], VALUE, "the sentence of a button")
    if "url" in out and not _address(out):
        return None
    if "action_id" in out:
        _must_fit(out["action_id"], IDENTIFIER, "the id of an element")
    if out.get("type") == "image":
        if not _address(out):
            return None
        out["alt_text"] = shorten(out["alt_text"].strip() or "picture", ALT)
    if "initial_value" in out:
        out["initial_value"] = shorten(out["initial_value"], INITIAL)
        if not out["initial_value"]:
            del out["initial_value"]
    if "confirm" in out:
        out["confirm"] = _confirm(out["confirm"])
    if "options" in out:
        out["options"] = [_option(option) for option in out["options"][:OPTIONS]]
        if not out["options"]:
            return None
        if "initial_option" in out:
            out["initial_option"] = _option(out["initial_option"])
            if out["initial_option"] not in out["options"]:
                del out["initial_option"]
    return out


def _option(option: Block) -> Block:
    _must_fit(option["value"], OPTION_VALUE, "the value of an option")
    return {**option, "text": _text(option["text"], LABEL)}


def _confirm(confirm: Block) -> Block:
    return {
        **confirm,
        "title": _text(confirm["title"], CONFIRM_TITLE),
        "text": _text(confirm["text"], CONFIRM_TEXT),
        "confirm": _text(confirm["confirm"], CONFIRM_LABEL),
        "deny": _text(confirm["deny"], CONFIRM_LABEL),
    }


def _address(holder: Block) -> bool:
    """Whether what is to be opened or fetched is an address that Slack takes."""
    url = holder.get("url") or holder.get("image_url") or ""
    return size(url) <= URL and _URL.fullmatch(url) is not None


def _must_fit(text: str, limit: int, what: str) -> None:
    if size(text) > limit:
        raise Unfit(f"{what} is {size(text):,} characters long, and Slack takes {limit:,}: {text[:60]}…")
