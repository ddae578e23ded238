"""Forms: a sentence that lacks words is asked for them, field by field, about the incident that the form names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.domain.action import Action, Incomplete
from bot.domain.call import Call
from bot.domain.errors import Later, NamesNone, Refused
from bot.domain.grammar import with_incident
from bot.domain.incident import Incident
from bot.domain.parameters import Parameter, Text, User, written
from bot.messages.render import Renderer
from bot.outside.slack.protocol import Workspace
from bot.road.naming import rendered
from bot.road.posting import Posting
from bot.store.store import Store
from bot.tools import Tools

YES_NO = ("no", "yes")
TITLE_MOST = 24
"""Characters of a form's title: Slack's limit."""

REMEMBERED_MOST = 3000
"""Characters that Slack keeps for a form (``private_metadata``)."""


class Forms:
    """One a process, made by the desk."""

    def __init__(self, workspace: Workspace, renderer: Renderer, store: Store, tools: Callable[[], Tools]) -> None:
        self.workspace = workspace
        self.renderer = renderer
        self.store = store
        self.tools = tools

    def ask(self, call: Call, incomplete: Incomplete) -> Posting | None:
        """Open the form; where none can be opened, say what is missing. Raises Refused when it could not be done."""
        action = incomplete.action
        usage = {"sentence": incomplete.sentence, "usage": [action.usage], "notes": [], "near": "", "said": call.text}
        if not action.form or not call.trigger:
            return self._whisper(call, "desk/usage", usage)
        incident = self.store.incident(call.incident) if call.incident is not None else None
        if incident is None and call.pressed and self.store.living_in(call.channel):
            raise NamesNone(f"Type `{action.name} #12`, with the number of the incident.")
        first = action.form(call, self.tools()) if callable(action.form) else {}
        facts = {
            "title": form_title(action, incident),
            "about": {"number": incident.number, "title": incident.title} if incident else None,
            "summary": action.summary,
            "fields": [
                {
                    "name": p.name,
                    "label": p.name.replace("_", " ").capitalize(),
                    "kind": _kind(p),
                    "options": [[choice, choice] for choice in p.choices or (YES_NO if p.flag else ())] or None,
                    "initial": _begun(p, incomplete.given.get(p.name) or first.get(p.name)) or _initial(p),
                    "optional": not p.required,
                    "hint": p.help,
                }
                for p in action.parameters
            ],
        }
        view = self.renderer.view("desk/form", facts)
        form = replace(view, callback_id=action.name, private_metadata=_remembered(call, action))
        try:
            self.workspace.open_form(call.trigger, form.to_slack())
        except (Refused, Later):
            return self._whisper(call, "desk/form_expired", {**usage, "again": call.text})
        return None

    def _whisper(self, call: Call, template: str, facts: dict[str, Any]) -> Posting:
        message = rendered(self.renderer, template, call.facts(facts), call.incident)
        return Posting.of(call, message, "whisper")


def form_title(action: Action, incident: Incident | None) -> str:
    """``Incident 12: resolve``, ``#12: postmortem owner``; without an incident, what the action is called."""
    words = action.name.removeprefix("/").split()
    plain = " ".join(words if words[0] != "incident" else words[1:]) or words[0]
    if incident is None:
        return " ".join(words).capitalize()
    for title in (f"Incident {incident.number}: {plain}", f"#{incident.number}: {plain}"):
        if len(title) <= TITLE_MOST:
            return title
    return f"#{incident.number}: {words[-1]}"


def _remembered(call: Call, action: Action) -> str:
    """What comes back with the form: where it was opened, and the words already said, about this incident.

    Slack keeps 3,000 characters for it; what was said stands in its fields as well.
    """
    context = {"channel": call.channel, "channel_name": call.channel_name, "thread": call.thread}
    for text in (call.text, action.name):
        said = with_incident(text, call.incident) if call.incident is not None else text
        remembered = json.dumps({**context, "text": said}, ensure_ascii=False)
        if len(remembered) <= REMEMBERED_MOST:
            break
    return remembered


def _kind(p: Parameter) -> str:
    if p.choices or p.flag:
        return "select"
    return "multiline" if p.type is Text else "user" if p.type is User else "text"


def _begun(p: Parameter, word: str | None) -> str | None:
    """What its field begins with: for a person, whose field takes no words, the id."""
    return word.strip("<@>").partition("|")[0] if word and p.type is User else word


def _initial(p: Parameter) -> str | None:
    if p.flag:
        return YES_NO[bool(p.default)]
    return None if p.default is None else written(p.type, p.default)
