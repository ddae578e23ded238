"""Which incident a sentence is about, as handlers ask for it"""

from __future__ import annotations

from bot.domain.call import Call
from bot.domain.errors import NamesNone, Refused, Several
from bot.domain.incident import Incident, meant
from bot.tools import Tools


def here(call: Call, tools: Tools) -> Incident:
    """The incident that the call is about.

    Raises Refused where there is none, Several where it has to be asked which one.
    """
    if call.incident is not None:
        return tools.incidents.get(call.incident)
    if found := meant(tools.incidents.living_in(call.channel)):
        if call.pressed:
            raise NamesNone(f"`/incident show #{found[0].number}` posts one that does.")
        raise Several([each.number for each in found])
    raise Refused("This channel belongs to no incident.", _open_ones(tools))


def about(call: Call, tools: Tools) -> Incident | None:
    """The incident that the call is about, None where it is about none."""
    return tools.incidents.get(call.incident) if call.incident is not None else None


def summary_key(incident: Incident) -> str:
    """The name of its pinned summary, which is another one after it has moved."""
    return f"incident:{incident.number}:summary" + (f":{incident.moves}" if incident.moves else "")


def alert_key(incident: Incident) -> str:
    """The name of its alert's card."""
    return f"incident:{incident.number}:alert"


def _open_ones(tools: Tools) -> str:
    open_now = [f"#{each.number}{f' <#{each.channel}>' if each.channel else ''}" for each in tools.incidents.open()[:5]]
    if not open_now:
        return "`/incident open TITLE` opens one."
    number = open_now[0].split()[0]
    return f"Open now: {', '.join(open_now)}. A number after the command says which: `/incident show {number}`."
