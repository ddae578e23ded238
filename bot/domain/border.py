"""Text that leaves the house for a place that outsiders read, and text that is put on record."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.domain.incident import Incident
from bot.domain.masking import mask
from bot.domain.tokens import clean

_MENTION = re.compile(r"<([@#!])([^<>|\n]{1,200})(?:\|([^<>\n]{0,500}))?>")
_LINK = re.compile(r"<([A-Za-z]{2,10}:[^<>|\s]{1,3000})(?:\|([^<>\n]{0,500}))?>")
_SCRIPT = re.compile(r"\b(?:javascript|vbscript):(?=\S)|\bdata:(?=[a-z]{1,20}/[a-z])", re.IGNORECASE)


def for_record(text: str) -> str:
    """Text for the audit or a log: no secret, no control character; tokens stay, as nothing brings them to life."""
    return mask(clean(text))


def outgoing(text: str) -> str:
    """Text as it may leave: no secret, no control character, no mention, links as their address, no script.

    What leaves for the status page, PagerDuty, GitHub or a channel's name passes here. What has passed once passes
    again unchanged.
    """
    for _ in range(4):  # brackets within brackets can make another token, and a token's end another secret
        before, text = text, _flat(for_record(text))
        if text == before:
            break
    return text


def outgoing_name(incident: Incident) -> str:
    """Its name for a channel or a file: no secret and no mention of its title becomes a part of it."""
    return replace(incident, title=outgoing(incident.title)).name


def _flat(text: str) -> str:
    if "<" in text:
        text = _LINK.sub(_address, _MENTION.sub(_name, text))
    return _SCRIPT.sub("", text)


def _name(found: re.Match[str]) -> str:
    sign, id, name = found[1], found[2], found[3] or ""
    if sign == "!":
        return name or id.partition("^")[0]
    return sign + (name or id)


def _address(found: re.Match[str]) -> str:
    address, label = found[1], found[2] or ""
    return address if label in ("", address, address.partition(":")[2]) else f"{label} ({address})"
