"""The page itself: who may ask it for anything, what people do on it, and what it is told as things change."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from slack_bolt import App
from slack_sdk.errors import SlackApiError

from bot.domain.action import nouns
from bot.outside.slack.manifest import manifest
from bot.sandbox.github import TrackedIssue
from bot.sandbox.page import wirelog
from bot.sandbox.page.pipeline_panel import PipelinePanel
from bot.sandbox.page.session import BotState
from bot.sandbox.page.views import SHOWN
from bot.sandbox.queues.pipeline import seed
from bot.sandbox.queues.platforms import Fault
from bot.sandbox.slack import modals
from bot.sandbox.statuspage import PublicIncident, Update
from tests.node import wait_for
from tests.sandbox.http_bot import Answer, HttpBot, Request
from tests.sandbox.pages import Browser, Night, Standing, a_night, events, refused, stream
from tests.sandbox.slacks import actions, bolt, button, client_of, modal, section, text_input


@pytest.fixture
def night(redis_url: str) -> Iterator[Night]:
    with a_night(redis_url) as made:
        yield made


@pytest.fixture
def browser(night: Night) -> Iterator[Browser]:
    with Browser(night) as made:
        yield made


def card(night: Night, *blocks: dict[str, Any]) -> dict[str, str]:
    """A message of the bot's; answers what names it in a form."""
    posted = client_of(night.slack).chat_postMessage(channel="COPS", text="card", blocks=list(blocks))
    return {"channel": "COPS", "ts": str(posted["ts"])}


# ---------------------------------------------------------------- who may ask


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


# ---------------------------------------------------------------- looking


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


# ---------------------------------------------------------------- saying and pressing


def test_what_is_said_stands_in_the_channel_for_everyone(night: Night, browser: Browser) -> None:
    events(browser.post("/as/noor/in/COPS/say", {"text": "hello @linnea"}))
    assert "hello" in browser.get("/as/tomas/in/ops").text
    assert night.slack.channel("ops").messages[-1].pings == ("ULEAD",)


def test_a_reply_goes_into_its_thread(night: Night, browser: Browser) -> None:
    head = card(night, section("head"))
    events(browser.post("/as/noor/in/COPS/say", {"text": "in here", "thread": head["ts"]}))
    assert night.slack.channel("ops").messages[-1].thread_ts == head["ts"]
    assert "1 reply" in browser.get("/as/noor/in/ops").text


def test_a_command_nobody_takes_is_said_not_to_be_taken(night: Night, browser: Browser) -> None:
    said = refused(browser.post("/as/noor/in/COPS/say", {"text": "/jobs status"}))
    assert said == "Firewatch is not there just now. What you did was not taken; try again."


def test_a_command_is_taken_once_the_bot_has_acknowledged_it(night: Night, browser: Browser) -> None:
    def listen(app: App) -> None:
        app.command("/jobs")(lambda ack, command: ack(f"heard {command['text']}"))

    with bolt(night.slack, listen):
        assert "fw:taken" in events(browser.post("/as/noor/in/COPS/say", {"text": "/jobs status"}))
    assert "heard status" in browser.get("/as/noor/in/ops").text
    assert "heard status" not in browser.get("/as/linnea/in/ops").text


def test_a_bot_that_breaks_is_said_to_have_broken(night: Night, browser: Browser) -> None:
    def breaks(request: Request) -> Answer:
        return Answer(500)

    with HttpBot(breaks) as bot:
        night.slack.request_url = bot.url
        assert refused(browser.post("/as/noor/in/COPS/say", {"text": "/jobs"})).startswith(
            "Firewatch answered with an error"
        )


def test_a_press_reaches_the_bot_with_what_was_pressed(night: Night, browser: Browser) -> None:
    heard: list[str] = []

    def listen(app: App) -> None:
        @app.action("go")
        def go(ack: Any, action: dict[str, Any]) -> None:
            heard.append(action["value"])
            ack()

    where = card(night, actions(button("Go", "go", value="/jobs status")))
    with bolt(night.slack, listen):
        events(browser.post("/as/noor/press", {**where, "action": "go"}))
        night.slack.wait_for(lambda: heard)
    assert heard == ["/jobs status"]


@pytest.mark.parametrize("action", ["gone", "", "say:0"])
def test_a_button_that_is_not_there_any_more_is_said_so(night: Night, browser: Browser, action: str) -> None:
    where = card(night, actions(button("Go", "go")))
    said = refused(browser.post("/as/noor/press", {**where, "action": action}))
    assert said == "That is not offered any more: the message has changed. Nothing was done."


