"""What people do on the page: they say, press, choose, fill in and mark."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt import App

from bot.sandbox.slack import modals
from tests.sandbox.http_bot import Answer, HttpBot, Request
from tests.sandbox.pages import Browser, Night, card, events, refused
from tests.sandbox.slacks import actions, bolt, button, client_of, modal, section, text_input


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
