"""Resolving asks for the cause and stops every clock, and reopening starts them anew."""

from __future__ import annotations

from tests.conversations.nights import Night
from tests.conversations.updates.reminder import DUE, alert


def test_resolving_asks_for_the_root_cause_and_stops_every_clock(night: Night, room: str) -> None:
    night.goes(3)
    night.types(room, "/incident resolve")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"cause": "The Instagram token had expired"}).ok()
    card = night.says(room, "Resolved after 3 min", times=1)
    shown = night.shown(card)
    assert "The Instagram token had expired" in shown
    assert "Acknowledged after 0 s · resolved after 3 min" in shown
    assert night.labels(card) == ["Postmortem owner…", "Timeline", "Open tracker issue"]
    assert night.slack.channel(room).topic.startswith("sev2 · resolved")
    assert night.pagerduty.incident(alert(night)).status == "resolved"
    night.goes(hours=3)
    night.silent(room, "Update due")
    night.silent(room, "Open for")
    night.silent(room, "PagerDuty: the alert resolved")


def test_the_tracker_issue_holds_cause_and_what_was_done_and_is_opened_once(night: Night, room: str) -> None:
    night.types(room, "/incident note Rotated the token, password=hunter2horse, told @maria & <b>Co</b>")
    night.types(room, "/incident resolve Token expired")
    card = night.says(room, "Resolved after")
    night.presses(card, "Open tracker issue")
    night.says(room, "Tracker issue 1 opened", times=1)
    (issue,) = night.github.issues
    assert "Token expired" in issue.body
    assert "Rotated the token" in issue.body
    assert "Acknowledged by noor" in issue.body
    for nothing in ("hunter2horse", "@maria", "<b>", "&amp;amp;", "UONCALL"):
        assert nothing not in issue.body
    assert night.incident().issue
    night.types(room, "/postmortem track")
    night.whispered(room, "Not done: There is an issue already")
    assert len(night.github.issues) == 1


def test_reopening_starts_the_clocks_anew(night: Night, room: str) -> None:
    night.types(room, "/incident resolve Token expired")
    night.goes(10)
    night.types(room, "/incident reopen It fails again")
    night.says(room, "Open again: It fails again")
    night.goes(15)
    night.says(room, DUE, times=1)


def test_mitigating_is_said_and_the_clock_goes_on(night: Night, room: str) -> None:
    night.types(room, "/incident mitigate")
    night.says(room, "Mitigated after")
    night.goes(15)
    assert "mitigated" in night.shown(night.says(room, DUE, times=1))
