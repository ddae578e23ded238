"""Incidents as conversations: opened, noted, kept, shown, resolved; and what is refused, to whom."""

from __future__ import annotations

from collections.abc import Callable

from slack_sdk import WebClient

from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.people import Person
from bot.sandbox.stage import Stage
from bot.sandbox.story import Story

Room = Callable[[str], str]


def said(who: Person, channel: str, text: str) -> Message:
    """A person's own message."""
    message = who.says(channel, text).message
    assert message
    return message


def test_an_opened_incident_has_a_channel_with_its_people_summary_topic_and_bookmark(stage: Stage, room: Room) -> None:
    name = room("Uploads fail: <!channel> & co")
    channel = stage.slack.channel(name)
    assert name.startswith("inc-")
    assert "uploads-fail" in name
    assert "UONCALL" in channel.members
    summary = next(message for message in channel.messages if message.ts in channel.pins)
    assert "sev2 · acknowledged" in summary.text
    assert set(summary.pings) <= {"UONCALL"}
    stage.slack.wait_for(lambda: "sev2" in channel.topic)
    assert [bookmark.title for bookmark in channel.bookmarks.values()] == ["Live summary"]


def test_two_incidents_of_the_same_title_get_two_channels(room: Room) -> None:
    assert room("Same thing") != room("Same thing")


def test_a_note_is_shown_and_stands_on_the_timeline(stage: Stage, story: Story, room: Room) -> None:
    name = room("Notes")
    stage.slack.oncall.types(name, "/incident note “smart” words — and <!here>, it's fine").ok()
    note = story.sees(name, "Note by")
    assert set(note.pings) <= {"UONCALL"}
    stage.slack.oncall.types(name, "/incident timeline").ok()
    timeline = story.sees(name, "Timeline of incident")
    assert "“smart” words — and" in str(timeline.blocks)
    assert "here" not in timeline.pings


def test_a_pinned_message_is_kept_once_with_its_own_author_and_time(stage: Stage, story: Story, room: Room) -> None:
    name = room("Pins")
    stage.slack.lead.joins(name)
    message = said(stage.slack.lead, name, "Deployed v1.4.2 just before this")
    stage.slack.oncall.reacts(message, "pushpin").wait()
    story.is_told("noor", name, "On the timeline")
    stage.slack.oncall.shortcut("add_to_timeline", message).ok()
    stage.slack.oncall.types(name, "/incident timeline").ok()
    timeline = story.sees(name, "Timeline of incident")
    assert str(timeline.blocks).count("Deployed v1.4.2") == 1
    assert "<@ULEAD>" in str(timeline.blocks)


def test_a_pin_outside_of_incidents_is_nobody_s_business(stage: Stage, story: Story) -> None:
    message = said(stage.slack.lead, "ops", "Nice weather")
    stage.slack.guest.reacts(message, "pushpin").wait()
    stage.slack.oncall.types("ops", "/incident list").ok()
    stage.slack.wait_for(lambda: [m for m in stage.slack.seen_by("noor", "ops") if "incident" in m.text])
    assert not [m for m in stage.slack.seen_by("tomas", "ops") if m.visible_to == "UGUEST"]


def test_words_that_are_missing_are_asked_for_in_a_form(stage: Stage, story: Story, room: Room) -> None:
    name = room("Forms")
    stage.slack.oncall.types(name, "/incident resolve").ok()
    view = stage.slack.wait_for(lambda: stage.slack.open_view("noor"))
    stage.slack.oncall.submits(view, {"cause": "A token had expired"}).ok()
    story.sees(name, "Resolved after")
    summary = stage.slack.channel(name)
    stage.slack.wait_for(lambda: any(m.ts in summary.pins and "resolved" in m.text for m in summary.messages))
    stage.slack.wait_for(lambda: "resolved" in summary.topic)


