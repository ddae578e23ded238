"""Templates drawn for a test, and the texts that stand in what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.messages.render import Message, Renderer, View

BLOCKS = Path(__file__).parents[2] / "templates" / "_blocks.j2"
NOW = datetime(2025, 11, 23, 2, 14, tzinfo=UTC)

Draw = Callable[..., Message]


def view(room: Path, source: str, **facts: Any) -> View:
    (room / "one.j2").write_text(source)
    return Renderer(room).view("one", facts)


def said(draw: Draw, expression: str, **facts: Any) -> str:
    """What a section shows of one expression."""
    text = draw("x\n{% call section() %}{{ " + expression + " }}{% endcall %}", **facts).blocks[0]["text"]["text"]
    assert isinstance(text, str)
    return text


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("text", "alt_text") and isinstance(each, str):
                yield each
            else:
                yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
