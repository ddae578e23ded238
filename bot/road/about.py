"""Which incident a sentence is about, and how a message names it where more than one may be meant.

A sentence is about the incident that it names (``#12``), else about the one that the pressed button or the form
carries, else about the one that lives in its channel. Where several live, whoever said it is asked.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bot.domain.action import Action, Risk
from bot.domain.call import Call
from bot.domain.errors import Refused, Several
from bot.domain.incident import Incident, meant
from bot.messages.render import Message, Renderer
from bot.store.store import Store


def about_incident(call: Call, action: Action, named: int | None, store: Store) -> Call:
    """The call with the number of the incident that it is about, None for none.

    Raises Refused when that is not on record, Several when it has to be asked. Looking at something asks only where
    the answer hangs on it (see ``handlers.incident.here``).
    """
    number = named if named is not None else call.incident
    if number is not None:
        if store.incident(number) is None:
            raise Refused(f"There is no incident {number}.", "`/incident list` shows those on record.")
        return replace(call, incident=number, concluded=False)
    live = meant(store.living_in(call.channel) if call.channel and action.incident else [])
    if len(live) > 1 and action.risk is not Risk.LOOK:
        raise Several([each.number for each in live])
    return replace(call, incident=live[0].number, concluded=True) if len(live) == 1 else call


def naming(message: Message, incident: Incident | None, channel: str, renderer: Renderer) -> Message:
    """The message as it stands in this channel: outside the incident's own it says which incident it is about.

    Its own channel is one that was made for it. Where it lives in another, others may live beside it.
    """
    if incident is None or (channel == incident.channel != incident.origin):
        return message
    told = re.compile(rf"\b[Ii]ncident {incident.number}\b")
    text, blocks = message.text, message.blocks
    if not told.search(text):
        text = f"Incident {incident.number}: {text}"
    if not any(told.search(str(block)) for block in blocks):
        facts = {"number": incident.number, "title": incident.title, "room": incident.channel, "here": channel}
        blocks = [*renderer.render("desk/incident", facts).blocks, *blocks]
    return Message(text, blocks[:50], message.extras)
