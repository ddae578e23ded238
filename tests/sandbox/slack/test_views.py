"""Modals and home tabs: trigger ids, stacks, what is filled in, and what the app may answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.sandbox.slack.blocks import View
from bot.sandbox.slack.forms import NotPossible
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import Clock, actions, bolt, button, client_of, modal, refusal, section, text_input

Json = dict[str, Any]


def trigger(slack: SlackSandbox, user: str = "UONCALL") -> str:
    return slack.tickets.trigger(user)


def opened(slack: SlackSandbox, client: WebClient, *blocks: Json, **more: Any) -> View:
    client.views_open(trigger_id=trigger(slack), view=modal(*blocks, **more))
    view = slack.open_view("noor")
    assert view is not None
    return view


def test_a_trigger_opens_one_modal_before_the_one_who_pressed(slack: SlackSandbox, client: WebClient) -> None:
    once = trigger(slack)
    answer = client.views_open(trigger_id=once, view=modal(text_input("why", "Why")))
    view = slack.open_view("noor")
    assert view is not None
    assert (answer["view"]["id"], answer["view"]["hash"], view.title) == (view.id, view.hash, "A form")
    assert slack.open_view("linnea") is None
    used = refusal(lambda: client.views_open(trigger_id=once, view=modal()))
    assert used["error"] == "exchanged_trigger_id"


def test_a_trigger_is_gone_after_three_seconds(slack: SlackSandbox, client: WebClient, clock: Clock) -> None:
    late = trigger(slack)
    clock.passes(3.0)
    client.views_open(trigger_id=late, view=modal())
    too_late = trigger(slack)
    clock.passes(3.001)
    assert refusal(lambda: client.views_open(trigger_id=too_late, view=modal()))["error"] == "expired_trigger_id"
    assert refusal(lambda: client.views_open(trigger_id="1.2.a", view=modal()))["error"] == "invalid_trigger_id"


def test_a_bad_view_does_not_use_the_trigger_up(slack: SlackSandbox, client: WebClient) -> None:
    once = trigger(slack)
    bad = refusal(lambda: client.views_open(trigger_id=once, view=modal(title={"type": "plain_text", "text": ""})))
    assert bad["error"] == "invalid_arguments"
    assert client.views_open(trigger_id=once, view=modal())["ok"]


def test_three_modals_may_be_stacked_and_a_fourth_not(slack: SlackSandbox, client: WebClient) -> None:
    first = opened(slack, client)
    for _ in range(2):
        client.views_push(trigger_id=trigger(slack), view=modal())
    top = slack.open_view("noor")
    assert top is not None
    assert (top.root_id, len(slack.workspace.modals["UONCALL"])) == (first.id, 3)
    too_many = refusal(lambda: client.views_push(trigger_id=trigger(slack), view=modal()))
    assert too_many["error"] == "push_limit_reached"


def test_an_update_needs_the_view_and_its_hash(slack: SlackSandbox, client: WebClient) -> None:
    view = opened(slack, client, section("loading"), external_id="loading-1")
    client.views_update(view_id=view.id, hash=view.hash, view=modal(section("loaded")))
    now = slack.open_view("noor")
    assert now is not None
    assert now.shown.endswith("loaded")
    stale = refusal(lambda: client.views_update(view_id=view.id, hash=view.hash, view=modal()))
    assert stale["error"] == "hash_conflict"
    assert refusal(lambda: client.views_update(view_id="V404", view=modal()))["error"] == "not_found"


def test_an_external_id_belongs_to_one_view(slack: SlackSandbox, client: WebClient) -> None:
    opened(slack, client, external_id="mine")
    lead = trigger(slack, "ULEAD")
    twice = refusal(lambda: client.views_open(trigger_id=lead, view=modal(external_id="mine")))
    assert twice["error"] == "duplicate_external_id"
    client.views_update(external_id="mine", view=modal(section("found"), external_id="mine"))


def test_a_home_tab_is_published_for_one_person(slack: SlackSandbox, client: WebClient) -> None:
    home = {"type": "home", "blocks": [section("2 incidents")]}
    first = client.views_publish(user_id="UONCALL", view=home)["view"]
    second = client.views_publish(user_id="UONCALL", view=home, hash=first["hash"])["view"]
    assert first["id"] == second["id"]
    stale = refusal(lambda: client.views_publish(user_id="UONCALL", view=home, hash=first["hash"]))
    assert stale["error"] == "hash_conflict"
    assert refusal(lambda: client.views_publish(user_id="UNONE", view=home))["error"] == "user_not_found"
    shown = slack.home_of("noor")
    assert shown is not None
    assert shown.shown == "2 incidents"
    assert slack.home_of("linnea") is None


def test_a_home_tab_that_the_manifest_leaves_off_is_not_enabled() -> None:
    with SlackSandbox(manifest={"features": {}}) as slack:
        home = {"type": "home", "blocks": []}
        answer = refusal(lambda: client_of(slack).views_publish(user_id="UONCALL", view=home))
        assert answer["error"] == "not_enabled"


class Forms:
    """A Bolt app that answers each submission as told, and keeps what came."""

    def __init__(self) -> None:
        self.answer: Json = {}
        self.submitted: list[Json] = []
        self.closed: list[Json] = []
        self.acted: list[Json] = []

    def __call__(self, app: App) -> None:
        @app.view("form")
        def submission(ack: Ack, body: Json) -> None:
            self.submitted.append(body)
            ack(**self.answer)

        @app.view_closed("form")
        def closed(ack: Ack, body: Json) -> None:
            ack()
            self.closed.append(body)

        @app.action({"type": "block_actions", "action_id": "go"})
        def acted(ack: Ack, body: Json) -> None:
            ack()
            self.acted.append(body)


@pytest.fixture
def forms(slack: SlackSandbox) -> Iterator[Forms]:
    app = Forms()
    with bolt(slack, app):
        yield app


def option(value: str) -> Json:
    return {"text": {"type": "plain_text", "text": value.title()}, "value": value}


FIELDS: list[tuple[Json, Any, Json]] = [
    ({"type": "plain_text_input"}, "words", {"value": "words"}),
    ({"type": "plain_text_input", "initial_value": "was here"}, None, {"value": None}),
    ({"type": "number_input", "is_decimal_allowed": False}, 50, {"value": "50"}),
    ({"type": "email_text_input"}, "a@b.example", {"value": "a@b.example"}),
    ({"type": "url_text_input"}, "https://x.example", {"value": "https://x.example"}),
    ({"type": "static_select", "options": [option("a"), option("b")]}, "B", {"selected_option": option("b")}),
    ({"type": "radio_buttons", "options": [option("a"), option("b")]}, "a", {"selected_option": option("a")}),
    (
        {"type": "checkboxes", "options": [option("a"), option("b")]},
        ["a", "b"],
        {"selected_options": [option("a"), option("b")]},
    ),
    (
        {"type": "multi_static_select", "options": [option("a"), option("b")]},
        ["b"],
        {"selected_options": [option("b")]},
    ),
    ({"type": "users_select"}, "noor", {"selected_user": "UONCALL"}),
    ({"type": "multi_users_select"}, ["noor", "ULEAD"], {"selected_users": ["UONCALL", "ULEAD"]}),
    ({"type": "channels_select"}, "#ops", {"selected_channel": "COPS"}),
    ({"type": "conversations_select"}, "general", {"selected_conversation": "CGENERAL"}),
    ({"type": "multi_conversations_select"}, ["ops"], {"selected_conversations": ["COPS"]}),
    ({"type": "multi_channels_select"}, ["ops"], {"selected_channels": ["COPS"]}),
    ({"type": "datepicker"}, "2026-11-23", {"selected_date": "2026-11-23"}),
    ({"type": "timepicker"}, "09:00", {"selected_time": "09:00"}),
    ({"type": "datetimepicker"}, 1700000000, {"selected_date_time": 1700000000}),
]


def test_every_kind_of_field_arrives_in_its_own_shape(slack: SlackSandbox, client: WebClient, forms: Forms) -> None:
    blocks = [
        {
            "type": "input",
            "block_id": f"b{number}",
            "optional": True,
            "label": {"type": "plain_text", "text": f"Field {number}"},
            "element": {"action_id": f"a{number}", **element},
        }
        for number, (element, _, _) in enumerate(FIELDS)
    ]
    view = opened(slack, client, *blocks, private_metadata="kept")
    given = {f"Field {number}": value for number, (_, value, _) in enumerate(FIELDS)}
    slack.oncall.submits(view, given).ok()
    body = forms.submitted[0]
    assert body["view"]["private_metadata"] == "kept"
    assert body["view"]["state"]["values"] == {
        f"b{number}": {f"a{number}": {"type": element["type"], **state}}
        for number, (element, _, state) in enumerate(FIELDS)
    }
    assert slack.open_view("noor") is None


def test_a_field_left_alone_sends_what_stood_in_it(slack: SlackSandbox, client: WebClient, forms: Forms) -> None:
    view = opened(slack, client, text_input("why", "Why", element={"initial_value": "token"}))
    slack.oncall.submits(view).ok()
    assert forms.submitted[0]["view"]["state"]["values"]["why"]["why_value"]["value"] == "token"


@pytest.mark.parametrize(
    ("block", "value", "said"),
    [
        (text_input("f", "Why"), None, "Why: please complete this required field"),
        (text_input("f", "Why", element={"min_length": 5}), "abc", "at least 5 characters"),
        (text_input("f", "Why", element={"max_length": 2}), "abc", "at most 2 characters"),
        (
            text_input("f", "N", element={"type": "number_input", "is_decimal_allowed": False, "max_value": "50"}),
            51,
            "at most 50",
        ),
        (text_input("f", "N", element={"type": "number_input", "is_decimal_allowed": False}), 1.5, "whole number"),
        (text_input("f", "N", element={"type": "number_input", "is_decimal_allowed": True}), "many", "a number"),
        (text_input("f", "E", element={"type": "email_text_input"}), "nobody", "e-mail"),
        (text_input("f", "U", element={"type": "url_text_input"}), "nowhere", "URL"),
        (text_input("f", "S", element={"type": "static_select", "options": [option("a")]}), "z", "not offered"),
    ],
)
def test_the_client_keeps_a_form_that_is_not_filled_in_right(
    slack: SlackSandbox, client: WebClient, block: Json, value: Any, said: str
) -> None:
    view = opened(slack, client, block)
    with pytest.raises(NotPossible, match=said):
        slack.oncall.submits(view, {"f": value})
    assert slack.deliveries == []


def test_errors_in_the_answer_stay_beside_their_fields(slack: SlackSandbox, client: WebClient, forms: Forms) -> None:
    forms.answer = {"response_action": "errors", "errors": {"why": "Say more."}}
    view = opened(slack, client, text_input("why", "Why"))
    slack.oncall.submits(view, {"Why": "x"}).ok()
    now = slack.open_view("noor")
    assert now is not None
    assert (now.id, now.errors) == (view.id, {"why": "Say more."})
    forms.answer = {}
    slack.oncall.submits(now, {"Why": "the token expired"}).ok()
    assert slack.open_view("noor") is None


def test_an_answer_may_change_the_modal_stack_another_or_clear_all(
    slack: SlackSandbox, client: WebClient, forms: Forms
) -> None:
    view = opened(slack, client, section("one"))
    forms.answer = {"response_action": "update", "view": modal(section("two"))}
    slack.oncall.submits(view).ok()
    second = slack.open_view("noor")
    assert second is not None
    assert (second.id, second.shown.splitlines()[-1]) == (view.id, "two")
    forms.answer = {"response_action": "push", "view": modal(section("three"), notify_on_close=True)}
    slack.oncall.submits(second).ok()
    third = slack.open_view("noor")
    assert third is not None
    assert third.previous_id == second.id
    forms.answer = {"response_action": "clear"}
    slack.oncall.submits(third).ok()
    assert slack.open_view("noor") is None
    slack.wait_for(lambda: forms.closed)
    assert forms.closed[0]["is_cleared"] is True


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": modal(title={"type": "plain_text", "text": "x" * 25})},
        {"response_action": "vanish"},
    ],
)
def test_an_answer_slack_would_not_take_leaves_the_form_and_shows_trouble(
    slack: SlackSandbox, client: WebClient, forms: Forms, answer: Json
) -> None:
    forms.answer = answer
    view = opened(slack, client, text_input("why", "Why"))
    sent = slack.oncall.submits(view, {"Why": "x"}).wait()
    assert sent.error.startswith("invalid_response_action")
    assert slack.open_view("noor") == view


def test_closing_is_told_only_where_the_app_asked(slack: SlackSandbox, client: WebClient, forms: Forms) -> None:
    assert slack.oncall.closes(opened(slack, client)).deliveries == ()
    told = slack.oncall.closes(opened(slack, client, notify_on_close=True)).wait()
    assert told.acked
    assert forms.closed[0]["is_cleared"] is False
    assert slack.open_view("noor") is None


def test_choosing_in_a_modal_is_told_at_once_and_sent_again_with_the_form(
    slack: SlackSandbox, client: WebClient, forms: Forms
) -> None:
    choose = {"type": "static_select", "action_id": "go", "options": [option("a"), option("b")]}
    view = opened(slack, client, {**actions(choose), "block_id": "row"}, text_input("why", "Why"))
    slack.oncall.selects(view, "Why", "because")
    slack.oncall.selects(view, "go", "b").ok()
    body = forms.acted[0]
    assert body["container"] == {"type": "view", "view_id": view.id}
    assert body["actions"][0]["selected_option"] == option("b")
    assert body["view"]["state"]["values"]["why"]["why_value"]["value"] == "because"
    slack.oncall.submits(view).ok()
    assert forms.submitted[0]["view"]["state"]["values"]["row"]["go"]["selected_option"] == option("b")


def test_a_button_on_the_home_tab_can_be_pressed(slack: SlackSandbox, client: WebClient, forms: Forms) -> None:
    client.views_publish(user_id="UONCALL", view={"type": "home", "blocks": [actions(button("Go", "go"))]})
    home = slack.oncall.home
    assert home is not None
    slack.oncall.presses(home, "Go").ok()
    assert forms.acted[0]["view"]["id"] == home.id
    with pytest.raises(NotPossible):
        slack.lead.presses(home, "Go")
