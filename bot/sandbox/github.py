"""A GitHub on loopback, as far as issues go: create, list by pages, label; its token, its headers, its refusals."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from starlette.responses import JSONResponse, Response

from bot.sandbox.serving import Asked, Json, Loopback, Refusal

KNOWN: Final = {"title", "body", "labels", "assignees", "milestone", "type"}
LISTED: Final = {
    "state",
    "sort",
    "direction",
    "per_page",
    "page",
    "since",
    "labels",
    "creator",
    "milestone",
    "assignee",
}


@dataclass(slots=True)
class TrackedIssue:
    number: int
    title: str
    body: str
    labels: list[str]
    created: float


class GitHubSandbox(Loopback):
    """``with GitHubSandbox() as github:``; the bot is given ``api_url``, ``token`` and ``repository``."""

    def __init__(self, *, now: Callable[[], float] = time.time, port: int = 0, token: str = "") -> None:
        super().__init__(now, port)
        self.token = token or f"ghp_{secrets.token_hex(18)}"
        self.repository = "reposter/repost"
        self.has_issues = True
        self.issues: list[TrackedIssue] = []

    def environment(self) -> dict[str, str]:
        return {"GITHUB_TOKEN": self.token, "GITHUB_REPOSITORY": self.repository, "GITHUB_API_URL": self.api_url}

    def limited(self, seconds: int) -> Refusal:
        """As GitHub's primary limit: a 403 that tells when, and not for how long."""
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
        return Refusal(403, {"message": "API rate limit exceeded"}, headers)

    def answer(self, asked: Asked) -> Response:
        if not asked.headers.get("user-agent"):
            raise Refusal(403, "Request forbidden by administrative rules: a User-Agent is needed")
        if asked.headers.get("authorization") not in (f"Bearer {self.token}", f"token {self.token}"):
            raise Refusal(401, {"message": "Bad credentials"})
        if asked.path != f"/repos/{self.repository}/issues":
            raise Refusal(404, {"message": "Not Found"})
        if not self.has_issues:
            raise Refusal(410, {"message": "Issues are disabled for this repo"})
        if asked.method == "GET":
            return JSONResponse([self._shape(each) for each in self._listed(asked)])
        if asked.method == "POST":
            return JSONResponse(self._shape(self._create(asked.body)), 201)
        raise Refusal(404, {"message": "Not Found"})

    def _create(self, given: object) -> TrackedIssue:
        if not isinstance(given, dict):
            raise Refusal(400, {"message": "Problems parsing JSON"})
        wrong = [
            {"resource": "Issue", "field": name, "code": "invalid"}
            for name, bad in {
                "title": not str(given.get("title") or "").strip() or len(str(given["title"])) > 256,
                "body": len(str(given.get("body") or "")) > 65_536,
                "labels": not isinstance(given.get("labels", []), list),
                **dict.fromkeys(set(given) - KNOWN, True),
            }.items()
            if bad
        ]
        if wrong:
            raise Refusal(422, {"message": "Validation Failed", "errors": wrong})
        labels = [str(each) for each in given.get("labels", [])]
        issue = TrackedIssue(len(self.issues) + 1, given["title"], str(given.get("body") or ""), labels, self.now())
        self.issues.append(issue)
        return issue

    def _listed(self, asked: Asked) -> list[TrackedIssue]:
        def said(name: str, default: str) -> str:
            return (asked.query.get(name) or [default])[-1]

        size, page = int(said("per_page", "30")), int(said("page", "1"))
        if set(asked.query) - LISTED or said("state", "open") not in ("open", "closed", "all"):
            raise Refusal(422, {"message": "Validation Failed"})
        since = said("since", "")
        if since and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", since):
            raise Refusal(422, {"message": "Validation Failed"})
        earliest = datetime.fromisoformat(since).timestamp() if since else 0.0
        found = [each for each in self.issues if each.created >= earliest]
        found.sort(key=lambda each: each.number, reverse=said("direction", "desc") == "desc")
        size = min(size, 100)
        return found[(page - 1) * size : page * size]

    def _shape(self, one: TrackedIssue) -> Json:
        return {
            "id": 1000 + one.number,
            "number": one.number,
            "title": one.title,
            "body": one.body,
            "state": "open",
            "labels": [{"name": each} for each in one.labels],
            "html_url": f"https://github.example/{self.repository}/issues/{one.number}",
            "created_at": datetime.fromtimestamp(one.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


FAR_END = GitHubSandbox
