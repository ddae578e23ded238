"""Where nobody acknowledges, the next level is paged once, even with PagerDuty away. Under a clock moved by hand."""

from __future__ import annotations

import threading
from datetime import timedelta

from bot.road.desk import BESIDE
from bot.sandbox.pagerduty.seeds import LINNEA, NOOR
from tests.conversations.nights import Night
from tests.conversations.uploads_alert import CARD, TITLE

PENDING = "Pending: the acknowledgement in PagerDuty"

# ---------------------------------------------------------------- nobody acknowledges


def test_at_three_minutes_the_on_call_person_is_mentioned_and_at_five_the_next_level_is_paged(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(2.9)
    night.silent(room, "Not acknowledged yet")
    night.goes(0.1)
    nudge = night.says(room, "Not acknowledged yet: paged 3 min ago", times=1)
    assert set(nudge.pings) == {"UONCALL"}
    night.goes(1.9)
    assert night.pagerduty.rang(LINNEA.id) == 0
    night.goes(0.1)
    night.says(room, "Nobody has acknowledged in 5 min: paging the next level", times=1)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert [each.text for each in night.desk.store.timeline(1) if each.kind == "escalated"] == [
        "Level 2 paged: Linnea Berg"
    ]
    night.silent(room, "PagerDuty: escalated")
    night.goes(20)
    assert night.pagerduty.rang(LINNEA.id) == 1


def test_the_five_minutes_run_from_pagerdutys_own_time(night: Night) -> None:
    night.pagerduty.webhooks.url = ""
    night.pagerduty.trigger(TITLE)
    night.goes(4)
    night.polls()
    room = night.room()
    night.says(room, "Not acknowledged yet: paged 4 min ago", times=1)
    night.goes(1)
    night.says(room, "Nobody has acknowledged in 5 min", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1


def test_an_alert_that_is_acknowledged_in_time_pages_nobody(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(4)
    night.presses(night.says(room, CARD), "Ack")
    night.goes(6)
    night.silent(room, "Nobody has acknowledged")
    assert night.pagerduty.rang(LINNEA.id) == 0


def test_the_next_level_is_paged_even_if_slack_has_no_channel_for_the_incident(night: Night) -> None:
    night.slack.faults.next("conversations.create", times=10_000, status=503)
    night.pagerduty.trigger(TITLE)
    night.goes(6)
    assert night.incident().channel == ""
    assert night.pagerduty.rang(LINNEA.id) == 1
    pending = night.shown(night.says("ops", "Incident 1: Pending: opening the channel"))
    assert "`503`). I keep trying" in pending
    nudge = night.says("ops", "Incident 1: Not acknowledged yet", times=1)
    assert f"nobody has acknowledged {TITLE}" in night.shown(nudge)
    night.presses(nudge, "Ack")
    assert night.pagerduty.incident(night.incident().alert).acknowledged[0][0] == NOOR.id
    assert night.incident().lead == "UONCALL"


def test_an_escalation_by_somebody_else_is_told(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    with night.pagerduty.lock:
        night.pagerduty.account.escalate(alert.id, 2, LINNEA.id)
    night.says(room, "PagerDuty: escalated, by Linnea Berg", times=1)


# ---------------------------------------------------------------- PagerDuty is away


def test_with_pagerduty_down_slack_is_answered_at_once_and_the_channel_told_what_is_pending(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.faults.next("*", times=60, reset="before")
    night.presses(night.says(room, CARD), "Ack")
    night.says(room, "Acknowledged by <@UONCALL>", times=1)
    night.goes(seconds=30)
    night.says(room, PENDING, times=1)
    night.pagerduty.faults.clear()
    night.goes(seconds=30)
    assert night.pagerduty.incident(alert.id).status == "acknowledged"
    night.says(room, PENDING, times=1)


def test_with_pagerduty_down_for_hours_it_is_asked_ever_less_often_and_at_last_given_up(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/incident snooze 4h Away")
    night.pagerduty.faults.next("*", times=100_000, reset="before")
    night.types(room, "/ack")
    due_next: list[str] = night.redis.zrange(night.desk.store.key("due"), 0, -1)  # type: ignore[assignment]
    [member] = [each for each in due_next if each.startswith("procedure:")]
    waits = []
    for _ in range(20):
        due = night.desk.store.due_at(member)
        assert due is not None
        waits.append((due - night.at).total_seconds())
        night.goes(seconds=waits[-1])
    assert waits == [5.0] * 12 + [30.0] * 8
    night.at += timedelta(hours=12)
    night.goes(1)
    night.says(room, "Not done: the acknowledgement in PagerDuty. I could not reach PagerDuty", times=1)
    night.says(room, PENDING, times=1)


def test_two_clocks_and_two_workers_at_once_page_once(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(4)
    others = [night._house() for _ in range(3)]
    night.at = night.at.replace(minute=5, second=0)

    def race(number: int) -> None:
        desk = others[number].desk
        for _ in range(30):
            for member, mark in [*desk.store.due_now(night.at, hold=0), *list(night.line.members)]:
                desk.attend(member, mark)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # All claimed with one mark, as no two clocks ever do: whoever comes second may have put it off under the first.
    night.goes(seconds=BESIDE.total_seconds())
    night.says(room, "Nobody has acknowledged in 5 min", times=1)
    night.says(room, "Level 2 paged: Linnea Berg", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
