"""The status page is told after a press, in words that were shown, and nothing is posted twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.slack.blocks import Message
from tests.conversations.nights import Night


def ask(night: Night, room: str) -> Message:
    night.goes(15)
    night.types(room, '/incident update Looking --impact "Posts to Instagram are late"')
    night.goes(15)
    return night.says(room, "Open for 30 min: tell the status page?", times=1)


def test_after_thirty_minutes_the_bot_asks_with_a_draft_and_one_press_posts_it(night: Night, room: str) -> None:
    card = ask(night, room)
    assert "Posts to Instagram are late" in night.shown(card)
    assert night.statuspage.incidents == {}
    assert night.slack.oncall.asked(card, "Publish")
    night.presses(card, "Publish")
    night.says(room, "On the status page now", times=1)
    (public,) = night.statuspage.incidents.values()
    assert "Posts to Instagram are late" in public.updates[0].body
    assert night.incident().status_page == public.id
    night.goes(60)
    night.says(room, "Open for 30 min", times=1)


def test_nothing_is_ever_said_there_by_itself(night: Night, room: str) -> None:
    ask(night, room)
    night.goes(hours=8)
    night.types(room, "/incident resolve It went away")
    assert night.statuspage.made("POST") == []


def test_public_updates_flow_and_resolving_resolves_it(night: Night, room: str) -> None:
    night.presses(ask(night, room), "Publish")
    night.types(room, "/incident update Token renewed, posts catch up --public")
    night.says(room, "Update: Token renewed, posts catch up")
    night.types(room, "/incident update Only for us")
    night.types(room, "/incident resolve Token expired")
    (public,) = night.statuspage.incidents.values()
    assert [each.body for each in public.updates][1] == "Token renewed, posts catch up"
    assert public.status == "resolved"
    assert len(public.updates) == 3


def test_what_is_open_again_is_open_again_on_the_page_with_the_next_word_and_resolved_with_the_last(
    night: Night, room: str
) -> None:
    night.types(room, "/incident update Posts are late --public")
    night.types(room, "/incident resolve Token expired")
    (public,) = night.statuspage.incidents.values()
    assert public.status == "resolved"
    night.types(room, "/incident reopen It fails again")
    night.types(room, "/incident update Posts are late again --public")
    assert public.status == "investigating"
    night.types(room, "/incident resolve The new token had no rights")
    assert public.status == "resolved"
    assert len(public.updates) == 4


def test_the_id_is_stored_before_anything_else_so_a_lost_answer_posts_nothing_twice(night: Night, room: str) -> None:
    card = ask(night, room)
    night.statuspage.faults.next("POST /v1/pages/reposterpage/incidents", reset="after")
    night.presses(card, "Publish")
    night.goes(1)
    night.restart()
    night.goes(1)
    (public,) = night.statuspage.incidents.values()
    assert night.incident().status_page == public.id
    night.says(room, "On the status page now", times=1)


def test_the_first_public_update_puts_it_on_the_page_and_of_two_at_once_neither_word_is_lost(
    night: Night, room: str
) -> None:
    night.statuspage.faults.next("*", times=20, reset="before")
    night.types(room, "/incident update Posts to Instagram are late --public")
    night.types(room, "/incident update The token is renewed --public")
    night.says(room, "Update: The token is renewed", times=1)
    night.statuspage.faults.clear()
    night.goes(1)
    (public,) = night.statuspage.incidents.values()
    bodies = [each.body for each in public.updates]
    assert sorted(set(bodies)) == ["Posts to Instagram are late", "The token is renewed"]
    assert len(bodies) == 2
    assert night.incident().status_page == public.id


def test_what_is_resolved_before_the_page_could_be_reached_is_not_left_open_there(night: Night, room: str) -> None:
    night.statuspage.faults.next("*", times=200, reset="before")
    night.types(room, "/incident publish Posts are late")
    night.goes(1)
    night.types(room, "/incident resolve Token expired")
    night.statuspage.faults.clear()
    night.goes(2)
    assert [each.status for each in night.statuspage.incidents.values()] in ([], ["resolved"])


def test_public_without_a_status_page_says_how_to_turn_it_on(redis_url: str, tmp_path: Path) -> None:
    with Night(redis_url, tmp_path, parts=False) as night:
        night.types("ops", "/incident open Slow")
        night.types(night.room(), "/incident update Hello --public")
        told = night.whispered(night.room(), "Not done:")
        assert "STATUSPAGE_API_KEY" in night.shown(told)


@pytest.mark.parametrize("said", ["/incident publish {}", "/incident update {} --public"])
def test_what_must_not_leave_is_shown_as_it_would_and_one_press_publishes_exactly_that(
    night: Night, room: str, said: str
) -> None:
    night.types(room, said.format("Posts are late, token=abcd1234"))
    asked = night.whispered(room, "Not published yet")
    assert "Posts are late, token=•••" in night.shown(asked)
    assert night.statuspage.incidents == {}
    night.presses(asked, "Publish this text")
    (public,) = night.statuspage.incidents.values()
    assert [each.body for each in public.updates] == ["Posts are late, token=•••"]
