"""What is to be said is said once, somewhere, whatever happens to the sender and to Slack."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from redis import Redis

from bot.domain.errors import Later, Refused
from bot.domain.reply import File
from bot.messages.render import Message, Renderer
from bot.road.outbox import Outbox
from bot.road.posting import Posting, packed
from bot.store.store import Store
from bot.wiring import TEMPLATES
from tests.parts import Clock, Slack, posting


class Died(BaseException):
    """The process is gone: nothing after this line happens."""


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def outbox(redis_url: str, slack: Slack) -> Iterator[Outbox]:
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        yield Outbox(Store(redis), slack, Clock(), lambda picture, facts: b"PNG")


def said(text: str) -> Mapping[str, Any]:
    return Message(text).to_dict()


def file(**more: Any) -> Mapping[str, Any]:
    return {"name": "jobs.tsv", "title": "Jobs", "text": "41\n", "picture": "", "facts": {}, **more}


NOT_THERE = Refused("I am not in <#COPS>.")


# ---------------------------------------------------------------- once


def test_a_message_is_posted_once_however_often_it_is_delivered(outbox: Outbox, slack: Slack) -> None:
    for _ in range(3):
        outbox.deliver(posting())
    assert slack.texts() == ["hello"]
    assert outbox.store.where("k") == ("COPS", slack.shown[0].ts)


def test_a_sender_that_dies_after_posting_does_not_post_again(outbox: Outbox, slack: Slack) -> None:
    def dies(method: str) -> None:
        raise Died

    slack.after = dies
    with pytest.raises(Died):
        outbox.deliver(posting())
    assert outbox.store.where("k") == ("", "")
    slack.after = lambda method: None
    outbox.deliver(posting())
    assert slack.texts() == ["hello"]
    assert outbox.store.where("k") == ("COPS", slack.shown[0].ts)


def test_a_sender_that_dies_before_posting_loses_nothing(outbox: Outbox, slack: Slack) -> None:
    slack.fails("post", Died())
    with pytest.raises(Died):
        outbox.deliver(posting())
    outbox.deliver(posting())
    assert slack.texts() == ["hello"]


def test_a_message_whose_ts_slack_did_not_tell_is_not_said_again(
    outbox: Outbox, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = slack.post

    def silent(*said: Any) -> str:
        post(*said)
        return ""

    monkeypatch.setattr(slack, "post", silent)
    for _ in range(2):
        outbox.deliver(posting())
    outbox.deliver(posting(mode="edit", message=said("edited")))
    assert slack.texts() == ["hello"]


def test_two_messages_of_different_keys_are_two(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting("a"))
    outbox.deliver(posting("b"))
    assert slack.texts() == ["hello", "hello"]


@pytest.mark.parametrize("method", ["post", "update", "whisper", "upload", "respond"])
def test_slack_asking_for_a_pause_is_passed_on_and_nothing_is_lost(outbox: Outbox, slack: Slack, method: str) -> None:
    outbox.deliver(posting("card"))
    mode = {"update": "edit", "whisper": "whisper"}.get(method, "post")
    key = "card" if method == "update" else "new"
    pending = posting(key, mode=mode, user="U1", files=[file()], response_url="https://slack.example/r")
    if method == "respond":
        slack.fails("post", NOT_THERE, NOT_THERE)
    slack.fails(method, Later(7, "a pause of 7 s"))
    with pytest.raises(Later) as later:
        outbox.deliver(pending)
    assert later.value.seconds == 7
    outbox.deliver(pending)
    assert len(slack.uploads) == 1
    counted = slack.whispers if method == "whisper" else slack.responded if method == "respond" else slack.shown
    assert [each.text for each in counted] == ["hello"] * (2 if method in ("post", "upload") else 1)


# ---------------------------------------------------------------- edits


def test_an_edit_changes_the_message_of_its_key(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting("card"))
    outbox.deliver(posting("card", mode="edit", message=said("31 of 50")))
    outbox.deliver(posting("card", mode="edit", message=said("50 of 50")))
    assert slack.texts() == ["50 of 50"]


def test_an_edit_of_what_was_never_posted_posts_it(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting("card", mode="edit"))
    outbox.deliver(posting("card", mode="edit", message=said("done")))
    assert slack.texts() == ["done"]


def test_a_card_that_somebody_deleted_is_said_anew_once_and_edited_there(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting("card"))
    slack.shown.clear()
    for text in ("31 of 50", "40 of 50", "50 of 50"):
        outbox.deliver(posting("card", mode="edit", message=said(text)))
    assert slack.texts() == ["50 of 50"]
    assert slack.calls.count("post") == 2


# ---------------------------------------------------------------- where the bot is not


def test_where_the_bot_is_no_member_the_commands_own_address_answers(outbox: Outbox, slack: Slack) -> None:
    slack.fails("post", NOT_THERE)
    asked = posting("plan:1", response_url="https://slack.example/r", user="U1")
    outbox.deliver(asked)
    outbox.deliver(asked)
    assert [(each.channel, each.text) for each in slack.responded] == [("https://slack.example/r", "hello")]
    outbox.deliver(posting("plan:1", mode="edit", response_url="https://slack.example/r2", message=said("confirmed")))
    assert [each.text for each in slack.responded] == ["hello", "confirmed"]


def test_what_was_said_through_an_address_is_not_said_again_by_each_edit(outbox: Outbox, slack: Slack) -> None:
    slack.fails("post", NOT_THERE)
    outbox.deliver(posting("plan:1", response_url="https://slack.example/r"))
    outbox.deliver(posting("plan:1", mode="edit", message=said("progress")))
    assert [each.text for each in slack.responded] == ["hello"]
    assert slack.shown == []


def test_without_an_address_the_one_who_asked_is_told_directly(outbox: Outbox, slack: Slack) -> None:
    slack.fails("post", NOT_THERE)
    outbox.deliver(posting("receipt", user="UNOOR", files=[file()]))
    assert [(each.channel, each.text) for each in slack.shown] == [("UNOOR", "hello")]
    assert [(channel, thread) for channel, _, _, thread in slack.uploads] == [("UNOOR", slack.shown[0].ts)]


def test_an_address_that_has_expired_is_no_end_either(outbox: Outbox, slack: Slack) -> None:
    slack.fails("post", NOT_THERE)
    slack.fails("respond", Refused("Slack takes answers to a command for 30 minutes only."))
    outbox.deliver(posting("receipt", user="UNOOR", response_url="https://slack.example/r"))
    assert slack.texts("UNOOR") == ["hello"]


@pytest.mark.parametrize("user", ["", "clock", "pagerduty"])
def test_what_nobody_can_be_told_is_logged_and_let_go(
    outbox: Outbox, slack: Slack, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fails("post", NOT_THERE)
    with caplog.at_level(logging.WARNING):
        outbox.deliver(posting("reminder", user=user))
    assert slack.shown == []
    assert vars(caplog.records[-1])["why"] == NOT_THERE.sentence


# ---------------------------------------------------------------- whispers, homes, files


def test_a_whisper_goes_to_one_person(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting(mode="whisper", user="UNOOR", thread="1.2"))
    assert [(each.channel, each.to, each.thread) for each in slack.whispers] == [("COPS", "UNOOR", "1.2")]


def test_a_home_tab_is_published(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting(mode="home", user="UNOOR"))
    assert slack.homes == {"UNOOR": {"type": "home", "blocks": []}}


def test_files_go_under_the_message_they_belong_to_each_once(outbox: Outbox, slack: Slack) -> None:
    files = [file(), file(name="q.png", text="", picture="queue")]
    for _ in range(2):
        outbox.deliver(posting(files=files))
    ts = slack.shown[0].ts
    assert slack.uploads == [("COPS", "jobs.tsv", b"41\n", ts), ("COPS", "q.png", b"PNG", ts)]


def test_a_message_in_a_thread_has_its_files_in_the_thread(outbox: Outbox, slack: Slack) -> None:
    outbox.deliver(posting(thread="1.2", files=[file()]))
    assert slack.uploads[0][3] == "1.2"


def test_a_picture_that_cannot_be_drawn_is_left_out(
    outbox: Outbox, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(picture: str, facts: Mapping[str, Any]) -> bytes:
        raise ValueError("no such picture")

    outbox.draw = breaks
    with caplog.at_level(logging.ERROR):
        outbox.deliver(posting(files=[file(picture="queue"), file()]))
    assert slack.texts() == ["hello"]
    assert [name for _, name, _, _ in slack.uploads] == ["jobs.tsv"]
    assert "picture not drawn" in caplog.text


def test_a_file_shows_no_secret_either() -> None:
    sent = packed(File("a.tsv", "A", text="ana@x.example\tcompleted\n"), Renderer(TEMPLATES))
    assert sent["text"] == "a•••@x.example\tcompleted\n"


def test_a_file_keeps_what_it_needs_to_be_made_later() -> None:
    plain = packed(File("a.tsv", "A", text="x"), Renderer(TEMPLATES))
    drawn = packed(File("q.png", "Q", picture="queue", facts={"depth": [1]}), Renderer(TEMPLATES))
    assert (plain["text"], plain["picture"]) == ("x", "")
    assert (drawn["picture"], drawn["facts"]) == ("queue", {"depth": [1]})


def test_a_posting_is_the_same_after_storing_it() -> None:
    kept = posting("k", mode="edit", user="U1", files=[file()])
    assert Posting.from_json(kept.to_json()) == kept
