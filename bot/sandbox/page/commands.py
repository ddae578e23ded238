"""What the composer completes: every command with its usage, read from the same registry as help and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.action import Action, nouns
from bot.domain.parameters import Ids, Parameter, User

Json = dict[str, Any]


def commands(values: Mapping[str, Sequence[str]] | None = None) -> list[Json]:
    """`values`: parameter name → words it may take here, such as the names of queues."""
    return [_command(action, values or {}) for noun in nouns() for action in noun.actions]


def _command(action: Action, values: Mapping[str, Sequence[str]]) -> Json:
    return {
        "name": action.name,
        "usage": action.usage,
        "summary": action.summary.rstrip("."),
        "risk": str(action.risk),
        "parameters": [_parameter(one, values) for one in action.parameters],
    }


def _parameter(one: Parameter, values: Mapping[str, Sequence[str]]) -> Json:
    return {
        "shown": one.shown(),
        "option": "" if one.positional else one.option,
        "flag": one.flag,
        "required": one.required,
        "help": one.help,
        "person": one.type is User,
        "choices": list(one.choices or (values.get(one.name, ()) if one.type is not Ids else ())),
    }
