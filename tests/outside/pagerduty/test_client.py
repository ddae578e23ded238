"""PagerDuty's client against a PagerDuty that keeps the rules: what is done is done once, in the right name."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.errors import Gone, Refused, Unreachable
from bot.outside.pagerduty.client import PagerDuty
from bot.outside.pagerduty.protocol import Acting
from bot.sandbox.pagerduty.seeds import BOT, LINNEA, OTHER_SERVICE, SERVICE
from bot.sandbox.pagerduty.seeds import NOOR as NOOR_THERE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from tests.outside.outsides import NOOR, TOMAS, Clock, changes

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


def test_no_secret_leaves_in_a_note(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    assert pager.note(made.id, "password=hunter2 by <@U012ABCDE|noor>", NOOR, "call-1")
    assert [each.text for each in pager.notes(made.id)] == ["password=••• by @noor"]
    assert not pager.note(made.id, "password=hunter2 by <@U012ABCDE|noor>", NOOR, "call-1")
