"""`firewatch doctor`: is all there that the settings point to? And `firewatch health`: does this installation live?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bot.domain.errors import FirewatchError, Later, Refused
from bot.outside.github.protocol import Tracker
from bot.outside.pagerduty.protocol import Pager
from bot.outside.queues.protocol import Queues
from bot.outside.statuspage.protocol import StatusPage
from bot.store.base import AWAY
from bot.wiring import House

LATELY = timedelta(seconds=30)
DOOR_SECONDS = 3.0


def examine(house: House) -> int:
    """Print a line for each part. Returns 0 when all that is turned on works, else 1."""
    parts: list[tuple[str, Callable[[], str]]] = [
        ("catalogue", lambda: _catalogue(house)),
        ("redis", lambda: _redis(house)),
        ("slack", lambda: _slack(house)),
        *([("socket", lambda: _socket(house))] if house.settings.slack.app_token else []),
        *((f"queue {name}", lambda name=name: _queue(house, name)) for name in house.settings.catalogue.queues),
        ("on call", lambda: _people(house)),
        *_outside(house),
    ]
    sick = 0
    for name, look in parts:
        try:
            print(f"ok    {name}: {look()}")
        except (FirewatchError, Sick, *AWAY) as wrong:
            sick += 1
            print(f"wrong {name}: {_words(wrong)}")
    for off in _off(house):
        print(f"off   {off}")
    for role in ("worker", "clock"):
        print(_seen(house, role))
    return 1 if sick else 0


class Sick(Exception):
    """A part answers, but not as it should."""


def _words(wrong: Exception) -> str:
    if isinstance(wrong, Refused):
        return f"{wrong.sentence} {wrong.hint}".strip()
    if isinstance(wrong, Later):
        return wrong.why
    return " ".join(str(wrong).split())


def _catalogue(house: House) -> str:
    file = house.settings.catalogue_file
    return f"{file.name}" if file.exists() else f"there is no {file.name}; the defaults hold"


def _redis(house: House) -> str:
    try:
        info = house.redis.info()
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


def _slack(house: House) -> str:
    from bot.outside.slack.manifest import SCOPES

    who = house.workspace.identity()
    granted = {scope.strip() for scope in who.get("scopes", "").split(",") if scope.strip()}
    missing = sorted(set(SCOPES) - granted) if granted else []
    if missing:
        raise Sick(
            f"the token of {who.get('team', '?')} lacks {', '.join(missing)}: reinstall the app from manifest.yml"
        )
    return f"{who.get('team', '?')} as {who.get('user_id', '?')}, by {house.settings.slack.door}"


def _socket(house: House) -> str:
    from bot.outside.slack.socket import SlackSocket

    slack = house.settings.slack
    token = slack.app_token.reveal() if slack.app_token else ""
    if not SlackSocket(token, lambda _: {}, slack.api_url).ticket():
        raise Sick("Slack takes SLACK_APP_TOKEN, but names no address to connect to")
    return "Slack offers a connection"


def _queue(house: House, name: str) -> str:
    queue = house.tools().need(Queues).get(name)
    status = queue.status()
    return f"{status.version or status.backend}, depth {status.depth}, {status.failed} failed, {status.workers} workers"


def _people(house: House) -> str:
    oncall = house.desk.people.oncall()
    if not oncall:
        raise Sick(
            "nobody: [access] oncall in firewatch.toml names people, groups or schedules; until then nobody may act"
        )
    return f"{len(oncall)} may act, {len(house.desk.people.leads())} lead"


def _outside(house: House) -> Iterator[tuple[str, Callable[[], str]]]:
    """Those of PagerDuty, the status page and GitHub that are turned on."""
    settings, tools = house.settings, house.tools()
    if (part := settings.pagerduty) and (pager := tools.find(Pager)):
        yield "pagerduty", lambda: _pager(house, pager, part.from_address)
    if (page := settings.statuspage) and (public := tools.find(StatusPage)):
        yield "status page", lambda: _seen_to(public, f"page {page.page_id} answers")
    if (hub := settings.github) and (tracker := tools.find(Tracker)):
        yield "github", lambda: _seen_to(tracker, f"the issues of {hub.repository} can be read")


def _seen_to(part: StatusPage | Tracker, well: str) -> str:
    part.look()
    return well


def _pager(house: House, pager: Pager, sender: str) -> str:
    if sender and not pager.user(sender):
        raise Sick(f"PAGERDUTY_FROM is {sender}, and no user of that account has this address")
    services = [each.pagerduty for each in house.settings.catalogue.services.values() if each.pagerduty]
    if not services:
        return "no service in firewatch.toml names one of PagerDuty's, so no alert will be seen"
    return f"services: {len(services)}, open alerts: {len(pager.open(services))}"


def _off(house: House) -> Iterator[str]:
    settings = house.settings
    if not settings.pagerduty:
        yield settings.off("pagerduty")
    if not settings.statuspage:
        yield settings.off("statuspage")
    if not settings.github:
        yield settings.off("github")
    if not settings.database:
        yield settings.off("database")


def _seen(house: House, role: str) -> str:
    try:
        seen = house.store.last_alive(role)
    except AWAY:
        seen = None
    lately = seen is not None and house.desk.now() - seen < LATELY * house.store.rate
    return (
        f"{'ok   ' if lately else 'idle '} {role}: {f'seen {seen:%Y-%m-%d %H:%M:%S} UTC' if seen else 'not seen yet'}"
    )


def alive(house: House, first: Path = Path("/proc/1/cmdline")) -> int:
    """0 when all that runs here lives, else 1: the door answers, a worker and a clock were seen in the last 30 s.

    A container runs what its first process says, and is not to be stopped because another one is away.
    """
    running = _running(first)
    late = ["slack"] if "slack" in running and not _answers(house) else []
    try:
        seen = {role: house.store.last_alive(role) for role in ("worker", "clock") if role in running}
    except AWAY as away:
        print(f"not alive: {' '.join(str(away).split())}")
        return 1
    now, lately = house.desk.now(), LATELY * house.store.rate
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


def _answers(house: House) -> bool:
    """Whether the door on this machine does."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(house.settings.host, house.settings.host)
    try:
        with closing(HTTPConnection(host, house.settings.port, timeout=DOOR_SECONDS)) as door:
            door.request("GET", "/health")
            return door.getresponse().status == 200
    except (OSError, HTTPException):
        return False
