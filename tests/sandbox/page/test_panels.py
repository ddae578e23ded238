"""What stands beside the channel: the pager, the clock, the wire, the pipeline."""

from __future__ import annotations

import re
import time

import pytest
from slack_bolt import App
from slack_sdk.errors import SlackApiError

from bot.sandbox.github import TrackedIssue
from bot.sandbox.page import wirelog
from bot.sandbox.page.pipeline_panel import PipelinePanel
from bot.sandbox.queues.pipeline import seed
from bot.sandbox.queues.platforms import PlatformFault
from bot.sandbox.statuspage import PublicIncident, Update
from tests.node import wait_for
from tests.sandbox.pages import Browser, Night, Standing, events, refused
from tests.sandbox.slacks import bolt, client_of


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
    assert PlatformFault.TOKEN not in night.panel.switches.faults()["instagram"]
    assert not re.search(r'id="switch-instagram-token-expired"[^>]*checked', browser.get("/as/linnea/in/ops").text)
    events(browser.post("/pipeline/switch", {**one, "on": "yes"}))
    assert PlatformFault.TOKEN in night.panel.switches.faults()["instagram"]
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
