"""What the page shows: one sandbox from start to end, its Slack, its panels and its bot."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from markupsafe import Markup

from bot.running.timepiece import Timepiece
from bot.sandbox.page.markup import time_tag
from bot.sandbox.page.pipeline_panel import PipelinePanel
from bot.sandbox.page.views import Views
from bot.sandbox.queues.platforms import DESTINATIONS, PlatformFault
from bot.sandbox.slack.model import SlackError, User
from bot.sandbox.slack.people import Person, VisibleSlack
from bot.sandbox.slack.workspace import Channel

HOME = "home"
"""Where somebody is who is in no channel: on the home tab."""

Json = dict[str, Any]
State = Literal["up", "starting", "down"]


@dataclass(frozen=True, slots=True)
class BotState:
    """Whether there is somebody to talk to, in words for the page."""

    state: State
    words: str
    can_stop: bool = False
    can_start: bool = False


class Bot(Protocol):
    """The bot's processes, as far as the page has to know of them. Nothing here blocks for long."""

    def look(self) -> BotState: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def go_by(self, time_tag: Timepiece) -> None: ...


class GuideSteps(Protocol):
    """What to try first: see `bot.sandbox.page.guide`."""

    def look(self) -> Json: ...
    def room(self) -> str: ...


class OnCallControls(Protocol):
    """What rings, and the clock: see `bot.sandbox.page.oncall`."""

    def look(self) -> Json: ...
    def seconds(self) -> float: ...
    def trigger(self, name: str) -> object: ...
    def acknowledge(self, id: str) -> None: ...
    def resolve(self, id: str) -> None: ...
    def lose_webhooks(self, lost: bool) -> None: ...
    def hurry(self, fast: bool) -> Timepiece: ...


@dataclass(slots=True)
class Session:
    """One sandbox from start to end. Put together by `run`, or by a test."""

    slack: VisibleSlack
    panel: PipelinePanel
    oncall: OnCallControls
    guide: GuideSteps
    bot: Bot
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    keeps: str = ""
    again: Callable[[], None] | None = None
    """Ends this session and begins another; None where that cannot be done."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    last_seen: dict[tuple[str, str], str] = field(default_factory=dict)
    """(person, channel) → the last ts they have seen."""
    over: threading.Event = field(default_factory=threading.Event)
    views: Views = field(init=False)

    def __post_init__(self) -> None:
        self.views = Views(self.slack.workspace, self.shortcuts)

    def person(self, name: str) -> Person:
        """Who acts. Raises SlackError for nobody, and for a bot."""
        person = self.slack.as_user(name)
        if person.user.is_bot:
            raise SlackError("user_not_found")
        return person

    def room(self, name: str, me: User) -> Channel:
        """Raises SlackError for a channel this person may not look into."""
        channel = self.slack.channel(name)
        if channel.kind != "public" and me.id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    def saw(self, me: User, room: Channel) -> None:
        """This person has the channel's latest message before them."""
        latest = next(reversed(room.by_ts), "")
        self.last_seen[me.id, room.id] = max(latest, self.last_seen.get((me.id, room.id), ""))

    def regions(self, me: User, now: str) -> dict[str, Markup]:
        """The parts of a page beside its messages, each an element with an id."""
        views, seen = self.views, self.panel.look()
        return {
            "nav": views.render(
                "nav.html", rooms=views.nav(me, now, self.last_seen), base=views.base(me), at_home=now == HOME
            ),
            "bot": views.render("bot.html", bot=self.bot.look()),
            "guide": views.render("guide.html", guide=self.guide.look()),
            "figures": views.render("figures.html", figures=seen.figures, trouble=seen.trouble),
            "switches": views.render(
                "switches.html", lit=seen.lit, destinations=DESTINATIONS, faults=[str(one) for one in PlatformFault]
            ),
            "oncall": views.render("oncall.html", oncall=self.oncall.look()),
            # Apart from the panel, which would be drawn anew each second of a fast night, under people's fingers.
            "time": Markup('<p id="time">It is {} here.</p>').format(time_tag(self.oncall.seconds() // 60 * 60)),
            "modal": views.modal(me, self.slack.open_view(me.id)),
        }


class Current:
    """The session that is shown. None until everything stands; the page says meanwhile that it is starting."""

    def __init__(self) -> None:
        self.session: Session | None = None

    def stands(self) -> bool:
        return self.session is not None

    @property
    def now(self) -> Session:
        assert self.session is not None, "no request is answered before"
        return self.session
