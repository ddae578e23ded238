"""The postmortem: drafted at once, owned, due, reminded of until it is done. Under a clock moved by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from handlers.drafting import sixtieth
from tests.conversations.nights import Night


@pytest.fixture
def room(night: Night) -> str:
    """The channel of an incident with a story, resolved at 03:20."""
    night.pagerduty.trigger("Instagram uploads failing")
    room = night.room()
    night.goes(2)
    night.types(room, "/ack")
    night.goes(3)
    night.types(room, '/incident update "Token expired" --impact "Instagram posts are late"')
    night.slack.lead.joins(room)
    pinned = night.slack.lead.says(room, "Deployed v1.4.2 just before").message
    assert pinned is not None
    night.slack.oncall.reacts(pinned, "pushpin").wait()
    night.types(room, "/jobs pause repost-dispatch")
    night.presses(night.says(room, "Pause"), "Confirm")
    night.goes(15)
    night.types(room, "/incident resolve The Instagram token had expired")
    return room


def draft(night: Night, room: str) -> str:
    files = [file for each in night.slack.channel(room).messages for file in each.files if file.name.endswith(".md")]
    return files[-1].content.decode()


def test_a_draft_is_in_the_channel_at_once_as_blocks_file_and_picture(night: Night, room: str) -> None:
    card = night.says(room, "Postmortem draft of incident 1", times=1)
    assert "The Instagram token had expired" in night.shown(card)
    assert night.labels(card) == ["Owner…", "Done…"]
    names = [file.name for each in night.slack.channel(room).messages for file in each.files]
    assert names == ["postmortem-inc-1-instagram-uploads-failing.md", "repost-dispatch.png"]


def test_the_draft_is_the_channel_s_canvas_too_where_the_plan_has_canvases(night: Night, room: str) -> None:
    night.settle()
    [canvas] = night.slack.workspace.canvases.values()
    assert canvas["channel"] == night.slack.channel(room).id
    assert canvas["markdown"] == draft(night, room)
    canvas["markdown"] = "What somebody has written there since"
    night.types(room, "/postmortem draft")
    night.says(room, "Postmortem draft of incident 1", times=2)
    assert [each["markdown"] for each in night.slack.workspace.canvases.values()] == [canvas["markdown"]]


@pytest.mark.parametrize("error", ["team_tier_cannot_create_channel_canvases", "unknown_method", "missing_scope"])
def test_a_plan_without_canvases_costs_nothing_but_the_canvas(night: Night, error: str) -> None:
    night.types("ops", "/incident open Uploads fail")
    room = night.room()
    night.slack.faults.next("conversations.canvases.create", times=100, error=error)
    night.types(room, "/incident resolve Token expired")
    night.says(room, "Postmortem draft of incident 1", times=1)
    assert "## Summary" in draft(night, room)
    assert night.slack.workspace.canvases == {}


def test_the_file_holds_summary_impact_timeline_receipts_causes_and_a_table_to_fill(night: Night, room: str) -> None:
    text = draft(night, room)
    for heading in ("Summary", "Impact", "Timeline", "What was done", "Contributing causes", "What went well"):
        assert f"## {heading}" in text, text
    assert "Instagram posts are late" in text
    assert "2026-11-23 03:02" in text
    assert "Noor" in text or "noor" in text
    assert "Deployed v1.4.2 just before" in text
    assert "alert tuning" in text
    assert "Acknowledged by noor after 2 min" in text
    assert "UONCALL" not in text
    timeline = text[text.index("## Timeline") : text.index("## What was done")]
    times = [line[2:21] for line in timeline.splitlines() if line.startswith("- ")]
    assert times == sorted(times)
    done = text[text.index("## What was done") : text.index("## Figures")]
    assert "repost-dispatch: running → paused, by noor" in done


def test_what_customers_were_told_is_one_receipt_and_so_is_who_was_paged(night: Night) -> None:
    night.types("ops", "/incident open Uploads fail --service reposting")
    room = night.room()
    night.types(room, "/incident publish Posts are late")
    night.types(room, "/oncall page <@ULEAD> a token has expired")
    night.goes(1)
    receipts = [each.kind for each in night.desk.store.timeline(1) if each.receipt]
    assert sorted(receipts) == ["paged", "published"]
    night.types(room, "/postmortem draft")
    text = draft(night, room)
    done = text[text.index("## What was done") : text.index("## Contributing causes")]
    assert done.count("status page") == 1
    assert done.count("a token has expired") == 1


def test_the_file_holds_figures_and_links_to_what_was_said(night: Night, room: str) -> None:
    text = draft(night, room)
    figures = text[text.index("## Figures") : text.index("## Contributing causes")]
    assert "| Time to acknowledge | 2 min |" in figures
    assert "| Time to resolve | 20 min |" in figures
    assert "| Updates in the channel | 1 |" in figures
    assert "depth 0, 120 failed, 0 workers" in figures
    assert "| Failed for: Instagram token expired | 47 by the time of the alert |" in figures
    said = night.says(room, "Update: Token expired")
    link = night.desk.workspace.link(said.channel, said.ts)
    [line] = [each for each in text.splitlines() if "Update: Token expired" in each]
    assert link in line


def test_the_times_are_computed_from_the_alert_itself(night: Night, room: str) -> None:
    assert "Acknowledged after 2 min · resolved after 20 min" in night.shown(night.says(room, "Resolved after"))
    assert "after 2 min" in draft(night, room)


def test_its_owner_is_asked_for_and_named(night: Night, room: str) -> None:
    night.presses(night.says(room, "Resolved after"), "Postmortem owner…")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"user": "ULEAD"}).ok()
    night.says(room, "<@ULEAD> writes the postmortem of incident 1", times=1)
    assert night.incident().postmortem_owner == "ULEAD"
    night.types(room, "/postmortem show")
    night.says(room, "Postmortem due")


def test_it_is_reminded_of_at_20_and_24_hours_then_daily_to_the_lead_until_it_is_done(night: Night, room: str) -> None:
    night.types(room, "/postmortem owner @linnea")
    night.goes(hours=19.9)
    night.silent(room, "Postmortem due")
    night.goes(hours=0.1)
    assert "ULEAD" in night.says(room, "Postmortem due", times=1).pings
    night.goes(hours=4)
    night.says(room, "Postmortem overdue: incident 1", times=1)
    assert not night.dms("noor")
    night.goes(hours=72)
    assert [each.text for each in night.dms("noor")] == [
        "Postmortem overdue: incident 1, Instagram uploads failing"
    ] * 3
    night.types(room, "/postmortem done https://wiki.example/postmortems/1")
    night.says(room, "Postmortem done", times=1)
    night.goes(hours=100)
    assert len(night.dms("noor")) == 3
    night.says(room, "Postmortem overdue", times=1)


def test_restarting_every_process_loses_no_reminder(night: Night, room: str) -> None:
    for _ in range(4):
        night.restart()
        night.goes(hours=6)
    night.says(room, "Postmortem due", times=1)
    night.says(room, "Postmortem overdue", times=1)


def test_done_asks_for_a_link_and_for_a_resolution(night: Night) -> None:
    night.types("ops", "/incident open Something")
    room = night.room()
    night.types(room, "/postmortem done https://wiki.example/1")
    night.whispered(room, "Not done: Incident 1 is not resolved yet")
    night.types(room, "/incident resolve Gone")
    night.types(room, "/postmortem done somewhere")
    night.whispered(room, "Not done: A link begins with https://")


def test_a_draft_can_be_made_anew(night: Night, room: str) -> None:
    night.types(room, "/incident note Found the reason in the logs")
    night.types(room, "/postmortem draft")
    night.says(room, "Postmortem draft of incident 1", times=2)
    assert "Found the reason in the logs" in draft(night, room)


@pytest.mark.parametrize(("minutes", "step"), [(12, 1), (60, 1), (62, 2), (120, 2), (605, 11)])
def test_the_bars_of_the_picture_are_whole_minutes(minutes: int, step: int) -> None:
    assert sixtieth(timedelta(minutes=minutes)) == timedelta(minutes=step)
