"""PagerDuty's client against a PagerDuty that keeps the rules: what is done is done once, in the right name."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import Gone, Later, Refused, Unreachable
from bot.outside.pagerduty.client import PagerDuty
from bot.outside.pagerduty.protocol import Acting, Person, Policy
from bot.sandbox.pagerduty.model import EscalationPolicy as PolicyThere
from bot.sandbox.pagerduty.seeds import BOT, LINNEA, OTHER_SERVICE, PRIYA, SERVICE
from bot.sandbox.pagerduty.seeds import NOOR as NOOR_THERE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from tests.outside.outsides import NOOR, TOMAS, Clock, changes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(clock: Clock) -> Iterator[PagerDutySandbox]:
    with PagerDutySandbox(now=clock) as running:
        yield running


@pytest.fixture
def pager(there: PagerDutySandbox) -> PagerDuty:
    return PagerDuty(there.api_key, there.sender, there.api_url)


def linnea() -> Person:
    return Person(LINNEA.id, LINNEA.name)


# ---------------------------------------------------------------- reading


def test_an_alert_is_read_with_the_pagers_own_times(there: PagerDutySandbox, pager: PagerDuty, clock: Clock) -> None:
    began = clock.now
    made = there.trigger("Instagram uploads failing")
    clock.passes(minutes=2)
    there.acknowledge(made.id)
    alert = pager.alert(made.id)
    assert (alert.title, alert.number, alert.status) == ("Instagram uploads failing", 1, "acknowledged")
    assert (alert.created, alert.changed) == (began, clock.now)
    assert (alert.service, alert.service_name, alert.policy_name) == (SERVICE, "Reposting", "Reposting")
    assert alert.acknowledgers == "Noor Haddad"
    assert [each.name for each in alert.assigned] == ["Noor Haddad"]
    assert alert.url.endswith(made.id)
    assert alert.open
    assert not alert.ours


def test_open_alerts_are_those_of_the_services_however_old_and_however_many(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    old = there.trigger("From another month")
    clock.passes(days=40)
    new = [there.trigger(f"Number {number}") for number in range(249)]
    there.acknowledge(new[0].id)
    there.resolve(new[1].id)
    there.trigger("Not ours", OTHER_SERVICE)
    found = pager.open([SERVICE])
    assert [each.id for each in found] == [old.id, new[0].id, *(each.id for each in new[2:])]
    assert len(there.made("GET /incidents")) == 3
    assert pager.open([]) == []


def test_of_the_resolved_only_the_late_ones_are_read(there: PagerDutySandbox, pager: PagerDuty, clock: Clock) -> None:
    for number in range(150):
        there.resolve(there.trigger(f"Long over {number}").id)
    since = clock.passes(hours=2)
    late = there.trigger("Just over")
    there.resolve(late.id, NOOR_THERE.id)
    found = pager.resolved([SERVICE], since)
    assert [each.id for each in found] == [late.id]
    assert found[0].resolved == clock.now
    assert found[0].changed_by == "Noor Haddad"
    assert len(there.made("GET /incidents")) == 1
    assert pager.resolved([], since) == []


def test_a_merged_alert_says_into_which_and_one_that_is_deleted_is_gone(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    one, other = there.trigger("One"), there.trigger("Other")
    with there.lock:
        there.account.merge(one.id, other.id, NOOR_THERE.id)
        there.account.forget(other.id)
    merged = pager.alert(one.id)
    assert (merged.status, merged.merged_into) == ("resolved", other.id)
    with pytest.raises(Gone, match=other.id):
        pager.alert(other.id)


def test_an_id_that_is_no_id_stays_one_part_of_the_address(there: PagerDutySandbox, pager: PagerDuty) -> None:
    with pytest.raises(Refused):
        pager.alert("../users/me?x=")
    assert not there.made("GET /users")


def test_a_relapse_is_read_from_the_log(there: PagerDutySandbox, pager: PagerDuty, clock: Clock) -> None:
    began = clock.now
    made = there.trigger("Flapping")
    there.acknowledge(made.id)
    assert pager.relapses(made.id, began) == {}
    lapsed = clock.passes(minutes=31)
    assert there.wait_for(lambda: there.incident(made.id).status == "triggered")
    assert pager.relapses(made.id, began) == {"unacknowledged": lapsed}
    there.resolve(made.id)
    again = clock.passes(minutes=10)
    with there.lock:
        there.account.reopen(made.id, LINNEA.id)
    assert pager.relapses(made.id, began) == {"unacknowledged": lapsed, "reopened": again}
    assert pager.relapses(made.id, again) == {"reopened": again}


# ---------------------------------------------------------------- acknowledging


def test_an_alert_is_acknowledged_as_the_one_who_pressed(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    done = pager.acknowledge(made.id, NOOR)
    assert (done.new, done.as_user, done.alert.status) == (True, "Noor Haddad", "acknowledged")
    assert there.incident(made.id).acknowledged[0][0] == NOOR_THERE.id
    assert there.made("PUT /incidents")[0].asked.headers["from"] == "noor@reposter.example"
    assert there.incident(made.id).notes == []


def test_who_has_no_user_there_is_named_in_a_note_and_the_configured_user_acts(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    made = there.trigger("Down")
    done = pager.acknowledge(made.id, TOMAS)
    assert (done.new, done.as_user) == (True, "Firewatch")
    assert there.incident(made.id).acknowledged[0][0] == BOT.id
    assert [each.text for each in pager.notes(made.id)] == ["To be acknowledged by Tomas Reyes, from Slack."]


def test_an_alert_that_is_acknowledged_is_not_acknowledged_again(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    made = there.trigger("Down")
    there.acknowledge(made.id)
    lapses = there.incident(made.id).lapses
    clock.passes(minutes=10)
    done = pager.acknowledge(made.id, Acting("linnea@reposter.example", "Linnea Berg"))
    assert (done.new, done.as_user, done.alert.acknowledgers) == (False, "", "Noor Haddad")
    assert changes(there) == []
    assert there.incident(made.id).lapses == lapses


def test_an_alert_that_was_resolved_meanwhile_is_neither_acknowledged_nor_reopened(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    made = there.trigger("Down")
    there.resolve(made.id)
    assert pager.acknowledge(made.id, NOOR).alert.status == "resolved"
    assert changes(there) == []


def test_somebody_who_was_quicker_between_look_and_press_is_no_failure(
    there: PagerDutySandbox, pager: PagerDuty, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = there.trigger("Down")
    look, looks = pager.alert, []

    def looked(id: str) -> Any:
        found = look(id)
        looks.append(found)
        if len(looks) == 1:
            there.resolve(made.id)
        return found

    monkeypatch.setattr(pager, "alert", looked)
    done = pager.acknowledge(made.id, NOOR)
    assert (done.new, done.alert.status) == (False, "resolved")


@pytest.mark.parametrize("reset", ["before", "after"])
def test_an_answer_that_was_lost_leaves_the_same_call_safe(
    there: PagerDutySandbox, pager: PagerDuty, reset: Any
) -> None:
    made = there.trigger("Down")
    there.faults.next(f"PUT /incidents/{made.id}", reset=reset)
    with pytest.raises(Unreachable, match="could not reach PagerDuty"):
        pager.acknowledge(made.id, NOOR)
    done = pager.acknowledge(made.id, NOOR)
    assert done.alert.acknowledgers == "Noor Haddad"
    assert done.new is (reset == "before")
    assert len(there.incident(made.id).acknowledged) == 1
    assert sum(entry.kind == "acknowledge_log_entry" for entry in there.incident(made.id).log) == 1


def test_resolving_tells_the_cause_and_is_done_once(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    assert pager.resolve(made.id, NOOR, "The token had expired").new
    assert not pager.resolve(made.id, NOOR, "The token had expired").new
    assert changes(there) == [f"PUT /incidents/{made.id}"]
    assert there.incident(made.id).log[-1].more == {"channel": {"type": "note", "summary": "The token had expired"}}


# ---------------------------------------------------------------- notes and severity


def test_a_note_is_written_once_whatever_happens_to_the_answer(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    there.faults.next(f"POST /incidents/{made.id}/notes", reset="after")
    with pytest.raises(Unreachable):
        pager.note(made.id, "Refreshing the token", NOOR, "call-1")
    assert not pager.note(made.id, "Refreshing the token", NOOR, "call-1")
    assert pager.note(made.id, "Refreshing the token", NOOR, "call-2")
    there.annotate(made.id, "Looking at it")
    notes = pager.notes(made.id)
    assert [(each.text, each.ours) for each in notes] == [
        ("Refreshing the token", True),
        ("Refreshing the token", True),
        ("Looking at it", False),
    ]
    assert notes[2].author == "Noor Haddad"


def test_an_update_of_forty_thousand_characters_is_cut_and_says_so(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    assert pager.note(made.id, "long " * 8_000, NOOR, "call-1")
    assert not pager.note(made.id, "long " * 8_000, NOOR, "call-1")
    content = there.incident(made.id).notes[0].content
    assert len(content) <= 20_000
    assert "cut; the whole text is in Slack" in content


@pytest.mark.parametrize("names", [("P1", "P2"), ("SEV-1", "SEV-2"), ("Sev1 Critical", "Sev2 Major")])
def test_a_severity_is_the_accounts_priority_of_that_rank(
    there: PagerDutySandbox, pager: PagerDuty, names: tuple[str, str]
) -> None:
    there.account.priorities = {"PPRIO01": names[0], "PPRIO02": names[1], "PPRIO10": "P10"}
    made = there.trigger("Down")
    assert pager.set_severity(made.id, "sev2", NOOR) == names[1]
    assert pager.set_severity(made.id, "sev2", NOOR) == names[1]
    assert len(changes(there)) == 1
    assert pager.alert(made.id).priority == names[1]
    assert pager.set_severity(made.id, "sev3", NOOR) == ""


def test_an_account_without_priorities_has_none(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.account.abilities.discard("priorities")
    assert pager.set_severity(there.trigger("Down").id, "sev1", NOOR) == ""


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
    pages, empty = pager._pages, [True]

    def unseen(path: str, name: str, params: Any) -> Iterator[Any]:
        if path == "incidents" and empty:
            empty.clear()
            return iter(())  # we looked before the other try arrived
        return pages(path, name, params)

    monkeypatch.setattr(pager, "_pages", unseen)
    second = pager.page(linnea(), "Help", NOOR, "call-1", service=SERVICE)
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


# ---------------------------------------------------------------- trouble


def test_a_pause_lasts_as_long_as_pagerduty_says(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.faults.next("*", status=429, retry_after=42)
    began = time.monotonic()
    with pytest.raises(Later, match="pause of 42 s") as later:
        pager.alert(there.trigger("Down").id)
    assert later.value.seconds == 42
    assert time.monotonic() - began < 2
    assert len(there.calls) == 1


def test_its_limit_of_960_a_minute_is_a_pause_and_not_a_failure(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    with there.lock:
        there._asked.extend([there.now()] * 959)
    pager.alert(made.id)
    with pytest.raises(Later) as later:
        pager.alert(made.id)
    assert 1 <= later.value.seconds <= 60


def test_reading_is_tried_again_after_a_5xx_and_writing_is_not(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    there.faults.next(f"GET /incidents/{made.id}", times=2, status=502)
    assert pager.alert(made.id).id == made.id
    there.faults.next(f"PUT /incidents/{made.id}", status=500)
    with pytest.raises(Unreachable, match="it answered 500"):
        pager.resolve(made.id, NOOR)
    assert there.incident(made.id).open
    assert len(there.made("PUT")) == 1


def test_a_pagerduty_that_is_not_there_is_unreachable_within_seconds() -> None:
    pager = PagerDuty("key", "firewatch@reposter.example", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(Unreachable, match="could not reach PagerDuty: connection refused"):
        pager.alert("Q1")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("arrange", "kind", "says"),
    [
        (lambda there: setattr(there, "api_key", "another"), Refused, "PAGERDUTY_API_KEY"),
        (lambda there: setattr(there, "read_only", True), Refused, "for reading only"),
    ],
)
def test_a_key_that_will_not_do_is_said_with_what_to_do(
    there: PagerDutySandbox,
    pager: PagerDuty,
    arrange: Callable[[PagerDutySandbox], None],
    kind: type[Exception],
    says: str,
) -> None:
    made = there.trigger("Down")
    arrange(there)
    with pytest.raises(kind, match=says):
        pager.resolve(made.id, NOOR)


def test_what_is_not_pagerduty_is_not_believed(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.faults.next("*", status=200)
    with pytest.raises(Unreachable, match="is not PagerDuty"):
        pager.alert("Q1")


def test_the_clients_own_warning_is_not_heard() -> None:
    run = [sys.executable, "-W", "error", "-c", "import bot.outside.pagerduty.api"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_trouble_while_asking_who_owns_the_key_is_not_taken_for_an_answer(there: PagerDutySandbox) -> None:
    made = there.trigger("Down")
    there.faults.next("GET /users/me", times=3, status=503)
    with pytest.raises(Unreachable, match="answered 503"):
        PagerDuty(there.api_key, "", there.api_url).acknowledge(made.id, TOMAS)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_what_is_asked_only_to_do_better_may_be_unknown_there(
    there: PagerDutySandbox, pager: PagerDuty, status: int
) -> None:
    made = there.trigger("Uploads fail")
    aside = ["oncalls", "users", "priorities", f"escalation_policies/{pager.alert(made.id).policy}"]
    for path in [*aside, f"incidents/{made.id}/notes"]:
        there.faults.next(f"GET /{path}", times=20, status=status)
    assert pager.note(made.id, "Looking", Acting(name="tomas"), "n1")
    assert pager.escalate(made.id, 2, Acting(name="tomas")).new
    assert pager.acknowledge(made.id, Acting(name="tomas")).new
    assert pager.set_severity(made.id, "sev1", Acting(name="tomas")) == ""
    assert {each.asked.headers["from"] for each in there.made(f"PUT /incidents/{made.id}")} == {there.sender}


def test_one_that_hangs_is_found_out_once_and_then_left_alone_for_a_while(
    there: PagerDutySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outside.pagerduty.api.TIMEOUT", (1.0, 0.2))
    pager = PagerDuty(there.api_key, there.sender, there.api_url)
    made = there.trigger("Uploads fail")
    there.faults.next("*", delay=1.0)
    with pytest.raises(Unreachable, match="could not reach PagerDuty: timeout"):
        pager.alert(made.id)
    with pytest.raises(Unreachable, match="PagerDuty did not answer in time; I ask again in"):
        pager.acknowledge(made.id, NOOR)
    there.wait_for(lambda: len(there.calls) == 1)
    monkeypatch.setattr(pager._patience, "_until", 0.0)
    assert pager.acknowledge(made.id, NOOR).new


def test_a_connection_that_breaks_while_reading_is_made_anew_and_pagerduty_asked_on(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    made = there.trigger("Uploads fail")
    there.faults.next("*", reset="before")
    assert pager.alert(made.id).id == made.id
    there.faults.next("*", times=2, reset="before")
    with pytest.raises(Unreachable):
        pager.alert(made.id)
    assert pager.alert(made.id).id == made.id
