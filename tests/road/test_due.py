"""What recurs, and what shows how an incident stands: of anybody's making, and safe whoever does it and how often."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from bot.domain.call import Call
from bot.domain.cards import CARDS, cards, topic
from bot.domain.due import DUE_KINDS, Due, due
from bot.domain.errors import Later, Unreachable
from bot.domain.incident import Incident
from bot.domain.reply import Reply
from bot.doors import clock
from bot.tools import Tools
from tests.parts import Night

EVERY = timedelta(minutes=5)


@pytest.fixture
def weather() -> Iterator[Callable[[Callable[[Tools], Sequence[Call] | None]], list[str]]]:
    """Makes a function what is done every five minutes; gives when it was."""

    def recurs(does: Callable[[Tools], Sequence[Call] | None]) -> list[str]:
        done: list[str] = []

        @due("weather", every=EVERY)
        def look_out(of: str, tools: Tools) -> Sequence[Call] | None:
            done.append(f"{tools.now:%H:%M}")
            return does(tools)

        return done

    yield recurs
    DUE_KINDS.pop("weather", None)


def ticks(night: Night, minutes: int) -> None:
    """Let the clock of each process look every 30 s, and workers do what it hands over."""
    for _ in range(minutes * 2):
        for each in list(DUE_KINDS.values()):
            if each.every:
                night.house.desk.store.remind(str(Due(each.name)), night.clock(), keep=True)
        clock.tick(night.house.desk)
        while night.line.waiting:
            night.house.desk.attend(*night.line.waiting.popleft())
        night.clock.passes(30)


def test_what_recurs_is_done_in_its_rhythm(night: Night, weather: Callable[..., list[str]]) -> None:
    done = weather(lambda tools: None)
    ticks(night, 16)
    assert done == ["12:00", "12:05", "12:10", "12:15"]


def test_of_many_workers_at_once_one_does_it(night: Night, weather: Callable[..., list[str]]) -> None:
    done = weather(lambda tools: None)
    desks = [night.again().desk for _ in range(4)]
    desks[0].store.remind("weather:", night.clock())
    [(name, mark)] = desks[0].store.due_now(night.clock())
    start = threading.Barrier(4)

    def race(number: int) -> None:
        start.wait()
        for _ in range(5):
            desks[number].attend(name, mark)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    night.rests(1)  # who came second may have put it off before the first had looked
    assert done == ["12:00"]


def test_what_it_gives_is_said(night: Night, weather: Callable[..., list[str]]) -> None:
    def storm(tools: Tools) -> Sequence[Call]:
        return [Call("storm1", "UONCALL", "COPS", "/incident open A storm is coming", tools.now)]

    weather(storm)
    ticks(night, 12)
    assert [each.title for each in night.house.store.incidents("all", 9)] == ["A storm is coming"]


@pytest.mark.parametrize("away", [Unreachable("No network."), Later(3, "a pause of 3 s")])
def test_what_cannot_be_done_now_waits_for_its_next_time(
    night: Night, weather: Callable[..., list[str]], away: Exception
) -> None:
    def fails(tools: Tools) -> None:
        raise away

    done = weather(fails)
    ticks(night, 6)
    assert done == ["12:00", "12:05"]


def test_a_card_of_anybody_s_making_is_brought_up_to_date(night: Night) -> None:
    number = len(CARDS)
    room = night.opens()

    @cards
    def damage(incident: Incident, tools: Tools) -> Sequence[Reply]:
        facts = {"text": f"{incident.severity} damage", "actor": "UONCALL"}
        return [Reply("incident/noted", facts, key="damage"), Reply("incident/noted", facts, key="never posted")]

    try:
        ts = night.slack.post(
            room, night.house.desk.renderer.render("incident/noted", {"text": "x", "actor": "U1"}), "damage"
        )
        night.house.store.posted("damage", room, ts)
        night.says("/incident severity sev1", channel=room)
        assert night.slack.find(ts).text == "Note by <@UONCALL>: sev1 damage"
    finally:
        del CARDS[number:]


def test_there_is_one_topic() -> None:
    with pytest.raises(TypeError, match="two functions say what the topic is"):

        @topic
        def another(incident: Incident, tools: Tools) -> Reply:
            return Reply("incident/topic", {"incident": incident})


def test_a_reminder_of_the_version_before_is_still_said(night: Night) -> None:
    """It was due as a call; now it is due as a reminder, in the lane of what goes on by itself."""
    desk = night.house.desk
    old, new = night.call("/incident list", id="duty1xupdatex1"), night.call("/incident list", id="duty1xupdatex2")
    assert desk.store.take([old], night.clock(), at_once=True) == [True]
    assert desk.store.take([new], night.clock(), "reminder", at_once=True) == [True]
    night.rests()
    assert [each.text for each in night.slack.whispers] == ["No open incident"] * 2
    assert desk.store.next_due() is None
