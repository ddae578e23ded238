"""An alert is acknowledged from Slack or from PagerDuty, once, in the right name. Under a clock moved by hand."""

from __future__ import annotations

from bot.sandbox.pagerduty.seeds import LINNEA, NOOR, PRIYA
from tests.conversations.nights import Night
from tests.conversations.uploads_alert import CARD, TITLE


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
