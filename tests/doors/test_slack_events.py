"""Shortcuts, reactions and the home tab: each becomes a sentence once, and any other event none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.grammar import parse
from bot.doors import payloads
from bot.sandbox.slack.server import SlackSandbox
from tests.doors.slack_screens import AT
from tests.opened import Book


@pytest.mark.usefixtures("door")
def test_add_to_timeline_keeps_the_message(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    used = slack.oncall.shortcut("add_to_timeline", message).ok()
    call = desk.last
    assert call.text == f"/incident keep COPS {message.ts}"
    assert (call.actor, call.channel, call.message, call.thread) == ("UONCALL", "COPS", message.ts, "")
    assert (call.response_url, call.quiet) == (used.response_url, False)


@pytest.mark.usefixtures("door")
def test_add_to_timeline_works_on_a_reply_in_a_thread(slack: SlackSandbox, desk: Book) -> None:
    head = slack.lead.says("ops", "what is it?").message
    assert head
    reply = slack.lead.says("ops", "the token", thread_ts=head.ts).message
    assert reply
    slack.oncall.shortcut("add_to_timeline", reply).ok()
    assert desk.last.text == f"/incident keep COPS {reply.ts}"
    assert (desk.last.thread, desk.last.message) == (head.ts, reply.ts)
    action, values, _ = parse(desk.last.text, AT)
    assert (action.name, values) == ("/incident keep", {"channel": "COPS", "ts": reply.ts})


@pytest.mark.usefixtures("door")
def test_a_pin_on_a_message_keeps_it_in_the_name_of_who_put_it_there(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    assert slack.oncall.reacts(message, "pushpin").wait().acked
    call = desk.last
    assert (call.text, call.actor, call.channel) == (f"/incident keep COPS {message.ts}", "UONCALL", "COPS")
    assert (call.message, call.quiet, call.response_url) == (message.ts, True, "")
    assert slack.oncall.reacts(message, "round_pushpin").wait().acked
    assert len(desk.calls) == 2


@pytest.mark.usefixtures("door")
def test_any_other_reaction_is_only_acknowledged(slack: SlackSandbox, desk: Book) -> None:
    message = slack.lead.says("ops", "it is the token").message
    assert message
    assert slack.oncall.reacts(message, "eyes").wait().acked
    assert desk.calls == []


def test_the_bots_own_reaction_is_no_call() -> None:
    event = {"type": "reaction_added", "user": "UBOT", "reaction": "pushpin"}
    body = {
        "event": {**event, "item": {"type": "message", "channel": "C1", "ts": "1.2"}},
        "authorizations": [{"user_id": "UBOT", "is_bot": True}],
    }
    assert payloads.event(body, AT) is None


@pytest.mark.usefixtures("door")
def test_the_home_tab_opened_asks_for_the_home(slack: SlackSandbox, desk: Book) -> None:
    assert slack.oncall.opens_home().wait().acked
    assert (desk.last.text, desk.last.actor) == ("/home", "UONCALL")


def test_the_messages_tab_opened_asks_for_nothing() -> None:
    assert payloads.event({"event": {"type": "app_home_opened", "user": "U1", "tab": "messages"}}, AT) is None


def test_a_redelivered_event_is_the_same_call() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.2"}
    event = {"type": "reaction_added", "user": "U1", "reaction": "pushpin", "item": item, "event_ts": "1772332200.5"}
    body = {"type": "event_callback", "event_id": "Ev1", "event_time": 1772332200, "event": event}
    first, again = payloads.event(body, AT), payloads.event(json.loads(json.dumps(body)), AT + timedelta(minutes=5))
    assert first
    assert first == again
    assert first.at == datetime.fromtimestamp(1772332200.5, UTC)
