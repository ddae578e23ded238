"""Who and what is there at the start."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.slack.model import SLACKBOT, User, UserGroup
from bot.sandbox.slack.workspace import Kind, Workspace


@dataclass(frozen=True, slots=True)
class SeedChannel:
    id: str
    name: str
    #: Ids; the bot's is `UFIREWATCH`.
    members: tuple[str, ...]
    kind: Kind = "public"


BOT_ID = "UFIREWATCH"
PEOPLE = (
    User("UONCALL", "noor", "Noor Haddad", "noor@reposter.example", tz="Europe/Berlin"),
    User("ULEAD", "linnea", "Linnea Berg", "linnea@reposter.example", tz="Europe/Stockholm", is_admin=True),
    User("UGUEST", "tomas", "Tomas Reyes", "tomas@reposter.example", tz="America/Lima"),
)
GROUPS = (
    UserGroup("SONCALL", "oncall", "On-call engineers", ("UONCALL",)),
    UserGroup("SLEADS", "leads", "Leads", ("ULEAD",)),
)
CHANNELS = (
    SeedChannel("COPS", "ops", ("ULEAD", "UONCALL", "UGUEST", BOT_ID)),
    SeedChannel("CGENERAL", "general", ("ULEAD", "UONCALL", "UGUEST")),
)


@dataclass(frozen=True, slots=True)
class Seed:
    """An on-call engineer, a lead, somebody without rights; #ops with the bot in it and #general without."""

    people: tuple[User, ...] = PEOPLE
    groups: tuple[UserGroup, ...] = GROUPS
    channels: tuple[SeedChannel, ...] = CHANNELS


def plant(workspace: Workspace, seed: Seed, bot_name: str) -> User:
    """Fill an empty workspace; answers the bot's user."""
    bot = User(BOT_ID, bot_name.lower().replace(" ", "_"), bot_name, bot_id="BFIREWATCH")
    slackbot = User(SLACKBOT, "slackbot", "Slackbot")
    workspace.users.update({one.id: one for one in (slackbot, bot, *seed.people)})
    workspace.groups.update({one.id: one for one in seed.groups})
    for one in seed.channels:
        creator = one.members[0] if one.members else ""
        workspace.add_channel(one.name, creator, kind=one.kind, id=one.id, members=one.members)
    return bot
