"""The app's own page: what is open, and what the on-call engineer can say."""

from __future__ import annotations

from bot.action import Call, Refused, Reply, Risk, Text, action, nouns
from bot.tools import Tools


@action("/home", Risk.LOOK, hidden=True)
def home(call: Call, tools: Tools) -> Reply:
    """Show the open incidents and every command."""
    incidents = [
        {"number": each.number, "title": each.title, "severity": each.severity, "channel": each.channel}
        for each in tools.incidents.open()
    ]
    commands = [{"name": noun.name, "summary": noun.summary} for noun in nouns()]
    return Reply("home/home", {"incidents": incidents[:30], "total": len(incidents), "commands": commands}, to="home")


@action("/unknown", Risk.LOOK, hidden=True)
def unknown(call: Call, tools: Tools, thing: Text) -> Reply:
    """Answer a button or shortcut that this version does not know."""
    raise Refused(
        f"I do not know that {thing}: it is from another version of me.", "`/incident show` has current ones."
    )
