"""A Slack of another vendor, which says yes and no more: nothing breaks for want of what it leaves out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.domain.errors import Later, Refused
from bot.messages.render import Message
from bot.outside.slack.client import SlackWorkspace

NOW = datetime(2025, 11, 23, 2, 0, tzinfo=UTC)


class Laconic:
    """Answers every method with ``{"ok": true}`` and what a test lets it add."""

    def __init__(self) -> None:
        self.says: dict[str, Mapping[str, Any]] = {}
        self.first: dict[str, Mapping[str, Any]] = {}
        """What a method says once, before that."""
        self.asked: list[str] = []
        self.page: bytes | None = None
        """What stands between the bot and Slack, such as a proxy that wants a password."""
        self.port = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def answer(self, path: str) -> Mapping[str, Any]:
        method = path.rpartition("/")[2].partition("?")[0]
        self.asked.append(method)
        return {"ok": True, **self.first.pop(method, self.says.get(method, {}))}


@pytest.fixture
def slack() -> Iterator[Laconic]:
    laconic = Laconic()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            said = laconic.answer(self.path)
            body = json.dumps(said).encode() if laconic.page is None else laconic.page
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        laconic.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield laconic
        server.shutdown()
        thread.join()


@pytest.fixture
def workspace(slack: Laconic) -> SlackWorkspace:
    return SlackWorkspace("xoxb-1", slack.api_url)


def test_a_message_whose_ts_is_not_told_was_said_all_the_same(workspace: SlackWorkspace) -> None:
    assert workspace.post("COPS", Message("hello"), "call:1") == ""


def test_a_group_without_a_name_or_a_handle_is_found_by_what_it_has(workspace: SlackWorkspace, slack: Laconic) -> None:
    slack.says["usergroups.list"] = {"usergroups": [{"id": "S1"}, {"id": "S2", "handle": "oncall"}]}
    slack.says["usergroups.users.list"] = {"users": ["UONCALL"]}
    assert workspace.members("oncall") == ["UONCALL"]
    with pytest.raises(Refused, match="no user group `leads`"):
        workspace.members("leads")


def test_a_message_without_a_permalink_is_read_without_it(workspace: SlackWorkspace, slack: Laconic) -> None:
    slack.says["conversations.history"] = {"messages": [{"ts": "1763863200.000100", "user": "UBOB", "text": "seen"}]}
    said = workspace.message("COPS", "1763863200.000100")
    assert (said.author, said.text, said.at, said.link) == ("UBOB", "seen", NOW.replace(microsecond=100), "")


def test_a_bookmark_is_put_where_the_others_are_not_shown(workspace: SlackWorkspace, slack: Laconic) -> None:
    slack.says["bookmarks.list"] = {"ok": False, "error": "missing_scope", "needed": "bookmarks:read"}
    workspace.bookmark("COPS", "Live summary", "https://team.example/p1")
    assert slack.asked == ["bookmarks.list", "bookmarks.add"]


def test_people_and_channels_of_whom_nothing_is_told(workspace: SlackWorkspace) -> None:
    assert workspace.name("UBOB") == "UBOB"
    assert workspace.email("UBOB") == ""
    assert workspace.user_of("bob@example.com") == ""
    assert workspace.channel_name("COPS") == ""
    assert workspace.dm("UBOB") == "UBOB", "which Slack takes for the channel too"
    assert workspace.identity()["scopes"] == ""


def test_where_its_own_channels_are_not_shown_the_next_name_is_tried(workspace: SlackWorkspace, slack: Laconic) -> None:
    slack.first["conversations.create"] = {"ok": False, "error": "name_taken"}
    slack.says["conversations.create"] = {"channel": {"id": "C2"}}
    slack.says["users.conversations"] = {"ok": False, "error": "unknown_method"}
    assert workspace.create_channel("inc-1-x", NOW) == "C2"


@pytest.mark.parametrize("answer", [{}, {"channel": {}}, {"channel": None}])
def test_a_channel_that_was_made_but_is_not_named_is_a_sentence(
    workspace: SlackWorkspace, slack: Laconic, answer: dict[str, Any]
) -> None:
    slack.says["conversations.create"] = answer
    with pytest.raises(Refused):
        workspace.create_channel("inc-1-x", NOW)
    assert slack.asked == ["conversations.create"]


def test_an_upload_that_is_told_no_address_or_no_file_is_a_sentence(workspace: SlackWorkspace, slack: Laconic) -> None:
    with pytest.raises(Refused, match="did not take the file"):
        workspace.upload("COPS", "a.txt", "A", b"a")
    upload = f"{slack.api_url}/upload"
    slack.says["files.getUploadURLExternal"] = {"upload_url": upload, "file_id": "F1"}
    with pytest.raises(Refused, match="did not take the file"):
        workspace.upload("COPS", "a.txt", "A", b"a")
    slack.says["files.completeUploadExternal"] = {"files": [{"id": "F1"}]}
    assert workspace.upload("COPS", "a.txt", "A", b"a") == "F1"


@pytest.mark.parametrize("page", [b"<html>sign in first</html>", b"", b"[]"])
def test_a_page_that_is_not_slacks_is_later(workspace: SlackWorkspace, slack: Laconic, page: bytes) -> None:
    slack.page = page
    with pytest.raises(Later, match="something else"):
        workspace.post("COPS", Message("hello"), "call:1")
