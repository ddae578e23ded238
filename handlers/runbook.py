"""The runbook: find the section, follow its steps, tick them off on record"""

from __future__ import annotations

from typing import Any

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.parameters import Text
from bot.domain.reply import Reply
from bot.domain.words import quoted
from bot.outside.queues.protocol import Queues
from bot.tools import Tools
from bot.triage.runbook import Section
from handlers.which import about, here


@action("/runbook", Risk.LOOK)
def runbook(call: Call, tools: Tools, words: Text | None = None, /) -> Reply:
    """Find a section of the runbook and show its steps, each with its button.

    words: what it is about, the cause of failures, or an alert; without them, all sections
    """
    incident = about(call, tools)
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
    others = [{"title": each.title, "open": ACTIONS["/runbook"].sentence(words=each.key)} for each in list(found[1:4])]
    return Reply("runbook/section", section_facts(section, incident, tools) | {"others": others})


def section_facts(section: Section, incident: Incident | None, tools: Tools) -> dict[str, Any]:
    """The section as a checklist by its headings; outside of an incident there is nothing to tick."""
    ticked = incident.ticked if incident else {}
    queue = _queue(incident, tools)
    groups = [
        {
            "name": name,
            "steps": [
                {
                    "text": step.text,
                    "say": _sayable(step.action, queue),
                    "tick": ACTIONS["/tick"].sentence(step=step.key) if incident else None,
                    "by": ticked.get(step.key, {}).get("by", ""),
                    "at": ticked.get(step.key, {}).get("at"),
                }
                for step in steps
            ],
        }
        for name, steps in section.groups()
    ]
    return {
        "key": section.key,
        "number": section.number,
        "title": section.title,
        "intro": section.intro,
        "groups": groups,
        "total": len(section.steps),
        "done": sum(step.key in ticked for step in section.steps),
        "others": [],
        "incident": incident.number if incident else None,
    }


def _queue(incident: Incident | None, tools: Tools) -> str:
    """The queue that the steps are about: that of the incident's service, else the only one there is."""
    service = tools.catalogue.services.get(incident.service) if incident else None
    names = tools.need(Queues).names()
    return service.queue if service and service.queue else names[0] if len(names) == 1 else ""


def _sayable(sentence: str, queue: str) -> str | None:
    """The action of a step as a button says it; None where it is about a queue that nobody can tell."""
    if not sentence or ("QUEUE" in sentence and not queue):
        return None
    return sentence.replace("QUEUE", quoted(queue))


@action("/tick", Risk.ACT, hidden=True)
def tick(call: Call, tools: Tools, step: str, /) -> Reply:
    """Tick a step of the runbook, or untick it.

    step: its key
    """
    incident = here(call, tools)
    section = next((each for each in tools.runbook.sections if each.step(step)), None)
    if section is None:
        raise Refused("That checklist is not this incident's any more.", "`/runbook` shows the current one.")
    after = incident.tick(step, call.actor, call.at)
    found = section.step(step)
    text = f"{'Done' if step in after.ticked else 'Not done after all'}: {found.text if found else step}"
    event = {"kind": "runbook", "text": text}
    return Reply("runbook/section", section_facts(section, after, tools), edit=True, incident=after, event=event)
