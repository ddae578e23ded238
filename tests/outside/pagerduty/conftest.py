"""PagerDuty's far end, and the client before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.outside.pagerduty.client import PagerDuty
from bot.sandbox.pagerduty.server import PagerDutySandbox
from tests.outside.outsides import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(clock: Clock) -> Iterator[PagerDutySandbox]:
    with PagerDutySandbox(now=clock) as running:
        yield running


@pytest.fixture
def pager(there: PagerDutySandbox) -> PagerDuty:
    return PagerDuty(there.api_key, there.sender, there.api_url)
