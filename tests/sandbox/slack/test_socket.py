"""Socket Mode: acknowledgements, redelivery, and connections that go bad."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, client_of

# Slack's client does not close the sockets it replaces.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Bot:
    """Slack's own Socket Mode client, which acknowledges unless told not to, and keeps what came."""

    def __init__(self, slack: SlackSandbox) -> None:
        self.requests: list[SocketModeRequest] = []
        self.frames: list[dict[str, Any]] = []
        self.deaf = 0
        self.payload: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self.client = SocketModeClient(app_token=slack.app_token, web_client=client_of(slack), ping_interval=0.5)
        self.client.socket_mode_request_listeners.append(self._hear)
        self.client.on_message_listeners.append(lambda frame: self.frames.append(json.loads(frame)))

    def _hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        with self._lock:
            self.requests.append(request)
            deaf, self.deaf = self.deaf, max(0, self.deaf - 1)
        if not deaf:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))


@contextmanager
def connected(slack: SlackSandbox) -> Iterator[Bot]:
    before = slack.socket.connections
    bot = Bot(slack)
    bot.client.connect()
    try:
        slack.wait_for(lambda: slack.socket.connections > before)
        yield bot
    finally:
        bot.client.close()
        del bot
        gc.collect()


@pytest.fixture
def impatient(clock: Clock) -> Iterator[SlackSandbox]:
    """A Slack that waits a tenth of a second for acknowledgements and tries events again almost at once."""
    with SlackSandbox(
        manifest={},
        rate_limits="off",
        now=clock,
        ack_timeout=0.3,
        retry_delays=(0.0, 0.05, 0.05),
        ping_interval=0.2,
    ) as slack:
        yield slack


def test_a_connection_is_greeted_and_an_envelope_acknowledged(slack: SlackSandbox) -> None:
    with connected(slack) as bot:
        bot.payload = {"text": "412 waiting"}
        typed = slack.oncall.types("ops", "/jobs status").ok()
        assert bot.frames[0]["type"] == "hello"
        assert bot.frames[0]["connection_info"] == {"app_id": "AFIREWATCH"}
        request = bot.requests[0]
        assert (request.type, request.accepts_response_payload) == ("slash_commands", True)
        assert request.payload["text"] == "status"
    attempt = typed.attempts[0]
    assert attempt.transport == "socket"
    assert attempt.latency is not None
    assert 0 < attempt.latency < 3
    assert [one.text for one in slack.oncall.sees("ops")] == ["412 waiting"]


def test_a_command_nobody_acknowledges_fails_before_the_person_and_is_not_sent_again(impatient: SlackSandbox) -> None:
    with connected(impatient) as bot:
        bot.deaf = 1
        typed = impatient.oncall.types("ops", "/jobs status").wait()
        assert (typed.acked, typed.error, len(typed.attempts)) == (False, "dispatch_failed", 1)
        assert len(bot.requests) == 1
    told = impatient.oncall.sees("ops")[-1]
    assert told.text == "/jobs failed with the error “dispatch_failed”"
    assert impatient.lead.sees("ops") == []


def test_a_command_without_any_bot_fails_at_once(slack: SlackSandbox) -> None:
    typed = slack.oncall.types("ops", "/jobs status").wait()
    assert (typed.error, typed.attempts[0].transport) == ("dispatch_failed", "none")


def test_an_event_is_sent_again_with_its_number_and_reason_until_acknowledged(impatient: SlackSandbox) -> None:
    with connected(impatient) as bot:
        bot.deaf = 2
        act = impatient.oncall.says("ops", "hello").wait(10)
        assert act.acked
        retries = [(one.retry_attempt, one.retry_reason) for one in bot.requests]
        assert retries == [(0, ""), (1, "timeout"), (2, "timeout")]
        assert len({one.payload["event_id"] for one in bot.requests}) == 1


def test_an_event_is_given_up_after_three_more_tries(impatient: SlackSandbox) -> None:
    with connected(impatient) as bot:
        bot.deaf = 9
        act = impatient.oncall.says("ops", "hello").wait(10)
        assert (act.acked, len(bot.requests)) == (False, 4)


