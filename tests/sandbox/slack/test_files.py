"""Files: announced, uploaded, shared."""

from __future__ import annotations

from urllib.error import HTTPError

import httpx
import pytest
from slack_sdk import WebClient

from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import refusal


def test_slacks_own_upload_ends_as_a_message_with_the_file(slack: SlackSandbox, client: WebClient) -> None:
    answer = client.files_upload_v2(
        channel="COPS", filename="jobs.txt", content="1\n2\n", title="Job ids", initial_comment="All moved"
    )
    message = slack.channel("ops").messages[-1]
    file = message.files[0]
    assert (message.text, message.shown) == ("All moved", "All moved\nJob ids")
    assert (file.name, file.title, file.text, file.mimetype) == ("jobs.txt", "Job ids", "1\n2\n", "text/plain")
    assert answer["file"]["id"] == file.id
    shown = client.files_info(file=file.id)["file"]
    assert (shown["size"], shown["channels"]) == (4, ["COPS"])


def test_a_picture_goes_into_a_thread_and_can_be_fetched_with_the_token(slack: SlackSandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="COPS", text="status")["ts"]
    client.files_upload_v2(channel="COPS", thread_ts=ts, filename="depth.png", content=b"\x89PNG", alt_txt="depth")
    (reply,) = slack.channel("ops").thread(ts)
    file = reply.files[0]
    assert (file.mimetype, file.alt_text) == ("image/png", "depth")
    with httpx.Client(trust_env=False) as http:
        fetched = http.get(file.url, headers={"Authorization": f"Bearer {slack.bot_token}"})
        assert (fetched.content, fetched.headers["content-type"]) == (b"\x89PNG", "image/png")
        assert http.get(file.url).status_code == 403
        assert http.get(f"{slack.base_url}/files/F404/x").status_code == 404


def test_a_picture_uploaded_first_can_stand_in_a_block(slack: SlackSandbox, client: WebClient) -> None:
    uploaded = client.files_upload_v2(filename="depth.png", content=b"\x89PNG")["file"]["id"]
    picture = {"type": "image", "slack_file": {"id": uploaded}, "alt_text": "depth"}
    client.chat_postMessage(channel="COPS", text="depth", blocks=[picture])
    assert slack.channel("ops").messages[-1].blocks[0]["slack_file"] == {"id": uploaded}


def test_a_file_is_not_shared_where_the_bot_is_not(slack: SlackSandbox, client: WebClient) -> None:
    outside = refusal(lambda: client.files_upload_v2(channel="CGENERAL", filename="a.txt", content="a"))
    assert outside["error"] == "not_in_channel"
    nowhere = refusal(lambda: client.files_upload_v2(channel="CNONE", filename="a.txt", content="a"))
    assert nowhere["error"] == "channel_not_found"
    assert slack.channel("general").history == []


def test_a_file_that_was_only_announced_cannot_be_shared(slack: SlackSandbox, client: WebClient) -> None:
    given = client.files_getUploadURLExternal(filename="a.txt", length=3)
    announced = [{"id": given["file_id"], "title": "a"}]
    missing = refusal(lambda: client.files_completeUploadExternal(files=announced, channel_id="COPS"))
    assert missing["error"] == "file_not_found"
    with httpx.Client(trust_env=False) as http:
        assert http.post(given["upload_url"], content=b"four").status_code == 400
        assert http.put(given["upload_url"], content=b"abc").text == "OK - 3"
        assert http.post(given["upload_url"], content=b"abc").status_code == 404
    assert client.files_completeUploadExternal(files=announced, channel_id="COPS")["files"][0]["title"] == "a"


def test_an_upload_that_breaks_off_is_told_by_the_client(slack: SlackSandbox, client: WebClient) -> None:
    slack.faults.next("upload", status=500)
    with pytest.raises(HTTPError, match="500"):  # not one of Slack's own errors: the client lets urllib's through
        client.files_upload_v2(channel="COPS", filename="a.txt", content="a")
    assert slack.channel("ops").messages == []


def test_a_file_nobody_uploaded_is_not_found(client: WebClient) -> None:
    assert refusal(lambda: client.files_info(file="F404"))["error"] == "file_not_found"
