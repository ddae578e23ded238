"""A running Slack sandbox for the tests that need no special one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, client_of


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slack(clock: Clock) -> Iterator[SlackSandbox]:
    """Its clock stands still until moved; scopes are the built-in ones, whatever the repository's manifest says."""
    # Slack's client notices that it is to close only when a frame comes in, so pings come often.
    with SlackSandbox(manifest={}, rate_limits="off", now=clock, ping_interval=0.2) as running:
        yield running


@pytest.fixture
def client(slack: SlackSandbox) -> WebClient:
    return client_of(slack)
