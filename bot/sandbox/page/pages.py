"""What is looked at on the page: channels, the home tab, one envelope of the wire, files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from bot.sandbox.page import wirelog
from bot.sandbox.page.commands import commands
from bot.sandbox.page.oncall import ALERTS
from bot.sandbox.page.routing import route
from bot.sandbox.page.session import HOME, Current
from bot.sandbox.page.views import HERE
from bot.sandbox.queues.pipeline import QUEUE
from bot.sandbox.slack.model import SlackError, User
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.workspace import Channel


def routes(current: Current) -> list[BaseRoute]:
    pages = Pages(current)
    look = partial(route, method="GET", stands=current.stands)
    return [
        look("/", pages.front),
        look("/as/{person}/home", pages.home),
        look("/as/{person}/in/{channel}", pages.channel),
        look("/as/{person}/in/{channel}/earlier", pages.earlier),
        look("/as/{person}", pages.front),
        look("/wire/{number}", pages.envelope),
        look("/file/{file}", pages.file),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]


class Pages:
    """Each method answers one address."""

    def __init__(self, current: Current) -> None:
        self.current = current
        self.commands = commands({"queue": [QUEUE]})

    def _person(self, request: Request) -> Person:
        return self.current.now.person(request.path_params["person"])

    def _room(self, request: Request, me: User) -> Channel:
        return self.current.now.room(request.path_params["channel"], me)

    def front(self, request: Request) -> Response:
        session = self.current.now
        me = self._person(request).user if "person" in request.path_params else session.slack.oncall.user
        return RedirectResponse(f"/as/{quote(me.name)}/in/{quote(session.guide.room())}", 303)

    def channel(self, request: Request) -> Response:
        session, me = self.current.now, self._person(request).user
        room = self._room(request, me)
        number = session.slack.workspace.last_number
        member = me.id in room.members
        title = session.views.title(room, me)
        facts = {
            "title": f"#{title}" if room.kind == "public" else title,
            "room": room,
            "here": f"in/{room.name or room.id}",
            "head": session.views.render("head.html", head=session.views.head(me, room)),
            "messages": session.views.messages(me, room),
            "can_write": member and not room.archived,
            "can_join": not member and room.kind == "public" and not room.archived,
            "archived": room.archived,
            "home": "",
        }
        session.saw(me, room)
        return self._whole(me, number, room.id, facts)

    def home(self, request: Request) -> Response:
        session, person = self.current.now, self._person(request)
        number = session.slack.workspace.last_number
        person.opens_home()
        facts = {
            "title": "Firewatch home",
            "room": None,
            "here": HOME,
            "head": Markup('<header id="head" class="head"><h1>Firewatch home</h1></header>'),
            "home": session.views.home(person.user, person.home),
        }
        return self._whole(person.user, number, HOME, facts)

    def _whole(self, me: User, number: int, now: str, facts: Mapping[str, Any]) -> Response:
        session = self.current.now
        rows = wirelog.recent(session.slack.workspace)
        page = session.views.render(
            "page.html",
            me=me,
            people=session.views.people(),
            run=session.run,
            number=number,
            commands=self.commands,
            alerts=ALERTS,
            folder=session.folder,
            keeps=session.keeps,
            can_restart=session.again is not None,
            wire=session.views.render("wire.html", rows=rows[::-1]),
            **session.regions(me, now),
            **facts,
        )
        return HTMLResponse(str(page))

    # ------------------------------------------------------------ pieces

    def earlier(self, request: Request) -> Response:
        me = self._person(request).user
        room = self._room(request, me)
        before = request.query_params.get("before", "")
        return HTMLResponse(str(self.current.now.views.messages(me, room, before=before)))

    def envelope(self, request: Request) -> Response:
        found = wirelog.envelope(self.current.now.slack.workspace, request.path_params["number"])
        if found is None:
            return HTMLResponse('<p class="faint">That is too long ago to be kept.</p>')
        return HTMLResponse(str(self.current.now.views.render("envelope.html", parts=found)))

    def file(self, request: Request) -> Response:
        found = self.current.now.slack.workspace.files.get(request.path_params["file"])
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
