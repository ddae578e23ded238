"""An update is due fifteen minutes after the last, and nothing but an update stops that clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from bot.sandbox.pagerduty.seeds import LINNEA
from bot.sandbox.queues.pipeline import seed
from bot.sandbox.stage import CATALOGUE
from tests.conversations.nights import Night
from tests.conversations.updates.reminder import DUE, alert
from tests.conversations.uploads_alert import TITLE

# ---------------------------------------------------------------- when it is due


def test_an_update_is_due_fifteen_minutes_after_the_acknowledgement(night: Night, room: str) -> None:
    night.goes(14.9)
    night.silent(room, "Update due")
    night.goes(0.1)
    due = night.says(room, "Update due: 15 min since the acknowledgement", times=1)
    assert night.labels(due) == ["Write update…", "Snooze…"]


@pytest.mark.parametrize("how", ["command", "form", "button"])
def test_any_real_update_restarts_the_clock(night: Night, room: str, how: str) -> None:
    night.goes(10)
    if how == "command":
        night.types(room, "/incident update Still looking")
    else:
        if how == "form":
            night.types(room, "/incident update")
        else:
            night.presses(night.says(room, "Acknowledged by"), "Write update…")
        view = night.slack.open_view("noor")
        assert view
        night.slack.oncall.submits(view, {"text": "Still looking"}).ok()
    night.says(room, "Update: Still looking", times=1)
    night.goes(14.9)
    night.silent(room, "Update due")
    night.goes(0.1)
    night.says(room, "Update due: 15 min since the last one", times=1)


def test_an_incident_that_is_shown_says_that_its_update_is_overdue(night: Night, room: str) -> None:
    night.goes(14)
    night.types(room, "/incident show")
    assert "Next update due" in night.shown(night.says(room, TITLE))
    night.goes(2)
    night.types(room, "/incident show")
    assert "Update overdue since" in night.shown(night.says(room, TITLE))


def test_a_note_does_not_restart_the_clock(night: Night, room: str) -> None:
    night.goes(14)
    night.types(room, "/incident note Looking")
    night.goes(1)
    night.says(room, DUE, times=1)


def test_the_reminder_says_what_has_changed_since(night: Night, room: str, redis_url: str) -> None:
    night.goes(5)
    night.types(room, "/incident update Rotating the token")
    night.goes(5)
    night.types(room, "/incident note Token rotated")
    night.types(room, "/incident severity sev3")
    with Redis.from_url(redis_url) as redis:
        redis.rpush("bull:repost-dispatch:wait", *[f"x{number}" for number in range(412)])
    night.goes(10)
    shown = night.shown(night.says(room, "Update due: 15 min since the last one", times=1))
    assert "depth 0 → 412" in shown
    assert "failed 120" in shown
    assert "sev3 · acknowledged" in shown
    assert "Token rotated" in shown
    assert "Severity sev2 → sev3" in shown
    assert "Rotating the token" not in shown


def test_its_button_opens_a_form_filled_with_the_last_words(night: Night, room: str) -> None:
    night.goes(1)
    night.types(room, '/incident update "Uploads fail" --impact "All of Instagram" --known Token --doing Rotating')
    night.goes(15)
    night.presses(night.says(room, DUE), "Write update…")
    view = night.slack.open_view("noor")
    assert view
    shown = str(view.blocks)
    for word in ("Uploads fail", "All of Instagram", "Token", "Rotating"):
        assert word in shown
    labels = [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
    assert labels == ["Text", "Impact", "Known", "Doing", "Next", "Public"]
    night.slack.oncall.submits(view, {"text": "Uploads recover", "next": "5m"}).ok()
    update = night.says(room, "Update: Uploads recover", times=1)
    assert "All of Instagram" in night.shown(update)
    night.goes(5)
    night.says(room, "Update due: 5 min since the last one", times=1)


def test_the_next_update_is_kept_to_the_configured_most(night: Night, room: str) -> None:
    night.types(room, "/incident update Long road --next 2h")
    assert "15 min is the longest on a sev2" in night.shown(night.says(room, "Update: Long road"))
    night.goes(15)
    night.says(room, DUE, times=1)


def test_missed_by_five_minutes_the_lead_is_told_directly_and_missed_twice_the_next_level_is_paged(
    night: Night, room: str
) -> None:
    night.goes(19.9)
    assert not night.dms("noor")
    night.goes(0.1)
    assert [each.text for each in night.dms("noor")] == ["No update for incident 1: 5 min overdue"]
    night.goes(10)
    night.says(room, "Update due: 30 min since the acknowledgement", times=1)
    night.goes(4.9)
    assert night.pagerduty.rang(LINNEA.id) == 0
    night.goes(0.1)
    night.says(room, "No update for 35 min: paging the next level", times=1)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert "escalated" in night.kinds()
    night.goes(60)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert len(night.dms("noor")) == 1


def test_the_next_level_is_paged_beside_an_alert_whose_acknowledgement_lasts(night: Night) -> None:
    night.pagerduty.account.services["PSERVICE1"].acknowledgement = None
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/ack")
    rang = night.pagerduty.rang("PNOOR01")
    night.goes(36)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert night.pagerduty.rang("PNOOR01") == rang
    assert night.pagerduty.incident(alert.id).status == "acknowledged"


def test_the_next_level_is_paged_for_an_incident_without_an_alert_too(night: Night) -> None:
    night.types("ops", "/incident open Uploads are slow --service reposting")
    room = night.room()
    night.goes(36)
    night.says(room, "No update for 35 min: paging the next level", times=1)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert night.desk.store.open_count() == 1, "the alert that she is paged by is no incident"


def test_the_next_level_is_paged_though_the_alert_itself_has_resolved(night: Night, room: str) -> None:
    night.pagerduty.webhooks.drop(100)
    night.pagerduty.resolve(alert(night))
    night.goes(36)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1


def test_updates_that_are_missed_twice_again_page_again(night: Night) -> None:
    night.pagerduty.account.services["PSERVICE1"].acknowledgement = None
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/ack")
    night.goes(36)
    night.types(room, "/incident update Here again")
    night.goes(36)
    night.says(room, "Level 2 paged: Linnea Berg", times=2)
    assert night.pagerduty.rang(LINNEA.id) == 2


def test_nobody_is_paged_late_for_an_update_that_has_been_written_meanwhile(night: Night, room: str) -> None:
    night.goes(34)
    night.pagerduty.faults.next("*", times=200, reset="before")
    night.goes(2)
    night.says(room, "No update for 35 min: paging the next level", times=1)
    night.types(room, "/incident update Here again")
    night.pagerduty.faults.clear()
    night.goes(2)
    night.says(room, "Nobody further paged: what was missed has been done meanwhile", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 0


def test_a_snooze_puts_the_update_off_with_its_reason_on_record(night: Night, room: str) -> None:
    night.goes(15)
    night.presses(night.says(room, DUE), "Snooze…")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"span": "30m", "why": "Vendor works on it"}).ok()
    night.says(room, "Updates snoozed until", times=1)
    assert "Updates put off for 30m: Vendor works on it" in [each.text for each in night.desk.store.timeline(1)]
    night.goes(29.9)
    night.says(room, "Update due", times=1)
    assert not night.dms("noor")
    night.goes(0.1)
    night.says(room, "Update due", times=2)


def test_a_snooze_that_ends_before_the_update_is_due_says_when_it_is(night: Night, room: str) -> None:
    night.types(room, "/incident snooze 2m Getting coffee")
    due = int(night.at.timestamp()) + 15 * 60
    assert str(due) in night.says(room, "Updates snoozed until").text


@pytest.mark.parametrize(("severity", "minutes"), [("sev1", 10), ("sev2", 15)])
def test_each_severity_has_its_own_pace(redis_url: str, tmp_path: Path, severity: str, minutes: int) -> None:
    seed(redis_url, now=None)
    catalogue = CATALOGUE + '\n[clocks]\nsev1 = { update = "10m" }\n'
    with Night(redis_url, tmp_path, catalogue) as night:
        night.types("ops", f"/incident open Slow --severity {severity}")
        room = night.room()
        night.goes(minutes - 0.1)
        night.silent(room, "Update due")
        night.goes(0.1)
        night.says(room, f"Update due: {minutes} min", times=1)


def test_a_change_of_severity_changes_the_clock_that_runs(redis_url: str, tmp_path: Path) -> None:
    seed(redis_url, now=None)
    catalogue = CATALOGUE + '\n[clocks]\nsev1 = { update = "10m" }\n'
    with Night(redis_url, tmp_path, catalogue) as night:
        night.types("ops", "/incident open Slow --severity sev2")
        room = night.room()
        night.goes(5)
        night.types(room, "/incident severity sev1")
        night.goes(5)
        night.says(room, "Update due: 10 min", times=1)


# ---------------------------------------------------------------- nothing stops the clock


def test_deleting_the_reminder_does_not_stop_the_next_one(night: Night, room: str) -> None:
    night.goes(15)
    reminder = night.says(room, DUE, times=1)
    night.slack.workspace.delete(reminder)
    night.goes(14.9)
    night.silent(room, "Update due")
    night.goes(0.1)
    night.says(room, "Update due: 30 min", times=1)


@pytest.mark.parametrize("when", [10, 15, 20])
def test_restarting_every_process_loses_and_repeats_nothing(night: Night, room: str, when: int) -> None:
    night.goes(when)
    night.restart()
    night.goes(30 - when)
    night.says(room, "Update due: 15 min", times=1)
    night.says(room, "Update due: 30 min", times=1)
    assert len(night.dms("noor")) == 1


def test_what_was_slept_through_is_said_once(night: Night, room: str) -> None:
    night.at = night.at.replace(hour=5)  # every process was down for two hours
    night.restart()
    night.goes(1)
    night.says(room, "Update due", times=1)
    night.says(room, "Update due: 2 h since the acknowledgement", times=1)
    night.says(room, "No update for 2 h: paging the next level", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1


def test_a_reminder_that_slack_would_not_take_comes_when_it_does(night: Night, room: str) -> None:
    night.slack.faults.next("chat.postMessage", times=3, status=429, retry_after=20)
    night.goes(15.5)
    night.silent(room, "Update due")
    night.goes(1)
    night.says(room, DUE, times=1)
    # Slack did nothing, and said so: its history, of which it gives 50 a minute, need not be searched.
    assert not [each for each in night.slack.calls if each.method == "conversations.history"]


def test_what_changes_while_the_clock_looks_is_looked_at_again(night: Night, room: str) -> None:
    night.at = night.at.replace(minute=15)
    due = [each for each in night.desk.store.due_now(night.at) if each[0] == "duty:1"]
    night.desk.store.remind("duty:1", night.at)  # as a change of the incident does, just now
    night.desk.rounds.duties(due)
    assert night.desk.store.due_at("duty:1") == night.at
    night.settle()
    night.says(room, DUE, times=1)
