"""What shows how an incident stands: messages, and the topic of its channel, brought up to date whenever it changes.

@cards
def damage(incident: Incident, tools: Tools) -> Sequence[Reply]:
    return [Reply("acme/damage", {"number": incident.number}, key=f"damage:{incident.number}")]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bot.domain.incident import Incident
from bot.domain.reply import Reply

Cards = Callable[[Incident, Any], Sequence[Reply]]
"""An incident and Tools → its cards, each with the key under which it was posted; what was not posted is left out."""

Topic = Callable[[Incident, Any], Reply]
"""An incident and Tools → what the topic of its own channel says."""

CARDS: list[Cards] = []
TOPICS: list[Topic] = []


def cards(shows: Cards) -> Cards:
    """Keep these messages up to date."""
    CARDS.append(shows)
    return shows


def topic(says: Topic) -> Topic:
    """Keep the topic of an incident's own channel up to date: there is one."""
    if TOPICS:
        raise TypeError(f"two functions say what the topic is: {TOPICS[0].__name__} and {says.__name__}")
    TOPICS.append(says)
    return says
