"""The app's own page, and the list: right at none, and at three hundred."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.incident import Incident
from bot.store.commit import Commit, Put
from tests.conversations.nights import Night


def page(night: Night, who: str = "noor") -> str:
    night.slack.as_user(who).opens_home().wait()
    night.settle()
    view = night.slack.home_of(who)
    assert view is not None
    assert len(view.blocks) <= 100
    return "\n".join(str(block.get("text", block)) for block in view.blocks)


def incidents(night: Night, count: int, **fields: Any) -> None:
    for _ in range(count):
        number = night.desk.store.next_number()
        incident = Incident(
            number=number,
            title=f"Uploads fail {number} <!channel>",
            severity="sev2",
            opened_at=night.at - timedelta(minutes=number),
            opened_by="UONCALL",
            key=f"k{number}",
            channel=f"C{number:08}",
        )
        body = replace(incident, **fields).to_json()
        night.desk.store.commit(Commit([Put("incident", str(number), 0, body)]))


def test_with_no_incident_all_is_quiet(night: Night) -> None:
    shown = page(night)
    assert "All quiet" in shown
    assert "Postmortems owed" not in shown
    assert "/incident" in shown
    night.types("ops", "/incident list")
    night.whispered("ops", "No open incident")


def test_open_incidents_stand_with_their_clocks_and_mine_apart(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail")
    night.pagerduty.trigger("Syncing fails")
    night.types("ops", "/incident open Slow --severity sev3", "noor")
    night.goes(seconds=5)
    shown = page(night)
    yours, _, everyone = shown.partition("Open incidents: 3")
    assert "Yours" in yours
    assert "Uploads fail" in yours
    assert "Syncing fails" not in yours
    assert "acknowledge due" in everyone
    assert everyone.index("Syncing fails") < everyone.index("Slow")
    assert "Yours" not in page(night, "linnea")


def test_an_overdue_clock_is_red_and_comes_first(night: Night) -> None:
    incidents(night, 1, state="acknowledged", acknowledged_at=night.at - timedelta(minutes=5))
    incidents(night, 1, state="acknowledged", acknowledged_at=night.at - timedelta(minutes=20))
    shown = page(night)
    assert shown.index("Uploads fail 2") < shown.index("Uploads fail 1")
    assert "update overdue since" in shown


def test_postmortems_that_are_owed_stand_with_who_owes_them(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail")
    room = night.room()
    night.types(room, "/incident resolve Token expired")
    night.types(room, "/postmortem owner @linnea")
    assert "<@ULEAD> owns it" in page(night)
    mine, _, _ = page(night, "linnea").partition("Open incidents")
    assert "Postmortem" in mine
    night.types(room, "/postmortem done https://wiki.example/1")
    assert "Postmortems owed" not in page(night)


def test_at_three_hundred_incidents_the_page_and_the_list_are_right(night: Night) -> None:
    incidents(night, 300, state="acknowledged", acknowledged_at=night.at, lead="UONCALL")
    incidents(night, 300, state="resolved", acknowledged_at=night.at, resolved_at=night.at, resolved_by="UONCALL")
    shown = page(night)
    assert "Open incidents: 300" in shown
    assert "And 275 more" in shown
    assert "And 290 more of yours" in shown
    assert "Postmortems owed: 300" in shown
    assert "And 290 more" in shown
    assert "<!channel>" not in shown
    night.types("ops", "/incident list")
    told = night.whispered("ops", "300 open incidents")
    assert "And 280 more" in str(told.blocks)
