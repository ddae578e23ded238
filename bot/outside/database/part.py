"""The reposting system's PostgreSQL: so far only where it is."""

from __future__ import annotations

from typing import Annotated

from bot.outside.part import Part
from bot.settings.fields import Variables, leads_to, variable
from bot.settings.secrets import Address


class DatabaseSettings(Variables):
    """The reposting system's PostgreSQL, with a role that may only read. Off until DATABASE_URL is set."""

    url: Annotated[Address, leads_to("postgresql", "postgres")] | None = variable(
        "DATABASE_URL",
        "PostgreSQL",
        "Read when the queue is rebuilt.",
        example="postgresql://reader@127.0.0.1/reposts",
    )


DATABASE: Part[DatabaseSettings, None] = Part(
    "database",
    DatabaseSettings,
    off="The reposting system's database is off: set DATABASE_URL to its PostgreSQL (with a role that may only read), "
    "then restart Firewatch.",
    on=lambda settings: settings.url,
)
