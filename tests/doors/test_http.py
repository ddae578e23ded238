"""HTTP's door: deliveries in, and what machines ask; a slow Redis holds up nothing but deliveries."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.doors import http as web
from bot.doors.slack import SlackDoor
from bot.road.intake import Heard, WireAnswer
from tests.opened import Book, now, serving

SECRET = "b" * 32
FORM = "application/x-www-form-urlencoded"


def signed(body: bytes, secret: str = SECRET, offset: int = 0) -> dict[str, str]:
    stamp = str(int(time.time()) + offset)
    digest = hmac.new(secret.encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "Content-Type": FORM}


def command(number: int = 0) -> bytes:
    return urlencode(
        {
            "command": "/jobs",
            "text": f"status {number}",
            "user_id": "U1",
            "channel_id": "C1",
            "trigger_id": f"{number}.1",
        }
    ).encode()


@pytest.fixture
def desk() -> Iterator[Book]:
    book = Book()
    yield book
    if book.gate:
        book.gate.set()


@pytest.fixture
def client(desk: Book) -> Iterator[httpx.Client]:
    """At the door of a desk that is up."""
    receivers = {"/slack/events": SlackDoor(desk, SECRET).receive}
    with serving(desk, receivers) as address, httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        yield client


def test_a_signed_command_is_taken_and_acknowledged_with_nothing(client: httpx.Client, desk: Book) -> None:
    body = command()
    answer = client.post("/slack/events", content=body, headers=signed(body))
    assert (answer.status_code, answer.content) == (200, b"")
    assert desk.last.text == "/jobs status 0"


def test_the_same_command_twice_is_acknowledged_twice_and_taken_once(client: httpx.Client, desk: Book) -> None:
    body = command()
    for _ in range(2):
        assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 200
    assert len(desk.calls) == 1


def test_slacks_handshake_is_answered_and_only_when_signed(client: httpx.Client) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZb"}'
    headers = {**signed(body), "Content-Type": "application/json"}
    assert client.post("/slack/events", content=body, headers=headers).json() == {"challenge": "3eZb"}
    assert client.post("/slack/events", content=body).status_code == 401


@pytest.mark.parametrize(("secret", "offset"), [("c" * 32, 0), (SECRET, -400), (SECRET, 400)])
def test_forged_and_stale_signatures_are_refused(client: httpx.Client, desk: Book, secret: str, offset: int) -> None:
    body = command()
    assert client.post("/slack/events", content=body, headers=signed(body, secret, offset)).status_code == 401
    assert desk.calls == []


def test_unknown_paths_and_wrong_methods_are_told_apart(client: httpx.Client) -> None:
    assert client.get("/nowhere").status_code == 404
    assert client.get("/slack/events").status_code == 405
    assert client.post("/health").status_code == 405
    assert client.get("/pagerduty/webhook").status_code == 404


def test_a_body_of_more_than_a_megabyte_is_refused_whether_it_says_so_or_not(client: httpx.Client, desk: Book) -> None:
    body = b"x" * (1024 * 1024 + 1)
    assert client.post("/slack/events", content=body, headers=signed(body)).status_code == 413

    def pieces() -> Iterator[bytes]:
        for _ in range(17):
            yield b"x" * 65536

    assert client.post("/slack/events", content=pieces()).status_code == 413
    assert client.get("/health").status_code == 200
    assert desk.calls == []


def test_a_caller_that_hangs_up_halfway_leaves_the_door_open(client: httpx.Client, desk: Book) -> None:
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as wire:
        wire.sendall(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhalf")
    assert client.get("/health").text == "ok\n"
    assert desk.calls == []


def test_while_the_desk_hangs_health_answers_and_each_waiting_command_is_taken_afterwards(
    client: httpx.Client, desk: Book
) -> None:
    desk.gate = threading.Event()

    def post(number: int) -> int:
        body = command(number)
        return httpx.post(f"{client.base_url}/slack/events", content=body, headers=signed(body), timeout=20).status_code

    with ThreadPoolExecutor(12) as pool:
        posts = [pool.submit(post, number) for number in range(12)]
        for _ in range(20):
            began = time.monotonic()
            assert client.get("/health").status_code == 200
            assert time.monotonic() - began < 1
        desk.gate.set()
        assert [each.result(20) for each in posts] == [200] * 12
    assert len(desk.calls) == 12


class Batches(Book):
    """A desk that takes many at once, and writes down how many."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def take_all(self, calls: Sequence[Call]) -> Sequence[bool]:
        if self.gate:
            self.gate.wait(10)
        self.sizes.append(len(calls))
        return [super(Batches, self).take(call) for call in calls]


def test_what_comes_while_others_are_taken_is_taken_in_one_go() -> None:
    desk = Batches()
    desk.gate = threading.Event()
    door, heard = SlackDoor(desk, SECRET), []

    def receive(headers: Mapping[str, str], body: bytes) -> Heard:
        heard.append(body)
        return door.receive(headers, body)

    with serving(desk, {"/slack/events": receive}) as address, ThreadPoolExecutor(12) as pool:

        def post(number: int) -> int:
            body = command(number % 10)  # two of them are delivered twice
            return httpx.post(f"{address}/slack/events", content=body, headers=signed(body), timeout=20).status_code

        posts = [pool.submit(post, number) for number in range(12)]
        deadline = time.monotonic() + 10
        while len(heard) < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        desk.gate.set()
        assert [each.result(20) for each in posts] == [200] * 12
    assert sum(desk.sizes) == 12
    assert max(desk.sizes) > 1
    assert len(desk.calls) == 10


