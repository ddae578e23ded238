"""Failed jobs as conversations: understood, planned, confirmed, replayed, stopped, receipted; and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import redis

from bot.outside.queues.bullmq.client import BullQueue
from bot.sandbox.queues.pipeline import seed
from bot.sandbox.queues.platforms import PlatformFault
from bot.sandbox.slack.blocks import Message
from bot.sandbox.stage import Stage
from bot.sandbox.story import Story

Room = Callable[[str], str]

pytestmark = pytest.mark.parametrize("stage", ["socket"], indirect=True)
"""One door will do: what differs between the two is held in test_incidents.py."""

TOKEN = {("instagram", PlatformFault.TOKEN): 30}


def planned(stage: Stage, story: Story, room: str, sentence: str) -> Message:
    stage.slack.oncall.types(room, sentence).ok()
    return story.sees(room, "Replay")


def test_a_replay_is_stopped_on_request_and_says_what_was_not_moved(stage: Stage, story: Story, room: Room) -> None:
    name = room("Stop it")
    seed(stage.redis_url, "stops", failed=TOKEN, completed=0)
    with stage.pipeline("stops") as pipeline:
        pipeline.switches.mend()
        plan = planned(stage, story, name, "/jobs replay stops --count 30 --rate 4/s --canary 1")
        stage.slack.oncall.presses(plan, "Confirm").ok()
        card = stage.slack.wait_for(
            lambda: next(
                (m for m in stage.slack.channel(name).messages if m.text.startswith("Replaying on stops")), None
            ),
            20,
        )
        stage.slack.oncall.presses(card, "Stop…").ok()
        question = story.sees(name, "Stop the replay of 30 jobs on stops?")
        stage.slack.oncall.presses(question, "Confirm").ok()
        receipt = story.sees(name, "Replay stopped: asked for by")
        assert "not moved" in str(receipt.blocks)
    assert BullQueue("stops", stage.redis_url).status().failed > 0


def test_jobs_that_changed_since_the_plan_are_skipped_and_said_to_be(stage: Stage, story: Story, room: Room) -> None:
    name = room("Changed")
    seed(stage.redis_url, "skips", failed={("instagram", PlatformFault.TOKEN): 6}, completed=0)
    plan = planned(stage, story, name, "/jobs replay skips --canary 0 --rate none")
    queue = BullQueue("skips", stage.redis_url)
    page = next(iter(queue.ended()))
    assert list(queue.move(page[:2], "somebody-else")) == ["moved", "moved"]
    with stage.pipeline("skips") as pipeline:
        pipeline.switches.mend()
        stage.slack.oncall.presses(plan, "Confirm").ok()
        receipt = story.sees(name, "Replay done: 4 of 6 completed")
    assert "2 skipped, moved by someone else meanwhile" in str(receipt.blocks)


def test_jobs_that_another_is_replaying_are_left_alone(stage: Stage, story: Story, room: Room) -> None:
    name = room("Held")
    seed(stage.redis_url, "held", failed={("instagram", PlatformFault.TOKEN): 4}, completed=0)
    plan = planned(stage, story, name, "/jobs replay held --canary 1 --rate none")
    stage.slack.oncall.presses(plan, "Confirm").ok()
    story.sees(name, "Replaying on held")
    stage.slack.oncall.types(name, "/jobs replay held").ok()
    told = story.is_told("noor", name, "Not done: <@UONCALL> is replaying those jobs")
    assert "/jobs stop" in str(told.blocks)
    with stage.pipeline("held") as pipeline:
        pipeline.switches.mend()
        story.sees(name, "Replay done: 4 of 4 completed")


def test_what_failed_again_has_a_button_of_its_own(stage: Stage, story: Story, room: Room) -> None:
    name = room("Again")
    seed(
        stage.redis_url,
        "again",
        failed={("twitter", PlatformFault.TIMEOUT): 3, ("instagram", PlatformFault.TOKEN): 3},
        completed=0,
    )
    with stage.pipeline("again") as pipeline:
        pipeline.switches.off("twitter")
        plan = planned(stage, story, name, "/jobs replay again --canary 0 --rate none --stop-at 100%")
        stage.slack.oncall.presses(plan, "Confirm").ok()
        receipt = story.sees(name, "Replay done: 3 of 6 completed, 3 failed again")
        pipeline.switches.mend()
        stage.slack.oncall.presses(receipt, "Replay what failed again").ok()
        plan = story.sees(name, "Replay 3 jobs of again?")
        stage.slack.oncall.presses(plan, "Confirm").ok()
        story.sees(name, "Replay done: 3 of 3 completed")


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("/jobs status repost-dispach", "Not done: There is no queue repost-dispach. Did you mean repost-dispatch?"),
        ("/jobs replay quiet --count 0", "Not done: `--count` is a number from 1 to 500 on quiet, not 0."),
        ("/jobs replay quiet --count 501", "Not done: `--count` is a number from 1 to 500 on quiet, not 501."),
        ("/jobs replay quiet --count many", "`--count` takes a whole number"),
        ("/jobs replay quiet --rate fast", "`--rate` takes a rate such as"),
        ("/jobs replay quiet", "Not done: No failed job on quiet matches that."),
        ("/jobs replay quiet --ids nope", "Not done: quiet has no failed job `nope`."),
        ("/jobs show quiet 999", "Not done: quiet has no job `999`."),
        ("/jobs failed quiet --cause token", "Not done: No failed job has the cause `token`."),
        ("/jobs resume quiet", "Not done: quiet is not paused already."),
        ("/jobs stop nothing", "Not done: That replay has ended."),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(stage: Stage, story: Story, sentence: str, answer: str) -> None:
    stage.slack.oncall.types("ops", sentence).ok()
    story.is_told("noor", "ops", answer)


def test_what_comes_from_outside_pings_nobody_and_shows_no_secret(stage: Stage, story: Story, room: Room) -> None:
    name = room("Odd jobs")
    secret = "EAAGm0PX4ZCpsBAKZC9yTokenTokenTokenToken1234567890abcdef"
    with redis.Redis.from_url(stage.redis_url, decode_responses=True) as client:
        base = "bull:odd:"
        stack = json.dumps([f"Error: <!channel> {secret}\n" + "    at run (/srv/app/x.js:1:1)\n" * 40_000])
        for number in ("1", "it's “odd” <@UGUEST>"):
            client.hset(
                base + number,
                mapping={
                    "name": "<!channel>",
                    "data": json.dumps(
                        {"accessToken": secret, "email": "someone@reposter.example", "title": "<!here> & co"}
                    ),
                    "opts": "{}",
                    "timestamp": 1_700_000_000_000,
                    "finishedOn": 1_700_000_100_000,
                    "failedReason": f"<!channel> failed with access_token={secret} for someone@reposter.example",
                    "stacktrace": stack,
                    "atm": 1,
                },
            )
            client.zadd(base + "failed", {number: 1_700_000_100_000})
    stage.slack.oncall.types(name, "/jobs failed odd").ok()
    stage.slack.oncall.types(name, "/jobs show odd 1").ok()
    card, job = story.sees(name, "odd: 2 failed jobs"), story.sees(name, "Job 1 on odd")
    for message in (card, job):
        assert "channel" not in str(message.pings)
        assert "UGUEST" not in message.pings
        assert secret not in str(message.blocks) + message.text
        assert "someone@reposter.example" not in str(message.blocks)
    assert secret not in (stage.folder / "bot.log").read_text(encoding="utf-8")


def test_pausing_shows_its_plan_and_leaves_before_and_after(stage: Stage, story: Story, room: Room) -> None:
    name = room("Pause")
    stage.slack.oncall.types(name, "/jobs pause switched").ok()
    first = story.sees(name, "Pause switched?")
    stage.slack.oncall.types(name, "/jobs pause switched").ok()
    second = story.sees(name, "Pause switched?", after=first)
    stage.slack.oncall.presses(first, "Confirm").ok()
    stage.slack.wait_for(lambda: "running → paused" in stage.slack.now_of(first).text, 10)
    # The second plan was made for a queue that ran: it has died with that.
    stage.slack.oncall.presses(second, "Confirm").ok()
    stage.slack.wait_for(lambda: "Ask again" in str(stage.slack.now_of(second).blocks), 10)
    stage.slack.oncall.presses(stage.slack.now_of(first), "Resume…").ok()
    plan = story.sees(name, "Resume switched?")
    stage.slack.oncall.presses(plan, "Confirm").ok()
    stage.slack.wait_for(lambda: "paused → running" in stage.slack.now_of(plan).text, 10)
    stage.slack.oncall.types(name, "/incident timeline").ok()
    assert "running → paused" in str(story.sees(name, "Timeline of incident").blocks)


def test_a_status_brings_a_picture_of_the_last_hour(stage: Stage, story: Story, room: Room) -> None:
    name = room("Picture")
    stage.slack.oncall.types(name, "/jobs status repost-dispatch").ok()
    status = story.sees(name, "repost-dispatch: depth 0")
    found = stage.slack.wait_for(
        lambda: [file for file in stage.slack.workspace.files.values() if file.name == "repost-dispatch.png"], 20
    )
    assert found[0].content.startswith(b"\x89PNG")
    assert status.text.startswith("repost-dispatch")


def test_a_receipt_whose_sending_broke_off_is_posted_once(stage: Stage, story: Story, room: Room) -> None:
    name = room("Lossy")
    seed(stage.redis_url, "lossy", failed={("instagram", PlatformFault.TOKEN): 3}, completed=0)
    with stage.pipeline("lossy") as pipeline:
        pipeline.switches.mend()
        plan = planned(stage, story, name, "/jobs replay lossy --canary 0 --rate none")
        stage.slack.faults.next("chat.postMessage", reset="after")
        stage.slack.oncall.presses(plan, "Confirm").ok()
        story.sees(name, "Replay done: 3 of 3")
        stage.slack.oncall.types(name, "/incident note Later").ok()
        story.sees(name, "Note by")
    receipts = [m for m in stage.slack.channel(name).messages if m.text.startswith("Replay done")]
    assert len(receipts) == 1
