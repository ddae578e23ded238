"""Sentences read at one fixed time: what they say, or why they mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

import handlers  # noqa: F401  every sentence there is
from bot.domain.action import Action
from bot.domain.errors import Misworded
from bot.domain.grammar import parse

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def said(text: str) -> Mapping[str, Any]:
    return parse(text, AT).arguments


def tried(text: str) -> tuple[Action, Mapping[str, Any]] | Misworded:
    """What it means, or why it means nothing."""
    try:
        return parse(text, AT)[:2]
    except Misworded as wrong:
        return wrong


def misworded(text: str) -> Misworded:
    with pytest.raises(Misworded) as wrong:
        parse(text, AT)
    return wrong.value
