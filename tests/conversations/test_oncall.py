"""The first five minutes: an alert comes in, is acknowledged, or is not. Under a clock moved by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from datetime import timedelta

import httpx
import pytest

from bot.road.desk import BESIDE
from bot.sandbox.pagerduty.seeds import LINNEA, NOOR, OTHER_SERVICE, PRIYA
from bot.tools import Service, Tools
from handlers.evidence import EVIDENCE
from tests.conversations.nights import Night

TITLE = "Instagram uploads failing"
CARD = "📟 Instagram uploads failing"
OPENED = "Incident 1 open"
PENDING = "Pending: the acknowledgement in PagerDuty"


# ---------------------------------------------------------------- the alert


def test_an_alert_opens_an_incident_with_its_channel_card_evidence_and_buttons(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    card = night.says(room, CARD, times=1)
    shown = night.shown(card)
    assert "reposting" in shown
    assert "Nobody has acknowledged it yet" in shown
    assert "runbook: Destination upload failures" in shown
    assert "depth 0 · 120 failed · 0 workers" in shown
    assert "Instagram token expired ×47" in shown
    assert night.labels(card) == ["Ack", "Runbook", "Failed jobs", "Page help…", "Not an incident"]
    assert night.incident().alerts == (alert.id,)
    assert "UONCALL" in night.slack.channel(room).members
    night.says("ops", OPENED, times=1)


def test_polling_finds_an_alert_whose_webhook_was_lost_and_opens_one_incident(night: Night) -> None:
    night.pagerduty.webhooks.drop()
    night.pagerduty.trigger(TITLE)
    night.settle()
    assert not night.told("ops", "Incident")
    night.polls()
    night.polls()
    night.says(night.room(), CARD, times=1)
    night.says("ops", OPENED, times=1)


def test_a_webhook_that_comes_twice_and_polling_after_it_open_one_incident(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    night.settle()
    night.pagerduty.webhooks.redeliver(night.pagerduty.webhooks.deliveries[0])
    night.polls()
    night.goes(1)
    night.polls()
    assert night.desk.store.open_count() == 1
    night.says("ops", OPENED, times=1)


def test_a_second_alert_joins_the_open_incident_of_its_service_and_can_be_acknowledged_there(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Ack")
    second = night.pagerduty.trigger("YouTube uploads failing")
    joined = night.says(room, "📟 Another alert: YouTube uploads failing", times=1)
    assert night.desk.store.open_count() == 1
    night.presses(joined, "Ack")
    assert night.pagerduty.incident(second.id).acknowledged[0][0] == NOOR.id
    assert night.kinds().count("alert") == 1


def test_an_alert_that_comes_while_the_channel_is_made_joins_once_there_is_one(night: Night) -> None:
    night.slack.faults.next("conversations.create", status=503)
    night.pagerduty.trigger(TITLE)
    night.pagerduty.trigger("YouTube uploads failing")
    night.goes(1)
    night.says(night.room(), "📟 Another alert: YouTube uploads failing", times=1)
    assert night.desk.store.open_count() == 1


def test_an_alert_of_a_service_that_is_not_in_the_catalogue_is_nobody_s_business(night: Night) -> None:
    night.pagerduty.trigger("Invoices late", service=OTHER_SERVICE)
    night.polls()
    assert night.desk.store.open_count() == 0


def test_every_webhook_is_answered_with_a_yes_within_a_second_whatever_comes_of_it(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    night.pagerduty.trigger("Invoices late", service=OTHER_SERVICE)
    night.settle()
    night.pagerduty.annotate(alert.id, "Looking")
    with night.pagerduty.lock:
        night.pagerduty.account.prioritize(alert.id, "PPRIO01", NOOR.id)
        night.pagerduty.account.escalate(alert.id, 2, LINNEA.id)
    night.pagerduty.resolve(alert.id)
    night.settle()
    attempts = [each for delivery in night.pagerduty.webhooks.deliveries for each in delivery.attempts]
    assert len(attempts) == len(night.pagerduty.webhooks.deliveries) == 6
    assert {each.status for each in attempts} == {202}
    assert max(each.seconds for each in attempts) < 1


def test_a_webhook_of_two_megabytes_is_taken_too(night: Night) -> None:
    night.pagerduty.webhooks.drop()
    alert = night.pagerduty.trigger(TITLE)
    data = {"id": alert.id, "type": "incident", "service": {"id": "PSERVICE1"}, "details": "x" * 2_000_000}
    body = json.dumps({"event": {"event_type": "incident.triggered", "data": data}}).encode()
    secret = night.pagerduty.webhooks.secrets[0].encode()
    signed = {"X-PagerDuty-Signature": f"v1={hmac.new(secret, body, hashlib.sha256).hexdigest()}"}
    assert httpx.post(night.webhook, content=body, headers=signed, trust_env=False).status_code == 202
    night.says(night.room(), CARD, times=1)


def test_webhooks_are_taken_with_either_secret_while_it_is_rotated_and_unsigned_ones_never(night: Night) -> None:
    night.pagerduty.webhooks.rotate()
    night.pagerduty.trigger(TITLE)
    night.says(night.room(), CARD, times=1)
    forged = httpx.post(night.webhook, json={"event": {"event_type": "incident.triggered"}}, trust_env=False)
    assert forged.status_code == 401
    assert night.desk.store.open_count() == 1


def test_evidence_that_does_not_come_is_named_and_holds_up_nothing(night: Night) -> None:
    night.redis.set("bull:repost-dispatch:meta", "not what it should be")
    night.pagerduty.trigger(TITLE)
    card = night.says(night.room(), CARD)
    assert "queue: " in night.shown(card)


def test_pieces_of_evidence_that_hang_or_break_are_named_and_wait_side_by_side(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()

    def hangs(service: Service, tools: Tools) -> None:
        let_go.wait(30)

    def breaks(service: Service, tools: Tools) -> None:
        raise KeyError("what nobody thought of")

    monkeypatch.setattr("handlers.evidence.EVIDENCE_SECONDS", 0.5)
    for name, look in {"host": hangs, "disk": hangs, "deploys": breaks}.items():
        monkeypatch.setitem(EVIDENCE, name, look)
    started = time.monotonic()
    night.pagerduty.trigger(TITLE)
    shown = night.shown(night.says(night.room(), CARD, times=1))
    let_go.set()
    assert time.monotonic() - started < 5
    assert "host: no answer within 0.5 s" in shown
    assert "disk: no answer within 0.5 s" in shown
    assert "deploys: it failed on my side" in shown
    assert "120 failed" in shown


def test_the_card_is_one_message_that_turns(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    card = night.says(room, CARD)
    night.presses(card, "Ack")
    assert "Acknowledged by <@UONCALL>" in night.shown(card)
    assert night.labels(card) == ["Runbook", "Failed jobs", "Page help…", "Not an incident"]
    night.presses(card, "Not an incident")
    assert "🟢" in night.shown(card)
    assert night.labels(card) == []
    assert night.incident().resolved
    night.says(room, CARD, times=1)


def test_for_what_was_no_incident_nobody_owes_a_postmortem(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Not an incident")
    over = night.says(room, "Resolved after", times=1)
    assert "Not an incident" in night.shown(over)
    assert night.labels(over) == ["Timeline"]
    assert night.pagerduty.incident(alert.id).status == "resolved"
    night.goes(hours=60)
    night.silent(room, "Postmortem")
    night.types(room, "/incident reopen It is one after all")
    night.types(room, "/incident resolve The token had expired")
    night.says(room, "Postmortem draft", times=1)


def test_failed_jobs_and_the_runbook_are_one_press_away(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    card = night.says(room, CARD)
    night.presses(card, "Failed jobs")
    night.says(room, "repost-dispatch: 120 failed jobs")
    night.presses(card, "Runbook")
    night.says(room, "Runbook: Destination upload failures")


# ---------------------------------------------------------------- the acknowledgement


def test_ack_by_button_acknowledges_as_the_one_who_pressed_and_makes_them_lead(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(2)
    night.presses(night.says(room, CARD), "Ack")
    said = night.says(room, "Acknowledged by", times=1)
    assert "after 2 min" in said.text
    assert [user for user, _ in night.pagerduty.incident(alert.id).acknowledged] == [NOOR.id]
    sent = [each for each in night.pagerduty.made(f"PUT /incidents/{alert.id}") if each.status == 200]
    assert [each.asked.headers["from"] for each in sent] == [NOOR.email]
    assert night.incident().lead == "UONCALL"
    night.silent(room, "PagerDuty:")


def test_ack_by_command_does_the_same(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    night.types(night.room(), "/ack")
    assert night.pagerduty.incident(alert.id).status == "acknowledged"


def test_of_two_who_acknowledge_at_once_one_does_and_the_other_hears_who(night: Night) -> None:
    night.engineers("UONCALL", "ULEAD")
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    card = night.says(room, CARD)
    night.slack.oncall.presses(card, "Ack").ok()
    night.slack.lead.joins(room)
    night.slack.lead.presses(card, "Ack").ok()
    night.settle()
    night.says(room, "Acknowledged by", times=1)
    assert "<@UONCALL>" in night.shown(night.whispered(room, "Not done: Incident 1 is acknowledged", "linnea"))
    assert len(night.pagerduty.made(f"PUT /incidents/{alert.id}")) == 1


def test_an_alert_acknowledged_elsewhere_shows_by_whom_and_is_not_acknowledged_again(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(1)
    night.pagerduty.acknowledge(alert.id, LINNEA.id)
    said = night.says(room, "Acknowledged by <@ULEAD> after 1 min", times=1)
    assert "<@ULEAD>" in said.text
    assert night.incident().lead == "ULEAD"
    night.types(room, "/ack")
    night.whispered(room, "Not done: Incident 1 is acknowledged already")
    assert not night.pagerduty.made(f"PUT /incidents/{alert.id}")
    night.goes(4)
    night.silent(room, "Not acknowledged yet")


def test_an_acknowledgement_of_which_pagerduty_tells_little_counts_too(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.goes(1)
    with night.pagerduty.lock:
        kept = night.pagerduty.account.incidents[alert.id]
        kept.status, kept.acknowledged = "acknowledged", []
    night.polls()
    night.says(room, "Acknowledged by", times=1)
    night.goes(6)
    night.silent(room, "Nobody has acknowledged")


def test_polling_tells_of_an_acknowledgement_whose_webhook_was_lost(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.webhooks.drop()
    night.pagerduty.acknowledge(alert.id)
    night.polls()
    night.says(room, "Acknowledged by <@UONCALL>", times=1)


def test_who_acknowledges_in_pagerduty_without_a_slack_account_is_named_and_does_not_lead(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.acknowledge(alert.id, PRIYA.id)
    said = night.says(room, "Acknowledged by Priya Nair")
    assert "nobody leads yet" in night.shown(said)
    assert night.incident().lead == ""
    night.goes(15)
    night.says(room, "Update due: 15 min", times=1)


def test_who_acknowledges_in_slack_without_a_pagerduty_account_is_named_in_a_note(night: Night) -> None:
    night.engineers("UONCALL", "UGUEST")
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Ack", "tomas")
    seen = night.pagerduty.incident(alert.id)
    assert seen.status == "acknowledged"
    assert any("by tomas, from Slack" in note.content for note in seen.notes), seen.notes


def test_an_acknowledgement_that_runs_out_in_pagerduty_is_told_and_renewed_by_a_press(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Ack")
    night.types(room, "/incident snooze 2h Vendor works on it")
    night.goes(31)
    night.presses(night.says(room, "PagerDuty: the acknowledgement ran out", times=1), "Ack again")
    night.says(room, f"Alert {alert.id} acknowledged by <@UONCALL>")
    assert night.pagerduty.incident(alert.id).status == "acknowledged"


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


# ---------------------------------------------------------------- strange alerts


def test_an_alert_that_resolves_before_anyone_looked_pages_nobody_further(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.resolve(alert.id)
    said = night.says(room, "PagerDuty: the alert resolved", times=1)
    assert night.labels(said) == ["Resolve…"]
    night.goes(10)
    night.silent(room, "Nobody has acknowledged")
    assert night.pagerduty.rang(LINNEA.id) == 0


def test_an_alert_that_came_and_went_unseen_is_told_of_once(night: Night) -> None:
    night.pagerduty.webhooks.url = ""
    alert = night.pagerduty.trigger(TITLE)
    night.goes(seconds=20)
    night.pagerduty.resolve(alert.id)
    night.polls()
    night.goes(1)
    night.polls()
    night.says("ops", "Alert came and went: Instagram uploads failing", times=1)
    assert night.desk.store.open_count() == 0


def test_an_alert_merged_into_another_is_followed_there(night: Night) -> None:
    first = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.webhooks.url = ""
    other = night.pagerduty.trigger("All uploads failing")
    night.pagerduty.webhooks.url = night.webhook
    with night.pagerduty.lock:
        night.pagerduty.account.merge(first.id, other.id, NOOR.id)
    night.says(room, "PagerDuty: alert merged into All uploads failing", times=1)
    assert night.incident().alerts == (first.id, other.id)
    night.types(room, "/ack")
    assert night.pagerduty.incident(other.id).status == "acknowledged"


def test_an_alert_deleted_in_pagerduty_is_said_and_its_ack_answered(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    with night.pagerduty.lock:
        night.pagerduty.account.forget(alert.id)
    night.types(room, "/ack")
    said = night.says(room, "Not done: the acknowledgement in PagerDuty", times=1)
    assert alert.id in said.text
    night.says(room, "Acknowledged by <@UONCALL>")


def test_an_alert_reopened_after_the_incident_was_resolved_is_said_with_a_way_back(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/incident resolve The token had expired")
    with night.pagerduty.lock:
        night.pagerduty.account.reopen(alert.id, NOOR.id)
    said = night.says(room, "PagerDuty: the alert is open again", times=1)
    assert "Reopen…" in night.labels(said)


def test_a_note_written_in_pagerduty_stands_on_the_timeline_and_ours_does_not_come_back(night: Night) -> None:
    alert = night.pagerduty.trigger(TITLE)
    room = night.room()
    night.pagerduty.annotate(alert.id, "Looks like the token", PRIYA.id)
    night.says(room, "Note by Priya Nair: Looks like the token", times=1)
    night.types(room, "/incident note Rotating it now")
    night.says(room, "Note by", times=2)
    assert any("Rotating it now" in note.content for note in night.pagerduty.incident(alert.id).notes)


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


# ---------------------------------------------------------------- who is on call


def test_who_is_on_call_now_and_next_is_shown_with_until_when(night: Night) -> None:
    night.types("ops", "/oncall show")
    shown = night.shown(night.says("ops", "On call: Noor Haddad"))
    assert "Priya Nair" in shown
    assert "Linnea Berg" in shown
    assert "until" in shown


def test_a_person_is_paged_by_mention_beside_the_alert(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.types(room, "/oncall page @linnea Need the database password")
    night.says(room, "Linnea Berg paged: Need the database password", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert "paged" in night.kinds()


def test_a_policy_is_paged_by_name_without_an_incident(night: Night) -> None:
    night.types("ops", "/oncall page Leads Nobody answers")
    night.says("ops", "Leads paged: Nobody answers", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1
    assert night.desk.store.open_count() == 0


def test_paging_somebody_whom_pagerduty_does_not_know_says_so(night: Night) -> None:
    night.types("ops", "/oncall page @tomas Come")
    night.says("ops", "Not done: paging. PagerDuty knows nobody with the e-mail address of <@UGUEST>")


@pytest.mark.parametrize("who", ["@linnea", "Linnea Berg", "linnea"])
def test_in_the_form_a_person_is_but_a_name(night: Night, who: str) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Page help…")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"who": who, "why": "Stuck"}).ok()
    night.says(room, "Linnea Berg paged: Stuck", times=1)
    assert night.pagerduty.rang(LINNEA.id) == 1


def test_page_help_opens_a_form(night: Night) -> None:
    night.pagerduty.trigger(TITLE)
    room = night.room()
    night.presses(night.says(room, CARD), "Page help…")
    view = night.slack.open_view("noor")
    assert view
    night.slack.oncall.submits(view, {"who": "Leads", "why": "Stuck"}).ok()
    night.says(room, "Leads paged: Stuck")


def test_nobody_speaks_for_pagerduty_or_the_clock(night: Night) -> None:
    night.types("ops", "/incident open Something")
    room = night.room()
    for text in ("/alert triggered QXXXX", "/duty update 1 2026-11-23T03:00:00+00:00"):
        assert text.split()[0] not in (night.slack.manifest.commands or {})
    assert night.desk.store.open_count() == 1
    night.silent(room, "Update due")
