"""Notes, updates and severity reach PagerDuty once each, later where it is down."""

from __future__ import annotations

from tests.conversations.nights import Night
from tests.conversations.updates.reminder import alert


def test_notes_updates_and_severity_are_mirrored_in_pagerduty_once_each(night: Night, room: str) -> None:
    night.types(room, "/incident note Saw 190/463")
    night.types(room, "/incident update Rotating")
    night.types(room, "/incident severity sev1")
    night.goes(1)
    seen = night.pagerduty.incident(alert(night))
    texts = [note.content for note in seen.notes]
    assert sum("Saw 190/463" in text for text in texts) == 1
    assert sum("Update: Rotating" in text for text in texts) == 1
    assert night.pagerduty.account.priorities[seen.priority] == "P1"


def test_with_pagerduty_down_an_update_is_posted_at_once_and_mirrored_later(night: Night, room: str) -> None:
    night.pagerduty.faults.next("*", times=60, reset="before")
    night.types(room, "/incident update Still looking")
    night.says(room, "Update: Still looking", times=1)
    night.goes(seconds=40)
    night.says(room, "Pending: a note in PagerDuty", times=1)
    night.pagerduty.faults.clear()
    night.goes(1)
    assert any("Still looking" in note.content for note in night.pagerduty.incident(alert(night)).notes)
