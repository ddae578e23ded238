"""An incident whose channel was archived or deleted goes on elsewhere: on the sandbox's Slack, by its own refusals."""

from __future__ import annotations

import re

from tests.conversations.nights import Night

TITLE = "Instagram uploads failing"


def acknowledged(night: Night) -> str:
    """The channel of incident 1, in which its clock of updates runs."""
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/ack")
    return room


def test_after_its_channel_was_archived_it_is_spoken_about_where_it_was_opened_and_moves_there(night: Night) -> None:
    room = acknowledged(night)
    workspace = night.slack.workspace
    workspace.archive(workspace.channel(night.incident().channel), "UONCALL")
    night.goes(16)
    told = night.says("ops", f"Incident 1 has lost its channel: {TITLE}", times=1)
    assert night.labels(told) == ["Move it here", "Resolve…"]
    night.says("ops", "Incident 1: Update due: 15 min", times=1)
    night.presses(told, "Move it here")
    assert night.incident().channel == night.slack.channel("ops").id
    night.says("ops", f"Incident 1: {TITLE} · sev2", times=1)
    night.types("ops", "/incident resolve a stale token")
    assert night.incident().resolved
    assert "Resolved" not in re.sub(r"\s+", " ", night.transcript(room))
