"""The page's routes, on the same server as the Slack it shows: what is looked at here, what is done in `acts`."""

from __future__ import annotations

import functools
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from bot.running.timepiece import Timepiece
from bot.sandbox.page import wirelog
from bot.sandbox.page.commands import commands
from bot.sandbox.page.figures import PipelinePanel
from bot.sandbox.page.guard import HEADERS, guarded
from bot.sandbox.page.guide import Guide
from bot.sandbox.page.oncall import ALERTS, OnCall
from bot.sandbox.page.views import HERE, Views, clock
from bot.sandbox.pipeline import QUEUE
from bot.sandbox.platforms import DESTINATIONS, Fault
from bot.sandbox.slack import Channel, Person, SlackError, SlackSandbox, User

State = Literal["up", "starting", "down"]
HOME: Final = "home"
LARGEST: Final = 512 * 1024
"""Bytes of a form. What Slack takes of a person is far less."""


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
    def go_by(self, clock: Timepiece) -> None: ...


@dataclass(slots=True)
class Night:
    """One sandbox from start to end: everything the page shows. Put together by `run`, or by a test."""

    slack: SlackSandbox
    panel: PipelinePanel
    oncall: OnCall
    guide: Guide
    bot: Bot
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    keeps: str = ""
    again: Callable[[], None] | None = None
    """Ends this night and begins another; None where that cannot be done."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    read: dict[tuple[str, str], str] = field(default_factory=dict)
    """(person, channel) → the last ts they have seen."""
    over: threading.Event = field(default_factory=threading.Event)
    views: Views = field(init=False)

    def __post_init__(self) -> None:
        self.views = Views(self.slack, self.shortcuts)


class Page:
    """The routes. `night` is set once everything stands; until then the page says that it is starting."""

    def __init__(self) -> None:
        self.night: Night | None = None
        self.commands = commands({"queue": [QUEUE]})

    def routes(self) -> list[BaseRoute]:
        from bot.sandbox.page.acts import acts
        from bot.sandbox.page.live import live

        look = functools.partial(self._route, methods=["GET"])
        return [
            look("/", self.front),
            look("/as/{person}/home", self.home),
            look("/as/{person}/in/{channel}", self.channel),
            look("/as/{person}/in/{channel}/earlier", self.earlier),
            look("/as/{person}", self.front),
            look("/wire/{number}", self.envelope),
            look("/file/{file}", self.file),
            Route("/live", functools.partial(live, self)),
            *(self._route(path, functools.partial(act, self), methods=["POST"]) for path, act in acts().items()),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def _route(self, path: str, answer: Callable[[Request], Response], methods: list[str]) -> Route:
        async def endpoint(request: Request) -> Response:
            if (refused := guarded(request)) is not None:
                return refused
            if request.method == "POST":
                said = request.headers.get("content-length", "")
                if not said.isdecimal() or int(said) > LARGEST:
                    return PlainTextResponse("That is too much at once.\n", 413, headers=HEADERS)
                request.state.body = await request.body()
            if self.night is None:
                return HTMLResponse(STARTING, 503, headers={**HEADERS, "Retry-After": "1", "Refresh": "1"})
            try:
                # On a thread, so that drawing a page never holds up Slack's own answers.
                made = await run_in_threadpool(answer, request)
            except SlackError as unknown:
                made = PlainTextResponse(f"{unknown.error.replace('_', ' ')}\n", 404)
            made.headers.update(HEADERS)
            made.headers.setdefault("Cache-Control", "no-store")
            return made

        return Route(path, endpoint, methods=methods)

    # ------------------------------------------------------------ who, where

    @property
    def now(self) -> Night:
        assert self.night is not None, "no route is answered before"
        return self.night

    def person(self, request: Request) -> Person:
        night = self.now
        person = night.slack.as_user(request.path_params["person"])
        if person.user.is_bot:
            raise SlackError("user_not_found")
        return person

    def room(self, request: Request, me: User) -> Channel:
        channel = self.now.slack.channel(request.path_params["channel"])
        if channel.kind != "public" and me.id not in channel.members:
            raise SlackError("channel_not_found")
        return channel

    # ------------------------------------------------------------ pages

    def front(self, request: Request) -> Response:
        night = self.now
        me = self.person(request).user if "person" in request.path_params else night.slack.oncall.user
        return RedirectResponse(f"/as/{quote(me.name)}/in/{quote(night.guide.room())}", 303)

    def channel(self, request: Request) -> Response:
        night, me = self.now, self.person(request).user
        room = self.room(request, me)
        number = last_number(night.slack)
        member = me.id in room.members
        title = night.views.title(room, me)
        facts = {
            "title": f"#{title}" if room.kind == "public" else title,
            "room": room,
            "here": f"in/{room.name or room.id}",
            "head": night.views.render("head.html", head=night.views.head(me, room)),
            "messages": night.views.messages(me, room),
            "can_write": member and not room.archived,
            "can_join": not member and room.kind == "public" and not room.archived,
            "archived": room.archived,
            "home": "",
        }
        self.seen(me, room)
        return self._whole(me, number, room.id, facts)

    def home(self, request: Request) -> Response:
        night, person = self.now, self.person(request)
        number = last_number(night.slack)
        person.opens_home()
        facts = {
            "title": "Firewatch home",
            "room": None,
            "here": HOME,
            "head": Markup('<header id="head" class="head"><h1>Firewatch home</h1></header>'),
            "home": night.views.home(person.user, person.home),
        }
        return self._whole(person.user, number, HOME, facts)

    def _whole(self, me: User, number: int, now: str, facts: Mapping[str, Any]) -> Response:
        night = self.now
        rows = wirelog.recent(night.slack)
        page = night.views.render(
            "page.html",
            me=me,
            people=night.views.people(),
            run=night.run,
            number=number,
            commands=self.commands,
            alerts=ALERTS,
            folder=night.folder,
            keeps=night.keeps,
            can_restart=night.again is not None,
            wire=night.views.render("wire.html", rows=rows[::-1]),
            **self.regions(me, now),
            **facts,
        )
        return HTMLResponse(str(page))

    def regions(self, me: User, now: str) -> dict[str, Markup]:
        """The parts of a page beside its messages, each an element with an id."""
        night = self.now
        views, seen = night.views, night.panel.look()
        return {
            "nav": views.render(
                "nav.html", rooms=views.nav(me, now, night.read), base=views.base(me), at_home=now == HOME
            ),
            "bot": views.render("bot.html", bot=night.bot.look()),
            "guide": views.render("guide.html", guide=night.guide.look()),
            "figures": views.render("figures.html", figures=seen.figures, trouble=seen.trouble),
            "switches": views.render(
                "switches.html", lit=seen.lit, destinations=DESTINATIONS, faults=[str(one) for one in Fault]
            ),
            "oncall": views.render("oncall.html", oncall=night.oncall.look()),
            # Apart from the panel, which would be drawn anew each second of a fast night, under people's fingers.
            "time": Markup('<p id="time">It is {} here.</p>').format(clock(night.oncall.seconds() // 60 * 60)),
            "modal": views.modal(me, night.slack.open_view(me.id)),
        }

    def seen(self, me: User, room: Channel) -> None:
        latest = next(reversed(room.by_ts), "")
        self.now.read[me.id, room.id] = max(latest, self.now.read.get((me.id, room.id), ""))

    # ------------------------------------------------------------ pieces

    def earlier(self, request: Request) -> Response:
        me = self.person(request).user
        room = self.room(request, me)
        return HTMLResponse(str(self.now.views.messages(me, room, before=request.query_params.get("before", ""))))

    def envelope(self, request: Request) -> Response:
        found = wirelog.envelope(self.now.slack, request.path_params["number"])
        if found is None:
            return HTMLResponse('<p class="faint">That is too long ago to be kept.</p>')
        return HTMLResponse(str(self.now.views.render("envelope.html", parts=found)))

    def file(self, request: Request) -> Response:
        found = self.now.slack.workspace.files.get(request.path_params["file"])
        if found is None:
            raise SlackError("file_not_found")
        shown = found.mimetype in ("image/png", "image/jpeg", "image/gif", "image/webp")
        kind = "inline" if shown and "download" not in request.query_params else "attachment"
        name = quote(found.name)
        return Response(
            found.content,
            media_type=found.mimetype if shown else "application/octet-stream",
            headers={"Content-Disposition": f"{kind}; filename*=utf-8''{name}", "Cache-Control": "max-age=3600"},
        )


def last_number(slack: SlackSandbox) -> int:
    """The number of the latest change: what a page that is drawn now does not have to be told of."""
    changes = slack.workspace.since(0)
    return changes[-1].number if changes else 0


STARTING: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Firewatch sandbox</title>'
    "<p>The sandbox is starting. This page comes back by itself.</p></html>"
)