def test_a_receiver_of_another_sender_has_a_path_of_its_own(desk: Book) -> None:
    lost: list[str] = []

    def receive(headers: Mapping[str, str], body: bytes) -> Heard:
        call = Call("pd1", "pagerduty", "C1", body.decode(), now(), door="pagerduty")
        return Heard(call, WireAnswer(202), WireAnswer(503, "later"), lambda: lost.append("told"))

    with serving(desk, {"/pagerduty/webhook": receive}) as address:
        assert httpx.post(f"{address}/pagerduty/webhook", content=b"/incident open fire").status_code == 202
        assert desk.last.text == "/incident open fire"
        desk.down = True
        answer = httpx.post(f"{address}/pagerduty/webhook", content=b"/incident open flood")
    assert (answer.status_code, answer.text) == (503, "later")
    assert lost == ["told"]


# ---------------------------------------------------------------- what machines ask


def test_ready_names_every_part(desk: Book) -> None:
    with serving(desk, {}, {"redis": lambda: "valkey 9.1", "worker": lambda: "seen 2 s ago"}) as address:
        answer = httpx.get(f"{address}/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "parts": {"redis": {"ok": True, "is": "valkey 9.1"}, "worker": {"ok": True, "is": "seen 2 s ago"}},
    }


def test_one_part_that_is_not_there_makes_it_unready_and_says_why(desk: Book) -> None:
    def gone() -> str:
        raise Refused("not seen since 14:02")

    with serving(desk, {}, {"redis": lambda: "ok", "worker": gone}) as address:
        answer = httpx.get(f"{address}/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] == {"ok": False, "is": "not seen since 14:02"}
    assert answer.json()["parts"]["redis"]["ok"] is True


def test_a_part_that_hangs_is_given_two_seconds_and_asked_once(desk: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "CHECK_SECONDS", 0.2)
    release, asked = threading.Event(), []

    def hangs() -> str:
        asked.append(1)
        release.wait(20)
        raise OSError("gave up in the end")

    with serving(desk, {}, {"slack": hangs, "redis": lambda: "ok"}) as address:
        for _ in range(3):
            answer = httpx.get(f"{address}/ready")
            assert answer.status_code == 503
            assert answer.json()["parts"]["slack"]["is"].startswith("no answer within")
            assert answer.json()["parts"]["redis"]["ok"] is True
        assert len(asked) == 1
        assert httpx.get(f"{address}/health").status_code == 200
        release.set()


def test_metrics_are_what_is_collected(desk: Book) -> None:
    with serving(desk, {}, collect=lambda: b"firewatch_calls_total 3\n") as address:
        answer = httpx.get(f"{address}/metrics")
    assert answer.text == "firewatch_calls_total 3\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_metrics_that_cannot_be_had_are_a_503(desk: Book) -> None:
    def broken() -> bytes:
        raise OSError("redis is gone")

    with serving(desk, {}, collect=broken) as address:
        assert httpx.get(f"{address}/metrics").status_code == 503
    with serving(desk, {}) as address:
        assert httpx.get(f"{address}/metrics").status_code == 404


# ---------------------------------------------------------------- starting and stopping


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with web.listen("127.0.0.1", 0) as wire, pytest.raises(Refused) as no:
        web.listen("127.0.0.1", wire.getsockname()[1])
    assert "Address already in use" in no.value.sentence
    assert "\n" not in no.value.sentence
    assert "PORT" in no.value.hint


SERVE = """
import signal, sys, time
from bot.doors import http as web
from bot.domain.action import Call
from bot.road.intake import Heard
from tests.opened import Book, now
class Slow(Book):
    def take(self, call):
        print("taking", flush=True)
        time.sleep(1)
        return super().take(call)
desk = Slow()
receive = lambda headers, body: Heard(Call("1", "U1", "C1", "/jobs", now()))
print("port", flush=True)
for each in (signal.SIGTERM, signal.SIGINT):
    signal.signal(each, lambda *_: None)
web.server(web.build(desk, {"/in": receive})).run(sockets=[web.listen("127.0.0.1", int(sys.argv[1]))])
print("stopped", len(desk.calls), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_answers_what_is_in_hand_and_ends_well(how: signal.Signals) -> None:
    with web.listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, ThreadPoolExecutor(1) as pool:
        assert process.stdout
        assert process.stdout.readline() == "port\n"
        address = f"http://127.0.0.1:{port}"
        answer = pool.submit(_posted, f"{address}/in")
        assert process.stdout.readline() == "taking\n"
        process.send_signal(how)
        assert answer.result(15) == 200
        assert process.wait(15) == 0
        assert process.stdout.read() == "stopped 1\n"


def _posted(url: str) -> int:
    deadline = time.monotonic() + 10
    while True:
        try:
            return httpx.post(url, content=b"", timeout=15).status_code
        except httpx.ConnectError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
