"""Slack's Web API as the desk sees it, against the sandbox's Slack: what is said arrives once, and no is a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.errors import Later, Refused
from bot.outside.slack.errors import SlackRefused
from bot.outside.slack.protocol import Workspace
from bot.sandbox.slack.server import SlackSandbox
from tests.outside.slack.said import BEFORE, CARD, VIEW, Said, client, counted, now, section, texts

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


def test_a_message_of_another_bot_of_ours_is_not_taken_for_this_one(slack: SlackSandbox, workspace: Workspace) -> None:
    ts = workspace.post("COPS", CARD, "incident:4:summary")
    slack.workspace.edit(next(each for each in slack.channel("ops").messages if each.ts == ts), bot_id="BTHEIRS")
    own = workspace.post("COPS", CARD, "incident:4:summary", since=now() - BEFORE)
    assert own != ts
    assert workspace.post("COPS", CARD, "incident:4:summary", since=now() - BEFORE) == own


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
