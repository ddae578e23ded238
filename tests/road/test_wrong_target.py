"""What is pressed acts on what it shows: incidents, channels, cards old and new, in any order, from any place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.doors import payloads
from tests.parts import Night, Shown
from tests.seeds import EXAMPLES

ORIGINS = ("COPS", "CDEV")
PEOPLE = ("UONCALL", "USECOND")
FILLED = {"cause": "a stale token", "text": "we looked", "why": "not over", "user": "USECOND", "span": "30m"}
FILLED |= {"link": "https://wiki.example/pm", "who": "<@USECOND>", "impact": "all", "next": "10m", "title": "more"}

CATALOGUE = """\
[access]
channels = ["COPS", "CDEV", "inc-*"]
oncall = ["UONCALL", "USECOND"]
leads = ["ULEAD"]

[queues.reposts]
backend = "bullmq"

[services.reposting]
queue = "reposts"
"""

STEP = st.one_of(
    st.tuples(st.just("open"), st.sampled_from(ORIGINS), st.booleans()),
    st.tuples(st.just("say"), st.sampled_from(("show", "timeline", "list")), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("type"), st.sampled_from(("note", "mitigate", "resolve", "reopen")), st.integers(0, 9)),
    st.tuples(st.just("press"), st.integers(0, 40), st.integers(0, 9), st.sampled_from(PEOPLE)),
    st.tuples(st.just("wait"), st.sampled_from((5.0, 16 * 60.0, 31 * 60.0))),
    st.tuples(st.just("move"), st.integers(0, 9), st.sampled_from(ORIGINS)),
)


@pytest.fixture
def night(redis_url: str, tmp_path: Path) -> Night:
    return Night(redis_url, tmp_path, CATALOGUE)


class Play:
    """One installation, and which incident each message says it is about."""

    def __init__(self, night: Night) -> None:
        self.night = night
        night.house.redis.flushdb()
        night.fresh()
        self.night.again()

    @property
    def numbers(self) -> list[int]:
        return sorted(int(number) for number in self.records())

    def records(self) -> dict[str, Any]:
        """Number → record and timeline of each incident, without what only its cards' upkeep changes."""
        found = {}
        for incident in self.night.house.store.incidents("all", 100):
            events = self.night.house.store.timeline(incident.number)
            body = {key: value for key, value in incident.to_json().items() if key not in ("summary", "evidence")}
            found[str(incident.number)] = json.dumps([body, [each.to_json() for each in events]], default=str)
        return found

    def channels(self) -> list[str]:
        return [*ORIGINS, *self.night.slack.channels.values()]

    def says(self, text: str, channel: str, actor: str = "UONCALL") -> None:
        self.night.says(text, actor, channel)

    def opens(self, origin: str, housed: bool) -> None:
        if not housed:
            self.night.slack.fails("create_channel", Refused("A setting of this workspace forbids me that."))
        self.says(f"/incident open Trouble {len(self.numbers) + 1}", origin)

    def pressable(self) -> list[tuple[Shown, str]]:
        cards = [*self.night.slack.shown, *self.night.slack.whispers]
        return [(card, value) for card in cards for value in values(card)]

    def presses(self, card: Shown, value: str, actor: str) -> int | None:
        """Press it as Slack would say it, and fill in the form that opens. Returns what the person saw named."""
        before = len(self.night.slack.forms)
        body = {
            "user": {"id": actor},
            "channel": {"id": card.channel, "name": ""},
            "message": {"ts": card.ts},
            "trigger_id": f"t{before}",
            "actions": [{"type": "button", "action_id": "say:0", "value": value, "action_ts": f"{self.night.clock()}"}],
        }
        call = payloads.press(body, self.night.clock())
        assert isinstance(call, Call)
        self.night.clock.passes(3)  # a press by the same person within two seconds is the same press
        self._take(call)
        shown = shown_number(card) or self.own(card.channel)
        if len(self.night.slack.forms) == before:
            return shown
        view = self.night.slack.forms[-1]
        sent = payloads.submission({"user": {"id": actor}, "view": filled(view, len(self.night.slack.forms))}, call.at)
        if isinstance(sent, Call):
            self._take(sent)
        named = form_number(view)
        assert shown in (None, named), f"a form about #{named} from a card of #{shown}: {card}"
        return named

    def own(self, channel: str) -> int | None:
        """The incident for which this channel was made."""
        living = self.night.house.store.living_in(channel)
        return next((each.number for each in living if channel == each.own_channel), None)

    def _take(self, call: Call) -> None:
        self.night.house.desk.take(call)
        self.night.rests()


def values(card: Shown) -> list[str]:
    elements = [e for block in card.blocks for e in [*block.get("elements", ()), block.get("accessory") or {}]]
    return [str(each["value"]) for each in elements if each.get("type") == "button" and each.get("value")]


def shown_number(card: Shown) -> int | None:
    """The incident that a message names."""
    named = {int(each) for each in re.findall(r"[Ii]ncident (\d+)", card.all)}
    return named.pop() if len(named) == 1 else None


def form_number(view: Mapping[str, Any]) -> int | None:
    found = re.search(r"(?:Incident |#)(\d+)", view["title"]["text"])
    return int(found[1]) if found else None


def filled(view: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        name, element = block["block_id"], block["element"]
        if element["type"] == "users_select":
            given: dict[str, Any] = {"selected_user": "USECOND"}
        elif element["type"] == "static_select":
            given = {"selected_option": element.get("initial_option") or element["options"][0]}
        else:
            given = {"value": element.get("initial_value") or FILLED.get(name, "")}
        state[name] = {name: given}
    return {**view, "id": f"V{place}", "hash": "h", "state": {"values": state}}


@pytest.mark.seeded
@pytest.mark.timeout(900)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, min_size=3, max_size=14))
def test_what_changes_is_what_the_pressed_card_named(night: Night, steps: list[Any]) -> None:
    play = Play(night)
    play.opens("COPS", False)
    play.opens("COPS", True)
    for step in steps:
        numbers = play.numbers
        match step:
            case ("open", origin, housed):
                play.opens(origin, housed)
            case ("say", what, which, where):
                channels = play.channels()
                number = numbers[which % len(numbers)]
                said = "/incident list" if what == "list" else f"/incident {what} {number}"
                play.says(said, channels[where % len(channels)])
            case ("type", verb, which):
                number = numbers[which % len(numbers)]
                before = play.records()
                play.says(f"/incident {verb} #{number} said by hand", play.channels()[which % len(play.channels())])
                unchanged(before, play.records(), number)
            case ("move", which, where):
                play.says(f"/incident move #{numbers[which % len(numbers)]}", where)
            case ("wait", seconds):
                night.rests(seconds)
            case ("press", which, _, actor):
                cards = play.pressable()
                if not cards:
                    continue
                card, value = cards[-1 - which % len(cards)]
                before = play.records()
                named = play.presses(card, value, actor)
                after = play.records()
                told = [each.text for each in night.slack.whispers]
                assert not any("older message" in each for each in told), f"{value} says no incident: {card}"
                event(f"pressing changed something: {before != after}")
                if before != after:
                    assert named is not None or len(after) > len(before), f"{value} on a card that names none: {card}"
                    unchanged(before, after, named)


def unchanged(before: Mapping[str, str], after: Mapping[str, str], but: int | None) -> None:
    """No incident that was on record has changed, but for this one."""
    for number, record in before.items():
        assert int(number) == but or after[number] == record, f"#{number} changed, and #{but} was named"
