"""A Slack, a desk that only writes down, and Slack's door opened between them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.sandbox.slack.server import SlackSandbox
from tests.opened import Book, over_http, over_socket


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox(rate_limits="off", retry_delays=(0.0, 0.5, 1.0), ping_interval=0.5) as running:
        yield running


@pytest.fixture
def desk() -> Book:
    return Book()


@pytest.fixture(params=["http", "socket"])
def door(request: pytest.FixtureRequest, slack: SlackSandbox, desk: Book) -> Iterator[None]:
    """The door is open; by HTTP, and once more by socket."""
    with (over_http if request.param == "http" else over_socket)(slack, desk):
        yield