def test_a_press_on_a_message_that_was_deleted_is_said_so(night: Night, browser: Browser) -> None:
    where = card(night, actions(button("Go", "go")))
    client_of(night.slack).chat_delete(channel="COPS", ts=where["ts"])
    assert refused(browser.post("/as/noor/press", {**where, "action": "go"})) == "That message is not there any more."


def test_two_presses_at_once_are_both_delivered_as_a_quick_finger_would(night: Night, browser: Browser) -> None:
    where = card(night, actions(button("Go", "go")))

    def listen(app: App) -> None:
        app.action("go")(lambda ack: ack())

    with bolt(night.slack, listen), ThreadPoolExecutor(2) as two:
        both = [two.submit(browser.post, "/as/noor/press", {**where, "action": "go"}) for _ in range(2)]
        assert all("fw:taken" in events(one.result()) for one in both)


def test_a_choice_is_sent_with_its_value(night: Night, browser: Browser) -> None:
    heard: list[str] = []

    def listen(app: App) -> None:
        @app.action("pick")
        def pick(ack: Any, action: dict[str, Any]) -> None:
            ack()
            heard.append(action["selected_option"]["value"])

    chosen = {"type": "static_select", "action_id": "pick", "options": [option("A", "a"), option("B", "b")]}
    where = card(night, actions(chosen))
    with bolt(night.slack, listen):
        events(browser.post("/as/noor/choose", {**where, "action": "pick", "choice": "b"}))
        night.slack.wait_for(lambda: heard)
        assert "not offered" in refused(browser.post("/as/noor/choose", {**where, "action": "pick", "choice": "z"}))
    assert heard == ["b"]


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": text}, "value": value}


def test_a_pin_is_put_on_a_message_and_taken_off_again(night: Night, browser: Browser) -> None:
    where = card(night, section("look"))
    events(browser.post("/as/noor/react", {**where, "name": "pushpin"}))
    assert 'aria-pressed="true"' in browser.get("/as/noor/in/ops").text
    assert 'aria-pressed="false"' in browser.get("/as/linnea/in/ops").text
    events(browser.post("/as/noor/react", {**where, "name": "pushpin"}))
    assert 'class="reaction' not in browser.get("/as/noor/in/ops").text


# ---------------------------------------------------------------- forms


def test_a_form_that_is_open_is_still_open_after_a_reload(night: Night, browser: Browser) -> None:
    view = modals.show(night.slack.workspace, "UONCALL", modal(text_input("title", "Title")))
    assert f'data-view="{view.id}"' in browser.get("/as/noor/in/ops").text
    assert f'data-view="{view.id}"' not in browser.get("/as/linnea/in/ops").text
    events(browser.post("/as/noor/close", {"view": view.id}))
    assert "data-view=" not in browser.get("/as/noor/in/ops").text
    assert refused(browser.post("/as/noor/close", {"view": view.id})) == "That form is not open any more."


def test_a_form_goes_to_the_bot_and_comes_back_with_what_is_wrong(night: Night, browser: Browser) -> None:
    def listen(app: App) -> None:
        @app.view("form")
        def sent(ack: Any, view: dict[str, Any]) -> None:
            said = view["state"]["values"]["title"]["title_value"]["value"]
            if said == "good":
                ack()
            else:
                ack(response_action="errors", errors={"title": f"{said} will not do"})

    view = modals.show(night.slack.workspace, "UONCALL", modal(text_input("title", "Title")))
    with bolt(night.slack, listen):
        events(browser.post("/as/noor/submit", {"view": view.id, "title_value": "bad"}))
        page = browser.get("/as/noor/in/ops").text
        assert "bad will not do" in page
        assert "fw:sent" in events(browser.post("/as/noor/submit", {"view": view.id, "title_value": "good"}))
    assert night.slack.oncall.modal is None


def test_a_form_nobody_takes_stays_open_and_says_so(night: Night, browser: Browser) -> None:
    view = modals.show(night.slack.workspace, "UONCALL", modal(text_input("title", "Title")))
    told = events(browser.post("/as/noor/submit", {"view": view.id, "title_value": "kept"}))
    assert told["fw:form"]["text"].startswith("Firewatch is not there just now")
    assert night.slack.oncall.modal is not None
    told = events(browser.post("/as/noor/submit", {"view": view.id, "title_value": ""}))
    assert told["fw:form"]["text"] == "Title: please complete this required field."


# ---------------------------------------------------------------- the stream


def live(night: Night, person: str = "noor", room: str = "COPS") -> str:
    return f"/live?as={person}&in={room}&run={night.run}&after={_last(night)}"


def _last(night: Night) -> int:
    return max((one.number for one in night.slack.workspace.since(0)), default=0)


