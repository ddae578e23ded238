"""The workspace on its own: its feed, its locks, and the server's way of coming and going."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from slack_sdk import WebClient
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.sandbox.slack.feed import Change
from bot.sandbox.slack.manifest import OWN, Manifest
from bot.sandbox.slack.model import SlackError, User
from bot.sandbox.slack.seeds import Seed, SeedChannel
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import client_of


def test_every_change_is_told_once_and_in_order(slack: SlackSandbox, client: WebClient) -> None:
    heard: list[Change] = []
    leave = slack.workspace.subscribe(heard.append)
    start = slack.workspace.last_number
    ts = client.chat_postMessage(channel="COPS", text="x")["ts"]
    client.chat_update(channel="COPS", ts=ts, text="y")
    client.chat_delete(channel="COPS", ts=ts)
    leave()
    client.chat_postMessage(channel="COPS", text="unheard")
    assert [one.kind for one in heard if one.ts == ts] == ["message", "message_changed", "message_deleted"]
    numbers = [one.number for one in heard]
    assert numbers == list(range(start + 1, start + 1 + len(numbers)))
    assert slack.workspace.since(numbers[0])[: len(numbers) - 1] == heard[1:]


def test_many_threads_at_once_lose_nothing_and_share_no_ts(slack: SlackSandbox) -> None:
    def talk(number: int) -> None:
        client = client_of(slack)
        for count in range(25):
            client.chat_postMessage(channel="COPS", text=f"{number}/{count}")
            slack.oncall.says("ops", f"{number}+{count}")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(talk, range(4)))
    messages = slack.channel("ops").messages
    assert len(messages) == len({one.text for one in messages}) == len({one.ts for one in messages}) == 200


def test_a_waiter_wakes_at_the_change_it_waits_for(slack: SlackSandbox) -> None:
    timer = threading.Timer(0.05, lambda: slack.oncall.says("ops", "now"))
    timer.start()
    assert slack.wait_for(lambda: [one.text for one in slack.channel("ops").messages]) == ["now"]
    timer.join()
    with pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        slack.wait_for(lambda: False, timeout=0.05)


def test_a_fixed_port_is_taken_or_said_to_be_taken() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with SlackSandbox(manifest={}, port=free) as slack:
        assert slack.api_url == f"http://127.0.0.1:{free}/api/"
        with pytest.raises(OSError, match="in use"):
            SlackSandbox(manifest={}, port=free)


def test_a_workspace_can_be_seeded_otherwise() -> None:
    seed = Seed(
        people=(User("U1", "ada", "Ada"),), groups=(), channels=(SeedChannel("C1", "war", ("U1",), kind="private"),)
    )
    with SlackSandbox(manifest={}, seed=seed, bot_token="xoxb-given") as slack:
        assert slack.bot_token == "xoxb-given"
        assert [one.name for one in slack.workspace.channels.values()] == ["war"]
        assert slack.as_user("ada").sees("war") == []
        with pytest.raises(SlackError, match="user_not_found"):
            slack.as_user("noor")


def test_a_page_can_be_served_beside_the_api() -> None:
    page = Route("/", lambda request: PlainTextResponse("the page"))
    with SlackSandbox(manifest={}, routes=[page]) as slack, httpx.Client(trust_env=False) as http:
        assert http.get(slack.base_url).text == "the page"


def test_scopes_commands_and_events_are_read_from_a_manifest_file(tmp_path: Path) -> None:
    file = tmp_path / "manifest.yml"
    file.write_text(
        "features:\n  slash_commands:\n  - {command: /jobs, description: d, should_escape: true}\n"
        "oauth_config:\n  scopes:\n    bot: [chat:write]\n"
        "settings:\n  event_subscriptions:\n    bot_events: [reaction_added]\n"
    )
    manifest = Manifest.read(file)
    assert (manifest.scopes, manifest.events) == (frozenset({"chat:write"}), frozenset({"reaction_added"}))
    assert manifest.commands is not None
    assert manifest.commands["/jobs"].should_escape
    assert not manifest.home_tab


def test_without_being_told_it_keeps_to_the_repositorys_own_manifest() -> None:
    with SlackSandbox() as slack:
        granted = client_of(slack).auth_test().headers["x-oauth-scopes"].split(",")
    assert set(granted) == Manifest.read(OWN).scopes
    assert "chat:write" in granted


def test_in_a_process_of_its_own_it_prints_what_a_bot_needs_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "bot.sandbox.slack", "--rate-limits", "off"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=OWN.parent) as process:
        assert process.stdout is not None
        settings = dict(process.stdout.readline().strip().split("=", 1) for _ in range(4))
        client = WebClient(token=settings["SLACK_BOT_TOKEN"], base_url=settings["SLACK_API_URL"])
        assert client.auth_test()["user_id"] == "UFIREWATCH"
        port = urlsplit(settings["SLACK_API_URL"]).port
        second = subprocess.run(
            [*command, "--port", str(port)], capture_output=True, text=True, timeout=20, check=False
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert (second.returncode, second.stderr) == (1, f"Port {port} cannot be used: Address already in use.\n")
