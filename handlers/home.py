"""The app's own page: what is open and when it is due, what is mine, which postmortems are owed, what can be said."""

from __future__ import annotations

from bot.domain.action import Risk, action, nouns
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.parameters import Text
from bot.domain.reply import Reply
from bot.tools import Tools
from handlers.listing import lists, owing

SHOWN = 25
"""Incidents on the page; of all that it says, 12,000 characters fit."""

OWED, MINE, MY_OWED = 10, 10, 5
LATELY = 500
"""Incidents among which owed postmortems are looked for: the latest."""


@action("/home", Risk.LOOK, hidden=True, incident=False)
def home(call: Call, tools: Tools) -> Reply:
    """Show the open incidents with their clocks, what is yours, and every command."""
    open_now = lists(tools.incidents.open(), tools)
    over = [each for each in tools.incidents.recent(LATELY) if each.resolved]
    owed = [owing(each, tools) for each in over if not each.postmortem and not each.false_alarm]
    owed.sort(key=lambda each: float(each["due"]))
    mine = [each for each in open_now if each["lead"] == call.actor]
    facts = {
        "mine": mine[:MINE],
        "mine_total": len(mine),
        "my_postmortems": [each for each in owed if (each["owner"] or each["lead"]) == call.actor][:MY_OWED],
        "incidents": open_now[:SHOWN],
        "total": len(open_now),
        "owed": owed[:OWED],
        "owed_total": len(owed),
        "commands": [{"name": noun.name, "summary": noun.summary} for noun in nouns()],
    }
    return Reply("home/home", facts, to="home")


@action("/unknown", Risk.LOOK, hidden=True, incident=False)
def unknown(call: Call, tools: Tools, thing: Text) -> Reply:
    """Answer a button or shortcut that this version does not know."""
    raise Refused(
        f"I do not know that {thing}: it is from another version of me.", "`/incident show` has current ones."
    )
