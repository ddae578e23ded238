"""An alert opens one incident however it comes in, and what becomes of it is told. Under a clock moved by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time

import httpx
import pytest

from bot.sandbox.pagerduty.seeds import LINNEA, NOOR, OTHER_SERVICE, PRIYA
from bot.tools import Service, Tools
from handlers.evidence import EVIDENCE
from tests.conversations.nights import Night
from tests.conversations.uploads_alert import CARD, TITLE

OPENED = "Incident 1 open"


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
