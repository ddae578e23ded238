"""Ids that Slack fills in where an app gave none: `block_id` and `action_id`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable

from bot.sandbox.slack.blocks import Json, interactive

_numbers = itertools.count(1)


def _fresh(length: int = 5) -> str:
    """Short, and never the same twice in a process."""
    letters, number, out = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", next(_numbers), ""
    while number or len(out) < length:
        number, at = divmod(number, len(letters))
        out = letters[at] + out
    return out


def filled(blocks: Iterable[Json]) -> tuple[Json, ...]:
    """A deep copy of the blocks in which every block and every interactive element has an id."""
    out = []
    for block in copy.deepcopy(list(blocks)):
        block.setdefault("block_id", _fresh())
        for element in interactive(block):
            element.setdefault("action_id", _fresh())
        out.append(block)
    return tuple(out)
