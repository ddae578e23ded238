"""The channel of an incident that was acknowledged at 03:00, under a clock moved by hand."""

from __future__ import annotations

import pytest

from tests.conversations.nights import Night
from tests.conversations.uploads_alert import TITLE


@pytest.fixture
def room(night: Night) -> str:
    """The channel of an incident that was acknowledged at 03:00."""
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/ack")
    return room
