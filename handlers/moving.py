"""An incident's channel: what is said when it is gone, and how the incident moves to another"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused, Unanswered
from bot.domain.incident import CHANNEL_LOST
from bot.domain.parameters import Text
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, Reply
from bot.outside.slack.protocol import Chat
from bot.tools import Tools
from handlers.incident import Room
from handlers.which import here


@action("/incident move", Risk.ACT)
def move(call: Call, tools: Tools) -> Reply:
    """Let the incident live in this channel from now on: its summary and reminders are posted here."""
    incident = here(call, tools)
    if not call.channel.startswith(("C", "G")):
        raise Refused("An incident lives in a channel.", f"Type `/incident move #{incident.number}` in that channel.")
    if call.channel == incident.channel and not incident.lost:
        raise Refused(f"Incident {incident.number} lives here already.")
    facts = {"number": incident.number, "before": incident.channel, "by": call.actor}
    after = replace(incident, channel=call.channel, lost="", summary="", moves=incident.moves + 1)
    return Reply(
        "incident/moved",
        facts,
        incident=after,
        event={"kind": "moved"},
        begins=[Begin(Room(incident.number, moved=True), incident=incident.number)],
    )


@action(CHANNEL_LOST, Risk.LOOK, hidden=True, doors=("clock",))
def lose(call: Call, tools: Tools, why: Text) -> Reply:
    """Take note that the incident's channel cannot be used any more.

    why: what Slack says of it
    """
    incident = here(call, tools)
    if incident.lost or incident.over_and_done:
        raise Unanswered("known already")
    after = replace(incident, lost=why)
    event = {"kind": "lost", "actor": "Firewatch", "text": f"Its channel is gone: {why}"}
    begins = [Begin(LostRoom(incident.number, why), incident=incident.number)]
    return Reply(
        "incident/lost",
        lost_facts(after.number, after.title, why),
        "nobody",
        incident=after,
        event=event,
        begins=begins,
    )


@procedure("lost-room", called="saying that the channel is gone")
@dataclass(frozen=True, slots=True)
class LostRoom:
    """Says so where the incident was opened, and to its lead, with what ends or moves it."""

    number: int
    why: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        incident = tools.incidents.get(self.number)
        lead = incident.lead or next(iter(tools.people.oncall()), "")
        channels = [incident.origin] if incident.origin != incident.channel else []
        if lead:
            channels.append(tools.need(Chat).dm(lead))
        facts = lost_facts(incident.number, incident.title, self.why)
        say = [
            Reply("incident/lost", facts | {"here": each.startswith(("C", "G"))}, channel=each, about=incident.number)
            for each in dict.fromkeys(channels)
            if each
        ]
        return Next("", say=say)


def lost_facts(number: int, title: str, why: str) -> dict[str, object]:
    """``here``: whether the incident can move to where this is read."""
    return {
        "number": number,
        "title": title,
        "why": why,
        "here": False,
        "move": ACTIONS["/incident move"].sentence(number),
        "resolve": ACTIONS["/incident resolve"].sentence(number),
    }
