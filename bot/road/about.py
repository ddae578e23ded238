"""Which incident a sentence is about, and how a message names it where more than one may be meant.

A sentence is about the incident that it names (``#12``), else about the one that the pressed button or the form
carries, else about the one that lives in its channel. Where several live, whoever said it is asked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.domain.action import Action, Risk
from bot.domain.call import Call
from bot.domain.errors import Refused, Several
from bot.domain.incident import CHANNEL_LOST, meant
from bot.store.store import Store


def about_incident(call: Call, action: Action, named: int | None, store: Store) -> Call:
    """The call with the number of the incident that it is about, None for none.

    Raises Refused when that is not on record, Several when it has to be asked. Looking at something asks only where
    the answer hangs on it, which the handler says.
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
        store.take(calls, now, "reminder", at_once=True)
