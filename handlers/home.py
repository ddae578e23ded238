"""The app's own page: what is open, and what the on-call engineer can say."""

from __future__ import annotations

from bot.action import Call, Reply, Risk, action, nouns
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
