"""`firewatch.toml` → a frozen Catalogue: what the bot serves and who may do what. Nothing in it is secret.

Every wrong key and value of the file is collected, each with its line, its section, and what would be right.
"""

from __future__ import annotations

import re
import tomllib
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.incident import SEVERITIES
from bot.settings.tomlfile import Check, Problems, Table, broken, near, shown

BACKENDS = ("bullmq", "rq")


# ---------------------------------------------------------------- what it holds


@dataclass(frozen=True, slots=True)
class Access:
    """Channels served (ids or names, `*` allowed); on-call engineers and leads.

    People are Slack user ids (`U…`), `group:HANDLE` (a Slack user group) or `pagerduty:SCHEDULE`.
    """

    channels: tuple[str, ...] = ("*",)
    oncall: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon an alert is acknowledged, an update follows the last one, and a postmortem the resolution."""

    ack: timedelta = timedelta(minutes=5)
    update: timedelta = timedelta(minutes=15)
    postmortem: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The usual pace, and that of each severity that has its own."""

    usual: Pace = Pace()
    own: Mapping[str, Pace] = field(default_factory=dict)

    def of(self, severity: str) -> Pace:
        """The pace of an incident of this severity."""
        return self.own.get(severity, self.usual)


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """`[queues.NAME]`. `backend` is "bullmq" or "rq"; `max_replay` the most jobs one replay may name;
    `prefix` stands for QUEUE_PREFIX where this queue has another."""

    name: str
    backend: str = "bullmq"
    max_replay: int = 1000
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Ecs:
    """An ECS service by its cluster's and its own name."""

    cluster: str
    service: str


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """`[services.NAME]`: one thing that can be on fire. Empty strings are parts it does not have."""

    name: str
    pagerduty: str = ""
    channel: str = ""
    queue: str = ""
    ecs: Ecs | None = None
    health: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class Scaling:
    """wanted = max(minimum, min(maximum, depth / jobs_per_worker))"""

    minimum: int = 1
    maximum: int = 8
    jobs_per_worker: int = 50


@dataclass(frozen=True, slots=True)
class MaintenanceEntry:
    """`[[maintenance]]`: a task due at the cron times `at` of `zone` (IANA); `owner` as in Access, or ""."""

    task: str
    at: str
    zone: str = "UTC"
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of `firewatch.toml`. Without a file, the defaults: served everywhere, and nobody on call."""

    access: Access = Access()
    clocks: Clocks = Clocks()
    queues: Mapping[str, QueueEntry] = field(default_factory=dict)
    services: Mapping[str, ServiceEntry] = field(default_factory=dict)
    scaling: Scaling = Scaling()
    maintenance: tuple[MaintenanceEntry, ...] = ()


# ---------------------------------------------------------------- reading it


def read_catalogue(text: str, name: str = "firewatch.toml") -> tuple[Catalogue, list[str]]:
    """The Catalogue in `text`, and a sentence for each thing wrong with it, which then has its default."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Catalogue(), [broken(error, text, name)]
    problems = Problems(name, text)
    root = Table(problems, (), data)
    queues = {each.name: _queue(each) for each in root.tables("queues")}
    catalogue = Catalogue(
        access=_access(root.table("access")),
        clocks=_clocks(root.table("clocks")),
        queues=queues,
        services={each.name: _service(each, queues) for each in root.tables("services")},
        scaling=_scaling(root.table("scaling")),
        maintenance=_maintenance(root.rows("maintenance")),
    )
    root.close()
    return catalogue, problems.sorted()


def _access(table: Table) -> Access:
    access = Access(
        channels=tuple(each.removeprefix("#") for each in table.texts("channels", ("*",))),
        oncall=table.texts("oncall", (), _not_a_person),
        leads=table.texts("leads", (), _not_a_person),
    )
    table.close()
    return access


def _clocks(table: Table) -> Clocks:
    usual = _pace(table, Pace())
    own = {severity: _pace(table.table(severity), usual, last=True) for severity in SEVERITIES}
    table.close()
    return Clocks(usual, {severity: pace for severity, pace in own.items() if pace != usual})


def _pace(table: Table, base: Pace, *, last: bool = False) -> Pace:
    pace = Pace(
        ack=table.duration("ack", base.ack),
        update=table.duration("update", base.update),
        postmortem=table.duration("postmortem", base.postmortem),
    )
    if last:
        table.close()
    return pace


def _queue(table: Table) -> QueueEntry:
    queue = QueueEntry(
        name=table.name,
        backend=table.text("backend", "bullmq", _not_one_of(BACKENDS)),
        max_replay=table.number("max_replay", 1000),
        prefix=table.text("prefix", "") or None,
    )
    table.close()
    return queue


def _service(table: Table, queues: Mapping[str, QueueEntry]) -> ServiceEntry:
    service = ServiceEntry(
        name=table.name,
        pagerduty=table.text("pagerduty", ""),
        channel=table.text("channel", "").removeprefix("#"),
        queue=table.text("queue", "", _not_one_of(queues, "a queue of this file")),
        ecs=_ecs(table.table("ecs")) if table.has("ecs") else None,
        health=table.text("health", ""),
        runbook=table.text("runbook", ""),
    )
    table.close()
    return service


def _ecs(table: Table) -> Ecs:
    ecs = Ecs(cluster=table.text("cluster"), service=table.text("service"))
    table.close()
    return ecs


def _scaling(table: Table) -> Scaling:
    scaling = Scaling(
        minimum=table.number("minimum", 1, least=0),
        maximum=table.number("maximum", 8),
        jobs_per_worker=table.number("jobs_per_worker", 50),
    )
    if scaling.minimum > scaling.maximum:
        table.wrong("minimum", f"is {scaling.minimum}, more than maximum, which is {scaling.maximum}")
    table.close()
    return scaling


def _maintenance(rows: Sequence[Table]) -> tuple[MaintenanceEntry, ...]:
    entries: list[MaintenanceEntry] = []
    for table in rows:
        entry = MaintenanceEntry(
            task=table.text("task"),
            at=table.text("at", None, _not_cron),
            zone=table.text("zone", "UTC", _not_a_zone),
            owner=table.text("owner", "", _not_a_person),
        )
        if entry.task and any(other.task == entry.task for other in entries):
            table.wrong("task", f"{shown(entry.task)} stands in this file twice")
        table.close()
        entries.append(entry)
    return tuple(entries)


# ---------------------------------------------------------------- what a value has to be


def _not_one_of(names: Iterable[str], what: str = "") -> Check:
    def check(value: str) -> str:
        known = list(names)
        if value in known:
            return ""
        allowed = f"one of {', '.join(known)}" if known else "empty: there are none"
        return f"is not {what or 'known here'}; it can be {allowed}{near(value, known)}"

    return check


def _not_a_person(value: str) -> str:
    if re.fullmatch(r"(?:[UW][A-Z0-9_]*|group:[^\s:]+|pagerduty:[^\s:]+)", value):
        return ""
    return "names no one; it can be a Slack user id (U…), group:HANDLE or pagerduty:SCHEDULE"


def _not_cron(value: str) -> str:
    from croniter import croniter  # 20 ms that a catalogue without maintenance need not wait for

    if len(value.split()) == 5 and croniter.is_valid(value):
        return ""
    return "is no cron expression; it has five fields, such as 0 9 * * TUE"


def _not_a_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return f"is no time zone, such as UTC or Europe/Berlin{near(value, zoneinfo.available_timezones())}"
    return ""
