"""The postmortem: drafted at once, owned by someone, due 24 hours after the resolution

Section 7 of the runbook, after the resolution.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.incident import postmortem_due
from bot.domain.parameters import User
from bot.domain.reply import Begin, Reply
from bot.outside.github.protocol import Tracker
from bot.tools import Tools
from handlers.drafting import draft_facts, drafted
from handlers.outside import Track
from handlers.which import here


@action("/postmortem draft", Risk.ACT)
def draft(call: Call, tools: Tools) -> Reply:
    """Draft the postmortem from the record: a Markdown file, and its outline in the channel."""
    return drafted(here(call, tools), tools)


@action("/postmortem show", Risk.LOOK)
def show(call: Call, tools: Tools) -> Reply:
    """Show whether the postmortem is owed, by whom, and until when."""
    incident = here(call, tools)
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity))
    facts = {
        "number": incident.number,
        "state": incident.state,
        "false_alarm": incident.false_alarm,
        "owner": incident.postmortem_owner,
        "link": incident.postmortem,
        "due": due.timestamp() if due else None,
        "late": bool(due and due < tools.now),
        "draft": ACTIONS["/postmortem draft"].sentence(),
    }
    return Reply("postmortem/show", facts)


@action("/postmortem owner", Risk.ACT, form=True)
def owner(call: Call, tools: Tools, user: User) -> Reply:
    """Say who writes the postmortem.

    user: a mention, such as @maria
    """
    incident = here(call, tools)
    facts = {"number": incident.number, "before": incident.postmortem_owner, "after": user, "by": call.actor}
    return Reply("postmortem/owner", facts, incident=replace(incident, postmortem_owner=user), event={"kind": "owner"})


@action("/postmortem done", Risk.ACT, form=True)
def done(call: Call, tools: Tools, link: str) -> Reply:
    """Say where the finished postmortem is; the reminders end.

    link: its address, beginning with https://
    """
    incident = here(call, tools)
    if not link.startswith(("https://", "http://")):
        raise Refused("A link begins with https://.")
    if not incident.resolved:
        raise Refused(f"Incident {incident.number} is not resolved yet.", "`/incident resolve CAUSE` first.")
    seconds = (call.at - (incident.resolved_at or call.at)).total_seconds()
    facts = {"number": incident.number, "link": link, "by": call.actor, "seconds": seconds}
    return Reply(
        "postmortem/done",
        facts,
        incident=replace(incident, postmortem=link),
        event={"kind": "postmortem", "link": link},
    )


@action("/postmortem track", Risk.ACT)
def track(call: Call, tools: Tools) -> Reply:
    """Open an issue in the tracker, with the cause, the actions taken and their receipts."""
    incident = here(call, tools)
    tools.need(Tracker)
    if incident.issue:
        raise Refused("There is an issue already.", incident.issue)
    facts = {"number": incident.number, "by": call.actor}
    title = f"Incident {incident.number}: {incident.title}"
    track = Track(incident.number, title, tools.write("issue.md", draft_facts(incident, tools)))
    return Reply("postmortem/tracking", facts, to="asker", begins=[Begin(track, incident=incident.number)])
