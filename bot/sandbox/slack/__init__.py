"""A Slack to talk to on loopback, stricter than kind.

    with SlackSandbox() as slack:
        ...                                      # point a bot at slack.api_url, slack.bot_token, slack.app_token
        typed = slack.oncall.types("ops", "/jobs status").ok()
        card = slack.wait_for(lambda: slack.channel("ops").messages)[-1]
        slack.oncall.presses(card, "Replay these").wait()

`slack.faults` makes calls fail, `slack.socket` makes connections go bad, `slack.calls` and `slack.deliveries` are the
wire, `slack.workspace` is the state, with a feed of changes to subscribe to.
"""

from __future__ import annotations

from bot.sandbox.slack.client import Act
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.forms import NotPossible
from bot.sandbox.slack.manifest import Manifest
from bot.sandbox.slack.model import Change, File, Message, SlackError, Team, User, UserGroup, View
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.seeds import Seed, SeedChannel
from bot.sandbox.slack.server import SlackSandbox
from bot.sandbox.slack.wire import Call, Delivery
from bot.sandbox.slack.workspace import Channel, Workspace

__all__ = [
    "Act",
    "Call",
    "Change",
    "Channel",
    "Delivery",
    "Faults",
    "File",
    "Manifest",
    "Message",
    "NotPossible",
    "Person",
    "Seed",
    "SeedChannel",
    "SlackError",
    "SlackSandbox",
    "Team",
    "User",
    "UserGroup",
    "View",
    "Workspace",
]
