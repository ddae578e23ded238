"""Settings → Tools → Desk: the one file that knows everyone.

What only a worker needs (queue clients, the picture's library) is imported when it is first asked for, so that a door
stays small.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.retry import Retry

import handlers  # noqa: F401  the table of contents: importing it makes every sentence known
from bot.domain.call import Call
from bot.doors.worker import RqWorkQueue
from bot.outside.github.protocol import Tracker
from bot.outside.pagerduty.protocol import Pager
from bot.outside.queues.protocol import Queues
from bot.outside.slack.client import SlackWorkspace
from bot.outside.slack.protocol import Chat
from bot.outside.statuspage.protocol import StatusPage
from bot.road.reception import Reception
from bot.settings.environment import Settings
from bot.store.store import Store
from handlers.incident import cards

if TYPE_CHECKING:
    from bot.domain.incident import Pace
    from bot.messages.render import Renderer
    from bot.road.desk import Desk
    from bot.tools import Service, Tools, Triage
    from bot.triage.runbook import Runbook

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
REDIS_SECONDS = 5.0

T = TypeVar("T")

Now = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Gate:
    """What a door is made of."""

    settings: Settings
    redis: Redis
    store: Store
    workspace: SlackWorkspace
    reception: Reception


@dataclass(frozen=True, slots=True)
class House:
    """Everything of one process, put together."""

    settings: Settings
    redis: Redis
    line_redis: Redis
    """For RQ's worker: it keeps bytes where the store keeps text, and waits for work as long as it likes."""
    store: Store
    workspace: SlackWorkspace
    renderer: Renderer
    desk: Desk
    tools: Callable[[], Tools]


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """``tools.Catalogue`` over the settings."""

    settings: Settings

    @property
    def services(self) -> Mapping[str, Service]:
        return self.settings.catalogue.services

    def pace(self, severity: str) -> Pace:
        return self.settings.catalogue.clocks.of(severity)


class _Systems:
    """``tools.Systems``: Protocol → how it is built, and how it is turned on."""

    def __init__(self, offered: Mapping[type[Any], tuple[Callable[[], Any], Callable[[], str]]]) -> None:
        self._offered = offered

    def find(self, kind: type[T]) -> T | None:
        found: T | None = self._offered[kind][0]()
        return found

    def off(self, kind: type[Any]) -> str:
        return self._offered[kind][1]()


def gate(settings: Settings, now: Now | None = None) -> Gate:
    """A door's share of the whole, which is little. Opens no connection yet."""
    text = redis_from(settings.redis_url.reveal(), decode=True)
    store = Store(text, lease=settings.lease, rate=settings.clock.rate if settings.clock else 1)
    workspace = SlackWorkspace(settings.slack.bot_token.reveal(), settings.slack.api_url)
    line = RqWorkQueue(redis_from(settings.redis_url.reveal(), decode=False))
    return Gate(settings, text, store, workspace, Reception(store, line, now or settings.clock or utc_now))


def house(settings: Settings, now: Now | None = None) -> House:
    """A worker's or clock's share of the whole. Opens no connection yet."""
    from bot.doors.pagerduty import poll
    from bot.messages.render import Renderer
    from bot.road.desk import Desk
    from bot.road.outbox import Outbox
    from bot.road.people import Roster
    from bot.store.for_handlers import StoredIncidents, StoredProcedures
    from bot.tools import Tools
    from bot.triage.runbook import Runbook

    front = gate(settings, now)
    now = front.reception.now
    text, store, workspace = front.redis, front.store, front.workspace
    renderer = Renderer(TEMPLATES)
    access = settings.catalogue.access

    @functools.cache
    def queues() -> Queues:
        from bot.outside.queues.client import NamedQueues

        return NamedQueues(
            {
                name: (
                    entry.backend,
                    settings.queue_redis_url.reveal(),
                    entry.prefix if entry.prefix is not None else settings.queue_prefix,
                    entry.max_replay,
                )
                for name, entry in settings.catalogue.queues.items()
            }
        )

    @functools.cache
    def triage() -> Triage:
        from bot.triage.causes import CauseTable

        return CauseTable.load(TEMPLATES / "triage.toml")

    @functools.cache
    def runbook() -> Runbook:
        return Runbook.load(TEMPLATES / "runbook")

    @functools.cache
    def pager() -> Pager | None:
        part = settings.pagerduty
        if part is None:
            return None
        from bot.outside.pagerduty.client import PagerDuty

        return PagerDuty(part.api_key.reveal(), part.from_address, part.api_url)

    @functools.cache
    def status_page() -> StatusPage | None:
        part = settings.statuspage
        if part is None:
            return None
        from bot.outside.statuspage.client import Statuspage

        return Statuspage(part.api_key.reveal(), part.page_id, part.api_url)

    @functools.cache
    def tracker() -> Tracker | None:
        part = settings.github
        if part is None:
            return None
        from bot.outside.github.client import GitHub

        return GitHub(part.token.reveal(), part.repository, part.api_url)

    people = Roster(access.oncall, access.leads, access.channels, workspace, store, pager, now)
    services = [each.pagerduty for each in settings.catalogue.services.values() if each.pagerduty]

    def polled() -> Sequence[Call]:
        known = pager()
        return poll(known, services, now()) if known and services else []

    offered: dict[type[Any], tuple[Callable[[], Any], Callable[[], str]]] = {
        Chat: (lambda: workspace, str),
        Queues: (queues, lambda: settings.off("queues")),
        Pager: (pager, lambda: settings.off("pagerduty")),
        StatusPage: (status_page, lambda: settings.off("statuspage")),
        Tracker: (tracker, lambda: settings.off("github")),
    }
    systems = _Systems(offered)

    def tools() -> Tools:
        return Tools(
            now=now(),
            triage=triage(),
            people=people,
            incidents=StoredIncidents(store),
            samples=store,
            procedures=StoredProcedures(store),
            catalogue=_Catalogue(settings),
            runbook=runbook(),
            systems=systems,
            write=renderer.render_text,
            posted=store.where,
        )

    outbox = Outbox(store, workspace, now, draw)
    line_redis = redis_from(settings.redis_url.reveal(), decode=False)
    desk = Desk(store, front.reception.line, workspace, renderer, outbox, people, tools, now, cards, polled)
    return House(settings, text, line_redis, store, workspace, renderer, desk, tools)


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


def draw(picture: str, facts: Mapping[str, Any]) -> bytes:
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