def test_a_resolved_incident_s_buttons_say_so(stage: Stage, story: Story, room: Room) -> None:
    name = room("Over")
    channel = stage.slack.channel(name)
    summary = next(message for message in channel.messages if message.ts in channel.pins)
    stage.slack.oncall.types(name, "/incident resolve It went away").ok()
    story.sees(name, "Resolved after")
    stage.slack.oncall.types(name, "/incident resolve Again").ok()
    told = story.is_told("noor", name, "Not done: Incident")
    assert "was resolved by <@UONCALL>" in str(told.blocks)
    assert summary.ts in channel.pins


def test_someone_without_rights_is_refused_kindly_and_told_who_could(stage: Stage, story: Story, room: Room) -> None:
    name = room("Rights")
    stage.slack.guest.joins(name)
    stage.slack.guest.types(name, "/incident note I was here").ok()
    told = story.is_told("tomas", name, "Not done")
    assert "on-call engineers" in told.text
    assert "<@UONCALL>" in str(told.blocks)
    stage.slack.guest.types(name, "/incident show").ok()
    story.sees(name, "Rights · sev2")


def test_a_channel_that_is_not_served_hears_where_to_go(stage: Stage, story: Story) -> None:
    stage.slack.oncall.types("general", "/incident list").ok()
    told = story.is_told("noor", "general", "Not done: I do not serve this channel")
    assert "ops" in str(told.blocks)


def test_usage_is_for_the_asker_alone_with_a_near_miss(stage: Stage, story: Story) -> None:
    stage.slack.oncall.types("ops", "/incident opn Something").ok()
    told = story.is_told("noor", "ops", "/incident has no `opn`")
    assert "/incident open" in str(told.blocks)
    stage.slack.oncall.types("ops", "/incident help").ok()
    story.is_told("noor", "ops", "How to write it")


def test_a_redelivered_event_is_answered_once(stage: Stage, story: Story, room: Room) -> None:
    name = room("Twice")
    message = said(stage.slack.oncall, name, "Seen twice")
    stage.slack.oncall.reacts(message, "pushpin").wait()
    stage.slack.oncall.unreacts(message, "pushpin").wait()
    stage.slack.oncall.reacts(message, "pushpin").wait()
    story.is_told("noor", name, "On the timeline")  # else what is asked now may be answered first
    stage.slack.oncall.types(name, "/incident timeline").ok()
    timeline = story.sees(name, "Timeline of incident")
    assert str(timeline.blocks).count("Seen twice") == 1


def test_a_button_of_another_version_is_answered_with_a_sentence(stage: Stage, story: Story) -> None:
    web = WebClient(stage.slack.bot_token, base_url=stage.slack.api_url)
    button = {"type": "button", "action_id": "old", "value": "x", "text": {"type": "plain_text", "text": "Old one"}}
    web.chat_postMessage(channel="COPS", text="From before", blocks=[{"type": "actions", "elements": [button]}])
    stage.slack.oncall.presses(story.sees("ops", "From before"), "Old one").ok()
    story.is_told("noor", "ops", "Not done: I do not know that button")


def test_what_looks_like_a_mention_calls_nobody_from_the_timeline(stage: Stage, story: Story, room: Room) -> None:
    name = room("Quiet")
    noor = stage.slack.oncall
    message = said(noor, name, "log says")
    stage.slack.workspace.edit(message, text="log says &lt;@ULEAD&gt; and <https://x.example/a|the graph>")
    noor.reacts(message, "pushpin").wait()
    story.is_told("noor", name, "On the timeline")
    noor.types(name, "/incident timeline").ok()
    timeline = story.sees(name, "Timeline of incident")
    assert "<@ULEAD>" not in str(timeline.blocks)
    assert str(timeline.blocks).count("@ULEAD&gt;") == 1
    assert "<https://x.example/a|the graph>" in str(timeline.blocks)


def test_a_message_of_another_channel_is_not_kept(stage: Stage, story: Story, room: Room) -> None:
    name, other = room("Here"), room("There")
    message = said(stage.slack.oncall, other, "Not for here")
    stage.slack.oncall.types(name, f"/incident keep {message.channel} {message.ts}").ok()
    told = story.is_told("noor", name, "Not done:")
    assert "another channel" in told.text
