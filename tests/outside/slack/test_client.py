"""Slack's Web API as the desk sees it, against the sandbox's Slack: what is said arrives once, and no is a sentence."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.errors import Later, Refused
from bot.outside.slack.client import SlackWorkspace
from bot.outside.slack.errors import NOT_INVITED, RATE_LIMITED, SENTENCES, TROUBLED, SlackRefused, refused
from bot.outside.slack.protocol import Workspace
from bot.sandbox.slack.model import User
from bot.sandbox.slack.seeds import PEOPLE, Seed
from bot.sandbox.slack.server import SlackSandbox

BEFORE = timedelta(seconds=5)


@dataclass(frozen=True)
class Said:
    text: str
    blocks: list[dict[str, Any]] = field(default_factory=list)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


CARD = Said("3 of 8 workers", [section("*3 of 8* workers")])
VIEW = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "A note"},
    "blocks": [section("hello")],
}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    crowd = tuple(User(f"U{n:03}", f"person{n}", f"Person {n}") for n in range(120))
    with SlackSandbox(rate_limits="off", seed=Seed(people=(*PEOPLE, *crowd))) as running:
        yield running


@pytest.fixture
def workspace(slack: SlackSandbox) -> Workspace:
    """Typed as what the desk is given: mypy holds the client to the Protocol."""
    return client(slack)


def client(slack: SlackSandbox) -> SlackWorkspace:
    return SlackWorkspace(slack.bot_token, slack.api_url)


def texts(slack: SlackSandbox, channel: str = "ops") -> list[str]:
    return [each.text for each in slack.channel(channel).messages]


def counted(slack: SlackSandbox, method: str) -> int:
    return sum(each.method == method for each in slack.calls)


# ---------------------------------------------------------------- saying


def test_a_message_carries_its_key_its_blocks_and_no_unfurling(slack: SlackSandbox, workspace: Workspace) -> None:
    ts = workspace.post("COPS", CARD, "call:abc")
    (message,) = slack.channel("ops").messages
    assert (message.ts, message.text) == (ts, "3 of 8 workers")
    assert message.metadata == {"event_type": "firewatch_post", "event_payload": {"key": "call:abc"}}
    sent = next(each for each in slack.calls if each.method == "chat.postMessage").args
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)


def test_a_connection_lost_after_the_message_went_out_does_not_send_it_twice(
    slack: SlackSandbox, workspace: Workspace
) -> None:
    began = now()
    slack.faults.next("chat.postMessage", reset="after")
    with pytest.raises(Later):
        workspace.post("COPS", CARD, "call:abc")
    first = slack.channel("ops").messages[0].ts
    assert workspace.post("COPS", CARD, "call:abc", since=began) == first
    assert texts(slack) == ["3 of 8 workers"]


def test_a_connection_lost_before_the_message_went_out_sends_it_at_the_second_try(
    slack: SlackSandbox, workspace: Workspace
) -> None:
    began = now()
    slack.faults.next("chat.postMessage", reset="before")
    with pytest.raises(Later):
        workspace.post("COPS", CARD, "call:abc")
    assert texts(slack) == []
    workspace.post("COPS", CARD, "call:abc", since=began)
    assert texts(slack) == ["3 of 8 workers"]


def test_a_message_of_another_key_is_not_taken_for_this_one(slack: SlackSandbox, workspace: Workspace) -> None:
    workspace.post("COPS", CARD, "call:abc")
    workspace.post("COPS", CARD, "call:abd", since=now() - BEFORE)
    assert len(texts(slack)) == 2


def test_a_message_is_found_behind_hundreds_of_later_ones(slack: SlackSandbox, workspace: Workspace) -> None:
    ts = workspace.post("COPS", CARD, "call:abc")
    for number in range(450):
        slack.oncall.says("ops", f"line {number}")
    assert workspace.post("COPS", CARD, "call:abc", since=now() - timedelta(minutes=1)) == ts


def test_a_reply_is_looked_for_in_its_thread(slack: SlackSandbox, workspace: Workspace) -> None:
    head = workspace.post("COPS", CARD, "card")
    slack.faults.next("chat.postMessage", reset="after")
    with pytest.raises(Later):
        workspace.post("COPS", Said("41, 57"), "ids", thread=head)
    (reply,) = slack.channel("ops").thread(head)
    assert workspace.post("COPS", Said("41, 57"), "ids", thread=head, since=now() - BEFORE) == reply.ts
    assert len(slack.channel("ops").thread(head)) == 1


def test_a_file_that_went_out_before_a_death_is_found_and_not_sent_again(
    slack: SlackSandbox, workspace: Workspace
) -> None:
    head = workspace.post("COPS", CARD, "card")
    began = now()
    slack.faults.next("files.completeUploadExternal", reset="after")
    with pytest.raises(Later):
        workspace.upload("COPS", "replay-1.tsv", "Jobs", b"41", head)
    [reply] = slack.channel("ops").thread(head)
    assert workspace.upload("COPS", "replay-1.tsv", "Jobs", b"41", head, since=began) == reply.files[0].id
    assert workspace.upload("COPS", "replay-2.tsv", "Jobs", b"57", head, since=began) != reply.files[0].id
    assert [each.files[0].text for each in slack.channel("ops").thread(head)] == ["41", "57"]


def test_where_history_may_not_be_read_a_message_is_sent_all_the_same(
    slack: SlackSandbox, workspace: Workspace
) -> None:
    workspace.post("CGENERAL", CARD, "call:abc", since=now() - BEFORE)
    assert texts(slack, "general") == ["3 of 8 workers"]


def test_a_message_to_a_user_goes_to_their_direct_messages(slack: SlackSandbox, workspace: Workspace) -> None:
    workspace.post("UONCALL", CARD, "call:abc")
    assert [each.text for each in slack.oncall.direct().messages] == ["3 of 8 workers"]


def test_a_card_is_edited_in_place(slack: SlackSandbox, workspace: Workspace) -> None:
    ts = workspace.post("COPS", CARD, "card")
    workspace.update("COPS", ts, Said("8 of 8 workers", [section("*8 of 8*")]))
    (message,) = slack.channel("ops").messages
    assert message.text == "8 of 8 workers"
    assert message.metadata, "the key stays, so that it is still found"


def test_a_whisper_takes_the_response_url_and_leaves_the_card_alone(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("ops", "/jobs status").response_url
    workspace.whisper("COPS", "UONCALL", CARD, url)
    (message,) = slack.channel("ops").ephemerals[-1:]
    assert (message.text, message.visible_to) == ("3 of 8 workers", "UONCALL")
    assert counted(slack, "chat.postEphemeral") == 0


def test_a_whisper_finds_its_way_when_the_response_url_is_used_up(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("ops", "/jobs status").response_url
    for number in range(6):
        workspace.whisper("COPS", "UONCALL", Said(f"line {number}"), url)
    heard = [each.text for each in slack.channel("ops").ephemerals if each.text.startswith("line")]
    assert heard == [f"line {number}" for number in range(6)]
    assert counted(slack, "chat.postEphemeral") == 1


def test_a_whisper_in_a_channel_without_the_bot_becomes_a_direct_message(
    slack: SlackSandbox, workspace: Workspace
) -> None:
    workspace.whisper("CGENERAL", "UONCALL", CARD)
    assert [each.text for each in slack.oncall.direct().messages] == ["3 of 8 workers"]


def test_an_answer_through_the_response_url_is_seen_by_the_channel(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("general", "/jobs status").response_url
    workspace.respond(url, CARD)
    assert texts(slack, "general") == ["3 of 8 workers"]


def test_a_response_url_that_is_used_up_is_a_no(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("general", "/jobs status").response_url
    for _ in range(5):
        workspace.respond(url, CARD)
    with pytest.raises(SlackRefused, match=r"five answers|no longer"):
        workspace.respond(url, CARD)
    with pytest.raises(SlackRefused):
        workspace.respond("file:///etc/passwd", CARD)


def test_a_file_goes_up_into_the_channel(slack: SlackSandbox, workspace: Workspace) -> None:
    id = workspace.upload("COPS", "depth.png", "Depth over the last hour", b"\x89PNG", thread="")
    file = slack.workspace.files[id]
    assert (file.name, file.title, file.content) == ("depth.png", "Depth over the last hour", b"\x89PNG")


def test_a_form_opens_once_and_in_time(slack: SlackSandbox, workspace: Workspace) -> None:
    trigger = slack.oncall.types("ops", "/incident note").trigger_id
    workspace.open_form(trigger, VIEW)
    assert slack.oncall.modal
    with pytest.raises(Refused, match="opened already"):
        workspace.open_form(trigger, VIEW)


def test_a_form_that_comes_too_late_is_a_sentence() -> None:
    at = [1_700_000_000.0]
    with SlackSandbox(rate_limits="off", now=lambda: at[0]) as slack:
        trigger = slack.oncall.types("ops", "/incident note").trigger_id
        at[0] += 4
        with pytest.raises(Refused, match="longer than the 3 seconds"):
            client(slack).open_form(trigger, VIEW)


def test_a_home_tab_is_published(slack: SlackSandbox, workspace: Workspace) -> None:
    workspace.publish_home("UONCALL", {"type": "home", "blocks": [section("no incident")]})
    assert slack.oncall.home


# ---------------------------------------------------------------- reading


def test_a_message_is_read_with_its_author_time_and_link(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.oncall.says("ops", "before")
    message = slack.oncall.says("ops", "depth > 400 & rising").message
    slack.oncall.says("ops", "after")
    assert message
    said = workspace.message("COPS", message.ts)
    assert (said.author, said.text) == ("UONCALL", "depth > 400 & rising")
    assert said.at.timestamp() == pytest.approx(float(message.ts), abs=1e-3)
    assert message.ts.replace(".", "") in said.link


def test_a_reply_in_a_thread_is_read_like_any_message(slack: SlackSandbox, workspace: Workspace) -> None:
    head = slack.oncall.says("ops", "what is it?").message
    assert head
    reply = slack.lead.says("ops", "the token", thread_ts=head.ts).message
    slack.lead.says("ops", "it has expired", thread_ts=head.ts)
    assert reply
    said = workspace.message("COPS", reply.ts)
    assert (said.author, said.text) == ("ULEAD", "the token")


def test_a_deleted_message_is_a_sentence(slack: SlackSandbox, workspace: Workspace) -> None:
    message = slack.oncall.says("ops", "oops").message
    assert message
    slack.oncall.deletes(message)
    with pytest.raises(Refused, match="no longer there"):
        workspace.message("COPS", message.ts)


@pytest.mark.parametrize("named", ["oncall", "@oncall", "SONCALL", "On-call engineers", "<!subteam^SONCALL|@oncall>"])
def test_a_group_is_found_by_handle_name_id_and_mention(workspace: Workspace, named: str) -> None:
    assert workspace.members(named) == ["UONCALL"]


def test_an_unknown_group_is_a_sentence_with_a_near_miss(workspace: Workspace) -> None:
    with pytest.raises(Refused, match=r"no user group `oncal`.*`oncall`"):
        workspace.members("oncal")


def test_people_have_names_addresses_and_direct_messages_asked_for_once(slack: SlackSandbox) -> None:
    workspace = client(slack)
    assert workspace.name("UONCALL") == "noor"
    assert workspace.email("UONCALL") == "noor@reposter.example"
    assert workspace.email(slack.bot.id) == ""
    assert workspace.dm("UONCALL") == workspace.dm("UONCALL") == slack.oncall.direct().id
    assert counted(slack, "users.info") == 2
    assert counted(slack, "conversations.open") == 1


def test_the_token_says_who_it_is_and_what_it_may(slack: SlackSandbox, workspace: Workspace) -> None:
    identity = workspace.identity()
    assert (identity["user_id"], identity["bot_id"], identity["team"]) == (slack.bot.id, slack.bot.bot_id, "Reposter")
    assert {"commands", "chat:write"} <= set(identity["scopes"].split(","))
    workspace.identity()
    assert counted(slack, "auth.test") == 1


def test_a_token_taken_back_is_noticed_though_its_identity_is_known(slack: SlackSandbox) -> None:
    workspace = client(slack)
    workspace.identity()
    assert workspace.ping() == "Reposter"
    slack.refuse_token("token_revoked")
    with pytest.raises(SlackRefused, match="does not accept my token"):
        workspace.ping()


# ---------------------------------------------------------------- channels


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


# ---------------------------------------------------------------- when Slack says no, or not now


def test_a_429_is_later_by_what_its_header_says(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.faults.next("chat.postMessage", status=429, retry_after=7)
    with pytest.raises(Later) as later:
        workspace.post("COPS", CARD, "card")
    assert later.value.seconds == 7
    assert counted(slack, "chat.postMessage") == 1, "nothing retries on its own"


def test_a_429_of_a_response_url_is_later_too(slack: SlackSandbox, workspace: Workspace) -> None:
    url = slack.oncall.types("ops", "/jobs status").response_url
    slack.faults.next("response_url", status=429, retry_after=9)
    with pytest.raises(Later) as later:
        workspace.respond(url, CARD)
    assert later.value.seconds == 9


@pytest.mark.parametrize("trouble", [{"status": 503}, {"error": "internal_error"}, {"reset": "before"}])
def test_slacks_own_trouble_is_later(slack: SlackSandbox, workspace: Workspace, trouble: dict[str, Any]) -> None:
    slack.faults.next("chat.update", **trouble)
    with pytest.raises(Later) as later:
        workspace.update("COPS", "1.0", CARD)
    assert 1 <= later.value.seconds <= 10


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": 429, "retry_after": 2}, {"reset": "before"}])
def test_an_upload_that_breaks_off_is_later(slack: SlackSandbox, workspace: Workspace, trouble: dict[str, Any]) -> None:
    slack.faults.next("upload", **trouble)
    with pytest.raises(Later):
        workspace.upload("COPS", "a.txt", "A", b"a")


def test_a_slack_that_is_not_there_is_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/api/"
        with pytest.raises(Later, match="could not reach Slack"):
            SlackWorkspace("xoxb-1", url).identity()


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_each_code_is_a_sentence_for_a_person(code: str) -> None:
    sentence = refused(code, "chat.update", "C123", {"needed": "chat:write"}).sentence
    assert sentence[0].isupper() or sentence[0] == "<"
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert len(sentence) > 25


def test_slacks_no_arrives_with_its_code(slack: SlackSandbox, workspace: Workspace) -> None:
    for code in ("is_archived", "cant_update_message", "restricted_action"):
        slack.faults.next("chat.update", error=code)
        with pytest.raises(SlackRefused) as no:
            workspace.update("COPS", "1.0", CARD)
        assert (no.value.code, no.value.sentence) == (code, refused(code, "chat.update", "COPS").sentence)


def test_a_code_slack_has_added_since_is_still_told(slack: SlackSandbox, workspace: Workspace) -> None:
    slack.faults.next("chat.update", error="brand_new_reason")
    with pytest.raises(SlackRefused, match="`brand_new_reason`"):
        workspace.update("COPS", "1.0", CARD)


def test_no_code_has_two_meanings() -> None:
    assert not (RATE_LIMITED | TROUBLED) & set(SENTENCES)
    assert not (RATE_LIMITED | TROUBLED) & NOT_INVITED


def test_a_missing_scope_is_named() -> None:
    poor = SlackSandbox(manifest={"oauth_config": {"scopes": {"bot": ["commands"]}}})
    with poor as slack, pytest.raises(Refused, match="`chat:write"):
        client(slack).post("COPS", CARD, "card")


def test_what_slack_says_about_wrong_blocks_is_kept_as_a_hint(workspace: Workspace) -> None:
    with pytest.raises(SlackRefused) as no:
        workspace.publish_home("UONCALL", {"type": "home", "blocks": [section("x" * 3001)]})
    assert no.value.code in ("invalid_blocks", "invalid_arguments")
    assert no.value.hint


def test_the_channel_is_named_where_one_is_meant() -> None:
    assert "<#C123>" in refused("not_in_channel", "chat.postMessage", "C123").sentence
    assert "that conversation" in refused("not_in_channel", "chat.postMessage", "D123").sentence


def test_what_slack_will_not_show_as_blocks_is_said_as_text(slack: SlackSandbox, workspace: SlackWorkspace) -> None:
    ts = workspace.post("COPS", Said("Depth 9", [{"type": "no such block"}]), "k-plain")
    assert [m.text for m in slack.channel("ops").messages if m.ts == ts] == ["Depth 9"]
    workspace.update("COPS", ts, Said("Depth 8", [{"type": "no such block"}]))
    assert [m.text for m in slack.channel("ops").messages if m.ts == ts] == ["Depth 8"]
