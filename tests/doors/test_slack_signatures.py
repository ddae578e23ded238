"""Only what Slack has signed lately is taken by the HTTP door."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.doors.slack import SlackDoor, signed_by_slack
from bot.sandbox.slack.server import SlackSandbox
from tests.opened import Book, over_http

SECRET = "a" * 32


def signed(secret: str, body: str, stamp: int | None = None) -> dict[str, str]:
    """By Slack's own library."""
    stamp = int(time.time()) if stamp is None else stamp
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(stamp), body=body)
    return {
        "x-slack-request-timestamp": str(stamp),
        "x-slack-signature": signature or "",
        "content-type": "application/x-www-form-urlencoded",
    }


BODY = urlencode({"command": "/jobs", "text": "status", "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2"})


def test_what_slacks_own_library_signs_is_taken() -> None:
    heard = SlackDoor(Book(), SECRET).receive(signed(SECRET, BODY), BODY.encode())
    assert heard.call
    assert heard.call.text == "/jobs status"


@pytest.mark.parametrize("offset", [-301, 301, -86400])
def test_a_stale_signature_is_refused(offset: int) -> None:
    headers = signed(SECRET, BODY, int(time.time()) + offset)
    heard = SlackDoor(Book(), SECRET).receive(headers, BODY.encode())
    assert (heard.answer.status, heard.call) == (401, None)


@pytest.mark.parametrize(
    "change",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=ü"},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "９" * 10},
        {"x-slack-request-timestamp": ""},
    ],
)
def test_a_forged_or_broken_signature_is_refused(change: dict[str, str]) -> None:
    heard = SlackDoor(Book(), SECRET).receive({**signed(SECRET, BODY), **change}, BODY.encode())
    assert (heard.answer.status, heard.call) == (401, None)


def test_a_body_that_was_changed_is_refused() -> None:
    headers = signed(SECRET, BODY)
    assert SlackDoor(Book(), SECRET).receive(headers, BODY.replace("status", "replay").encode()).answer.status == 401


def test_without_a_secret_nothing_is_genuine() -> None:
    stamp = str(int(time.time()))
    signature = "v0=" + hmac.new(b"", b"v0:%s:%s" % (stamp.encode(), BODY.encode()), hashlib.sha256).hexdigest()
    assert not signed_by_slack(b"", stamp, signature, BODY.encode(), time.time())


@pytest.mark.parametrize("body", ["{", "[1]", "payload=%7B", "payload=[]", "payload=1", '"text"'])
def test_a_genuine_body_that_is_no_payload_is_refused_without_a_trace(body: str) -> None:
    heard = SlackDoor(Book(), SECRET).receive(signed(SECRET, body), body.encode())
    assert heard.call is None
    assert heard.answer.status in (200, 400)


def test_a_body_that_is_no_text_is_refused() -> None:
    body = b"text=\xff\xfe"
    stamp = str(int(time.time()))
    signature = "v0=" + hmac.new(SECRET.encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    assert SlackDoor(Book(), SECRET).receive(headers, body).answer.status == 400


def test_slack_may_look_at_the_certificate() -> None:
    heard = SlackDoor(Book(), SECRET).receive({}, b"ssl_check=1&token=x")
    assert (heard.answer.status, heard.call) == (200, None)


def test_the_door_asks_slack_nothing(slack: SlackSandbox, desk: Book) -> None:
    with over_http(slack, desk):
        for _ in range(3):
            slack.oncall.types("ops", "/jobs status").ok()
    assert slack.calls == []
