"""Socket Mode: whatever happens to the connection, each delivery is taken once and acknowledged only then."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import pytest
from websockets.frames import Opcode
from websockets.sync.server import Server, ServerConnection, serve

from bot.domain.errors import Refused
from bot.outside.slack import socket as slack_socket
from bot.outside.slack.socket import SlackSocket
from bot.sandbox.slack.server import SlackSandbox
from tests.opened import Book, over_socket


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox(rate_limits="off", retry_delays=(0.1, 0.3, 1.0), ping_interval=0.2) as running:
        yield running


def until(happened: Callable[[], Any], seconds: float = 10.0) -> float:
    """Seconds it took to happen."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it did not happen"
        time.sleep(0.01)
    return time.monotonic() - began


def types(slack: SlackSandbox, words: str = "/jobs status") -> None:
    slack.oncall.types("ops", words).ok()


def test_an_acknowledgement_comes_after_the_call_was_taken(slack: SlackSandbox) -> None:
    desk = Book()
    desk.gate = threading.Event()
    with over_socket(slack, desk):
        delivery = slack.oncall.types("ops", "/jobs status")
        assert not delivery.done
        desk.gate.set()
        delivery.ok()
        assert len(desk.calls) == 1


def test_sixteen_slow_takes_do_not_keep_the_seventeenth_message_from_being_read(slack: SlackSandbox) -> None:
    desk = Book()
    desk.gate = threading.Event()
    with over_socket(slack, desk):
        waiting = [slack.oncall.types("ops", f"/jobs show q {number}") for number in range(24)]
        slack.socket.disconnect(close_after=5)
        until(lambda: slack.socket.connected_ever == 2, 3)
        desk.gate.set()
        for each in waiting:
            each.ok()
    assert len({call.text for call in desk.calls}) == 24


def test_a_warned_connection_is_renewed_before_it_closes_and_nothing_is_lost(slack: SlackSandbox) -> None:
    desk = Book()
    with over_socket(slack, desk):
        types(slack, "/jobs status one")
        slack.socket.disconnect(close_after=0.5)
        until(lambda: slack.socket.connections == 2, 3)
        for number in range(6):
            types(slack, f"/jobs status {number}")
        until(lambda: slack.socket.connections == 1, 3)
        types(slack, "/jobs status last")
    assert len(desk.calls) == 8


def test_a_torn_connection_is_back_within_a_second(slack: SlackSandbox) -> None:
    desk = Book()
    with over_socket(slack, desk):
        types(slack, "/jobs status")
        assert slack.socket.drop() == 1
        assert until(lambda: slack.socket.connected_ever == 2 and slack.socket.connections == 1) < 1
        types(slack, "/jobs failed q")
    assert [call.text for call in desk.calls] == ["/jobs status", "/jobs failed q"]


def test_an_event_whose_acknowledgement_was_lost_comes_again_and_is_known(slack: SlackSandbox) -> None:
    desk = Book()
    message = slack.oncall.says("ops", "it is the token").message
    assert message
    with over_socket(slack, desk):
        desk.gate = threading.Event()
        act = slack.oncall.reacts(message, "pushpin")
        until(lambda: slack.deliveries[-1].attempts)
        slack.socket.drop()
        desk.gate.set()
        until(lambda: desk.asked >= 2)
        assert act.wait().acked
    assert len(desk.calls) == 1


def test_a_session_gone_silent_is_noticed_and_replaced(slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_socket, "PING", 0.3)
    desk = Book()
    with over_socket(slack, desk) as socket:
        types(slack)
        assert slack.socket.go_silent() == 1
        until(lambda: slack.socket.connected_ever == 2, 5)
        until(lambda: socket.connected)
        until(lambda: slack.socket.connections == 1, 5)
        types(slack, "/jobs failed q")
    assert len(desk.calls) == 2


def test_two_processes_share_what_comes_and_each_call_is_taken_once(slack: SlackSandbox) -> None:
    desk = Book()
    with over_socket(slack, desk), over_socket(slack, desk):
        until(lambda: slack.socket.connections == 2)
        for number in range(10):
            types(slack, f"/jobs status {number}")
        used = {delivery.attempts[0].connection for delivery in slack.deliveries}
    assert len(used) == 2
    assert len(desk.calls) == 10


