"""One call of PagerDuty's REST API, and all pages of one. The only file that knows pdpyras, which has a successor."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from bot.domain.errors import Gone
from bot.outside.pagerduty.errors import checked, timed_out, too_many, unreached
from bot.outside.pagerduty.shapes import parts, text
from bot.outside.patience import Patience

with warnings.catch_warnings():
    # It names its successor at import. It is the client asked for; its last release is of 2025-06-20.
    warnings.filterwarnings("ignore", 'The package "pdpyras" is deprecated', UserWarning)
    import pdpyras

Json = Mapping[str, Any]
_Asked = TypeVar("_Asked")

API: Final = "https://api.pagerduty.com"
TIMEOUT: Final = (3.05, 10.0)
"""Seconds to connect, and to wait for an answer."""

RETRIED: Final = {500: 2, 502: 2, 503: 2, 504: 2}
"""Status → how often a reading call is tried again, after 0.5 s and 1 s. pdpyras alone would hand on the first 5xx."""

PAGE: Final = 100
REACH: Final = 10_000
"""The most that offset and limit may add up to; PagerDuty answers 400 beyond."""

FRESH: Final = 600.0
"""Seconds for which users, priorities and a service's policy are remembered."""


class PagerDutyApi:
    """Safe to share between threads: each has a session of its own."""

    def __init__(self, api_key: str, api_url: str = API) -> None:
        self._key = api_key
        self._url = (api_url or API).rstrip("/")
        self._threads = threading.local()
        self._known: dict[str, tuple[float, Any]] = {}
        self._patience = Patience("PagerDuty")

    def _get(self, path: str, what: str, params: Mapping[str, Any] | None = None) -> Json:
        return self._send("GET", path, what, params=params)

    def _pages(self, path: str, name: str, params: Mapping[str, Any]) -> Iterator[Json]:
        """Everything on all pages, each once (what changes meanwhile may stand on two), as far as PagerDuty lets."""
        seen: set[str] = set()
        for offset in range(0, REACH, PAGE):
            answer = self._get(path, name, {**params, "limit": PAGE, "offset": offset})
            for each in parts(answer, name):
                if not (id := text(each, "id")) or id not in seen:
                    seen.add(id)
                    yield each
            if answer.get("more") is not True:
                return

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        body: Mapping[str, Any] | None = None,
        sender: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> Json:
        """One call. ``sender``: the e-mail of the user who acts. ``what`` is what there is not when it says 404."""
        session = self._session()
        reading = method == "GET"
        session.retry = dict(RETRIED) if reading else {}
        asked = {"params": dict(params)} if params else {}
        content = {"json": dict(body)} if body is not None else {}
        again = reading
        while True:
            self._patience.check()
            try:
                response = session.request(method, path, headers={"From": sender} if sender else {}, **asked, **content)
            except pdpyras.PDHTTPError as error:  # a 401
                response = error.response
            except pdpyras.PDClientError as error:
                if timed_out(error):
                    self._patience.lose()
                elif again:  # a connection that was lost; nothing happened by it
                    again = False
                    continue
                raise unreached(error) from error
            return checked(response, what)

    def _session(self) -> Any:
        session = getattr(self._threads, "session", None)
        if session is None:
            session = _Session(self._key)
            session.url = self._url
            session.timeout = TIMEOUT
            session.sleep_timer = 0.25
            session.max_network_attempts = 0
            # pdpyras would follow HTTPS_PROXY to this machine itself, too.
            session.trust_env = urlsplit(self._url).hostname not in ("127.0.0.1", "::1", "localhost")
            self._threads.session = session
        return session

    def _remembered(self, name: str, ask: Callable[[], Any]) -> Any:
        at, value = self._known.get(name, (0.0, None))
        if not at or time.monotonic() - at > FRESH:
            value = ask()
            if len(self._known) > 2_000:
                self._known.clear()
            if value is not None:  # a user who is added at night is found at once
                self._known[name] = (time.monotonic(), value)
        return value


class _Session(pdpyras.APISession):  # type: ignore[misc]  # pdpyras has no types
    def postprocess(self, response: Any, suffix: Any = None) -> None:
        """Called in pdpyras' loop for each answer. Left to itself, that waits 3, 6, 12 s… for a 429, without end."""
        if response.status_code == 429:
            raise too_many(response.headers)


def unless_gone(ask: Callable[[], _Asked]) -> _Asked | None:
    """What is asked for only to do better; None where there is no such thing."""
    try:
        return ask()
    except Gone:
        return None


def safe(id: str) -> str:
    """An id as a part of a path: whatever was typed, it stays one part."""
    return quote(id, safe="")
