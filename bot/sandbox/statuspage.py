"""A status page on loopback, as strict as Atlassian Statuspage: key, fields, and 60 requests a minute at most."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from starlette.responses import JSONResponse, Response

from bot.sandbox.serving import Asked, Json, Loopback, Refusal

STATUSES: Final = ("investigating", "identified", "monitoring", "resolved")
IMPACTS: Final = ("none", "maintenance", "minor", "major", "critical")
COMPONENTS: Final = (
    "operational",
    "under_maintenance",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "",
)
KNOWN: Final = {
    *("name", "status", "body", "impact_override", "metadata", "deliver_notifications", "components", "component_ids"),
    *("reminder_intervals", "backfilled", "backfill_date", "auto_tweet_on_creation", "scheduled_for"),
}
PER_MINUTE: Final = 60


@dataclass(slots=True)
class Update:
    id: str
    status: str
    body: str
    at: str
    notified: bool


@dataclass(slots=True)
class PublicIncident:
    """What customers see."""

    id: str
    name: str
    status: str
    at: str
    impact: str = "none"
    metadata: Json = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    updates: list[Update] = field(default_factory=list)
    """Oldest first."""


class StatuspageSandbox(Loopback):
    """``with StatuspageSandbox() as page:``; the bot is given ``api_url``, ``api_key`` and ``page_id``."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.time,
        port: int = 0,
        api_key: str = "",
        rate_limits: Literal["real", "off"] = "real",
    ) -> None:
        super().__init__(now, port)
        self.api_key = api_key or secrets.token_hex(32)
        self.page_id = "reposterpage"
        self.rate_limits = rate_limits
        self.incidents: dict[str, PublicIncident] = {}
        self.components = {"cmpuploads": "operational", "cmpsyncing": "operational"}
        self._asked: deque[float] = deque()

    def environment(self) -> dict[str, str]:
        return {
            "STATUSPAGE_API_KEY": self.api_key,
            "STATUSPAGE_PAGE_ID": self.page_id,
            "STATUSPAGE_API_URL": self.api_url,
        }

    def limited(self, seconds: int) -> Refusal:
        return Refusal(420, {"error": "Rate limit exceeded"}, {"Retry-After": str(seconds)})

    def answer(self, asked: Asked) -> Response:
        if asked.headers.get("authorization") != f"OAuth {self.api_key}":
            raise Refusal(401, {"error": "Could not authenticate"})
        self._count()
        root, _, rest = asked.path.partition("/incidents")
        if root != f"/v1/pages/{self.page_id}":
            raise Refusal(404, {"error": "Not found"})
        match asked.method, rest:
            case "GET", "":
                return JSONResponse([self._shape(each) for each in self._page(asked)])
            case "POST", "":
                return JSONResponse(self._shape(self._create(_given(asked))), 201)
        incident = self.incidents.get(rest.removeprefix("/"))
        if incident is None:
            raise Refusal(404, {"error": "Not found"})
        match asked.method:
            case "GET":
                return JSONResponse(self._shape(incident))
            case "PATCH" | "PUT":
                self._change(incident, _given(asked))
                return JSONResponse(self._shape(incident))
        raise Refusal(405, {"error": "Method not allowed"})

    def _count(self) -> None:
        now = self.now()
        while self._asked and self._asked[0] <= now - 60:
            self._asked.popleft()
        if self.rate_limits == "real" and len(self._asked) >= PER_MINUTE:
            raise self.limited(max(1, int(self._asked[0] + 60 - now)))
        self._asked.append(now)

    def _page(self, asked: Asked) -> list[PublicIncident]:
        unknown = set(asked.query) - {"q", "limit", "page"}
        limit, page = _whole(asked, "limit", 100), _whole(asked, "page", 1)
        if unknown or not 1 <= limit <= 100 or page < 1:
            raise Refusal(400, {"error": "Bad request"})
        newest = list(reversed(self.incidents.values()))
        return newest[(page - 1) * limit : page * limit]

    def _create(self, given: Json) -> PublicIncident:
        if not str(given.get("name", "")).strip():
            raise Refusal(422, {"error": ["Name can't be blank"]})
        _checked(given, self.components)
        incident = PublicIncident(
            secrets.token_hex(6),
            given["name"],
            given.get("status", "investigating"),
            self._at(),
            given.get("impact_override", "none"),
            given.get("metadata", {}),
        )
        self.incidents[incident.id] = incident
        self._apply(incident, given)
        return incident

    def _change(self, incident: PublicIncident, given: Json) -> None:
        _checked(given, self.components)
        incident.name = given.get("name", incident.name)
        incident.status = given.get("status", incident.status)
        incident.impact = given.get("impact_override", incident.impact)
        incident.metadata = given.get("metadata", incident.metadata)
        self._apply(incident, given)

    def _apply(self, incident: PublicIncident, given: Json) -> None:
        incident.components |= given.get("components", {})
        self.components |= given.get("components", {})
        if given.get("body"):
            notified = bool(given.get("deliver_notifications", True))
            update = Update(secrets.token_hex(6), incident.status, given["body"], self._at(), notified)
            incident.updates.append(update)

    def _at(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _shape(self, one: PublicIncident) -> Json:
        updates = [
            {
                "id": each.id,
                "incident_id": one.id,
                "status": each.status,
                "body": each.body,
                "created_at": each.at,
                "deliver_notifications": each.notified,
            }
            for each in reversed(one.updates)
        ]
        return {
            "id": one.id,
            "name": one.name,
            "status": one.status,
            "impact": one.impact,
            "page_id": self.page_id,
            "metadata": one.metadata,
            "shortlink": f"http://stspg.example/{one.id}",
            "created_at": one.at,
            "incident_updates": updates,
        }


def _given(asked: Asked) -> Json:
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal(415, {"error": "Send JSON, and say so"})
    given = asked.body.get("incident") if isinstance(asked.body, dict) else None
    if not isinstance(given, dict) or set(given) - KNOWN:
        raise Refusal(400, {"error": "incident is missing, or holds what is not known"})
    return given


def _checked(given: Json, components: dict[str, str]) -> None:
    wrong = []
    if len(str(given.get("name", ""))) > 255:
        wrong.append("Name is too long (maximum is 255 characters)")
    if len(str(given.get("body", ""))) > 25_000:
        wrong.append("Body is too long (maximum is 25000 characters)")
    if given.get("status", STATUSES[0]) not in STATUSES:
        wrong.append("Status is not included in the list")
    if given.get("impact_override", "none") not in IMPACTS:
        wrong.append("Impact override is not included in the list")
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(each, dict) for each in metadata.values()):
        wrong.append("Metadata: all top-level values must be objects")
    named: dict[str, Any] = given.get("components", {})
    if set(named) - set(components) or any(each not in COMPONENTS for each in named.values()):
        wrong.append("Components is invalid")
    if wrong:
        raise Refusal(422, {"error": wrong})


def _whole(asked: Asked, name: str, default: int) -> int:
    given = (asked.query.get(name) or [str(default)])[-1]
    return int(given) if given.isdecimal() else 0


FAR_END = StatuspageSandbox
