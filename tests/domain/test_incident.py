"""The incident as a value: what it may become, what it owes and when, and that nothing of it is lost in storing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.incident import DAY, Event, Incident, ack_due, duties, mention_of, postmortem_due, slug, update_due

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Runbook:
    """``incident.Pace`` as section 7 has it."""

    ack: timedelta = timedelta(minutes=5)
    update: timedelta = timedelta(minutes=15)
    postmortem: timedelta = timedelta(hours=24)


PACE = Runbook()


def minutes(count: float) -> datetime:
    return AT + timedelta(minutes=count)


@pytest.fixture
def opened() -> Incident:
    return Incident(12, "Instagram uploads failing", "sev2", AT, "UNOOR", "call1")


@pytest.fixture
def acknowledged(opened: Incident) -> Incident:
    return opened.acknowledge("UNOOR", minutes(2), lead="UNOOR")


# ---------------------------------------------------------------- names


@given(st.text())
def test_any_title_makes_a_name_that_slack_takes(title: str) -> None:
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", slug(title))
    name = Incident(10**6, title, "sev1", AT, "U1", "k").name
    assert re.fullmatch(r"inc-1000000-[a-z0-9-]*[a-z0-9]", name)
    assert len(name) <= 76  # four are left for "-20", where a name is taken


@pytest.mark.parametrize(
    ("title", "part"),
    [
        ("Instagram uploads failing", "instagram-uploads-failing"),
        ("  Café: 50 % of <!channel> fail!  ", "cafe-50-of-channel-fail"),
        ("日本語", "incident"),
        ("--", "incident"),
        ("a" * 60, "a" * 50),
    ],
)
def test_a_title_becomes_a_part_of_a_channel_name(title: str, part: str) -> None:
    assert slug(title) == part


def test_a_person_is_mentioned_and_a_name_from_elsewhere_is_said() -> None:
    assert [mention_of("U123"), mention_of("Noor Haddad"), mention_of("")] == ["<@U123>", "Noor Haddad", "nobody"]


# ---------------------------------------------------------------- storing

moments = st.datetimes(timezones=st.just(UTC)) | st.none()
texts = st.text(max_size=20)
incidents = st.builds(
    Incident,
    number=st.integers(1, 10**6),
    title=texts,
    severity=st.sampled_from(["sev1", "sev4"]),
    opened_at=st.datetimes(timezones=st.just(UTC)),
    opened_by=texts,
    key=texts,
    state=st.sampled_from(["open", "acknowledged", "mitigated", "resolved"]),
    **{each.name: moments for each in fields(Incident) if each.type == "datetime | None"},
    alerts=st.lists(texts).map(tuple),
    update=st.dictionaries(texts, texts),
    ticked=st.dictionaries(texts, st.fixed_dictionaries({"by": texts, "at": texts})),
)


@given(incidents)
def test_an_incident_is_the_same_after_storing_it(incident: Incident) -> None:
    assert Incident.from_json(json.loads(json.dumps(incident.to_json()))) == incident


@given(st.builds(Event, st.datetimes(timezones=st.just(UTC)), texts, texts, texts, jobs=st.lists(texts).map(tuple)))
def test_an_event_is_the_same_after_storing_it(event: Event) -> None:
    assert Event.from_json(json.loads(json.dumps(event.to_json()))) == event


def test_what_another_version_stored_is_understood(opened: Incident) -> None:
    assert Incident.from_json({**opened.to_json(), "mood": "calm"}) == opened
    event = Event(AT, "U1", "note", "hello")
    assert Event.from_json({**event.to_json(), "mood": "calm"}) == event


def test_the_version_is_the_records_and_not_the_incidents(opened: Incident) -> None:
    assert "version" not in opened.to_json()


# ---------------------------------------------------------------- what it may become


def test_whoever_acknowledges_first_is_on_record(acknowledged: Incident) -> None:
    assert (acknowledged.state, acknowledged.acknowledged_by, acknowledged.lead) == ("acknowledged", "UNOOR", "UNOOR")
    with pytest.raises(Refused, match="acknowledged already, by <@UNOOR>"):
        acknowledged.acknowledge("UOTHER", minutes(3))


def test_a_lead_stays_when_somebody_else_acknowledges(opened: Incident) -> None:
    assert replace(opened, lead="ULEAD").acknowledge("UNOOR", minutes(2), lead="UNOOR").lead == "ULEAD"


def test_what_is_mitigated_stays_so_when_it_is_acknowledged_late(opened: Incident) -> None:
    assert opened.mitigate(minutes(1)).acknowledge("UNOOR", minutes(2)).state == "mitigated"


def test_mitigating_twice_is_refused(acknowledged: Incident) -> None:
    with pytest.raises(Refused, match="mitigated already"):
        acknowledged.mitigate(minutes(9)).mitigate(minutes(10))


def test_a_resolved_incident_takes_nothing_but_reopening(acknowledged: Incident) -> None:
    resolved = acknowledged.resolve("UNOOR", minutes(40), "the token had expired")
    assert (resolved.state, resolved.cause, resolved.lasted(minutes(99))) == (
        "resolved",
        "the token had expired",
        timedelta(minutes=40),
    )
    changes: list[Callable[[], Incident]] = [
        lambda: resolved.resolve("UNOOR", minutes(41), "again"),
        lambda: resolved.acknowledge("UNOOR", minutes(41)),
        lambda: resolved.mitigate(minutes(41)),
        lambda: resolved.snooze(minutes(60)),
        lambda: resolved.updated(minutes(41), {"text": "x"}),
    ]
    for change in changes:
        with pytest.raises(Refused, match=r"was resolved by <@UNOOR>\. `/incident reopen WHY` opens it again\."):
            change()


def test_reopening_brings_back_its_clocks(acknowledged: Incident) -> None:
    resolved = acknowledged.resolve("UNOOR", minutes(40), "thought so")
    again = resolved.reopen(minutes(50))
    assert (again.state, again.resolved_at, again.cause) == ("acknowledged", None, "")
    assert update_due(again, PACE) == minutes(65)
    with pytest.raises(Refused, match="is open"):
        again.reopen(minutes(51))


def test_a_step_of_the_runbook_is_ticked_and_unticked(opened: Incident) -> None:
    ticked = opened.tick("uploads/1", "UNOOR", AT)
    assert ticked.ticked == {"uploads/1": {"by": "UNOOR", "at": AT.isoformat()}}
    assert ticked.tick("uploads/1", "UOTHER", minutes(1)).ticked == {}


# ---------------------------------------------------------------- what it owes


def test_somebody_must_acknowledge_within_five_minutes_of_the_alert(opened: Incident) -> None:
    assert ack_due(opened, PACE) == minutes(5)
    assert ack_due(replace(opened, alerted_at=minutes(-3)), PACE) == minutes(2)


def test_nobody_need_acknowledge_what_is_acknowledged_or_over(opened: Incident, acknowledged: Incident) -> None:
    assert ack_due(acknowledged, PACE) is None
    assert ack_due(opened.resolve("U1", minutes(1), "x"), PACE) is None


def test_an_update_is_owed_from_acknowledgement_to_resolution(opened: Incident, acknowledged: Incident) -> None:
    assert update_due(opened, PACE) is None
    assert update_due(acknowledged, PACE) == minutes(17)
    assert update_due(acknowledged.updated(minutes(10), {"text": "x"}), PACE) == minutes(25)
    assert update_due(acknowledged.resolve("U1", minutes(20), "x"), PACE) is None


def test_an_update_promised_sooner_is_owed_sooner_and_never_later(acknowledged: Incident) -> None:
    assert update_due(acknowledged.updated(minutes(10), {}, minutes(15)), PACE) == minutes(15)
    assert update_due(acknowledged.updated(minutes(10), {}, minutes(99)), PACE) == minutes(25)


def test_a_snooze_puts_the_update_off_and_ends_with_the_next_one(acknowledged: Incident) -> None:
    snoozed = acknowledged.snooze(minutes(60))
    assert update_due(snoozed, PACE) == minutes(60)
    assert update_due(acknowledged.snooze(minutes(5)), PACE) == minutes(17)
    assert update_due(snoozed.updated(minutes(20), {}), PACE) == minutes(35)


def test_a_postmortem_is_owed_a_day_after_resolution_until_it_is_done(acknowledged: Incident) -> None:
    resolved = acknowledged.resolve("U1", minutes(40), "x")
    assert postmortem_due(acknowledged, PACE) is None
    assert postmortem_due(resolved, PACE) == minutes(40) + timedelta(hours=24)
    assert postmortem_due(replace(resolved, postmortem="https://x.example"), PACE) is None


# ---------------------------------------------------------------- duties


def named(incident: Incident, now: datetime) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {}
    for duty in duties(incident, PACE, now):
        found.setdefault(duty.name, []).append(duty.at)
    return found


def test_a_fresh_alert_is_watched_at_three_and_at_five_minutes(opened: Incident) -> None:
    found = named(opened, AT)
    assert (found["ack-soon"], found["ack-missed"]) == ([minutes(3)], [minutes(5)])
    assert found["status-page"] == [minutes(30)]
    assert "update" not in found


def test_an_update_that_was_slept_through_is_asked_for_once(acknowledged: Incident) -> None:
    assert named(acknowledged, minutes(16))["update"] == [minutes(17)]
    assert named(acknowledged, minutes(70))["update"] == [minutes(62), minutes(77)]
    assert named(acknowledged, minutes(70))["update-missed"] == [minutes(22)]


def test_the_status_page_is_asked_about_until_it_says_something(acknowledged: Incident) -> None:
    assert "status-page" not in named(replace(acknowledged, status_page="inc1"), minutes(40))


def test_a_late_postmortem_is_asked_for_every_day(acknowledged: Incident) -> None:
    resolved = acknowledged.resolve("U1", AT, "x")
    found = named(resolved, AT + 4.5 * DAY)
    assert found["postmortem-soon"] == [AT + timedelta(hours=20)]
    assert found["postmortem"] == [AT + DAY]
    assert found["postmortem-late"] == [AT + 4 * DAY, AT + 5 * DAY]
    assert set(found) == {"postmortem-soon", "postmortem", "postmortem-late"}


@given(incidents, st.timedeltas(-DAY, 300 * DAY).map(lambda since: AT + since))
def test_duties_come_in_order_each_once_and_need_no_memory(incident: Incident, now: datetime) -> None:
    within: dict[str, Any] = {
        each.name: AT if getattr(incident, each.name) else None
        for each in fields(Incident)
        if each.type == "datetime | None"
    }
    incident = replace(incident, opened_at=AT, **within)
    found = duties(incident, PACE, now)
    assert [duty.at for duty in found] == sorted(duty.at for duty in found)
    assert len({(duty.name, duty.at) for duty in found}) == len(found)
    past = [duty.name for duty in found if duty.at <= now]
    assert len(past) == len(set(past))
    if incident.resolved_at and incident.state == "resolved" and not incident.postmortem:
        assert any(duty.at > now for duty in found)