def test_a_new_message_is_sent_to_every_open_page_of_its_channel(night: Night) -> None:
    path = live(night, "linnea")
    with ThreadPoolExecutor(1) as other:
        told = other.submit(stream, night, path, "hello all")
        night.slack.oncall.says("ops", "hello all")
        said = told.result()
    assert re.search(r"event: patch\nid: \d+\ndata: ", said)
    assert 'data-into="messages"' in said


def test_a_page_that_comes_back_is_told_what_it_missed_and_no_more(night: Night) -> None:
    night.slack.oncall.says("ops", "seen before")
    path = live(night)
    night.slack.oncall.says("ops", "missed meanwhile")
    said = stream(night, path, "missed meanwhile")
    assert "seen before" not in said
    last = re.findall(r"id: (\d+)", said)[-1]
    night.slack.oncall.says("ops", "the third")
    again = stream(night, path, "the third", {"Last-Event-ID": last})
    assert "missed meanwhile" not in again


def test_a_page_of_an_earlier_night_is_told_to_start_anew(night: Night) -> None:
    assert "event: reload" in stream(night, "/live?as=noor&in=COPS&run=other", "reload")


def test_the_stream_keeps_empty_lines_of_code(night: Night) -> None:
    path = live(night)
    client_of(night.slack).chat_postMessage(channel="COPS", text="```a\n\nb```")
    said = stream(night, path, "b</code>")
    assert "a\ndata: \ndata: b</code>" in said


def test_a_message_that_goes_away_is_taken_off_the_page(night: Night) -> None:
    where = card(night, section("soon gone"))
    path = live(night)
    client_of(night.slack).chat_delete(channel="COPS", ts=where["ts"])
    assert f"m-COPS-{where['ts'].replace('.', '-')}" in stream(night, path, "event: gone")


def test_the_page_says_when_the_bot_is_down(night: Night, browser: Browser) -> None:
    assert isinstance(night.bot, Standing)
    with ThreadPoolExecutor(1) as other:
        told = other.submit(stream, night, live(night), "has ended")
        night.bot.state = BotState("down", "The bot has ended by itself", can_start=True)
        assert 'class="bot-state down"' in told.result()
    assert "Start the bot" in browser.get("/as/noor/in/ops").text


def test_a_command_that_slack_does_not_know_is_not_to_be_tried_again(redis_url: str) -> None:
    with a_night(redis_url, manifest=manifest(nouns())) as night, Browser(night) as browser:
        told = refused(browser.post("/as/noor/in/COPS/say", {"text": "/nope"}))
    assert told == "Slack does not know that command. Type / to see those there are."


# ---------------------------------------------------------------- the pager, the clock


def test_an_alert_rings_is_acknowledged_on_the_phone_and_resolves(night: Night, browser: Browser) -> None:
    assert "Nothing has rung yet" in browser.get("/as/noor/in/ops").text
    events(browser.post("/oncall/trigger", {"alert": "syncing"}))
    assert re.search(r"rings for Noor Haddad since .*, level 1", browser.get("/as/tomas/in/ops").text)
    (rung,) = night.oncall.pagerduty.account.incidents.values()
    events(browser.post("/oncall/acknowledge", {"id": rung.id}))
    page = browser.get("/as/noor/in/ops").text
    assert "acknowledged by Noor Haddad at" in page
    assert "Phones rang: Noor Haddad 1×" in page
    assert night.oncall.acknowledged
    events(browser.post("/oncall/resolve", {"id": rung.id}))
    assert "resolved at" in browser.get("/as/noor/in/ops").text
    for path in ("/oncall/acknowledge", "/oncall/resolve"):
        assert refused(browser.post(path, {"id": rung.id})) in ("It is resolved already.", "Incident already resolved.")
        assert refused(browser.post(path, {"id": "Q0"})) == "Not found."
    assert refused(browser.post("/oncall/trigger", {"alert": "x"})) == "There is no such alert."


def test_webhooks_are_lost_while_their_switch_is_on(night: Night, browser: Browser) -> None:
    assert night.oncall.settings(9)["PAGERDUTY_API_URL"] == night.oncall.pagerduty.api_url
    events(browser.post("/oncall/webhooks", {"on": "yes"}))
    assert re.search(r'id="switch-lost"[^>]*checked', browser.get("/as/noor/in/ops").text)
    events(browser.post("/oncall/trigger", {"alert": "uploads"}))
    assert night.oncall.pagerduty.webhooks.deliveries == []
    events(browser.post("/oncall/webhooks"))
    events(browser.post("/oncall/trigger", {"alert": "uploads"}))
    assert [each.kind for each in night.oncall.pagerduty.webhooks.deliveries] == ["incident.triggered"]


