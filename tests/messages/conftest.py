"""A folder of templates, and what draws one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.messages.render import Message, Renderer
from tests.messages.drawn import BLOCKS, NOW, Draw

pytest.register_assert_rewrite("tests.messages.lawful")


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "_blocks.j2").write_text(BLOCKS.read_text())
    return tmp_path


@pytest.fixture
def draw(room: Path) -> Draw:
    def render(source: str, **facts: Any) -> Message:
        (room / "one.j2").write_text(source)
        return Renderer(room).render("one", {"now": NOW, **facts})

    return render
