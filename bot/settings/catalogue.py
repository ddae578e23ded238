"""`firewatch.toml` → a frozen Catalogue: what the bot serves and who may do what. Nothing in it is secret.

Every wrong key and value of the file is collected, each with its line, its section, and what would be right.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bot.domain.incident import SEVERITIES
from bot.domain.parameters import duration_from_word
from bot.settings.fields import wrong
from bot.settings.lines import Problems, not_one_of, shown
from bot.settings.near import near

LONGEST = timedelta(days=366)
"""No duration of a settings file is longer; one that is must be a slip of the pen."""


# ---------------------------------------------------------------- what a value has to be


def _filled(text: str) -> str:
    if not text.strip():
        raise wrong("may not be empty")
    return text


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise wrong(f'is a duration in quotes, such as "90s", "15m", "24h" or "1d", not {shown(value)}')
    try:
        found = duration_from_word(value)
    except (ValueError, OverflowError):
        found = timedelta(0)
    if not timedelta(0) < found <= LONGEST:
        raise wrong(f"{shown(value)} is no duration, such as 90s, 15m, 24h or 1d (at most 366d)")
    return found


def _word(text: str) -> str:
    if not text.strip():
        raise wrong(f"{shown(text)} is not a text")
    return text


def _person(text: str) -> str:
    if text and not re.fullmatch(r"(?:[UW][A-Z0-9_]*|group:[^\s:]+|pagerduty:[^\s:]+)", text):
        raise wrong(f"{shown(text)} names no one; it can be a Slack user id (U…), group:HANDLE or pagerduty:SCHEDULE")
    return text


def _cron(text: str) -> str:
    from datetime import datetime

    from cronsim import CronSim, CronSimError  # a catalogue without maintenance need not wait for it

    try:
        if len(text.split()) == 5:
            CronSim(text, datetime(2026, 1, 1))  # noqa: DTZ001  it is only asked whether it can be read
            return text
    except CronSimError:
        pass
    raise wrong(f"{shown(text)} is no cron expression; it has five fields, such as 0 9 * * TUE")


def _zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        meant = near(text, zoneinfo.available_timezones())
        raise wrong(f"{shown(text)} is no time zone, such as UTC or Europe/Berlin{meant}") from None
    return text


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Filled = Annotated[str, AfterValidator(_filled)]
Channel = Annotated[str, AfterValidator(lambda text: text.removeprefix("#"))]
WordList = tuple[Annotated[str, AfterValidator(_word)], ...]
Channels = tuple[Annotated[str, AfterValidator(_word), AfterValidator(lambda text: text.removeprefix("#"))], ...]
PeopleEntries = tuple[Annotated[str, AfterValidator(_word), AfterValidator(_person)], ...]
Owner = Annotated[str, AfterValidator(_person)]
Positive = Annotated[StrictInt, Field(ge=1)]


# ---------------------------------------------------------------- what it holds


class Table(BaseModel):
    """One table of the file. A part that has a table of its own derives its model from this."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True)


class Access(Table):
    """Which channels are served, who is on call, who leads.

    People are Slack user ids (`U…`), `group:HANDLE` (a Slack user group) or `pagerduty:SCHEDULE`.
    """

    channels: Channels = Field(default=("*",), description="Channels served: ids or names, `*` allowed.")
    oncall: PeopleEntries = Field(default=(), description="On-call engineers.")
    leads: PeopleEntries = Field(default=(), description="Who confirms what destroys, beside the one who asks.")


class PaceEntry(Table):
    """How soon an alert is acknowledged, an update follows the last one, and a postmortem the resolution."""

    ack: Duration = Field(default=timedelta(minutes=5), description="From the alert to the first person who takes it.")
    update: Duration = Field(default=timedelta(minutes=15), description="Between two updates of an incident.")
    postmortem: Duration = Field(default=timedelta(hours=24), description="From the resolution to the postmortem.")


class OwnPace(Table):
    """The pace of one severity: what it does not say is as usual."""

    ack: Duration | None = None
    update: Duration | None = None
    postmortem: Duration | None = None


class Clocks(PaceEntry):
    """How soon things fall due, and for which severities differently: `sev1 = { update = "10m" }`."""

    sev1: OwnPace = Field(default=OwnPace(), description="The pace of sev1, where it has its own.")
    sev2: OwnPace = Field(default=OwnPace(), description="The pace of sev2.")
    sev3: OwnPace = Field(default=OwnPace(), description="The pace of sev3.")
    sev4: OwnPace = Field(default=OwnPace(), description="The pace of sev4.")

    def of(self, severity: str) -> PaceEntry:
        """The pace of an incident of this severity."""
        own: OwnPace = getattr(self, severity) if severity in SEVERITIES else OwnPace()
        return PaceEntry(
            ack=own.ack or self.ack,
            update=own.update or self.update,
            postmortem=own.postmortem or self.postmortem,
        )


NAME = "\0name"
"""No key of a file is called so: by it a named table is told its name."""


class Named(Table):
    """A table that is one of several: `[queues.NAME]`."""

    name: str = Field(default="", validation_alias=NAME)


def _named(tables: object) -> object:
    if not isinstance(tables, Mapping):
        return tables
    return {name: {NAME: name, **each} if isinstance(each, dict) else each for name, each in tables.items()}


class QueueEntry(Named):
    """A queue of the reposting system."""

    backend: Literal["bullmq", "rq"] = Field(default="bullmq", description="The library that keeps it.")
    max_replay: Positive = Field(default=1000, description="The most jobs that one replay may name.")
    prefix: str | None = Field(default=None, description="BullMQ's key prefix, where this queue's is not QUEUE_PREFIX.")


