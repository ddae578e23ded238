"""What changes is sent to every open page as it happens: server-sent events with the pieces of HTML that are new.

Each event bears the number of the last change it tells of, so that a connection that broke goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from bot.sandbox.page import wirelog
from bot.sandbox.page.guard import HEADERS, guarded
from bot.sandbox.page.session import HOME, Current, Session
from bot.sandbox.page.surface import dom
from bot.sandbox.slack.feed import Change
from bot.sandbox.slack.model import SlackError, User
from bot.sandbox.slack.workspace import Channel

TICK: Final = 1.0
"""Seconds after which figures, guide and the bot's state are looked at anew, though nothing was said."""

GATHER: Final = 0.015
"""Seconds for which changes that come together are gathered: a card and its topic are one repaint."""

KEEPALIVE: Final = 15
"""Ticks without news after which a comment is sent, so that a lost connection is noticed."""

WORDS: Final = frozenset(
    {
        "message",
        "message_changed",
        "ephemeral",
        "ephemeral_changed",
        "reaction_added",
        "reaction_removed",
        "pin_added",
        "pin_removed",
    }
)
GONE: Final = frozenset({"message_deleted", "ephemeral_deleted"})
HEADS: Final = frozenset({"channel_topic", "channel_rename", "channel_archive", "channel_unarchive", "channel_purpose"})
MEMBERS: Final = frozenset({"member_joined_channel", "member_left_channel"})
VIEWS: Final = frozenset({"view_opened", "view_updated", "view_closed"})


def routes(current: Current) -> list[BaseRoute]:
    return [Route("/live", partial(live, current))]


async def live(current: Current, request: Request) -> Response:
    if (refused := guarded(request)) is not None:
        return refused
    session = current.session
    if session is None:
        return Response(status_code=503, headers=HEADERS)
    if request.query_params.get("run") != session.run:
        return _stream(_only("event: reload\ndata: anew\n\n"))
    try:
        me = session.slack.user(request.query_params.get("as", ""))
        now = request.query_params.get("in", "")
        room = session.slack.channel(now) if now != HOME else None
    except SlackError:
        return _stream(_only("event: reload\ndata: gone\n\n"))
    after = request.headers.get("last-event-id") or request.query_params.get("after", "0")
    return _stream(_OpenPage(session, me, room, int(after) if after.isdecimal() else 0).events())


def _stream(events: AsyncIterator[str]) -> Response:
    return StreamingResponse(
        events,
        media_type="text/event-stream",
        headers={**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _only(event: str) -> AsyncIterator[str]:
    yield event


class _OpenPage:
    """One open page, and what it has been told already."""

    def __init__(self, session: Session, me: User, room: Channel | None, after: int) -> None:
        self._session, self._me, self._room = session, me, room
        self._upto = after
        self._waiting: list[Change] = []
        self._news = asyncio.Event()
        self._regions: dict[str, Markup] = {}

    async def events(self) -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        workspace = self._session.slack.workspace

        def listener(change: Change) -> None:
            loop.call_soon_threadsafe(self._take, change)

        leave = workspace.subscribe(listener)
        try:
            self._waiting += workspace.since(self._upto)
            yield "retry: 1000\n\n"
            # A page that is new has its regions already; one that comes back may have missed some.
            self._regions = await asyncio.to_thread(self._session.regions, self._me, self._where)
            yield _event(Markup("").join(self._regions[name] for name in ("bot", "modal", "nav")), self._upto)
            quiet = 0
            while not self._session.over.is_set():
                self._news.clear()
                changes, self._waiting = self._waiting, []
                fragments = await asyncio.to_thread(self._fragments, changes)
                if fragments:
                    quiet = 0
                    for name, data in fragments:
                        yield _event(data, self._upto, name)
                else:
                    quiet += 1
                    if quiet % KEEPALIVE == 0:
                        yield ": still here\n\n"
                try:
                    await asyncio.wait_for(self._news.wait(), TICK)
                    await asyncio.sleep(GATHER)
                except TimeoutError:
                    continue
            yield "event: over\ndata: over\n\n"
        finally:
            leave()

    @property
    def _where(self) -> str:
        return self._room.id if self._room else HOME

    def _take(self, change: Change) -> None:
        self._waiting.append(change)
        self._news.set()

    def _fragments(self, taken: Iterable[Change]) -> list[tuple[str, Markup]]:
        """What has changed since the last time, as (event, HTML)."""
        # Around a reconnect some changes come twice.
        changes = sorted({one.number: one for one in taken if one.number > self._upto}.values(), key=_number)
        out = list(self._of(changes))
        if changes:
            self._upto = changes[-1].number
        regions = self._session.regions(self._me, self._where)
        fresh = [html for name, html in regions.items() if self._regions.get(name) != html]
        self._regions = regions
        if fresh:
            out.append(("patch", Markup("").join(fresh)))
        return out

    def _of(self, changes: Iterable[Change]) -> Iterable[tuple[str, Markup]]:
        views, me, room = self._session.views, self._me, self._room
        said, gone, rows = dict[str, None](), dict[str, None](), dict[str, dict[str, object]]()
        head = home = joined = False
        for change in changes:
            if (row := wirelog.row(change)) is not None:
                rows[str(row["number"])] = row
            home = home or (change.kind == "home_published" and change.user == me.id)
            if room is None or change.channel != room.id:
                continue
            if change.kind in WORDS:
                said[change.ts] = None
            if change.kind in GONE:
                gone[change.ts] = None
                thread = getattr(change.data.get("previous"), "thread_ts", "")
                if thread and thread != change.ts:
                    said[thread] = None
                elif change.ts in room.by_ts:  # a stone was left where a thread's head stood
                    said[change.ts] = None
            head = head or change.kind in HEADS | MEMBERS or change.kind.startswith(("pin_", "bookmark"))
            joined = joined or (change.kind in MEMBERS and change.user == me.id)
        if joined:
            yield "reload", Markup("membership")
        out: list[Markup] = []
        if room is not None:
            shown: set[str] = set()
            for ts in said:
                found = views.head_of(me, room, ts)
                if found is not None and found[0].ts not in shown:
                    shown.add(found[0].ts)
                    out.append(views.message(me, room, *found))
            if said:
                self._session.saw(me, room)
            if head:
                out.append(views.render("head.html", head=views.head(me, room)))
        elif home:
            out.append(views.home(me, self._session.slack.home_of(me.id)))
        if rows:
            out.append(views.render("wire.html", rows=list(rows.values())))
        if out:
            yield "patch", Markup("").join(out)
        if room is not None and (ids := [f"m-{dom(room.id)}-{dom(ts)}" for ts in gone if ts not in room.by_ts]):
            yield "gone", Markup(" ".join(ids))


def _event(data: Markup, number: int, name: str = "patch") -> str:
    lines = "\n".join(f"data: {line}" for line in str(data).replace("\r", "").split("\n"))
    return f"event: {name}\nid: {number}\n{lines}\n\n"


def _number(change: Change) -> int:
    return change.number
