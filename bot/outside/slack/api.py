"""One call of Slack's Web API, and all pages of one; and whose token it is.

The SDK's own retries are off: one of them sends ``chat.postMessage`` again after a lost connection, so that a message
can come twice, the other sleeps in the calling thread. Here a 429 or a lost connection is ``Later``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from bot.outside.slack.wire import translated, web_client

SKEW: Final = timedelta(minutes=2)
"""How far this machine's clock and Slack's may be apart."""

PAGES: Final = 50
PAGE: Final = 200

Json = dict[str, Any]


class SlackApi:
    """The calls of one bot token. Safe to use from many threads.

    Raises SlackRefused (a Refused with Slack's ``code``) for "no", Later for 429, 5xx and a lost connection. Of a
    "yes" no more is expected than what is asked of it: another vendor's Slack may leave out the rest.
    """

    def __init__(self, token: str, api_url: str = "") -> None:
        self._web = web_client(token, api_url)
        self._lock = threading.Lock()
        self._identity: dict[str, str] = {}

    def identity(self) -> Mapping[str, str]:
        """Who this token is, asked once: ``user_id``, ``bot_id``, ``team_id``, ``team``, ``url``, ``scopes``."""
        with self._lock:
            if not self._identity:
                with translated("auth.test"):
                    answer = self._web.auth_test()
                headers = {name.lower(): value for name, value in answer.headers.items()}
                scopes = headers.get("x-oauth-scopes", "")
                named = {name: str(answer.get(name) or "") for name in ("user_id", "bot_id", "team_id", "team", "url")}
                self._identity = named | {"scopes": ",".join(str(scopes).replace(" ", "").split(","))}
            return self._identity

    def ping(self) -> str:
        """The team's name, asked anew: whether Slack is there and still takes this token."""
        return str(self._ask(self._web.auth_test).get("team") or "")

    def _ask(self, send: Callable[..., Any], **arguments: Any) -> Json:
        method = send.__name__.replace("_", ".")
        channel = arguments.get("channel") or arguments.get("channel_id") or ""
        with translated(method, str(channel)):
            data = send(**arguments).data
        return data if isinstance(data, dict) else {}

    def _pages(self, send: Callable[..., Any], **arguments: Any) -> Iterator[Json]:
        cursor = ""
        for _ in range(PAGES):
            page = self._ask(send, limit=PAGE, cursor=cursor or None, **arguments)
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return


def word_at(answer: Json, *path: str) -> str:
    """What an answer says at that place, "" when it says nothing there."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return "" if found is None else str(found)
