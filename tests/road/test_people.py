"""Who is on call: the catalogue's words, looked up in Slack and PagerDuty, and believed when those are away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from redis import Redis

from bot.domain.errors import Later
from bot.outside.pagerduty.protocol import Person
from bot.road.people import FRESH, Roster
from bot.store.base import SPARED
from bot.store.store import Store
from tests.parts import Clock, Slack


class Schedules:
    """As much of ``Pager`` as is asked here."""

    def __init__(self) -> None:
        self.on: dict[str, list[str]] = {}
        self.asked: list[datetime] = []

    def on_schedule(self, schedule: str, at: datetime) -> Sequence[Person]:
        self.asked.append(at)
        return [Person(f"P{address}", address, address) for address in self.on[schedule]]


@pytest.fixture
def store(redis_url: str) -> Iterator[Store]:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield Store(redis)


@pytest.fixture
def slack() -> Slack:
    slack = Slack()
    slack.groups = {"oncall": ["UNOOR", "UINES"], "leads": ["ULEAD"]}
    return slack


def roster(store: Store, slack: Slack, *oncall: str, pager: Any = None, served: Sequence[str] = ("*",)) -> Roster:
    return Roster(oncall, ["group:leads", "UBOSS"], served, slack, store, lambda: pager, Clock())


def forget(store: Store, *names: str) -> None:
    """What is believed for a while is believed no more."""
    for name in names:
        store.redis.delete(store.key("memo", f"people:{name}"), store.key("throttle", f"people:{name}"))


def test_people_and_groups_are_named_in_the_catalogues_order_each_once(store: Store, slack: Slack) -> None:
    people = roster(store, slack, "UFIRST", "group:oncall", "UNOOR")
    assert people.oncall() == ["UFIRST", "UNOOR", "UINES"]
    assert people.leads() == ["ULEAD", "UBOSS"]
    assert [people.is_oncall("UINES"), people.is_oncall("ULEAD"), people.is_lead("ULEAD")] == [True, False, True]


def test_a_group_is_asked_for_once_in_two_minutes(store: Store, slack: Slack) -> None:
    people = roster(store, slack, "group:oncall")
    for _ in range(5):
        people.oncall()
    assert slack.calls == ["members"]
    assert FRESH == 120
    ttl = store.redis.pttl(store.key("memo", "people:group:oncall"))
    assert 0 < ttl <= FRESH * 1000


def test_whoever_is_named_by_id_is_known_without_slack(store: Store, slack: Slack) -> None:
    people = roster(store, slack, "UNOOR", "group:oncall")
    assert people.is_oncall("UNOOR")
    assert people.is_lead("UBOSS")
    assert slack.calls == []


def test_when_slack_is_away_what_it_last_said_counts(store: Store, slack: Slack) -> None:
    people = roster(store, slack, "group:oncall")
    assert people.is_oncall("UINES")
    forget(store, "group:oncall")
    slack.fails("members", Later(3, "I could not reach Slack"))
    assert people.is_oncall("UINES")
    assert people.is_oncall("UNOOR")
    assert slack.calls == ["members", "members"]


def test_a_group_that_was_never_seen_counts_for_nobody_and_does_not_hold_up_every_sentence(
    store: Store, slack: Slack
) -> None:
    people = roster(store, slack, "group:oncall", "UNOOR")
    slack.fails("members", *[Later(3, "I could not reach Slack")] * 9)
    for _ in range(4):
        assert people.oncall() == ["UNOOR"]
    assert slack.calls == ["members"]
    assert store.redis.pttl(store.key("throttle", "people:group:oncall")) <= SPARED * 1000


def test_an_unknown_group_counts_for_nobody(store: Store, slack: Slack) -> None:
    assert roster(store, slack, "group:onkall").oncall() == []


def test_a_schedule_is_who_is_on_it_now_by_their_addresses(store: Store, slack: Slack) -> None:
    pager = Schedules()
    pager.on = {"PSCHED1": ["unoor@reposter.example", "nobody@elsewhere.example", ""]}
    people = roster(store, slack, "pagerduty:PSCHED1", pager=pager)
    assert people.oncall() == ["UNOOR", "NOBODY"]
    assert pager.asked == [Clock().at]


def test_a_schedule_without_pagerduty_counts_for_nobody(store: Store, slack: Slack) -> None:
    assert roster(store, slack, "pagerduty:PSCHED1", "UNOOR").oncall() == ["UNOOR"]


@pytest.mark.parametrize(
    ("served", "channel", "name", "lived_in", "heard"),
    [
        (["*"], "C1", "", False, True),
        (["COPS"], "COPS", "", False, True),
        (["ops"], "COPS", "ops", False, True),
        (["ops"], "COPS", "", False, False),
        (["inc-*"], "C9", "inc-12-uploads", False, True),
        (["ops"], "C9", "random", False, False),
        (["ops"], "C9", "random", True, True),
        ([], "C9", "random", False, False),
    ],
)
def test_which_channels_are_served(
    store: Store, slack: Slack, served: list[str], channel: str, name: str, lived_in: bool, heard: bool
) -> None:
    assert roster(store, slack, served=served).serves(channel, name, lived_in) is heard
