"""Paging, and who is who: once each, whoever tries again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.responses import JSONResponse, Response

from bot.domain.errors import Gone, Refused, Unreachable
from bot.outside.pagerduty.client import PagerDuty
from bot.outside.pagerduty.protocol import Acting, Person, Policy
from bot.sandbox.pagerduty.model import EscalationPolicy as PolicyThere
from bot.sandbox.pagerduty.seeds import LINNEA, PRIYA, SERVICE
from bot.sandbox.pagerduty.seeds import NOOR as NOOR_THERE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.serving import Asked
from tests.outside.outsides import NOOR, TOMAS, Clock


def linnea() -> Person:
    return Person(LINNEA.id, LINNEA.name)


# ---------------------------------------------------------------- paging


def test_the_next_level_is_paged_once(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    assert pager.level(pager.alert(made.id)) == 1
    assert pager.escalate(made.id, 2, Acting()).new
    assert not pager.escalate(made.id, 2, Acting()).new
    assert there.rang(LINNEA.id) == 1
    assert pager.level(pager.alert(made.id)) == 2


def test_nobody_is_paged_for_an_alert_that_somebody_has(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    there.acknowledge(made.id)
    assert not pager.escalate(made.id, 2, Acting()).new
    assert there.rang(LINNEA.id) == 0
    assert there.incident(made.id).status == "acknowledged"


def test_there_is_nobody_above_the_last_level(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    with pytest.raises(Refused, match="Reposting has only 2 levels"):
        pager.escalate(made.id, 3, Acting())


def test_who_stands_on_two_levels_is_not_paged_again_and_again(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.account.policies["PPOLICY1"] = PolicyThere("PPOLICY1", "Reposting", ((NOOR_THERE.id,), (NOOR_THERE.id,)))
    made = there.trigger("Down")
    pager.escalate(made.id, 2, Acting())
    pager.escalate(made.id, 2, Acting())
    assert there.rang(NOOR_THERE.id) <= 2


def test_a_person_is_paged_for_an_alert_once(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    there.faults.next(f"POST /incidents/{made.id}/responder_requests", reset="after")
    with pytest.raises(Unreachable):
        pager.page(linnea(), "Please look at Redis", NOOR, "call-1", alert=made.id)
    paged = pager.page(linnea(), "Please look at Redis", NOOR, "call-1", alert=made.id)
    assert (paged.who, paged.alert, paged.new) == ("Linnea Berg", made.id, False)
    assert there.rang(LINNEA.id) == 1
    assert pager.page(linnea(), "And again", NOOR, "call-2", alert=made.id).new
    assert there.rang(LINNEA.id) == 2
    request = there.made(f"POST /incidents/{made.id}/responder_requests")[0].asked.body
    assert request["requester_id"] == NOOR_THERE.id


def test_a_policy_is_paged_by_an_alert_of_its_own_where_there_is_none(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    policy = pager.policy("leads")
    there.faults.next("POST /incidents", reset="after")
    with pytest.raises(Unreachable):
        pager.page(policy, "Deciding about a restore", NOOR, "call-1", service=SERVICE)
    paged = pager.page(policy, "Deciding about a restore", NOOR, "call-1", service=SERVICE)
    assert (paged.who, paged.new) == ("Leads", False)
    alert = pager.alert(paged.alert)
    assert (alert.title, alert.policy_name, alert.ours) == ("Deciding about a restore", "Leads", True)
    assert len(there.account.incidents) == 1
    assert there.rang(LINNEA.id) == 1


def test_two_tries_at_the_same_time_page_once(
    there: PagerDutySandbox, pager: PagerDuty, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pager.page(linnea(), "Help", NOOR, "call-1", service=SERVICE)
    answer, empty = there.answer, [True]

    def unseen(asked: Asked) -> Response:
        if asked.name == "GET /incidents" and empty:
            empty.clear()  # we looked before the other try arrived
            return JSONResponse({"incidents": [], "more": False, "limit": 100, "offset": 0, "total": None})
        return answer(asked)

    monkeypatch.setattr(there, "answer", unseen)
    second = pager.page(linnea(), "Help", NOOR, "call-1", service=SERVICE)
    assert not empty
    assert (second.alert, second.new) == (first.alert, False)


def test_where_the_plan_has_no_responders_an_alert_of_its_own_is_made(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    there.account.abilities.discard("coordinated_responding")
    made = there.trigger("Down")
    paged = pager.page(linnea(), "Please look", NOOR, "call-1", alert=made.id)
    assert paged.new
    assert paged.alert != made.id
    assert pager.alert(paged.alert).assigned[0].name == "Linnea Berg"
    assert not pager.page(linnea(), "Please look", NOOR, "call-1", alert=made.id).new
    assert there.rang(LINNEA.id) == 1


def test_paging_needs_a_service_to_page_about(pager: PagerDuty) -> None:
    with pytest.raises(Refused, match="about which service"):
        pager.page(linnea(), "Help", NOOR, "call-1")


# ---------------------------------------------------------------- who is who


def test_who_is_on_call_now_and_next(there: PagerDutySandbox, pager: PagerDuty, clock: Clock) -> None:
    turns = pager.oncall([SERVICE], clock.now, clock.now + timedelta(days=8))
    shown = [(each.person.name, each.level, each.now(clock.now)) for each in turns]
    assert shown[:2] == [("Noor Haddad", 1, True), ("Priya Nair", 1, False)]
    assert shown[-1] == ("Linnea Berg", 2, True)
    now, following = turns[:2]
    assert now.until is not None
    assert now.until == following.since
    assert now.until - clock.now >= timedelta(hours=12)
    assert now.person.email == "noor@reposter.example"
    assert (turns[-1].since, turns[-1].until, turns[-1].schedule) == (None, None, "")
    assert pager.oncall([], clock.now, clock.now) == []
    with pytest.raises(Gone, match="no service `PNOPE"):
        pager.oncall(["PNOPE1"], clock.now, clock.now)


def test_who_is_on_a_schedule_at_a_time(pager: PagerDuty, clock: Clock) -> None:
    assert pager.on_schedule("PSCHED1", clock.now) == [Person(NOOR_THERE.id, NOOR_THERE.name, NOOR_THERE.email)]
    assert pager.on_schedule("PSCHED1", clock.now + timedelta(days=7))[0].name == PRIYA.name
    with pytest.raises(Gone, match="no schedule `PSCHED9"):
        pager.on_schedule("PSCHED9", clock.now)


def test_a_user_is_found_by_the_very_address(there: PagerDutySandbox, pager: PagerDuty) -> None:
    assert pager.user("NOOR@reposter.example") == Person(NOOR_THERE.id, NOOR_THERE.name, NOOR_THERE.email)
    assert pager.user("oor@reposter.example") is None
    assert pager.user("") is None
    assert pager.user("noor@reposter.example")
    assert len(there.made("GET /users")) == 2


def test_a_policy_is_found_by_id_or_name_and_a_near_miss_is_offered(pager: PagerDuty) -> None:
    leads = Policy("PPOLICY2", "Leads", 1)
    assert pager.policy("PPOLICY2") == pager.policy("leads") == leads
    with pytest.raises(Gone, match="no escalation policy `laeds`") as no:
        pager.policy("laeds")
    assert no.value.hint == "Did you mean `Leads`?"


def test_without_a_configured_user_a_personal_key_acts_as_its_owner(there: PagerDutySandbox) -> None:
    pager = PagerDuty(there.api_key, "", there.api_url)
    made = there.trigger("Down")
    with pytest.raises(Refused, match="PAGERDUTY_FROM"):
        pager.acknowledge(made.id, TOMAS)
    there.rest.owner = LINNEA
    assert pager.acknowledge(made.id, TOMAS).as_user == "Linnea Berg"


def test_a_configured_user_that_is_not_there_is_said(there: PagerDutySandbox) -> None:
    pager = PagerDuty(there.api_key, "nobody@reposter.example", there.api_url)
    with pytest.raises(Refused, match=r"no user nobody@reposter\.example"):
        pager.acknowledge(there.trigger("Down").id, TOMAS)