def test_an_answer_that_is_no_message_is_shown_as_a_failed_command(slack: SlackSandbox) -> None:
    with connected(slack) as bot:
        bot.payload = {"text": "x", "blocks": [{"type": "section"}]}
        typed = slack.oncall.types("ops", "/jobs status").wait()
    assert typed.error == "invalid_command_response"
    assert slack.oncall.sees("ops")[-1].text.endswith("“invalid_command_response”")


def test_each_envelope_goes_to_one_of_the_connections(slack: SlackSandbox) -> None:
    with connected(slack) as first, connected(slack) as second:
        for number in range(10):
            slack.oncall.types("ops", f"/jobs {number}").ok()
        assert len(first.requests) + len(second.requests) == 10
        assert first.requests
        assert second.requests


def test_the_eleventh_connection_is_turned_away(slack: SlackSandbox) -> None:
    bots = [Bot(slack) for _ in range(11)]
    with ThreadPoolExecutor(len(bots)) as together, ExitStack() as stack:
        stack.callback(lambda: [*together.map(lambda one: one.client.close(), bots)])
        *ten, eleventh = bots
        for one in ten:
            one.client.connect()
        slack.wait_for(lambda: slack.socket.connections == 10)
        eleventh.client.connect()
        slack.wait_for(lambda: any(one.get("reason") == "too_many_websockets" for one in eleventh.frames))
        assert slack.socket.connections == 10


def test_a_ticket_opens_one_connection(slack: SlackSandbox) -> None:
    with connected(slack) as bot:
        used = str(bot.client.wss_uri).replace("ws://", "http://")
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        # Each on a connection of its own: the server closes one that it has refused.
        for url in (used, used.replace("ticket=", "ticket=x")):
            assert httpx.get(url, headers=upgrade, trust_env=False).status_code == 403


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_a_client_told_to_go_comes_back_on_a_new_connection(slack: SlackSandbox, reason: Any) -> None:
    with connected(slack) as bot:
        slack.socket.disconnect(reason, close_after=0.1)
        slack.wait_for(lambda: slack.socket.connected_ever == 2 and slack.socket.connections == 1)
        assert [one["reason"] for one in bot.frames if one["type"] == "disconnect"] == [reason]
        slack.oncall.types("ops", "/jobs status").ok()


def test_a_dropped_connection_is_noticed_and_made_again(slack: SlackSandbox) -> None:
    with connected(slack):
        assert slack.socket.drop() == 1
        slack.wait_for(lambda: slack.socket.connected_ever == 2 and slack.socket.connections == 1, timeout=15)
        slack.oncall.types("ops", "/jobs status").ok()


def test_an_event_whose_connection_is_lost_unacknowledged_comes_again_on_the_next() -> None:
    patient = SlackSandbox(manifest={}, retry_delays=(0.5, 2.0, 4.0), ping_interval=0.2)
    with patient as slack, connected(slack) as bot:
        bot.deaf = 1
        act = slack.oncall.says("ops", "hello")
        slack.wait_for(lambda: bot.requests)
        slack.socket.disconnect("warning", close_after=0.0)
        act.wait(10)
        assert act.acked
        first, *again = bot.requests
        assert (first.retry_attempt, again[-1].retry_attempt in (1, 2, 3)) == (0, True)
        assert again[-1].retry_reason == "connection_failed"


def test_a_silent_connection_stays_open_and_answers_nothing(slack: SlackSandbox) -> None:
    with connected(slack) as bot:
        session = bot.client.current_session
        assert session is not None
        slack.wait_for(lambda: session.last_ping_pong_time)
        assert slack.socket.go_silent() == 1
        seen = session.last_ping_pong_time
        # Slack's client asks after half a second, and takes four times that without an answer for a dead line.
        slack.wait_for(lambda: slack.socket.connected_ever == 2, timeout=15)
        assert session.last_ping_pong_time == seen
        slack.wait_for(lambda: slack.oncall.types("ops", "/jobs status").wait(10).acked, timeout=15)


def test_a_late_acknowledgement_counts_as_stray(impatient: SlackSandbox) -> None:
    with connected(impatient) as bot:
        bot.deaf = 1
        impatient.oncall.types("ops", "/jobs status").wait()
        bot.client.send_socket_mode_response(SocketModeResponse(bot.requests[0].envelope_id))
        impatient.wait_for(lambda: impatient.socket.stray_acks == 1)
