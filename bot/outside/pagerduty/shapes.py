"""PagerDuty's JSON → the dataclasses of the protocol. Nothing is taken for granted: what is missing is ""."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from bot.outside.pagerduty.protocol import Acknowledgement, Alert, AlertStatus, Note, OnCall, Person, Policy, Relapse
from bot.outside.patience import keyed

Shape = Mapping[str, Any]

EPOCH: Final = datetime.fromtimestamp(0, UTC)
NOTE_MOST: Final = 20_000
"""Characters of a note: a limit of our own, as PagerDuty's schema names none."""

_MARK: Final = re.compile(r"\n\n\[Firewatch ([a-z2-7]{16})\]\s*$")


def when(text: object) -> datetime | None:
    """``2026-03-01T14:30:00Z``, ``…-05:00``, ``….169Z`` → UTC; None where there is none."""
    try:
        then = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)


def stamp(at: datetime) -> str:
    """UTC in ISO 8601 with a Z: an unmarked time would be read in the account's own zone, and a ``+`` as a blank."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def part(shape: Shape, name: str) -> Shape:
    """The object of that name; {} where there is none."""
    found = shape.get(name)
    return found if isinstance(found, Mapping) else {}


def parts(shape: Shape, name: str) -> Sequence[Shape]:
    found = shape.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def text(shape: Shape, name: str) -> str:
    found = shape.get(name)
    return "" if found is None else str(found)


def person(shape: Shape) -> Person:
    """From a user or a reference to one, which calls the name ``summary`` and has no e-mail."""
    return Person(text(shape, "id"), text(shape, "name") or text(shape, "summary"), text(shape, "email"))


def alert(shape: Shape) -> Alert:
    service, policy = part(shape, "service"), part(shape, "escalation_policy")
    status = text(shape, "status")
    created = when(shape.get("created_at")) or EPOCH
    changed = when(shape.get("last_status_change_at")) or created
    number = shape.get("incident_number", shape.get("number", 0))
    return Alert(
        id=text(shape, "id"),
        number=number if isinstance(number, int) else 0,
        title=text(shape, "title") or text(shape, "summary"),
        # PagerDuty may introduce more: whatever is neither new nor over is in somebody's hands.
        status=cast(AlertStatus, status) if status in ("triggered", "resolved") else "acknowledged",
        urgency="low" if shape.get("urgency") == "low" else "high",
        service=text(service, "id"),
        service_name=text(service, "summary"),
        created=created,
        changed=changed,
        url=text(shape, "html_url"),
        key=text(shape, "incident_key"),
        priority=text(part(shape, "priority"), "summary") or text(part(shape, "priority"), "name"),
        policy=text(policy, "id"),
        policy_name=text(policy, "summary"),
        assigned=tuple(person(part(each, "assignee")) for each in parts(shape, "assignments")),
        acknowledged=_acknowledged(shape, status, changed),
        resolved=(when(shape.get("resolved_at")) or changed) if status == "resolved" else None,
        changed_by=text(part(shape, "last_status_change_by"), "summary"),
        merged_into=text(part(part(shape, "resolve_reason"), "incident"), "id"),
    )


def _acknowledged(shape: Shape, status: str, changed: datetime) -> tuple[Acknowledgement, ...]:
    """Who has it in hand; where PagerDuty tells only that somebody has, whoever changed it last."""
    found = tuple(
        Acknowledgement(person(part(each, "acknowledger")), when(each.get("at")) or changed)
        for each in parts(shape, "acknowledgements")
    )
    if found or status != "acknowledged":
        return found
    return (Acknowledgement(person(part(shape, "last_status_change_by")), changed),)


def oncall(shape: Shape) -> OnCall:
    policy, schedule = part(shape, "escalation_policy"), part(shape, "schedule")
    level = shape.get("escalation_level")
    return OnCall(
        person=person(part(shape, "user")),
        level=level if isinstance(level, int) else 1,
        policy=text(policy, "id"),
        policy_name=text(policy, "summary") or text(policy, "name"),
        schedule=text(schedule, "id"),
        schedule_name=text(schedule, "summary") or text(schedule, "name"),
        since=when(shape.get("start")),
        until=when(shape.get("end")),
    )


def relapses(entries: Iterable[Shape], since: datetime) -> Mapping[Relapse, datetime]:
    """From an alert's log, newest first. "Reopened" has no entry there: it is the first one after a resolution."""
    log: list[tuple[datetime, str]] = []
    for each in entries:
        log.append((when(each.get("created_at")) or EPOCH, text(each, "type")))
        if log[-1][0] < since:
            break
    found: dict[Relapse, datetime] = {}
    over = False
    for at, kind in reversed(log):
        if over and not kind.startswith("resolve_log"):
            found["reopened"] = at
        over = kind.startswith("resolve_log")
        if kind.startswith("unacknowledge_log"):
            found["unacknowledged"] = at
    return {kind: at for kind, at in found.items() if at >= since}


def note(shape: Shape) -> Note:
    content = text(shape, "content")
    return Note(
        id=text(shape, "id"),
        at=when(shape.get("created_at")) or EPOCH,
        author=person(part(shape, "user")).name,
        text=_MARK.sub("", content),
        ours=bool(_MARK.search(content)),
    )


# ---------------------------------------------------------------- what bears our key


def mark(*key: str) -> str:
    """What stands under a note or in a page that this key made."""
    return f"[Firewatch {keyed(*key)}]"


def marked(words: str, signed: str) -> str:
    """The words with the mark below, cut to what a note holds."""
    room = NOTE_MOST - len(signed) - 2
    if len(words) > room:
        ending = "… (cut; the whole text is in Slack)"
        words = words[: room - len(ending)].rstrip() + ending
    return f"{words.strip()}\n\n{signed}"


# ---------------------------------------------------------------- what is sent


def reference(target: Person | Policy) -> Mapping[str, str]:
    kind = "user_reference" if isinstance(target, Person) else "escalation_policy_reference"
    return {"id": target.id, "type": kind}


TITLE_MOST: Final = 1_000
"""Characters of a title. Nothing is said in the body beside it: clients and schema disagree on what that may hold."""


def fresh(target: Person | Policy, why: str, service: str, key: str) -> Mapping[str, Any]:
    """An alert of its own, for somebody to be paged by."""
    about = reference(target)
    return {
        "type": "incident",
        "title": " ".join(why.split())[:TITLE_MOST] or "Help is asked for",
        "service": {"id": service, "type": "service_reference"},
        "urgency": "high",
        "incident_key": key,
        **({"assignments": [{"assignee": about}]} if isinstance(target, Person) else {"escalation_policy": about}),
    }


def policy(shape: Shape) -> Policy:
    name = text(shape, "name") or text(shape, "summary")
    return Policy(text(shape, "id"), name, len(parts(shape, "escalation_rules")))


def ranked(known: Sequence[Shape], severity: str) -> Shape | None:
    """The priority called like the severity (``SEV1``, ``Sev-1 Critical``), else ``P1`` for ``sev1``."""
    rank = severity.removeprefix("sev")
    for pattern in (rf"sev[\s_-]?{rank}\b", rf"p[\s_-]?{rank}\b"):
        for each in known:
            if re.match(pattern, text(each, "name") or text(each, "summary"), re.I):
                return each
    return None
