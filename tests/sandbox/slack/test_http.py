"""Signed HTTP: what arrives, what is tried again, and what the person is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
from slack_bolt import Ack, App
from slack_sdk.signature import SignatureVerifier

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.http_bot import Answer, HttpBot, Request
from tests.sandbox.slacks import Clock, actions, button, client_of


@pytest.fixture
def impatient(clock: Clock) -> Iterator[SlackSandbox]:
    with SlackSandbox(
        manifest={}, rate_limits="off", now=clock, ack_timeout=0.3, retry_delays=(0.0, 0.05, 0.05)
    ) as slack:
        yield slack


def test_a_command_is_a_signed_form_that_bolt_believes(slack: SlackSandbox) -> None:
    with HttpBot(lambda _: Answer()) as bot:
        slack.request_url = bot.url
        slack.oncall.types("ops", "/jobs status “a b” & more").ok()
    request = bot.requests[0]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert SignatureVerifier(slack.signing_secret).is_valid_request(request.body, request.headers)
    assert not SignatureVerifier("another secret").is_valid_request(request.body, request.headers)
    assert parse_qs(request.body)["text"] == ["status “a b” & more"]


def test_a_press_is_json_in_a_form_and_an_event_is_json(slack: SlackSandbox) -> None:
    client = client_of(slack)
    with HttpBot(lambda _: Answer()) as bot:
        slack.request_url = bot.url
        client.chat_postMessage(channel="COPS", text="card", blocks=[actions(button("Go", "go"))])
        slack.wait_for(lambda: slack.deliveries and slack.deliveries[0].acked)
        slack.oncall.presses(slack.channel("ops").messages[-1], "Go").ok()
    event, press = bot.requests
    assert event.headers["content-type"] == "application/json"
    assert json.loads(event.body)["event"]["text"] == "card"
    assert json.loads(parse_qs(press.body)["payload"][0])["actions"][0]["action_id"] == "go"
    for one in bot.requests:
        assert SignatureVerifier(slack.signing_secret).is_valid_request(one.body, one.headers)


def test_bolt_acknowledges_over_http_what_it_listens_for(slack: SlackSandbox) -> None:
    app = App(client=client_of(slack), signing_secret=slack.signing_secret)

    @app.command("/jobs")
    def jobs(ack: Ack) -> None:
        ack(text="all idle", response_type="in_channel")

    with HttpBot(app) as bot:
        slack.request_url = bot.url
        assert slack.verify_request_url()
        slack.oncall.types("ops", "/jobs status").ok()
        unheard = slack.oncall.types("ops", "/other").wait()
    assert slack.channel("ops").messages[-1].text == "all idle"
    assert unheard.error == "http_client_error"


def test_a_request_url_that_does_not_give_the_challenge_back_is_not_verified(slack: SlackSandbox) -> None:
    with HttpBot(lambda _: Answer(body="ok")) as bot:
        slack.request_url = bot.url
        assert not slack.verify_request_url()
    assert not slack.verify_request_url()


def test_an_event_is_sent_again_with_number_and_reason(impatient: SlackSandbox) -> None:
    statuses = iter([503, 404, 200])
    with HttpBot(lambda _: Answer(next(statuses))) as bot:
        impatient.request_url = bot.url
        act = impatient.oncall.says("ops", "hello").wait(10)
    assert act.acked
    told = [(one.headers.get("x-slack-retry-num"), one.headers.get("x-slack-retry-reason")) for one in bot.requests]
    assert told == [(None, None), ("1", "http_error"), ("2", "http_error")]
    assert len({json.loads(one.body)["event_id"] for one in bot.requests}) == 1
    for one in bot.requests:
        assert SignatureVerifier(impatient.signing_secret).is_valid_request(one.body, one.headers)


def test_a_bot_can_ask_not_to_be_sent_it_again(impatient: SlackSandbox) -> None:
    with HttpBot(lambda _: Answer(500, headers={"X-Slack-No-Retry": "1"})) as bot:
        impatient.request_url = bot.url
        act = impatient.oncall.says("ops", "hello").wait(10)
    assert (act.acked, len(bot.requests)) == (False, 1)


def test_a_bot_that_is_slow_is_asked_again_for_events_and_not_for_commands(impatient: SlackSandbox) -> None:
    slow = threading.Event()

    def answer(_: Request) -> Answer:
        slow.wait(5)
        return Answer()

    with HttpBot(answer) as bot:
        impatient.request_url = bot.url
        typed = impatient.oncall.types("ops", "/jobs status").wait(10)
        assert (typed.error, len(typed.attempts)) == ("operation_timeout", 1)
        act = impatient.oncall.says("ops", "hello")
        impatient.wait_for(lambda: len(act.deliveries[0].attempts) == 2)
        slow.set()
        assert act.wait(10).acked
        assert act.deliveries[0].attempts[0].problem == "http_timeout"
    assert impatient.oncall.sees("ops")[0].text == "/jobs failed with the error “operation_timeout”"


@pytest.mark.parametrize(("status", "error"), [(500, "http_service_error"), (404, "http_client_error")])
def test_a_command_answered_with_an_error_is_told_and_not_repeated(
    slack: SlackSandbox, status: int, error: str
) -> None:
    with HttpBot(lambda _: Answer(status, "traceback")) as bot:
        slack.request_url = bot.url
        typed = slack.oncall.types("ops", "/jobs status").wait()
    assert (typed.error, typed.attempts[0].status, len(bot.requests)) == (error, status, 1)
    assert slack.oncall.sees("ops")[-1].text == f"/jobs failed with the error “{error}”"


def test_a_bot_that_is_gone_fails_the_command(slack: SlackSandbox) -> None:
    with HttpBot(lambda _: Answer()) as bot:
        slack.request_url = bot.url
    typed = slack.oncall.types("ops", "/jobs status").wait()
    assert (typed.error, typed.attempts[0].problem) == ("dispatch_failed", "connection_failed")


def test_a_test_can_sign_what_it_sends_itself(slack: SlackSandbox) -> None:
    body = b"command=%2Fjobs"
    verifier = SignatureVerifier(slack.signing_secret)
    fresh = {name.lower(): value for name, value in slack.sign(body, int(time.time())).items()}
    stale = {name.lower(): value for name, value in slack.sign(body, int(time.time()) - 301).items()}
    assert verifier.is_valid_request(body, fresh)
    assert not verifier.is_valid_request(body, stale)