class Ecs(Table):
    """An ECS service by its cluster's and its own name."""

    cluster: Filled
    service: Filled


class ServiceEntry(Named):
    """One thing that can be on fire. What it does not have is left out."""

    pagerduty: str = Field(default="", description="The id of PagerDuty's service.")
    channel: Channel = Field(default="", description="Where its alerts and incidents are announced.")
    queue: str = Field(default="", description="Its queue, one of `[queues]`.")
    ecs: Ecs | None = Field(default=None, description="`{ cluster, service }`: where it runs on ECS.")
    health: str = Field(default="", description="The path that says whether it is well.")
    runbook: str = Field(default="", description="The section of the runbook to open first.")


class Scaling(Table):
    """wanted workers = max(minimum, min(maximum, depth / jobs_per_worker))"""

    minimum: Annotated[StrictInt, Field(ge=0)] = Field(default=1, description="Never fewer workers.")
    maximum: Positive = Field(default=8, description="Never more workers.")
    jobs_per_worker: Positive = Field(default=50, description="How many waiting jobs ask for one more.")

    @model_validator(mode="after")
    def _in_order(self) -> Scaling:
        if self.minimum > self.maximum:
            sentence = f"is {self.minimum}, more than maximum, which is {self.maximum}"
            raise PydanticCustomError("told", "{sentence}", {"sentence": sentence, "key": "minimum"})
        return self


class MaintenanceEntry(Table):
    """A task that comes round. Written as `[[maintenance]]`, once for each."""

    task: Filled = Field(description="Its name.")
    at: Annotated[str, AfterValidator(_filled), AfterValidator(_cron)] = Field(
        description="When: minute, hour, day, month, weekday, such as `0 9 * * TUE`."
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(default="UTC", description="The time zone of `at`.")
    owner: Owner = Field(default="", description="Who does it, as in `[access]`.")


class OwnRunbook(Table):
    """A team's own sections of the runbook, before those shipped."""

    folder: str = Field(default="", description="The folder that holds them, beside this file.")


class OwnTriage(Table):
    """A team's own causes of failures, before those shipped."""

    table: str = Field(default="", description="The file that holds them, beside this file.")


class OwnParts(Table):
    """A team's own packages of systems, commands and templates. They are trusted as the program itself is."""

    packages: WordList = Field(default=(), description="Their names, as Python imports them.")


class Catalogue(Table):
    """All of `firewatch.toml`. Without a file, the defaults: served everywhere, and nobody on call."""

    access: Access = Access()
    clocks: Clocks = Clocks()
    queues: Annotated[dict[str, QueueEntry], BeforeValidator(_named)] = Field(default_factory=dict)
    services: Annotated[dict[str, ServiceEntry], BeforeValidator(_named)] = Field(default_factory=dict)
    scaling: Scaling = Scaling()
    maintenance: tuple[MaintenanceEntry, ...] = ()
    runbook: OwnRunbook = OwnRunbook()
    triage: OwnTriage = OwnTriage()
    parts: OwnParts = OwnParts()

    def pace(self, severity: str) -> PaceEntry:
        """How soon an incident of this severity falls due."""
        return self.clocks.of(severity)


# ---------------------------------------------------------------- reading it


def packages_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The packages of `[parts]`, before the rest is read: they say which other tables there may be."""
    parts = data.get("parts")
    listed = parts.get("packages") if isinstance(parts, dict) else None
    return tuple(each for each in listed if isinstance(each, str) and each.strip()) if isinstance(listed, list) else ()


def read_catalogue(
    data: Mapping[str, Any], problems: Problems, tables: Mapping[str, type[Table]]
) -> tuple[Catalogue, Mapping[str, Table]]:
    """The Catalogue in ``data``, and the tables that parts have there; what is wrong goes to ``problems``."""
    own = {key: value for key, value in data.items() if key not in tables}
    known = [*Catalogue.model_fields, *tables]
    for key in [key for key in own if key not in Catalogue.model_fields]:
        problems.unknown((key,), known)
        del own[key]
    catalogue, read = Catalogue(), {}
    try:
        catalogue = Catalogue.model_validate(own)
    except ValidationError as error:
        problems.add_all(error, Catalogue)
    for name, model in tables.items():
        try:
            read[name] = model.model_validate(data.get(name, {}))
        except ValidationError as error:
            problems.add_all(error, model, (name,))
    _compare(own, problems)
    return catalogue, read


def _compare(data: Mapping[str, Any], problems: Problems) -> None:
    """What one table says of another: asked of the data itself, because what is wrong elsewhere does not excuse it."""
    queues, services, rows = (data.get(key) for key in ("queues", "services", "maintenance"))
    known = list(queues) if isinstance(queues, dict) else []
    for name, service in services.items() if isinstance(services, dict) else ():
        queue = service.get("queue") if isinstance(service, dict) else None
        if isinstance(queue, str) and queue and queue not in known:
            told = not_one_of(queue, known, "a queue of this file")
            problems.add(("services", name, "queue"), f"{shown(queue)} {told}")
    seen: set[str] = set()
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        task = row.get("task") if isinstance(row, dict) else None
        if isinstance(task, str) and task in seen:
            problems.add(("maintenance", place, "task"), f"{shown(task)} stands in this file twice")
        seen |= {task} if isinstance(task, str) and task.strip() else set()
