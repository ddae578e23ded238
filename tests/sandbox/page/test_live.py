"""What an open page is told as things change."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from bot.domain.action import nouns
from bot.outside.slack.manifest import manifest
from bot.sandbox.page.session import BotState
from tests.sandbox.pages import Browser, Night, Standing, a_night, card, refused, stream
from tests.sandbox.slacks import client_of, section


def live(night: Night, person: str = "noor", room: str = "COPS") -> str:
    return f"/live?as={person}&in={room}&run={night.run}&after={_last(night)}"


def _last(night: Night) -> int:
    return max((one.number for one in night.slack.workspace.since(0)), default=0)


def test_a_new_message_is_sent_to_every_open_page_of_its_channel(night: Night) -> None:
    path = live(night, "linnea")
    with ThreadPoolExecutor(1) as other:
        told = other.submit(stream, night, path, "hello all")
        night.slack.oncall.says("ops", "hello all")
        said = told.result()
    assert re.search(r"event: patch\nid: \d+\ndata: ", said)
    assert 'data-into="messages"' in said


def test_a_page_that_comes_back_is_told_what_it_missed_and_no_more(night: Night) -> None:
    night.slack.oncall.says("ops", "seen before")
    path = live(night)
    night.slack.oncall.says("ops", "missed meanwhile")
    said = stream(night, path, "missed meanwhile")
    assert "seen before" not in said
    last = re.findall(r"id: (\d+)", said)[-1]
    night.slack.oncall.says("ops", "the third")
    again = stream(night, path, "the third", {"Last-Event-ID": last})
    assert "missed meanwhile" not in again


def test_a_page_of_an_earlier_night_is_told_to_start_anew(night: Night) -> None:
    assert "event: reload" in stream(night, "/live?as=noor&in=COPS&run=other", "reload")


def test_the_stream_keeps_empty_lines_of_code(night: Night) -> None:
    path = live(night)
    client_of(night.slack).chat_postMessage(channel="COPS", text="```a\n\nb```")
    said = stream(night, path, "b</code>")
    assert "a\ndata: \ndata: b</code>" in said


def test_a_message_that_goes_away_is_taken_off_the_page(night: Night) -> None:
    where = card(night, section("soon gone"))
    path = live(night)
    client_of(night.slack).chat_delete(channel="COPS", ts=where["ts"])
    assert f"m-COPS-{where['ts'].replace('.', '-')}" in stream(night, path, "event: gone")


def test_the_page_says_when_the_bot_is_down(night: Night, browser: Browser) -> None:
    assert isinstance(night.bot, Standing)
    with ThreadPoolExecutor(1) as other:
        told = other.submit(stream, night, live(night), "has ended")
        night.bot.state = BotState("down", "The bot has ended by itself", can_start=True)
        assert 'class="bot-state down"' in told.result()
    assert "Start the bot" in browser.get("/as/noor/in/ops").text


def test_a_command_that_slack_does_not_know_is_not_to_be_tried_again(redis_url: str) -> None:
    with a_night(redis_url, manifest=manifest(nouns())) as night, Browser(night) as browser:
        told = refused(browser.post("/as/noor/in/COPS/say", {"text": "/nope"}))
    assert told == "Slack does not know that command. Type / to see those there are."
