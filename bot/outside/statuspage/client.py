"""Atlassian Statuspage as ``StatusPage``.

Statuspage has no idempotency of its own: an incident carries the key that it was made for in its metadata, and is
looked for by that before another is made. Its limit is 60 requests within 60 seconds for each API key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from bot.domain.border import outgoing
from bot.domain.errors import Gone, Refused, Unreachable
from bot.outside.http import HttpAnswer, Wire
from bot.outside.patience import keyed
from bot.outside.statuspage.protocol import Impact, Posted, PublicStatus

API: Final = "https://api.statuspage.io"
NAME_MOST: Final = 255
BODY_MOST: Final = 25_000
"""Characters: both limits are those of Statuspage's published schema."""

PAUSE: Final = 10.0
"""Seconds to wait where a 420 or 429 does not say for how long."""

LOOKED_AT: Final = 100
"""How many of the latest incidents are searched for one of ours: one page."""

_OVER: Final = ("resolved", "postmortem", "completed")


class Statuspage:
    """``StatusPage`` for one page."""

    def __init__(self, api_key: str, page: str, api_url: str = API) -> None:
        address = (api_url or API).rstrip("/").removesuffix("/v1")
        self._wire = Wire("the status page", f"{address}/v1", {"Authorization": f"OAuth {api_key}"})
        self._room = f"/pages/{quote(page, safe='')}/incidents"

    def create(
        self,
        title: str,
        body: str,
        key: str,
        *,
        status: PublicStatus = "investigating",
        impact: Impact | None = None,
        components: Mapping[str, str] | None = None,
    ) -> Posted:
        mine = keyed("statuspage", key)
        for each in self._look(self._room, {"limit": LOOKED_AT, "page": 1}).rows:
            metadata = each.get("metadata")
            ours = metadata.get("firewatch") if isinstance(metadata, Mapping) else None
            if isinstance(ours, Mapping) and ours.get("key") == mine:
                return _posted(each, new=False)
        wanted: dict[str, Any] = {
            "name": _fit(" ".join(title.split()), NAME_MOST),
            "status": status,
            "body": _fit(body, BODY_MOST),
            "metadata": {"firewatch": {"key": mine}},
            "deliver_notifications": True,
        }
        if impact:
            wanted["impact_override"] = impact
        if components:
            wanted |= {"components": dict(components), "component_ids": list(components)}
        return _posted(self._ask("POST", self._room, body={"incident": wanted}).fields, new=True)

    def update(self, id: str, body: str, status: PublicStatus | None = None, reopen: bool = False) -> Posted:
        return self._say(id, body, status, reopen)

    def resolve(self, id: str, body: str) -> Posted:
        return self._say(id, body, "resolved")

    def look(self) -> None:
        self._ask("GET", self._room, {"limit": 1, "page": 1})

    def _say(self, id: str, body: str, status: PublicStatus | None, reopen: bool = False) -> Posted:
        path = f"{self._room}/{quote(id, safe='')}"
        now, text = self._look(path).fields, _fit(body, BODY_MOST)
        if status == "resolved" and now.get("status") in _OVER:
            return _posted(now, new=False)
        if reopen and now.get("status") in _OVER:
            status = "investigating"
        said = [each for each in now.get("incident_updates") or () if isinstance(each, Mapping)]
        last = max(said, key=lambda each: str(each.get("created_at")), default={})
        wanted = status or (_posted(now, new=False).status if now else None)
        if last.get("body") == text and last.get("status") == wanted:
            return _posted(now, new=False)
        change = {"body": text, "deliver_notifications": True} | ({"status": wanted} if wanted else {})
        return _posted({"id": id, **self._ask("PATCH", path, body={"incident": change}).fields}, new=True)

    def _look(self, path: str, params: Mapping[str, Any] | None = None) -> HttpAnswer:
        """What is there, so as to say nothing twice. Where looking is refused, what is to be said is said all the same.

        What is wrong with the key or the page, the saying itself will show.
        """
        try:
            return self._ask("GET", path, params)
        except Unreachable:
            raise
        except Refused:
            return HttpAnswer(404, None, {})

    def _ask(self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None) -> HttpAnswer:
        answer = self._wire.ask(method, path, params, body)
        if answer.status < 300 and answer.body is not None:
            return answer
        said = _complaint(answer.fields)
        match answer.status:
            case 420 | 429:
                raise self._wire.pause(answer.headers.get("retry-after", ""), PAUSE)
            case 401 | 403:
                raise Refused(
                    "The status page does not accept my key: whoever runs Firewatch must set STATUSPAGE_API_KEY anew."
                )
            case 404 if path == self._room:
                raise Gone("There is no such status page: whoever runs Firewatch must mend STATUSPAGE_PAGE_ID.")
            case 404:
                raise Gone("That incident is no longer on the status page.")
            case _:
                raise Refused(f"The status page refused: {said or answer.status}.")


def _posted(shape: Mapping[str, Any], *, new: bool) -> Posted:
    status = str(shape.get("status") or "investigating")
    known = ("investigating", "identified", "monitoring")
    public = cast(PublicStatus, status if status in known else "resolved")
    if not shape.get("id"):
        raise Refused("The status page took it, but did not say under which id: look at the page itself.")
    return Posted(str(shape["id"]), str(shape.get("shortlink") or ""), public, new)


def _fit(text: str, most: int) -> str:
    """What customers may read of a text, as long as the page takes it. All that is said there passes here."""
    text = outgoing(text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _complaint(body: Mapping[str, Any]) -> str:
    error = body.get("error")
    words = error if isinstance(error, list) else [error] if error else []
    return "; ".join(str(each).rstrip(".") for each in words)[:300]
