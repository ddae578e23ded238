"""`firewatch drill night`: a night on call, sixty times as fast: page, ack, updates, customers, postmortem."""

from __future__ import annotations

from collections.abc import Mapping

from bot.sandbox.far_ends import the
from bot.sandbox.pagerduty.seeds import LINNEA
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.queues.pipeline import Pipeline
from bot.sandbox.slack.blocks import Message
from bot.sandbox.statuspage import StatuspageSandbox
from bot.sandbox.story import Missed, Story
from bot.sandbox.transcript import Transcript

TITLE = "Instagram uploads failing"

ONCE: Mapping[str, int] = {
    "📟 Instagram": 1,
    "Not acknowledged yet": 1,
    "Nobody has acknowledged": 1,
    "Level 2 paged": 2,
    "Acknowledged by": 1,
    "Open for 30 min": 1,
    "On the status page": 1,
    "No update for": 1,
    "Resolved after": 1,
    "Postmortem draft": 1,
    "Postmortem due": 1,
    "Postmortem overdue": 1,
}
"""How often each thing is said in the room that night."""


def night(story: Story, pipeline: Pipeline) -> str:
    """An alert at 03:00. Nobody answers for five minutes; then it is fought, told, resolved and written up."""
    slack, noor = story.slack, story.slack.oncall
    pagerduty, statuspage = the(PagerDutySandbox, story.far_ends), the(StatuspageSandbox, story.far_ends)
    alert = pagerduty.trigger(TITLE)
    room = story.room(1)
    card = story.sees(room, "📟 Instagram")

    # 03:03 the one on call is mentioned, 03:05 the next level is paged.
    nudge = story.sees(room, "Not acknowledged yet")
    _holds("the one on call is mentioned", "UONCALL" in nudge.pings)
    story.sees(room, "Nobody has acknowledged in 5 min")
    story.sees(room, "Level 2 paged: Linnea Berg")
    noor.presses(card, "Ack").ok()
    acked = story.sees(room, "Acknowledged by")
    pagerduty.wait_for(lambda: pagerduty.incident(alert.id).status == "acknowledged", 20)

    # The cause is looked for, and mended.
    noor.presses(card, "Failed jobs").ok()
    story.sees(room, f"{story.queue}: 120 failed jobs")
    pipeline.switches.off("instagram")
    noor.types(room, "/incident note Refreshed the Instagram token").ok()

    # 15 minutes after the acknowledgement an update is due: its button opens a form.
    due = story.sees(room, "Update due: 15 min since the acknowledgement", after=acked)
    noor.presses(due, "Write update…").ok()
    form = slack.wait_for(lambda: slack.open_view("noor"), 10)
    told = {
        "text": "The token is renewed, uploads recover",
        "impact": "Posts to Instagram are up to 40 min late",
        "known": "The token had expired",
        "doing": "Replaying what failed",
    }
    noor.submits(form, told).ok()
    update = story.sees(room, "Update: The token is renewed")

    # 30 minutes: customers are owed a word. One press.
    ask = story.sees(room, "Open for 30 min", seconds=40)
    noor.presses(ask, "Publish").ok()
    story.sees(room, "On the status page now")

    # The next update is forgotten: a reminder, a direct message, and the next level.
    story.sees(room, "Update due: 15 min since the last one", after=update)
    story.sees(room, "No update for 35 min", seconds=60)
    slack.wait_for(lambda: pagerduty.rang(LINNEA.id) == 2, 20)
    noor.types(room, "/incident update Everything is posted again --public").ok()
    story.sees(room, "Update: Everything is posted again")
    noor.types(room, "/incident resolve The Instagram token had expired and nobody was told").ok()
    story.sees(room, "Resolved after")
    story.sees(room, "Postmortem draft")
    pagerduty.wait_for(lambda: not pagerduty.incident(alert.id).open, 20)
    statuspage.wait_for(lambda: [each.status for each in statuspage.incidents.values()] == ["resolved"], 20)

    # The postmortem is owned, owed, and reminded of until it is there.
    noor.types(room, "/postmortem owner @linnea").ok()
    story.sees(room, "Postmortem due", seconds=90)
    story.sees(room, "Postmortem overdue", seconds=40)
    slack.lead.joins(room)
    noor.types(room, "/postmortem done https://wiki.example/postmortems/1").ok()
    story.sees(room, "Postmortem done")
    _check_said_once(story, room)
    _holds("Linnea was paged twice: nobody acknowledged, and two updates missed", pagerduty.rang(LINNEA.id) == 2)
    (public,) = statuspage.incidents.values()
    _holds("customers heard of it thrice", len(public.updates) == 3)
    return room


def _check_said_once(story: Story, room: str) -> None:
    """Everything came, and nothing came twice."""
    messages: list[Message] = story.slack.channel(room).messages
    for beginning, times in ONCE.items():
        found = sum(each.text.startswith(beginning) for each in messages)
        if found != times:
            said = Transcript(story.slack.workspace).channel(room)
            raise Missed(f"“{beginning}…” was said {found} times, not {times}\n\n{said}")


def _holds(what: str, so: bool) -> None:
    if not so:
        raise Missed(f"it does not hold that {what}")
