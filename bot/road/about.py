"""Which incident a sentence is about, and how a message names it where more than one may be meant.

A sentence is about the incident that it names (``#12``), else about the one that the pressed button or the form
carries, else about the one that lives in its channel. Where several live, whoever said it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.action import Action, Risk
from bot.domain.call import Call
from bot.domain.errors import Refused, Several
from bot.domain.incident import CHANNEL_LOST, Incident, meant
from bot.messages.render import Message, Renderer
from bot.store.store import Store

BLOCKS_MOST = 50
"""Blocks of one message: Slack's limit."""


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
    if call.pressed and action.risk is Risk.ACT:
        return call  # a message that names no incident: one from before, or one from before any lived there
    live = meant(store.living_in(call.channel) if call.channel and action.incident else [])
    if len(live) > 1 and action.risk is not Risk.LOOK:
        raise Several([each.number for each in live])
    return replace(call, incident=live[0].number, concluded=True) if len(live) == 1 else call


def label_of(incident: Incident | None, renderer: Renderer) -> Mapping[str, Any]:
    """What names an incident on a message, as JSON: its ``number``, its ``home``, and the ``blocks`` to stand first."""
    if incident is None:
        return {}
    facts = {"number": incident.number, "title": incident.title, "room": incident.channel}
    own = incident.channel if incident.channel != incident.origin else ""
    return {"number": incident.number, "home": own, "blocks": renderer.render("desk/incident", facts).blocks}


def naming(message: Message, label: Mapping[str, Any], channel: str) -> Message:
    """The message as it stands in this channel: outside the incident's own it says which incident it is about.

    Its own channel is one that was made for it. Where it lives in another, others may live beside it.
    """
    if not label or (label["home"] and channel == label["home"]):
        return message
    told = re.compile(rf"\b[Ii]ncident {label['number']}\b")
    text, blocks = message.text, message.blocks
    if not told.search(text):
        text = f"Incident {label['number']}: {text}"
    if not any(told.search(str(block)) for block in blocks):
        blocks = [*label["blocks"], *blocks]
    return Message(text, blocks[:BLOCKS_MOST], message.extras)


def lost_channel(store: Store, channel: str, why: str, now: datetime) -> None:
    """Slack will not have the bot in this channel any more: each incident that lives there is told so, once."""
    calls = [
        Call(
            id=f"lost{each.number}x{each.moves}",
            actor="clock",
            channel=each.origin,
            text=f"{CHANNEL_LOST} #{each.number} -- {why}",
            at=now,
            door="clock",
        )
        for each in store.living_in(channel)
        if not each.lost and not each.over_and_done
    ]
    if calls:
        store.take(calls, now, at_once=True)