def test_it_waits_for_a_slack_that_is_not_there_yet_and_never_gives_up(
    slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_socket, "WAITS", (0.05, 0.1))
    slack.faults.next("apps.connections.open", times=2, status=503)
    slack.faults.next("apps.connections.open", status=429, retry_after=1)
    slack.faults.next("apps.connections.open", error="invalid_auth")
    slack.faults.next("apps.connections.open", reset="before")
    with running(SlackSocket(slack.app_token, lambda _: {}, slack.api_url)) as socket:
        assert until(lambda: socket.connected) > 1, "Slack asked for a second"
    assert slack.faults.waiting == ()


def test_a_slack_that_names_no_address_is_asked_again(slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_socket, "WAITS", (0.05,))
    socket = SlackSocket(slack.app_token, lambda _: {}, slack.api_url)
    named = socket._web.apps_connections_open
    answers: list[Any] = [{"ok": True}, {"url": None}, {"url": "nowhere"}, {"url": "ws://127.0.0.1:1/link"}]
    monkeypatch.setattr(socket._web, "apps_connections_open", lambda **to: answers.pop(0) if answers else named(**to))
    with running(socket):
        until(lambda: socket.connected)


def test_an_app_token_that_slack_does_not_take_is_called_by_its_name(slack: SlackSandbox) -> None:
    with pytest.raises(Refused, match=r"`invalid_auth`.*`SLACK_APP_TOKEN` has to be one with `connections:write`"):
        SlackSocket("xapp-1-not-this-one", lambda _: {}, slack.api_url).ticket()


@contextmanager
def running(socket: SlackSocket) -> Iterator[SlackSocket]:
    stop = threading.Event()
    thread = threading.Thread(target=socket.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield socket
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_when_told_to_stop_it_finishes_what_is_in_hand(slack: SlackSandbox) -> None:
    desk = Book()
    desk.gate = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(over_socket(slack, desk))
        delivery = slack.oncall.types("ops", "/jobs status")
        until(lambda: delivery.attempts)
        threading.Timer(0.5, desk.gate.set).start()
        stack.close()
    assert delivery.wait().acked
    assert slack.socket.connections == 0


# ---------------------------------------------------------------- a WebSocket of one's own


@contextmanager
def wire(play: Callable[[ServerConnection], None], kind: type[ServerConnection] = ServerConnection) -> Iterator[str]:
    """A WebSocket server that plays one scene with each connection; gives its address."""
    with serve(play, "127.0.0.1", 0, ping_interval=None, create_connection=kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{_port(server)}/link"
        server.shutdown()


def _port(server: Server) -> int:
    port: int = server.socket.getsockname()[1]
    return port


def envelope(text: str, id: str = "e1") -> str:
    payload = {"command": "/incident", "text": text, "trigger_id": id}
    return json.dumps({"type": "slash_commands", "envelope_id": id, "payload": payload})


@pytest.fixture
def socket_to(
    slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, slack_socket.Receive], SlackSocket]:
    """A SlackSocket that is given this address for its ticket."""

    def make(url: str, receive: slack_socket.Receive) -> SlackSocket:
        socket = SlackSocket(slack.app_token, receive, slack.api_url)
        monkeypatch.setattr(socket._web, "apps_connections_open", lambda **_: {"url": url})
        return socket

    return make


def test_frames_may_come_in_pieces_slowly_and_be_large(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket],
) -> None:
    answers: list[Any] = []
    done = threading.Event()

    def play(connection: ServerConnection) -> None:
        words = "x" * 700_000

        def pieces() -> Iterator[str]:
            whole = envelope(words)
            for start in range(0, len(whole), 100_000):
                yield whole[start : start + 100_000]
                time.sleep(0.02)

        connection.send(pieces())
        connection.ping("")
        answers.append(json.loads(connection.recv(5)))
        done.set()

    heard: list[int] = []

    def receive(payload: Any) -> dict[str, Any]:
        heard.append(len(payload["text"]))
        return {"text": "not shown, for nobody said that an answer is welcome"}

    with wire(play) as url, running(socket_to(url, receive)):
        assert done.wait(10)
    assert heard == [700_000]
    assert answers == [{"envelope_id": "e1"}]


