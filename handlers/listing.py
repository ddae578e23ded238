"""Incidents as lines of a list, with the clock that runs on each: for the home tab and ``/incident list``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain.incident import Incident, ack_due, postmortem_due, update_due
from bot.tools import Tools


def listed(incident: Incident, tools: Tools) -> dict[str, Any]:
    """One line of a list: how it stands, and the clock that runs on it (``due``, None when none does)."""
    pace = tools.catalogue.pace(incident.severity)
    ack, update = ack_due(incident, pace), update_due(incident, pace)
    due = ack or update
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "state": incident.state,
        "room": incident.channel,
        "lead": incident.lead,
        "clock": "acknowledge" if ack else "update",
        "due": due.timestamp() if due else None,
        "late": bool(due and due <= tools.now),
        "seconds": incident.lasted(tools.now).total_seconds(),
    }


def urgency(line: dict[str, Any]) -> tuple[bool, float, str, int]:
    """What is due first comes first; where no clock runs, the worst."""
    return line["due"] is None, line["due"] or 0.0, line["severity"], -line["number"]


def owing(incident: Incident, tools: Tools) -> dict[str, Any]:
    """One postmortem that is owed."""
    due = postmortem_due(incident, tools.catalogue.pace(incident.severity)) or tools.now
    return {
        "number": incident.number,
        "title": incident.title,
        "room": incident.channel,
        "owner": incident.postmortem_owner,
        "lead": incident.lead,
        "due": due.timestamp(),
        "late": due <= tools.now,
    }


def lists(incidents: Sequence[Incident], tools: Tools) -> list[dict[str, Any]]:
    """Several, the most urgent first."""
    return sorted((listed(each, tools) for each in incidents), key=urgency)
