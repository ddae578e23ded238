"""The runbook: find the section, follow its steps, tick them off on record"""

from __future__ import annotations

from typing import Any

from bot.action import ACTIONS, Call, Refused, Reply, Risk, Text, action
from bot.incident import Incident
from bot.runbook import Section
from bot.tools import Tools


@action("/runbook", Risk.LOOK)
def runbook(call: Call, tools: Tools, words: Text | None = None, /) -> Reply:
    """Find a section of the runbook and show its steps, each with its button.

    words: what it is about, the cause of failures, or an alert; without them, all sections
    """
    incident = tools.incidents.of_channel(call.channel)
    if words is None:
        sections = [
            {"title": each.title, "open": ACTIONS["/runbook"].sentence(words=each.key)}
            for each in tools.runbook.sections
        ]
        return Reply("runbook/contents", {"sections": sections}, to="asker")
    found = tools.runbook.find(words)
    if not found:
        known = ", ".join(f"`{each.key}`" for each in tools.runbook.sections)
        raise Refused(f"No section of the runbook is about `{words[:100]}`.", f"There are {known}.")
    section = found[0]
    return Reply("runbook/section", section_facts(section, incident, list(found[1:4])))


def section_facts(section: Section, incident: Incident | None, others: list[Section]) -> dict[str, Any]:
    """The section as a checklist; outside of an incident there is nothing to tick."""
    ticked = incident.ticked if incident else {}
    steps = []
    for place, step in enumerate(section.steps):
        id = f"{section.key}:{place}"
        mark = ticked.get(id, {})
        steps.append(
            {
                "text": step.text,
                "button": step.action.split(" ", 1)[0].lstrip("/") if step.action else "",
                "say": _sayable(step.action),
                "tick": ACTIONS["/tick"].sentence(section=section.key, step=place) if incident else None,
                "by": mark.get("by"),
                "at": mark.get("at"),
            }
        )
    return {
        "key": section.key,
        "number": section.number,
        "title": section.title,
        "steps": steps,
        "done": sum(bool(step["by"]) for step in steps),
        "others": [{"title": each.title, "open": ACTIONS["/runbook"].sentence(words=each.key)} for each in others],
        "incident": incident.number if incident else None,
    }


def _sayable(sentence: str) -> str | None:
    """The action of a step as a button says it: words that stand for something are left for the form or the usage."""
    if not sentence:
        return None
    return " ".join(word for word in sentence.split() if not word.isupper() or word.startswith("-"))


@action("/tick", Risk.ACT, hidden=True)
def tick(call: Call, tools: Tools, section: str, step: int, /) -> Reply:
    """Tick a step of the runbook, or untick it.

    section: its key
    step: which one, from 0
    """
    incident = tools.incidents.of_channel(call.channel)
    found = next((each for each in tools.runbook.sections if each.key == section), None)
    if incident is None or found is None or not 0 <= step < len(found.steps):
        raise Refused("That checklist is not this incident's any more.", "`/runbook` shows the current one.")
    after = incident.tick(f"{section}:{step}", call.actor, call.at)
    done = f"{section}:{step}" in after.ticked
    text = f"{'Done' if done else 'Not done after all'}: {found.steps[step].text}"
    event = {"kind": "runbook", "text": text}
    facts = section_facts(found, after, [])
    return Reply("runbook/section", facts, edit=True, incident=after, event=event)
