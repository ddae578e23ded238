"""Acting as a person: what is sent for them, and what their client would not let them do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import Ack, App
from slack_sdk import WebClient

from bot.sandbox.slack.forms import NotPossible
from bot.sandbox.slack.server import SlackSandbox
from tests.sandbox.slacks import actions, bolt, button, client_of, section

Json = dict[str, Any]


class Ears:
    """A Bolt app that acknowledges everything and keeps what it heard."""

    def __init__(self) -> None:
        self.commands: list[Json] = []
        self.bodies: list[Json] = []
        self.events: list[Json] = []

    def __call__(self, app: App) -> None:
        @app.middleware
        def hear(body: Json, next: Any) -> None:
            if body.get("type") == "event_callback":
                self.events.append(body["event"])
            elif "command" in body:
                self.commands.append(body)
            else:
                self.bodies.append(body)
            next()

        @app.command("/jobs")
        def command(ack: Ack) -> None:
            ack()

        for action_id in ("go", "pick", "more", "when"):
            app.action(action_id)(lambda ack: ack())
        app.shortcut("add_to_timeline")(lambda ack: ack())
        app.shortcut("new_incident")(lambda ack: ack())
        for name in ("message", "reaction_added", "reaction_removed", "app_home_opened", "member_joined_channel"):
            app.event(name)(lambda: None)
        for name in ("channel_archive", "channel_rename", "app_mention"):
            app.event(name)(lambda: None)


@pytest.fixture
def ears(slack: SlackSandbox) -> Iterator[Ears]:
    heard = Ears()
    with bolt(slack, heard):
        yield heard


def test_a_command_arrives_with_all_slack_sends_beside_it(slack: SlackSandbox, ears: Ears) -> None:
    typed = slack.oncall.types("ops", "/jobs  status “repost dispatch” —count 5 & <x> ").ok()
    command = ears.commands[0]
    assert command == {
        "token": "sandbox-verification",
        "team_id": "TREPOSTER",
        "team_domain": "reposter",
        "channel_id": "COPS",
        "channel_name": "ops",
        "user_id": "UONCALL",
        "user_name": "noor",
        "command": "/jobs",
        "text": "status “repost dispatch” —count 5 & <x>",
        "api_app_id": "AFIREWATCH",
        "is_enterprise_install": "false",
        "response_url": typed.response_url,
        "trigger_id": typed.trigger_id,
    }
    assert typed.response_url.startswith(f"{slack.base_url}/commands/TREPOSTER/")


def test_private_channels_and_direct_ones_go_by_what_they_are(slack: SlackSandbox, ears: Ears) -> None:
    private = slack.oncall.creates("war-room", private=True)
    for where in (private, slack.oncall.direct()):
        slack.oncall.types(where.id, "/jobs status").ok()
    assert [one["channel_name"] for one in ears.commands] == ["privategroup", "directmessage"]


ESCAPING = {"features": {"slash_commands": [{"command": "/jobs", "description": "d", "should_escape": True}]}}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("lead @noor.", "lead <@UONCALL|noor>."),
        ("page @oncall now", "page <!subteam^SONCALL|@oncall> now"),
        ("in #ops and #nowhere", "in <#COPS|ops> and #nowhere"),
        ("done https://x.example/a?b=1&c=2", "done <https://x.example/a?b=1&amp;c=2>"),
        ("a & b <c>", "a &amp; b &lt;c&gt;"),
        ("mail noor@reposter.example", "mail noor@reposter.example"),
        ("@here", "<!here>"),
    ],
)
def test_a_command_that_asks_for_escaping_gets_tokens(typed: str, sent: str) -> None:
    with SlackSandbox(manifest=ESCAPING, rate_limits="off") as slack:
        delivery = slack.oncall.types("ops", f"/jobs {typed}")
        assert delivery.payload["text"] == sent


def test_a_command_nobody_declared_is_refused_by_slack_itself() -> None:
    with SlackSandbox(manifest=ESCAPING) as slack:
        delivery = slack.oncall.types("ops", "/job status").wait()
        assert (delivery.error, delivery.attempts) == ("invalid_command", [])
        told = slack.oncall.sees("ops")[-1]
        assert (told.user, told.text, told.visible_to) == ("USLACKBOT", "/job is not a valid command.", "UONCALL")


def test_a_command_does_not_work_in_a_thread(slack: SlackSandbox) -> None:
    head = slack.oncall.says("ops", "look").message
    assert head is not None
    slack.oncall.types("ops", "/jobs status", thread_ts=head.ts).wait()
    assert slack.oncall.sees("ops")[-1].text == "/jobs is not supported in threads. Sorry!"


def test_nobody_writes_where_they_are_not_or_where_all_is_over(slack: SlackSandbox) -> None:
    slack.guest.leaves("ops")
    with pytest.raises(NotPossible, match="not in #ops"):
        slack.guest.types("ops", "/jobs status")
    with pytest.raises(NotPossible, match="not in #ops"):
        slack.guest.says("ops", "hello")
    slack.lead.archives("ops")
    with pytest.raises(NotPossible, match="archived"):
        slack.oncall.says("ops", "hello")


def test_a_message_is_linked_and_heard_with_its_thread(slack: SlackSandbox, ears: Ears) -> None:
    said = slack.oncall.says("ops", "@linnea see #ops <now>").wait()
    assert said.message is not None
    slack.lead.says("ops", "yes", thread_ts=said.message.ts).wait()
    first, second = slack.wait_for(lambda: len(ears.events) == 2 and ears.events)
    assert (first["type"], first["user"], first["channel"], first["channel_type"]) == (
        "message",
        "UONCALL",
        "COPS",
        "channel",
    )
    assert first["text"] == "<@ULEAD> see <#COPS|ops> &lt;now&gt;"
    assert first["event_ts"] == first["ts"] == said.message.ts
    assert said.message.pings == ("ULEAD",)
    assert (second["thread_ts"], second["parent_user_id"]) == (said.message.ts, "UONCALL")


def test_the_bot_hears_nothing_from_where_it_is_not(slack: SlackSandbox, ears: Ears) -> None:
    assert slack.oncall.says("general", "psst").deliveries == ()
    slack.oncall.invites("general", "firewatch").wait()
    heard = slack.oncall.says("general", "hello").wait()
    assert heard.acked
    assert [one["type"] for one in ears.events] == ["member_joined_channel", "message"]


def test_events_come_only_for_what_is_subscribed_and_granted() -> None:
    manifest = {
        "oauth_config": {"scopes": {"bot": ["channels:history"]}},
        "settings": {"event_subscriptions": {"bot_events": ["message.channels", "reaction_added"]}},
    }
    with SlackSandbox(manifest=manifest) as slack:
        said = slack.oncall.says("ops", "hello")
        assert said.message is not None
        assert len(said.deliveries) == 1
        assert slack.oncall.reacts(said.message, "eyes").deliveries == ()
        assert slack.lead.joins("general").deliveries == ()


def test_an_edit_and_a_deletion_are_told_with_what_was_before(slack: SlackSandbox, ears: Ears) -> None:
    said = slack.oncall.says("ops", "one").wait().message
    assert said is not None
    edited = slack.oncall.edits(said, "two").wait().message
    assert edited is not None
    slack.oncall.deletes(edited).wait()
    _, changed, deleted = ears.events
    assert (changed["subtype"], changed["message"]["text"], changed["previous_message"]["text"]) == (
        "message_changed",
        "two",
        "one",
    )
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", said.ts)


def test_a_mention_of_the_bot_is_an_event_of_its_own() -> None:
    manifest = {
        "oauth_config": {"scopes": {"bot": ["app_mentions:read", "channels:history"]}},
        "settings": {"event_subscriptions": {"bot_events": ["app_mention", "message.channels"]}},
    }
    with SlackSandbox(manifest=manifest) as slack:
        act = slack.oncall.says("ops", "@firewatch help")
        assert [one.payload["event"]["type"] for one in act.deliveries] == ["message", "app_mention"]


def test_a_reaction_says_whose_message_it_is_on(slack: SlackSandbox, ears: Ears) -> None:
    said = slack.lead.says("ops", "found it").wait().message
    assert said is not None
    slack.oncall.reacts(said, ":pushpin:").wait()
    event = ears.events[-1]
    assert (event["type"], event["reaction"], event["user"], event["item_user"]) == (
        "reaction_added",
        "pushpin",
        "UONCALL",
        "ULEAD",
    )
    assert event["item"] == {"type": "message", "channel": "COPS", "ts": said.ts}


def card(client: WebClient, *elements: Json) -> None:
    client.chat_postMessage(channel="COPS", text="card", blocks=[section("37 failed"), actions(*elements)])


def test_a_press_arrives_with_its_message_its_button_and_a_way_to_answer(
    slack: SlackSandbox, client: WebClient, ears: Ears
) -> None:
    card(client, button("Replay", "go", value="p1", style="primary"))
    message = slack.channel("ops").messages[-1]
    pressed = slack.oncall.presses(message, "Replay").ok()
    body = ears.bodies[0]
    action = body["actions"][0]
    assert (body["type"], body["user"]["id"], body["channel"]) == (
        "block_actions",
        "UONCALL",
        {"id": "COPS", "name": "ops"},
    )
    assert (action["action_id"], action["value"], action["style"], action["text"]["text"]) == (
        "go",
        "p1",
        "primary",
        "Replay",
    )
    assert body["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "COPS",
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == message.ts
    assert body["trigger_id"] == pressed.trigger_id
    assert body["response_url"].startswith(f"{slack.base_url}/actions/")


def test_a_press_on_an_ephemeral_carries_no_message(slack: SlackSandbox, client: WebClient, ears: Ears) -> None:
    client.chat_postEphemeral(channel="COPS", user="UONCALL", text="x", blocks=[actions(button("Go", "go"))])
    message = slack.oncall.sees("ops")[-1]
    slack.oncall.presses(message, "go").ok()
    assert ears.bodies[0]["container"]["is_ephemeral"] is True
    assert "message" not in ears.bodies[0]
    with pytest.raises(NotPossible, match="not there"):
        slack.lead.presses(message, "go")


def test_a_button_that_is_not_there_cannot_be_pressed(slack: SlackSandbox, client: WebClient) -> None:
    card(client, button("Replay these", "go", value="a"), button("Replay these", "go2", value="b"))
    message = slack.channel("ops").messages[-1]
    with pytest.raises(NotPossible, match=r"there is no 'Stop' here; there is: 'Replay these' \(go\)"):
        slack.oncall.presses(message, "Stop")
    with pytest.raises(NotPossible, match="2 things here are called 'Replay these'"):
        slack.oncall.presses(message, "Replay these")
    assert slack.oncall.presses(message, "Replay these", value="b").payload["actions"][0]["action_id"] == "go2"
    client.chat_update(channel="COPS", ts=message.ts, text="done", blocks=[section("done")])
    with pytest.raises(NotPossible, match="nothing to press"):
        slack.oncall.presses(message, "Replay these", value="b")
    client.chat_delete(channel="COPS", ts=message.ts)
    with pytest.raises(NotPossible, match="not there"):
        slack.oncall.presses(message, "Replay these", value="b")


def test_a_button_that_asks_first_sends_nothing_when_told_no(
    slack: SlackSandbox, client: WebClient, ears: Ears
) -> None:
    plain = {name: {"type": "plain_text", "text": name} for name in ("title", "text", "confirm", "deny")}
    card(client, button("Restore", "go", style="danger", confirm=plain))
    message = slack.channel("ops").messages[-1]
    asked = slack.lead.asked(message, "Restore")
    assert asked is not None
    assert asked["title"]["text"] == "title"
    assert slack.lead.presses(message, "Restore", confirmed=False).wait().attempts == []
    slack.lead.presses(message, "Restore").ok()
    assert len(ears.bodies) == 1


def test_a_choice_is_sent_with_the_state_of_the_whole_message(
    slack: SlackSandbox, client: WebClient, ears: Ears
) -> None:
    choices = [{"text": {"type": "plain_text", "text": one.upper()}, "value": one} for one in "ab"]
    card(
        client,
        {"type": "static_select", "action_id": "pick", "options": choices},
        {"type": "overflow", "action_id": "more", "options": choices},
        {"type": "datepicker", "action_id": "when", "initial_date": "2026-11-23"},
    )
    message = slack.channel("ops").messages[-1]
    slack.oncall.selects(message, "pick", "B").ok()
    slack.oncall.selects(message, "more", "a").ok()
    first, second = ears.bodies
    assert first["actions"][0]["selected_option"] == choices[1]
    assert second["actions"][0]["selected_option"] == choices[0]
    values = second["state"]["values"][message.blocks[1]["block_id"]]
    assert values == {
        "pick": {"type": "static_select", "selected_option": choices[1]},
        "when": {"type": "datepicker", "selected_date": "2026-11-23"},
    }
    with pytest.raises(NotPossible, match="not offered"):
        slack.oncall.selects(message, "pick", "Z")


def test_a_message_shortcut_carries_the_message_and_its_author(slack: SlackSandbox, ears: Ears) -> None:
    said = slack.lead.says("ops", "the token expired at 01:52").wait().message
    slack.oncall.shortcut("add_to_timeline", said).ok()
    body = ears.bodies[0]
    assert (body["type"], body["callback_id"], body["message_ts"]) == (
        "message_action",
        "add_to_timeline",
        said and said.ts,
    )
    assert (body["message"]["user"], body["user"]["id"]) == ("ULEAD", "UONCALL")
    slack.oncall.shortcut("new_incident").ok()
    assert ears.bodies[1]["type"] == "shortcut"


def test_only_declared_shortcuts_are_in_the_menu() -> None:
    declared = {"features": {"shortcuts": [{"callback_id": "add", "type": "message", "name": "n"}]}}
    with SlackSandbox(manifest=declared) as slack:
        with pytest.raises(NotPossible, match="no global shortcut 'add'"):
            slack.oncall.shortcut("add")
        said = slack.oncall.says("ops", "x").message
        with pytest.raises(NotPossible, match="no message shortcut 'other'"):
            slack.oncall.shortcut("other", said)


def test_opening_the_home_tab_is_told_with_the_view_shown(slack: SlackSandbox, client: WebClient, ears: Ears) -> None:
    slack.oncall.opens_home().wait()
    client.views_publish(user_id="UONCALL", view={"type": "home", "blocks": [section("hi")]})
    slack.oncall.opens_home().wait()
    first, second = ears.events
    assert (first["type"], first["tab"], first["user"]) == ("app_home_opened", "home", "UONCALL")
    assert "view" not in first
    assert second["view"]["type"] == "home"


def test_people_are_found_by_name_and_a_stranger_is_not(slack: SlackSandbox) -> None:
    assert slack.as_user("linnea").id == slack.lead.id == "ULEAD"
    assert slack.as_user("@tomas").id == slack.guest.id == "UGUEST"
    assert client_of(slack).users_info(user="UONCALL")["user"]["real_name"] == "Noor Haddad"