def test_frames_that_make_no_sense_are_passed_over(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket],
) -> None:
    done = threading.Event()

    def play(connection: ServerConnection) -> None:
        for frame in ("", "[]", "{", "1", '{"type": "hello"}', '{"envelope_id": 5, "payload": {}}', b"\x00"):
            connection.send(frame)
        connection.send('{"type": "x", "envelope_id": "e0", "payload": "a word"}')
        connection.send(envelope("note hello"))
        assert json.loads(connection.recv(5))["envelope_id"] == "e1"
        done.set()

    with wire(play) as url, running(socket_to(url, lambda _: {})):
        assert done.wait(10)


def test_what_breaks_in_the_door_is_not_acknowledged(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket],
) -> None:
    acknowledged: list[str] = []
    done = threading.Event()

    def play(connection: ServerConnection) -> None:
        for id in ("breaks", "again", "fine"):
            connection.send(envelope("note hello", id))
        acknowledged.append(json.loads(connection.recv(5))["envelope_id"])
        done.set()

    def receive(payload: Any) -> dict[str, Any] | None:
        if payload["trigger_id"] == "breaks":
            raise ValueError("broken")
        return None if payload["trigger_id"] == "again" else {}

    with wire(play) as url, running(socket_to(url, receive)):
        assert done.wait(10)
    assert acknowledged == ["fine"]


def test_a_slack_that_stops_its_own_pings_counts_as_silent_though_it_answers_ours(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_socket, "QUIET", 0.5)
    sessions: list[float] = []

    def play(connection: ServerConnection) -> None:
        sessions.append(time.monotonic())
        for _ in range(4):
            connection.ping()
            time.sleep(0.1)
        for _ in connection:  # answers our pings, as any WebSocket does, and says no more
            pass

    with wire(play) as url, running(socket_to(url, lambda _: {})):
        until(lambda: len(sessions) > 1, 10)
    assert sessions[1] - sessions[0] > 0.5


def mute(wire: Any) -> None:
    """From now on it reads, and answers no ping."""
    send = wire.protocol.send_frame
    wire.protocol.send_frame = lambda frame: None if frame.opcode is Opcode.PONG else send(frame)


class Mute(ServerConnection):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        mute(self)


def test_a_slack_that_has_never_answered_a_ping_is_given_longer(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_socket, "PING", 0.1)
    sessions: list[float] = []
    answered = threading.Event()

    def play(connection: ServerConnection) -> None:
        sessions.append(time.monotonic())
        if len(sessions) == 1:
            time.sleep(1.0)
            connection.send(envelope("note hello"))
            assert json.loads(connection.recv(5))["envelope_id"] == "e1"
            answered.set()
        for _ in connection:
            pass

    with wire(play, Mute) as url, running(socket_to(url, lambda _: {})):
        assert answered.wait(5)
        assert len(sessions) == 1
        until(lambda: len(sessions) > 1)
    assert sessions[1] - sessions[0] > 20 * 0.1


def test_a_slack_that_answers_pings_no_more_is_replaced(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_socket, "PING", 0.1)
    sessions: list[float] = []

    def play(connection: ServerConnection) -> None:
        sessions.append(time.monotonic())
        threading.Timer(0.5, mute, (connection,)).start()
        for _ in connection:
            pass

    with wire(play) as url, running(socket_to(url, lambda _: {})):
        until(lambda: len(sessions) > 1, 5)
    assert sessions[1] - sessions[0] > 0.5


def test_a_slack_that_hangs_up_at_once_is_not_hammered(
    socket_to: Callable[[str, slack_socket.Receive], SlackSocket],
) -> None:
    sessions: list[float] = []

    def play(connection: ServerConnection) -> None:
        sessions.append(time.monotonic())

    with wire(play) as url, running(socket_to(url, lambda _: {})):
        until(lambda: len(sessions) >= 4, 10)
    gaps = [later - earlier for earlier, later in pairwise(sessions)]
    assert gaps[2] > gaps[0]
