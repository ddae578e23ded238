"""`firewatch doctor`: is all there that the settings point to? And `firewatch health`: does this installation live?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol

from bot.domain.errors import FirewatchError, Later, Refused
from bot.domain.policy import People
from bot.outside.part import AnyPart, Check, Sick
from bot.outside.systems import PartSystems
from bot.road.gate import Gate
from bot.settings.environment import Settings
from bot.store.base import AWAY
from bot.store.store import Store

LATELY = timedelta(seconds=30)
DOOR_SECONDS = 3.0

Question = Callable[[], str]


class Examined(Protocol):
    """An installation: ``wiring.House`` is one."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def people(self) -> People: ...

    @property
    def systems(self) -> PartSystems: ...

    @property
    def now(self) -> Callable[[], datetime]: ...


def examine(house: Examined) -> int:
    """Print a line for each thing that is asked. Returns 0 when all that is turned on works, else 1."""
    systems = house.systems
    asked: list[tuple[str, Question, str]] = [
        ("catalogue", lambda: _catalogue(house), ""),
        ("redis", lambda: _redis(house), "Look at REDIS_URL, and at that Redis' own settings."),
        ("on call", lambda: _people(house), ""),
    ]
    for part in systems.parts:
        asked += _asked(house, part)
    sick = 0
    for name, look, remedy in asked:
        try:
            print(f"ok    {name}: {look()}")
        except (FirewatchError, Sick, *AWAY) as wrong:
            sick += 1
            print(f"wrong {name}: {_words(wrong)}")
            if remedy := (isinstance(wrong, Sick) and wrong.remedy) or remedy:
                print(f"      {remedy}")
    for part in systems.parts:
        if house.settings.find(part) is None:
            print(f"off   {house.settings.off(part)}")
    for role in ("worker", "clock"):
        print(_seen(house, role))
    return 1 if sick else 0


def _asked(house: Examined, part: AnyPart) -> Iterator[tuple[str, Question, str]]:
    """What is asked of a part that is on. It is built when the first check looks, so that a failure is that check's."""
    systems, settings = house.systems, house.settings.find(part)

    def look(check: Check[Any, Any]) -> str:
        return check.look(settings, systems.built(part), systems.around)

    for check in part.asked(settings, systems.around) if settings else ():
        yield check.name, partial(look, check), check.remedy


def _words(wrong: Exception) -> str:
    if isinstance(wrong, Refused):
        return f"{wrong.sentence} {wrong.hint}".strip()
    if isinstance(wrong, Later):
        return wrong.why
    return " ".join(str(wrong).split())


def _catalogue(house: Examined) -> str:
    file = house.settings.catalogue_file
    return f"{file.name}" if file.exists() else f"there is no {file.name}; the defaults hold"


def _redis(house: Examined) -> str:
    try:
        info = house.store.redis.info()
    except AWAY as away:
        raise Sick(f"{house.settings.redis_url} is not reachable: {away}") from away
    kept = (
        "every write is logged (AOF)"
        if info.get("aof_enabled")
        else "no AOF: a crash can lose what came after a snapshot"
    )
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise Sick(f"maxmemory-policy is {policy}; it has to be noeviction, or records and jobs vanish under load")
    return f"version {info.get('redis_version')}, {kept}"


def _people(house: Examined) -> str:
    oncall = house.people.oncall()
    if not oncall:
        raise Sick(
            "nobody: [access] oncall in firewatch.toml names people, groups or schedules; until then nobody may act"
        )
    return f"{len(oncall)} may act, {len(house.people.leads())} lead"


def _seen(house: Examined, role: str) -> str:
    try:
        seen = house.store.last_alive(role)
    except AWAY:
        seen = None
    lately = seen is not None and house.now() - seen < LATELY * house.store.rate
    return (
        f"{'ok   ' if lately else 'idle '} {role}: {f'seen {seen:%Y-%m-%d %H:%M:%S} UTC' if seen else 'not seen yet'}"
    )


def alive(gate: Gate, first: Path = Path("/proc/1/cmdline")) -> int:
    """0 when all that runs here lives, else 1: the door answers, a worker and a clock were seen in the last 30 s.

    A container runs what its first process says, and is not to be stopped because another one is away.
    """
    running = _running(first)
    late = ["slack"] if "slack" in running and not _answers(gate) else []
    try:
        seen = {role: gate.store.last_alive(role) for role in ("worker", "clock") if role in running}
    except AWAY as away:
        print(f"not alive: {' '.join(str(away).split())}")
        return 1
    now, lately = gate.reception.now(), LATELY * gate.store.rate
    late += [role for role, at in seen.items() if not at or now - at > lately]
    print(f"not seen lately: {', '.join(late)}" if late else "alive")
    return 1 if late else 0


def _running(first: Path) -> set[str]:
    """The roles of this container; outside of one, worker and clock, for a door may be anywhere."""
    with suppress(OSError):
        words = first.read_text(encoding="utf-8", errors="replace").split("\0")
        if any(Path(word).name == "firewatch" for word in words):
            return {role for role in ("slack", "worker", "clock") if role in words or "up" in words}
    return {"worker", "clock"}


def _answers(gate: Gate) -> bool:
    """Whether the door on this machine does."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(gate.settings.host, gate.settings.host)
    try:
        with closing(HTTPConnection(host, gate.settings.port, timeout=DOOR_SECONDS)) as door:
            door.request("GET", "/health")
            return door.getresponse().status == 200
    except (OSError, HTTPException):
        return False
