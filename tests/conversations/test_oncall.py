"""Who is on call is shown, and a person or a policy is paged by command or form. Under a clock moved by hand."""

from __future__ import annotations

import pytest

from bot.sandbox.pagerduty.seeds import LINNEA
from tests.conversations.nights import Night
from tests.conversations.uploads_alert import CARD, TITLE


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
