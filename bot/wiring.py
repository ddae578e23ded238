"""Settings → parts → house: the one file that knows everyone.

What only a worker needs (queue clients, the picture's library) is imported when it is first asked for, so that a door
stays small. Tests and the sandbox hand in parts, a work queue and a pen of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.retry import Retry

import handlers  # noqa: F401  the table of contents: importing it makes every sentence known
from bot.doors.worker import RqWorkQueue
from bot.outside.pagerduty.protocol import Pager
from bot.outside.part import AnyPart
from bot.outside.parts import parts_of
from bot.outside.slack.part import SLACK
from bot.outside.slack.protocol import Workspace
from bot.outside.systems import PartSystems
from bot.road.gate import Gate
from bot.road.reception import Reception, WorkQueue
from bot.running.packages import register, template_folders
from bot.settings.environment import Settings, SettingsError
from bot.store.store import Store

if TYPE_CHECKING:
    from bot.domain.policy import People
    from bot.road.desk import Desk
    from bot.road.outbox import Draw
    from bot.tools import Tools, Triage
    from bot.triage.runbook import Runbook

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
REDIS_SECONDS = 5.0

Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """Everything of one process, put together."""

    settings: Settings
    redis: Redis
    line_redis: Redis
    """For RQ's worker: it keeps bytes where the store keeps text, and waits for work as long as it likes."""
    store: Store
    workspace: Workspace
    people: People
    desk: Desk
    tools: Callable[[], Tools]
    systems: PartSystems
    now: Now


def gate(
    settings: Settings, now: Now | None = None, *, parts: Sequence[AnyPart] = (), line: WorkQueue | None = None
) -> Gate:
    """A door's share of the whole, which is little. Opens no connection yet.

    ``parts``: those that stand in for the ones of the same name.
    """
    register(settings.catalogue.parts.packages)
    text = redis_from(settings.redis_url.reveal(), decode=True)
    now = now or settings.clock or utc_now
    store = Store(text, lease=settings.lease, rate=settings.clock.rate if settings.clock else 1)
    own = {each.name: each for each in parts}
    systems = PartSystems(settings, [own.get(each.name, each) for each in parts_of(settings)], now)
    line = line or RqWorkQueue(redis_from(settings.redis_url.reveal(), decode=False))
    return Gate(settings, store, systems.the(SLACK), Reception(store, line, now), systems)


def house(
    settings: Settings,
    now: Now | None = None,
    *,
    parts: Sequence[AnyPart] = (),
    line: WorkQueue | None = None,
    draw: Draw | None = None,
) -> House:
    """A worker's or clock's share of the whole. Opens no connection yet.

    ``parts``: those that stand in for the ones of the same name. ``line``: where work waits. ``draw``: makes pictures.
    """
    from bot.messages.render import Renderer
    from bot.road.desk import Desk
    from bot.road.outbox import Outbox
    from bot.road.people import Roster
    from bot.store.for_handlers import StoredIncidents, StoredProcedures
    from bot.tools import Tools

    front = gate(settings, now, parts=parts, line=line)
    now, line, systems = front.reception.now, front.reception.line, front.systems
    store, workspace = front.store, front.workspace
    renderer = Renderer(*template_folders(settings.catalogue.parts.packages, TEMPLATES))
    access = settings.catalogue.access

    triage, runbook = functools.cache(partial(_triage, settings)), functools.cache(partial(_runbook, settings))
    if settings.catalogue.triage.table:
        triage()
    if settings.catalogue.runbook.folder:
        runbook()

    def pager() -> Pager | None:
        return systems.find(Pager)

    people = Roster(access.oncall, access.leads, access.channels, workspace, store, pager, now)

    def tools() -> Tools:
        return Tools(
            now=now(),
            triage=triage(),
            people=people,
            incidents=StoredIncidents(store),
            samples=store,
            procedures=StoredProcedures(store),
            catalogue=settings.catalogue,
            runbook=runbook(),
            systems=systems,
            write=renderer.render_text,
            posted=store.where,
        )

    outbox = Outbox(store, workspace, now, draw or drawn)
    line_redis = redis_from(settings.redis_url.reveal(), decode=False)
    desk = Desk(store, line, workspace, renderer, outbox, people, tools, now)
    return House(settings, store.redis, line_redis, store, workspace, people, desk, tools, systems, now)


def check_own(settings: Settings) -> None:
    """Look at everything that a team has brought of its own. Raises SettingsError with what is wrong with it."""
    catalogue = settings.catalogue
    register(catalogue.parts.packages)
    template_folders(catalogue.parts.packages, TEMPLATES)
    if catalogue.triage.table:
        _triage(settings)
    if catalogue.runbook.folder:
        _runbook(settings)


def _triage(settings: Settings) -> Triage:
    from bot.triage.causes import CauseTable
    from bot.triage.own import WrongOwn, own_causes

    shipped, own = CauseTable.load(TEMPLATES / "triage.toml"), settings.catalogue.triage.table
    try:
        return own_causes(shipped, settings.beside(own)) if own else shipped
    except WrongOwn as wrong:
        raise SettingsError(wrong.problems) from wrong


def _runbook(settings: Settings) -> Runbook:
    from bot.triage.own import WrongOwn, own_sections
    from bot.triage.runbook import Runbook

    shipped, own = Runbook.load(TEMPLATES / "runbook"), settings.catalogue.runbook.folder
    try:
        return own_sections(shipped, settings.beside(own)) if own else shipped
    except WrongOwn as wrong:
        raise SettingsError(wrong.problems) from wrong


def redis_from(url: str, decode: bool) -> Redis:
    """A pool of connections. RQ's worker, which blocks for longer, raises the time limit of its own by itself.

    A connection that turns out to be dead (Redis was restarted) is made anew at once. redis-py itself would try for up
    to 14 s, while Slack waits for 3.
    """
    return Redis.from_url(
        url,
        decode_responses=decode,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        health_check_interval=30,
        retry=Retry(ConstantBackoff(0.05), 2, supported_errors=(ConnectionLost,)),
    )


def drawn(picture: str, facts: Mapping[str, Any]) -> bytes:
    """The picture of that name, as PNG."""
    from bot.messages.picture import queue_picture
    from bot.outside.queues.protocol import Bucket

    if picture != "queue":
        raise ValueError(f"there is no picture called {picture}")
    return queue_picture(
        facts["title"],
        [(datetime.fromtimestamp(at, UTC), depth) for at, depth in facts["depth"]],
        [Bucket(datetime.fromtimestamp(at, UTC), failed, completed) for at, failed, completed in facts["buckets"]],
        datetime.fromtimestamp(facts["now"], UTC),
    )
