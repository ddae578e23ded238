"""What procedures say: messages once and in order, cards as they change, and nothing that holds them up."""

from __future__ import annotations

import pytest

from bot.domain.errors import Later, Refused
from bot.domain.procedure import Next
from bot.domain.reply import Reply
from bot.road import procedures as steps
from tests.parts import Night
from tests.road.story import Story, note, texts


def test_messages_that_wait_are_sent_in_their_order(night: Night, story: Story) -> None:
    story.tells(start=Next("", say=[note("one"), note("two"), note("three")]))
    night.slack.fails("post", None, Later(30, "a pause of 30 s"))
    story.begins()
    night.rests(0)
    assert texts(night) == ["one"]
    assert not story.over()
    night.rests(29)
    assert texts(night) == ["one"]
    night.rests(30)
    assert texts(night) == ["one", "two", "three"]
    assert story.over()


def test_while_slack_asks_for_a_pause_steps_go_on_and_leave_it_alone(night: Night, story: Story) -> None:
    counting = [Next("start", wait=1, say=[note("one")]), *[Next("start", wait=1)] * 9, Next("", say=[note("two")])]
    story.tells(start=counting)
    night.slack.fails("post", Later(8, "a pause of 8 s"))
    story.begins()
    night.rests(5)
    assert len(story.taken) > 4
    assert night.slack.calls.count("post") == 1
    night.house.redis.delete("firewatch:throttle:outbox:p1")  # Redis' own clock does not move with ours
    night.rests(30)
    assert texts(night) == ["one", "two"]


def test_a_message_that_slack_will_never_take_holds_up_nothing(night: Night, story: Story) -> None:
    night.slack.fails("post", Refused("I am not there."), Refused("Nor may I write to them."))
    story.tells(start=Next("", say=[note("lost"), note("kept")]))
    story.begins()
    night.rests()
    assert texts(night) == ["kept"]
    assert story.over()


def test_a_message_that_breaks_its_sender_is_let_go_in_the_end(night: Night, story: Story) -> None:
    night.slack.fails("post", *[KeyError("ts")] * 5)
    story.tells(start=Next("", say=[note("poison"), note("kept")]))
    story.begins()
    night.rests(120)
    assert texts(night) == ["kept"]
    assert story.over()


def test_a_card_is_edited_on_the_way_and_its_last_state_arrives(night: Night, story: Story) -> None:
    story.tells(start=[*[Next("start", wait=0.1, card=note(f"{n} of 9")) for n in range(9)], Next("", card=note("9"))])
    story.begins()
    night.slack.fails("update", Later(3, "a pause of 3 s"))
    night.rests(30)
    [card] = night.slack.shown
    assert card.text.endswith(": 9")
    assert card.edits == 1
    assert story.over()


def test_a_card_on_which_nothing_has_changed_is_not_edited(
    night: Night, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "CARD_EVERY", 0.001)
    said = ["1 of 9"] * 20 + ["2 of 9"] * 20
    story.tells(start=[*[Next("start", wait=0.1, card=note(each)) for each in said], Next("", card=note("9"))])
    story.begins()
    night.rests()
    [card] = night.slack.shown
    assert card.text.endswith(": 9")
    assert card.edits == 2, "posted once, then as 2 and as 9"


def test_a_card_that_cannot_be_shown_holds_up_nothing(night: Night, story: Story) -> None:
    story.tells(start=[Next("start", card=Reply("incident/noted", {})), Next("", say=[note("done")])])
    story.begins()
    night.rests(1)
    assert texts(night) == ["done"]


def test_what_was_said_is_kept_for_the_terminal(night: Night, story: Story) -> None:
    story.tells(start=[*[Next("start", say=[note(f"{n}")]) for n in range(30)], Next("")])
    story.begins()
    night.rests(30)
    record = story.record()
    assert record["told"] == 30
    assert [message["text"].rpartition(" ")[2] for message in record["said"]] == [f"{n}" for n in range(10, 30)]
