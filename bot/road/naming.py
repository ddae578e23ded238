"""How a message says which incident it is about: on its buttons, and outside of the incident's own channel in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.domain.grammar import with_incident
from bot.domain.incident import Incident
from bot.messages.limits import elements
from bot.messages.render import Message, Renderer

BLOCKS_MOST = 50
"""Blocks of one message: Slack's limit."""


def label_of(incident: Incident | None, renderer: Renderer) -> Mapping[str, Any]:
    """What names an incident on a message, as JSON: its ``number``, its ``home``, and the ``blocks`` to stand first."""
    if incident is None:
        return {}
    facts = {"number": incident.number, "title": incident.title, "room": incident.channel}
    return {
        "number": incident.number,
        "home": incident.own_channel,
        "blocks": renderer.render("desk/incident", facts).blocks,
    }


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


def rendered(renderer: Renderer, template: str, facts: Mapping[str, Any], incident: int | None) -> Message:
    """The message of a template, on which every sentence that is pressed or chosen names the incident it is about."""
    message = renderer.render(template, facts)
    if incident is not None:
        for element in elements(message.blocks):
            for each in (element, *element.get("options", ())):
                if each.get("value"):
                    each["value"] = with_incident(each["value"], incident)
    return message
