"""Channels: made or adopted once, people invited, the topic, pins and bookmarks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.domain.errors import Later
from bot.outside.slack.errors import SlackRefused
from bot.outside.slack.protocol import Workspace
from bot.sandbox.slack.server import SlackSandbox
from tests.outside.slack.said import CARD, client, now


def test_a_channel_is_made_public_and_without_saying_so(slack: SlackSandbox, workspace: Workspace) -> None:
    id = workspace.create_channel("inc-12-uploads", now())
    assert (slack.channel(id).name, slack.channel(id).kind) == ("inc-12-uploads", "public")
    assert "is_private" not in next(each for each in slack.calls if each.method == "conversations.create").args


def test_a_channel_whose_making_was_not_heard_of_is_adopted(slack: SlackSandbox, workspace: Workspace) -> None:
    began = now()
    slack.faults.next("conversations.create", reset="after")
    with pytest.raises(Later):
        workspace.create_channel("inc-12-uploads", began)
    id = workspace.create_channel("inc-12-uploads", began)
    assert slack.channel(id).name == "inc-12-uploads"
    assert not [each for each in slack.workspace.channels.values() if each.name == "inc-12-uploads-2"]


def test_somebody_elses_channel_is_left_alone(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.lead.creates("inc-12-uploads")
    slack.lead.creates("inc-12-uploads-2")
    id = workspace.create_channel("inc-12-uploads", now())
    assert slack.channel(id).name == "inc-12-uploads-3"


def test_an_older_channel_of_the_bots_own_is_not_adopted() -> None:
    at = [1_700_000_000.0]
    with SlackSandbox(rate_limits="off", now=lambda: at[0]) as slack:
        workspace = client(slack)
        first = workspace.create_channel("inc-1-fire", datetime.fromtimestamp(at[0], UTC))
        at[0] += 3600
        second = workspace.create_channel("inc-1-fire", datetime.fromtimestamp(at[0], UTC))
        assert first != second
        assert slack.channel(second).name == "inc-1-fire-2"


def test_a_name_of_eighty_characters_still_gets_its_number(slack: SlackSandbox, workspace: Workspace) -> None:
    long = "inc-1-" + "x" * 74
    slack.lead.creates(long)
    name = slack.channel(workspace.create_channel(long, now())).name
    assert len(name) == 80
    assert name.endswith("x-2")


def test_one_who_cannot_be_invited_does_not_keep_the_others_out(slack: SlackSandbox, workspace: Workspace) -> None:
    id = workspace.create_channel("inc-1", now())
    crowd = [f"U{number:03}" for number in range(120)]
    workspace.invite(id, ["UONCALL", "UNOBODY", slack.bot.id, "UONCALL", *crowd])
    assert {"UONCALL", *crowd} <= set(slack.channel(id).members)
    workspace.invite(id, ["UONCALL"])
    workspace.invite(id, ["UNOBODY"])
    workspace.invite(id, [])


def test_inviting_gets_by_with_a_slack_that_does_not_know_force(slack: SlackSandbox, workspace: Workspace) -> None:
    id = workspace.create_channel("inc-1", now())
    slack.faults.next("conversations.invite", error="user_not_found")
    workspace.invite(id, ["UONCALL", "UNOBODY", "ULEAD"])
    assert {"UONCALL", "ULEAD"} <= set(slack.channel(id).members)


def test_what_concerns_the_channel_and_no_person_is_still_a_no(workspace: Workspace) -> None:
    with pytest.raises(SlackRefused) as no:
        workspace.invite("CGENERAL", ["UONCALL"])
    assert no.value.code == "not_in_channel"


def test_topic_pin_and_bookmark_may_be_done_again(slack: SlackSandbox, workspace: Workspace) -> None:
    ts = workspace.post("COPS", CARD, "card")
    for _ in range(2):
        workspace.set_topic("COPS", "x" * 300)
        workspace.pin("COPS", ts)
        workspace.bookmark("COPS", "Runbook", "https://example.org/runbook")
    ops = slack.channel("ops")
    assert len(ops.topic) == 250
    assert [each.ts for each in ops.pinned] == [ts]
    assert [each.link for each in ops.bookmarks.values()] == ["https://example.org/runbook"]
