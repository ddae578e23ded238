"""What a person can press, choose and fill in: elements found as people find them, `state.values` made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bot.sandbox.slack.blocks import Json, interactive

#: (block_id, action_id) → what was chosen, in the shape of `state.values`.
Chosen = Mapping[tuple[str, str], Json]
Lookup = Callable[[str], str]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Elements that act and hold no state.
STATELESS = frozenset({"button", "overflow", "workflow_button"})
#: type → (the key its value stands under, the key of its initial value).
_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", "initial_files"),
}


class NotPossible(Exception):
    """The person's client would not let them: no such button, a required field left empty, somebody else's message."""


class Found(NamedTuple):
    block: Json
    element: Json

    @property
    def key(self) -> tuple[str, str]:
        return self.block["block_id"], self.element["action_id"]

    @property
    def names(self) -> tuple[str, ...]:
        """What a person or a test may call it: its action_id, block_id, what is written on it, its label."""
        written = self.element.get("text") or {}
        label = self.block.get("label") or {}
        return (
            self.element["action_id"],
            self.block["block_id"],
            str(written.get("text", "")),
            str(label.get("text", "")),
        )

    @property
    def label(self) -> str:
        return next((one for one in reversed(self.names) if one), "")


def elements(blocks: Iterable[Json]) -> Iterator[Found]:
    for block in blocks:
        for element in interactive(block):
            yield Found(block, element)


def find(blocks: Iterable[Json], what: str, value: str | None = None, *, kinds: Iterable[str] = ()) -> Found:
    """The one element called `what`; `value` tells apart those that share a name. `NotPossible` if none or several."""
    offered = [one for one in elements(blocks) if not kinds or one.element["type"] in kinds]
    for nth in range(4):  # an action_id beats a block_id beats the words on it
        hits = [one for one in offered if one.names[nth] == what]
        if value is not None:
            hits = [one for one in hits if one.element.get("value") == value]
        if len(hits) == 1:
            return hits[0]
        if hits:
            raise NotPossible(f"{len(hits)} things here are called {what!r}; say which by its value")
    there = ", ".join(f"{one.label!r} ({one.element['action_id']})" for one in offered) or "nothing to press"
    raise NotPossible(f"there is no {what!r} here; there is: {there}")


def options(element: Json) -> list[Json]:
    grouped = [one for group in element.get("option_groups") or () for one in group["options"]]
    return [*(element.get("options") or ()), *grouped]


def _option(element: Json, wanted: Any) -> Json:
    for one in options(element):
        if wanted in (one.get("value"), one["text"]["text"]):
            return one
    if element["type"] in ("external_select", "multi_external_select") and isinstance(wanted, dict):
        return wanted
    there = ", ".join(repr(one["text"]["text"]) for one in options(element))
    raise NotPossible(f"{wanted!r} is not offered; there is: {there}")


def chosen(element: Json, wanted: Any, *, user: Lookup, channel: Lookup) -> Json:
    """The state of an element after a person chose or typed `wanted` (None or '' empties it)."""
    kind = element["type"]
    key, _ = _KEYS[kind]
    several = key in ("selected_options", "selected_users", "selected_conversations", "selected_channels", "files")
    given: list[Any] = [] if wanted in (None, "") else [wanted]
    if several and given and not isinstance(wanted, str):
        given = list(wanted)
    value: Any
    match key:
        case "selected_option" | "selected_options":
            value = [_option(element, one) for one in given]
        case "selected_user" | "selected_users":
            value = [user(str(one)) for one in given]
        case "selected_conversation" | "selected_channel" | "selected_conversations" | "selected_channels":
            value = [channel(str(one)) for one in given]
        case "selected_date_time":
            value = [int(one) for one in given]
        case "files":
            value = given
        case _:
            value = [str(one) for one in given]
    most = element.get("max_selected_items") or element.get("max_files")
    if several and most and len(value) > most:
        raise NotPossible(f"at most {most} can be chosen")
    state: Json = {"type": kind, key: value if several else (value[0] if value else None)}
    if kind == "timepicker" and element.get("timezone"):
        state["timezone"] = element["timezone"]
    return state


def initial(element: Json) -> Json:
    kind = element["type"]
    key, first = _KEYS[kind]
    several = key.endswith("s")
    state: Json = {"type": kind, key: element.get(first, [] if several else None)}
    if kind == "timepicker" and element.get("timezone"):
        state["timezone"] = element["timezone"]
    return state


def state_of(found: Found, picked: Chosen) -> Json:
    return dict(picked.get(found.key) or initial(found.element))


def values(blocks: Iterable[Json], picked: Chosen) -> Json:
    """`state.values`: every element that holds state, by block and action id."""
    out: Json = {}
    for found in elements(blocks):
        if found.element["type"] not in STATELESS:
            block_id, action_id = found.key
            out.setdefault(block_id, {})[action_id] = state_of(found, picked)
    return out


def refuse_incomplete(blocks: Iterable[Json], picked: Chosen) -> None:
    """What the client itself checks before it sends a form; raises `NotPossible` with all that is missing or wrong."""
    wrong: list[str] = []
    for found in elements(blocks):
        if found.block["type"] != "input":
            continue
        element, state = found.element, state_of(found, picked)
        value = state.get(_KEYS[element["type"]][0])
        if value in (None, "", []):
            if not found.block.get("optional"):
                wrong.append(f"{found.label}: please complete this required field")
            continue
        wrong += [f"{found.label}: {problem}" for problem in _problems(element, value)]
    if wrong:
        raise NotPossible("; ".join(wrong))


def _problems(element: Json, value: Any) -> Iterator[str]:
    match element["type"]:
        case "plain_text_input":
            if len(value) < element.get("min_length", 0):
                yield f"at least {element['min_length']} characters"
            if len(value) > element.get("max_length", 3000):
                yield f"at most {element.get('max_length', 3000)} characters"
        case "number_input":
            try:
                number = float(value)
            except ValueError:
                yield "must be a number"
                return
            if not element.get("is_decimal_allowed") and number != int(number):
                yield "must be a whole number"
            if "min_value" in element and number < float(element["min_value"]):
                yield f"at least {element['min_value']}"
            if "max_value" in element and number > float(element["max_value"]):
                yield f"at most {element['max_value']}"
        case "email_text_input":
            if not _EMAIL.fullmatch(value):
                yield "must be an e-mail address"
        case "url_text_input":
            if not value.startswith(("http://", "https://")):
                yield "must be a URL"
