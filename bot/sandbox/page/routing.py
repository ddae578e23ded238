"""How every request of the page is answered: guarded, on a thread of its own, and not before everything stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.sandbox.page.guard import HEADERS, guarded
from bot.sandbox.slack.model import SlackError

LARGEST: Final = 512 * 1024
"""Bytes of a form. What Slack takes of a person is far less."""

STARTING: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Firewatch sandbox</title>'
    "<p>The sandbox is starting. This page comes back by itself.</p></html>"
)


def route(path: str, answer: Callable[[Request], Response], method: str, stands: Callable[[], bool]) -> Route:
    """`stands`: whether the sandbox is there; until then each answer says that it is starting."""

    async def endpoint(request: Request) -> Response:
        if (refused := guarded(request)) is not None:
            return refused
        if request.method == "POST":
            length = request.headers.get("content-length", "")
            if not length.isdecimal() or int(length) > LARGEST:
                return PlainTextResponse("That is too much at once.\n", 413, headers=HEADERS)
            request.state.body = await request.body()
        if not stands():
            return HTMLResponse(STARTING, 503, headers={**HEADERS, "Retry-After": "1", "Refresh": "1"})
        try:
            # On a thread, so that drawing a page never holds up Slack's own answers.
            made = await run_in_threadpool(answer, request)
        except SlackError as unknown:
            made = PlainTextResponse(f"{unknown.error.replace('_', ' ')}\n", 404)
        made.headers.update(HEADERS)
        made.headers.setdefault("Cache-Control", "no-store")
        return made

    return Route(path, endpoint, methods=[method])
