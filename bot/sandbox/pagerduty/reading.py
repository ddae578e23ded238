"""Reading what was sent: each function refuses, in PagerDuty's words, what is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.pagerduty.model import Json, PagerDutyError
from bot.sandbox.serving import Asked


def bad(why: str) -> PagerDutyError:
    return PagerDutyError(400, 2001, "Invalid Input Provided", why)


def object_of(shape: Any, name: str) -> Json:
    found = shape.get(name) if isinstance(shape, dict) else None
    if not isinstance(found, dict):
        raise bad(f"{name} must be an object")
    return found


def fields(given: Mapping[str, Any], known: set[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in given]
    unknown = sorted(set(given) - known)
    if missing or unknown:
        raise bad(f"Missing: {', '.join(missing) or 'nothing'}. Unknown: {', '.join(unknown) or 'nothing'}")


def text(given: Mapping[str, Any], name: str) -> str:
    found = given[name]
    if not isinstance(found, str) or not found.strip():
        raise bad(f"{name} cannot be empty")
    return found


def one_of(value: Any, allowed: Sequence[str], name: str) -> str:
    if value not in allowed:
        raise bad(f"{name} must be one of {', '.join(allowed)}")
    return str(value)


def reference(given: Json, name: str, room: Mapping[str, Any]) -> str:
    found = object_of(given, name)
    if found.get("type") not in (name, f"{name}_reference") or found.get("id") not in room:
        raise bad(f"{name} not found")
    return str(found["id"])


def known(room: Mapping[str, Any], id: str) -> Any:
    if id not in room:
        raise PagerDutyError(404, 2100, "Not Found")
    return room[id]


def single(asked: Asked, name: str) -> str:
    return (asked.query.get(name) or [""])[-1]


def whole(asked: Asked, name: str, default: int) -> int:
    given = single(asked, name) or str(default)
    if not given.isdecimal():
        raise bad(f"{name} must be a whole number")
    return int(given)


def flag(asked: Asked, name: str) -> bool:
    given = single(asked, name) or "false"
    return one_of(given, ("true", "false"), name) == "true"


def time_of(asked: Asked, name: str, default: float) -> float:
    given = single(asked, name)
    if not given:
        return default
    try:
        then = datetime.fromisoformat(given)
    except ValueError:
        raise bad(f"{name} must be a time in ISO 8601") from None
    return then.replace(tzinfo=then.tzinfo or UTC).timestamp()
