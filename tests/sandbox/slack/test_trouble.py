"""Rate limits and faults: what a bot has to live through."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler, RateLimitErrorRetryHandler

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, client_of


@pytest.fixture
def strict(clock: Clock) -> Iterator[SlackSandbox]:
    with SlackSandbox(manifest={}, now=clock) as slack:
        yield slack


def limited(error: SlackApiError) -> tuple[int, str, str]:
    return error.response.status_code, error.response["error"], error.response.headers["Retry-After"]


def test_a_channel_takes_a_short_burst_and_then_one_message_a_second(strict: SlackSandbox, clock: Clock) -> None:
    client = client_of(strict)
    for _ in range(5):
        client.chat_postMessage(channel="COPS", text="x")
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="COPS", text="x")
    assert limited(refused.value) == (429, "ratelimited", "1")
    client.chat_postMessage(channel="CGENERAL", text="another channel")
    clock.passes(1)
    client.chat_postMessage(channel="COPS", text="x")
    with pytest.raises(SlackApiError):
        client.chat_postMessage(channel="COPS", text="x")
    assert len(strict.channel("ops").messages) == 6


def test_a_tier_has_its_quota_a_minute_and_gives_it_back_bit_by_bit(strict: SlackSandbox, clock: Clock) -> None:
    client = client_of(strict)
    for _ in range(20):
        client.usergroups_list()
    with pytest.raises(SlackApiError) as refused:
        client.usergroups_list()
    assert limited(refused.value) == (429, "ratelimited", "3")
    client.conversations_list()
    clock.passes(3)
    client.usergroups_list()
    with pytest.raises(SlackApiError):
        client.usergroups_list()
    clock.passes(3600)
    for _ in range(20):
        client.usergroups_list()


def test_updates_of_one_card_are_tier_three(strict: SlackSandbox) -> None:
    client = client_of(strict)
    ts = client.chat_postMessage(channel="COPS", text="0 of 50")["ts"]
    for number in range(50):
        client.chat_update(channel="COPS", ts=ts, text=f"{number} of 50")
    with pytest.raises(SlackApiError) as refused:
        client.chat_update(channel="COPS", ts=ts, text="50 of 50")
    assert limited(refused.value) == (429, "ratelimited", "2")
    assert strict.channel("ops").messages[-1].text == "49 of 50"


def test_without_limits_nothing_is_counted(slack: SlackSandbox, client: WebClient) -> None:
    for _ in range(60):
        client.chat_postMessage(channel="COPS", text="x")
    assert {one.status for one in slack.calls} == {200}


def test_the_next_calls_fail_as_asked_and_the_one_after_works(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("chat.postMessage", times=2, status=429, retry_after=7)
    slack.faults.next("chat.postMessage", status=503)
    slack.faults.next("chat.postMessage", error="internal_error")
    outcomes: list[Any] = []
    for _ in range(4):
        with pytest.raises(SlackApiError) as refused:
            client.chat_postMessage(channel="COPS", text="x")
        response = refused.value.response
        outcomes.append((response.status_code, response.headers.get("Retry-After")))
    assert outcomes == [(429, "7"), (429, "7"), (503, None), (200, None)]
    assert slack.channel("ops").messages == []
    assert client.chat_postMessage(channel="COPS", text="at last")["ok"]
    assert slack.faults.waiting == ()


def test_another_method_is_not_touched_and_a_star_touches_any(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("chat.update", status=500)
    assert client.auth_test()["ok"]
    slack.faults.clear()
    slack.faults.next("*", status=500)
    with pytest.raises(SlackApiError):
        client.auth_test()


def test_a_connection_reset_before_has_no_effect(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("chat.postMessage", reset="before")
    with pytest.raises(ConnectionResetError):
        client.chat_postMessage(channel="COPS", text="lost")
    assert slack.channel("ops").messages == []


def test_a_connection_reset_after_leaves_the_message_and_says_nothing(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("chat.postMessage", reset="after")
    with pytest.raises(ConnectionResetError):
        client.chat_postMessage(channel="COPS", text="once")
    assert [one.text for one in slack.channel("ops").messages] == ["once"]


def test_slacks_own_retry_then_posts_the_message_twice(slack: SlackSandbox) -> None:
    """Why a post has to be made recognisable: the stock client repeats it after a reset."""
    slack.faults.next("chat.postMessage", reset="after")
    handlers = [ConnectionErrorRetryHandler()]
    stock = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[*handlers])
    stock.chat_postMessage(channel="COPS", text="twice")
    assert [one.text for one in slack.channel("ops").messages] == ["twice", "twice"]


def test_slacks_own_client_comes_back_when_told(slack: SlackSandbox) -> None:
    slack.faults.next("chat.postMessage", status=429, retry_after=1)
    waiting = WebClient(
        token=slack.bot_token, base_url=slack.api_url, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)]
    )
    started = time.monotonic()
    waiting.chat_postMessage(channel="COPS", text="x")
    assert time.monotonic() - started >= 1
    assert [one.status for one in slack.calls] == [429, 200]


def test_an_answer_can_be_slow(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("auth.test", delay=0.3)
    started = time.monotonic()
    assert client.auth_test()["ok"]
    assert time.monotonic() - started >= 0.3
    assert slack.calls[-1].ms >= 300


def test_a_slow_answer_holds_nobody_else_up(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("chat.postMessage", delay=30)
    hasty = WebClient(token=slack.bot_token, base_url=slack.api_url, timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        hasty.chat_postMessage(channel="COPS", text="x")
    started = time.monotonic()
    client.auth_test()
    assert time.monotonic() - started < 1


def test_a_fault_that_is_none_is_a_mistake_in_the_test(slack: SlackSandbox) -> None:
    with pytest.raises(ValueError, match="a fault needs"):
        slack.faults.next("chat.postMessage")
    with pytest.raises(ValueError, match="a fault needs"):
        slack.faults.next("chat.postMessage", times=0, status=500)
