"""The border to httpx, for the systems that are spoken to without a library of their own: lost connections and 5xx."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bot.domain.errors import Later, Unreachable
from bot.outside.patience import Patience

TIMEOUT: Final = httpx.Timeout(10.0, connect=3.05)
LONGEST: Final = 3600.0
"""Seconds: the longest pause that is believed."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. ``body`` is its JSON, None where it holds none; names of ``headers`` are in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body, where it is an object."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The objects in the body, where it is a list."""
        return [each for each in self.body if isinstance(each, Mapping)] if isinstance(self.body, list) else []


class Wire:
    """One system under one address, named as within a sentence: "the status page". Safe to share between threads."""

    def __init__(self, name: str, address: str, headers: Mapping[str, str]) -> None:
        self.name = name
        self._beginning = name[:1].upper() + name[1:]
        self._patience = Patience(self._beginning)
        self._client = httpx.Client(
            base_url=address,
            headers={"User-Agent": "firewatch", **headers},
            timeout=TIMEOUT,
            follow_redirects=True,  # a repository that was renamed
            trust_env=urlsplit(address).hostname not in ("127.0.0.1", "::1", "localhost"),
        )
        weakref.finalize(self, self._client.close)  # its connections go with it

    def ask(self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None) -> HttpAnswer:
        """One call. Raises Unreachable when nothing, or a 5xx, comes back. A reading call is tried twice.

        A 501 is an answer: there is nothing there to be asked for in that way.
        """
        tries = 2 if method == "GET" else 1
        while True:
            self._patience.check()
            tries -= 1
            try:
                response = self._client.request(method, path, params=params, json=body)
                if response.status_code < 500 or response.status_code == 501:
                    break
                lost = Unreachable(f"{self._beginning} is in trouble: it answered {response.status_code}.")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                lost = Unreachable(f"I could not reach {self.name}: {type(error).__name__}.")
                lost.__cause__ = error
                if isinstance(error, httpx.TimeoutException):
                    self._patience.lose()
                    tries = 0
            if not tries:
                raise lost
        try:
            said = response.json() if response.content else None
        except ValueError:
            said = None
        return HttpAnswer(response.status_code, said, {name.lower(): text for name, text in response.headers.items()})

    def pause(self, seconds: str | float, otherwise: float) -> Later:
        """A Later of so many seconds, as a header says them; ``otherwise`` where it says nothing of use."""
        try:
            wait = float(seconds)
        except ValueError:
            wait = otherwise
        wait = min(max(wait, 1.0), LONGEST)
        return Later(wait, f"{self._beginning} asks for a pause of {wait:g} s")
