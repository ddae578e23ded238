"""GitHub's issues as ``Tracker``: where the follow-ups of an incident are kept."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.border import outgoing
from bot.domain.errors import Gone, Refused
from bot.outside.github.protocol import Issue
from bot.outside.http import HttpAnswer, Wire
from bot.outside.patience import keyed

API: Final = "https://api.github.com"
VERSION: Final = "2022-11-28"
TITLE_MOST: Final = 256
BODY_MOST: Final = 65_536

PAUSE: Final = 60.0
"""Seconds to wait where GitHub limits without saying for how long: what its documentation asks for."""

_QUIET: Final = re.compile(r"@(?=\w)")
"""What would call somebody there who merely has the same name."""

PAGE: Final = 100
PAGES: Final = 5


class GitHub:
    """``Tracker`` for one repository, OWNER/NAME."""

    def __init__(self, token: str, repository: str, api_url: str = API) -> None:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        self._wire = Wire("GitHub", (api_url or API).rstrip("/"), headers)
        self._repository = repository
        self._room = f"/repos/{repository}/issues"

    def create(
        self, title: str, body: str, key: str, labels: Sequence[str] = (), since: datetime | None = None
    ) -> Issue:
        # An HTML comment: there for the search, not for the reader. GitHub's own search index comes minutes late.
        mark = f"<!-- firewatch:{keyed('github', key)} -->"
        there = self._marked(mark, since)
        if there:
            return there
        title, body = (_QUIET.sub("@\u200b", outgoing(words)) for words in (title, body))
        room = BODY_MOST - len(mark) - 2
        text = body.strip() if len(body) <= room else body[: room - 1].rstrip() + "…"
        wanted = {"title": " ".join(title.split())[:TITLE_MOST], "body": f"{text}\n\n{mark}", "labels": list(labels)}
        made = self._ask("POST", self._room, body=wanted).fields
        return Issue(int(made["number"]), str(made.get("html_url") or ""), new=True)

    def look(self) -> None:
        self._ask("GET", self._room, {"per_page": 1})

    def _marked(self, mark: str, since: datetime | None) -> Issue | None:
        params: dict[str, Any] = {"state": "all", "sort": "created", "direction": "desc", "per_page": PAGE}
        if since:
            params["since"] = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for page in range(1, PAGES + 1):
            rows = self._ask("GET", self._room, {**params, "page": page}).rows
            for each in rows:
                if mark in str(each.get("body")) and "pull_request" not in each:
                    return Issue(int(each["number"]), str(each.get("html_url") or ""), new=False)
            if len(rows) < PAGE:
                break
        return None

    def _ask(self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None) -> HttpAnswer:
        answer = self._wire.ask(method, path, params, body)
        if answer.status < 300 and answer.body is not None:
            return answer
        said = str(answer.fields.get("message") or answer.status)[:200].rstrip(".")
        headers = answer.headers
        match answer.status:
            case 403 | 429 if "retry-after" in headers:
                raise self._wire.pause(headers["retry-after"], PAUSE)
            case 403 | 429 if headers.get("x-ratelimit-remaining") == "0":
                raise self._wire.pause(_until(headers.get("x-ratelimit-reset", "")), PAUSE)
            case 429:
                raise self._wire.pause("", PAUSE)
            case 401:
                raise Refused("GitHub does not accept my token: whoever runs Firewatch must set GITHUB_TOKEN anew.")
            case 403:
                raise Refused(f"GitHub does not allow me that in {self._repository} ({said}).")
            case 404:
                raise Gone(f"GitHub shows me no repository {self._repository}: it is misspelt, or not for my token.")
            case 410:
                raise Gone(f"{self._repository} keeps no issues: they are switched off there.")
            case _:
                errors = [each for each in answer.fields.get("errors") or () if isinstance(each, Mapping)]
                fields = ", ".join(f"{each.get('field')} {each.get('code')}" for each in errors)
                raise Refused(f"GitHub refused: {said}{f' ({fields})' if fields else ''}.")


def _until(moment: str) -> float | str:
    """Seconds until a time in seconds since 1970."""
    return float(moment) - time.time() if moment.isdecimal() else ""
