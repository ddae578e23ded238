"""A night of its own for each test of the page, and a browser before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.pages import Browser, Night, a_night


@pytest.fixture
def night(redis_url: str) -> Iterator[Night]:
    with a_night(redis_url) as made:
        yield made


@pytest.fixture
def browser(night: Night) -> Iterator[Browser]:
    with Browser(night) as made:
        yield made
