"""Who may ask the page for anything, and what is looked at on it."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from bot.sandbox.page.views import SHOWN
from tests.sandbox.pages import Browser, Night


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/as/noor/in/ops", {"Host": "evil.example"}),
        ("/as/noor/in/ops", {"Host": "firewatch.evil.example:8765"}),
        ("/live?as=noor&in=COPS", {"Host": "evil.example"}),
        ("/wire/c1", {"Host": "evil.example"}),
    ],
)
def test_a_name_that_was_made_to_point_here_is_not_answered(
    browser: Browser, path: str, headers: dict[str, str]
) -> None:
    assert browser.get(path, **headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/as/noor/in/COPS/say", "/pipeline/mend", "/bot/stop", "/again"])
def test_nothing_is_pressed_for_another_site(
    night: Night, browser: Browser, path: str, headers: dict[str, str]
) -> None:
    answer = browser.post(path, {"text": "hello"}, **headers)
    assert answer.status_code == 403
    assert night.slack.channel("ops").messages == []
    assert night.bot.look().state == "up"


def test_a_post_without_an_origin_is_refused(night: Night) -> None:
    answer = httpx.post(f"{night.slack.base_url}/bot/stop", trust_env=False)
    assert answer.status_code == 403


def test_every_answer_forbids_other_scripts_and_frames(browser: Browser) -> None:
    for path in ("/as/noor/in/ops", "/as/noor/home", "/as/nobody/in/ops", "/static/page.css"):
        headers = browser.get(path).headers
        if not path.startswith("/static"):
            assert "script-src 'self'" in headers["content-security-policy"]
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_the_page_works_under_localhost_too(night: Night, browser: Browser) -> None:
    host = f"localhost:{night.slack.port}"
    assert browser.get("/as/noor/in/ops", Host=host).status_code == 200
    answer = browser.post("/as/noor/in/COPS/say", {"text": "hi"}, Host=host, Origin=f"http://{host}")
    assert answer.status_code == 204


def test_too_large_a_form_is_not_read(browser: Browser) -> None:
    assert browser.post("/as/noor/in/COPS/say", {"text": "x" * 600_000}).status_code == 413


def test_the_front_leads_to_the_on_call_engineer_in_ops(browser: Browser) -> None:
    answer = browser.get("/")
    assert answer.url.path == "/as/noor/in/ops"
    assert "Noor" in answer.text


@pytest.mark.parametrize("path", ["/as/nobody/in/ops", "/as/noor/in/nowhere", "/as/firewatch/in/ops", "/file/F0"])
def test_what_is_not_there_is_a_line_and_not_a_failure(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert len(answer.text) < 60


def test_a_private_channel_is_not_shown_to_who_is_not_in_it(night: Night, browser: Browser) -> None:
    night.slack.lead.creates("secret-plans", private=True)
    assert browser.get("/as/noor/in/secret-plans").status_code == 404
    assert "secret-plans" not in browser.get("/as/noor/in/ops").text
    assert "secret-plans" in browser.get("/as/linnea/in/secret-plans").text


def test_a_channel_opens_with_its_last_messages_and_the_earlier_ones_follow(night: Night, browser: Browser) -> None:
    for number in range(2 * SHOWN + 30):
        night.slack.oncall.says("ops", f"message number {number}.")
    first = browser.get("/as/noor/in/ops").text
    assert f"number {2 * SHOWN + 29}." in first
    assert f"number {SHOWN + 30}." in first
    assert f"number {SHOWN + 29}." not in first
    earlier = re.search(r'hx-get="(/as/noor/in/COPS/earlier[^"]+)"', first)
    assert earlier is not None
    second = browser.get(earlier[1].replace("&amp;", "&")).text
    assert f"number {SHOWN + 29}." in second
    assert "number 30." in second
    assert "<html" not in second


def test_who_is_not_in_a_channel_may_join_and_then_write(night: Night, browser: Browser) -> None:
    night.slack.lead.creates("inc-7-uploads")
    assert 'id="join"' in browser.get("/as/tomas/in/inc-7-uploads").text
    answer = browser.post("/as/tomas/in/inc-7-uploads/join")
    assert answer.headers["HX-Refresh"] == "true"
    assert 'id="composer"' in browser.get("/as/tomas/in/inc-7-uploads").text


def test_the_composer_knows_every_command_with_its_parameters(browser: Browser) -> None:
    page = browser.get("/as/noor/in/ops").text
    found = re.search(r'<script type="application/json" id="commands">(.*?)</script>', page, re.S)
    assert found is not None
    known = {one["name"]: one for one in json.loads(found[1])}
    assert "/jobs replay" in known
    queue, status, *_ = known["/jobs replay"]["parameters"]
    assert queue["choices"] == ["repost-dispatch"]
    assert status["option"] == "--status"
    assert status["choices"] == ["failed", "completed"]
