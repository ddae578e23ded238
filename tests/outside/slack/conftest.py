"""A Slack with a crowd in it, and the client before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.outside.slack.protocol import Workspace
from bot.sandbox.slack.model import User
from bot.sandbox.slack.seeds import PEOPLE, Seed
from bot.sandbox.slack.server import SlackSandbox
from tests.outside.slack.said import client


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    crowd = tuple(User(f"U{n:03}", f"person{n}", f"Person {n}") for n in range(120))
    with SlackSandbox(rate_limits="off", seed=Seed(people=(*PEOPLE, *crowd))) as running:
        yield running


@pytest.fixture
def workspace(slack: SlackSandbox) -> Workspace:
    """Typed as what the desk is given: mypy holds the client to the Protocol."""
    return client(slack)