def test_time_goes_faster_from_where_it_stood_and_the_bot_with_it(night: Night, browser: Browser) -> None:
    assert isinstance(night.bot, Standing)
    assert abs(night.oncall.seconds() - time.time()) < 5
    events(browser.post("/oncall/clock", {"on": "yes"}))
    assert night.bot.clock is not None
    assert (night.bot.clock.rate, night.bot.clock) == (60, night.oncall.clock)
    wait_for(lambda: night.oncall.seconds() - time.time() > 10)
    shown = browser.get("/as/noor/in/ops").text
    assert re.search(r'id="switch-fast"[^>]*checked', shown)
    assert re.search(r'<p id="time">It is <time [^>]*>\d\d:\d\d UTC</time> here', shown)
    ahead = night.oncall.seconds()
    events(browser.post("/oncall/clock"))
    assert night.bot.clock.rate == 1
    assert night.oncall.seconds() >= ahead, "it does not go back"


def test_what_customers_read_and_what_is_tracked_stands_beside(night: Night, browser: Browser) -> None:
    assert "Customers have been told nothing" in browser.get("/as/noor/in/ops").text
    update = Update("u1", "identified", "Posts are <late>", "", True)
    night.oncall.statuspage.incidents["p"] = PublicIncident("p", "Late posts", "identified", "", updates=[update])
    night.oncall.github.issues.append(TrackedIssue(1, "Renew tokens in time", "", [], 0.0))
    page = browser.get("/as/noor/in/ops").text
    assert "Posts are &lt;late&gt;" in page
    assert "#1 Renew tokens in time" in page


# ---------------------------------------------------------------- the wire, the pipeline


def test_the_wire_shows_envelopes_calls_and_how_long_they_took(night: Night, browser: Browser) -> None:
    def listen(app: App) -> None:
        app.command("/jobs")(lambda ack: ack())

    with bolt(night.slack, listen):
        night.slack.oncall.types("ops", "/jobs status").ok()
        client_of(night.slack).chat_postMessage(channel="COPS", text="there", metadata=None)
    rows = {row["what"]: row for row in wirelog.recent(night.slack.workspace)}
    assert re.fullmatch(r"acknowledged in \d+ ms", rows["/jobs status"]["took"])
    assert re.fullmatch(r"\d+ ms", rows["chat.postMessage"]["took"])
    envelope = browser.get(f"/wire/{rows['/jobs status']['number']}").text
    assert "/jobs" in envelope
    assert "sandbox-verification" not in envelope
    sent = browser.get(f"/wire/{rows['chat.postMessage']['number']}").text
    assert "there" in sent
    assert "answered, HTTP 200" in sent


def test_a_call_that_was_refused_shows_slacks_reason(night: Night) -> None:
    with pytest.raises(SlackApiError):
        client_of(night.slack).chat_postMessage(channel="CNOWHERE", text="x")
    row = wirelog.recent(night.slack.workspace)[-1]
    assert row["bad"]
    assert row["took"] == "channel_not_found"


def test_switches_are_flipped_and_seen_by_everyone(night: Night, browser: Browser, redis_url: str) -> None:
    seed(redis_url)
    lit = night.panel.look(anew=True)
    assert lit.figures is not None
    assert ("failed", 120) in lit.figures["counts"]
    assert sum(len(each) for each in lit.lit.values()) == 5
    one = {"destination": "instagram", "fault": "token-expired"}
    events(browser.post("/pipeline/switch", one))
    assert Fault.TOKEN not in night.panel.switches.faults()["instagram"]
    assert not re.search(r'id="switch-instagram-token-expired"[^>]*checked', browser.get("/as/linnea/in/ops").text)
    events(browser.post("/pipeline/switch", {**one, "on": "yes"}))
    assert Fault.TOKEN in night.panel.switches.faults()["instagram"]
    assert refused(browser.post("/pipeline/switch", {"destination": "x", "fault": "y"})) == "There is no such switch."
    events(browser.post("/pipeline/mend"))
    assert not any(night.panel.switches.faults().values())


def test_new_posts_go_on_the_queue_for_every_destination(night: Night, browser: Browser) -> None:
    events(browser.post("/pipeline/post"))
    seen = night.panel.look(anew=True)
    assert seen.figures is not None
    assert ("waiting", 12) in seen.figures["counts"]


def test_a_pipeline_whose_redis_is_away_is_said_to_be_and_the_page_stays(night: Night, browser: Browser) -> None:
    away = PipelinePanel("redis://127.0.0.1:1/0")
    seen = away.look()
    away.close()
    assert seen.figures is None
    assert "refused" in seen.trouble
    night.panel = away
    assert "The queue cannot be read just now" in browser.get("/as/noor/in/ops").text
