"""Response URLs: five answers in thirty minutes, ephemeral unless said otherwise."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, actions, button, section


def answer(url: str, **said: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as http:
        return http.post(url, json=said)


def typed(slack: SlackSandbox) -> str:
    return slack.oncall.types("ops", "/jobs status").response_url


def pressed(slack: SlackSandbox, message: Message) -> str:
    return slack.oncall.presses(message, "Go").response_url


@pytest.fixture
def card(slack: SlackSandbox, client: WebClient) -> Message:
    client.chat_postMessage(channel="COPS", text="card", blocks=[section("card"), actions(button("Go", "go"))])
    return slack.channel("ops").messages[-1]


@pytest.fixture
def hidden(slack: SlackSandbox, client: WebClient) -> Message:
    client.chat_postEphemeral(channel="COPS", user="UONCALL", text="plan", blocks=[actions(button("Go", "go"))])
    return slack.oncall.sees("ops")[-1]


def said(slack: SlackSandbox) -> list[str]:
    """What the channel holds for everybody."""
    return [one.text for one in slack.channel("ops").messages]


def whispered(slack: SlackSandbox) -> list[str]:
    """What the bot showed only to the engineer on call; what Slack itself told them is left out."""
    return [one.text for one in slack.channel("ops").ephemerals if one.bot_id]


def test_an_answer_is_ephemeral_unless_it_says_otherwise(slack: SlackSandbox) -> None:
    url = typed(slack)
    response = WebhookClient(url).send(text="for you")
    assert (response.status_code, response.body) == (200, "ok")
    assert (said(slack), whispered(slack)) == ([], ["for you"])
    answer(url, text="for all", response_type="in_channel")
    assert said(slack) == ["for all"]


def test_a_url_answers_five_times(slack: SlackSandbox) -> None:
    url = typed(slack)
    assert [answer(url, text=str(number)).status_code for number in range(5)] == [200] * 5
    sixth = answer(url, text="5")
    assert (sixth.status_code, sixth.json()) == (404, {"ok": False, "error": "used_url"})
    assert whispered(slack) == ["0", "1", "2", "3", "4"]


def test_a_url_answers_for_thirty_minutes(slack: SlackSandbox, clock: Clock) -> None:
    url = typed(slack)
    clock.passes(30 * 60)
    assert answer(url, text="just").status_code == 200
    clock.passes(0.1)
    late = answer(url, text="late")
    assert (late.status_code, late.json()["error"]) == (404, "expired_url")
    assert answer(url + "x", text="made up").json()["error"] == "invalid_url"


@pytest.mark.parametrize(
    ("said_wrong", "error"),
    [
        ({}, "no_text"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "response_type": "loud"}, "invalid_response_type"),
        ({"text": "x" * 40_001}, "msg_too_long"),
    ],
)
def test_a_bad_answer_is_refused_and_costs_no_use(slack: SlackSandbox, said_wrong: dict[str, Any], error: str) -> None:
    url = typed(slack)
    for _ in range(6):
        response = answer(url, **said_wrong)
        assert (response.status_code, response.json()["error"]) == (500, error)
    assert answer(url, text="right").status_code == 200


def test_a_press_is_answered_beside_its_message_or_in_its_place(slack: SlackSandbox, card: Message) -> None:
    answer(pressed(slack, card), text="noted")
    assert (said(slack), whispered(slack)) == (["card"], ["noted"])
    answer(pressed(slack, card), text="done", replace_original=True)
    assert said(slack) == ["done"]
    assert slack.now_of(card).blocks == ()


def test_in_a_thread_the_original_goes_unless_told_to_stay(slack: SlackSandbox, card: Message) -> None:
    answer(pressed(slack, card), text="a reply", thread_ts=card.ts, replace_original=False, response_type="in_channel")
    assert [one.text for one in slack.channel("ops").thread(card.ts)] == ["a reply"]
    answer(pressed(slack, card), text="oh", thread_ts=card.ts)
    assert said(slack) == ["oh", "a reply"]


def test_an_ephemeral_can_be_replaced_and_taken_away_by_its_url(slack: SlackSandbox, hidden: Message) -> None:
    url = pressed(slack, hidden)
    answer(url, text="confirmed", replace_original=True)
    assert whispered(slack) == ["confirmed"]
    answer(url, delete_original=True)
    assert whispered(slack) == []
    gone = answer(url, delete_original=True)
    assert gone.json()["error"] == "message_not_found"


def test_an_answer_to_a_message_deleted_meanwhile_stands_alone(
    slack: SlackSandbox, client: WebClient, card: Message
) -> None:
    url = pressed(slack, card)
    client.chat_delete(channel="COPS", ts=card.ts)
    assert answer(url, text="too late", replace_original=True).status_code == 200
    assert whispered(slack) == ["too late"]


def test_an_answer_in_a_channel_without_the_bot_arrives(slack: SlackSandbox) -> None:
    url = slack.oncall.types("general", "/jobs status").response_url
    answer(url, text="not served here")
    assert slack.oncall.sees("general")[-1].text == "not served here"


def test_answers_stand_in_the_wire_log(slack: SlackSandbox) -> None:
    url = typed(slack)
    answer(url, text="x")
    slack.faults.next("response_url", status=500)
    assert answer(url, text="y").status_code == 500
    assert [(one.method, one.status) for one in slack.calls] == [("response_url", 200), ("response_url", 500)]
    assert slack.calls[0].args["text"] == "x"
