"""PagerDuty's door: webhooks (v3) and polling, which end in the same sentences.

    /alert triggered Q1AB2CD3EF4GH5          /alert annotated Q1AB2CD3EF4GH5 PNOTE01

A sentence names the alert and what became of it, nothing else: who did it, and how things are by now, is read from
PagerDuty when the sentence is attended to, because webhooks come late, twice, or not at all.

The id of a Call is made of the alert, the state it went to and the second in which it did, which the webhook tells and
REST tells too: whichever comes first is taken, the other was taken before. Where a webhook's milliseconds and REST's
second disagree, the alert's own state makes the later sentence a harmless one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.call import Call, digest
from bot.outside.pagerduty.protocol import ACTOR, STALE, alert_call, transition
from bot.road.intake import Heard, WireAnswer

log = logging.getLogger(__name__)

ACCEPTED: Final = WireAnswer(202, "accepted\n")
FORGED: Final = WireAnswer(401, "the signature is not PagerDuty's\n")

VERBS: Final[Mapping[str, str]] = {
    "incident.triggered": "triggered",
    "incident.acknowledged": "acknowledged",
    "incident.unacknowledged": "unacknowledged",
    "incident.resolved": "resolved",
    "incident.reopened": "reopened",
    "incident.escalated": "escalated",
    "incident.reassigned": "reassigned",
    "incident.delegated": "reassigned",
    "incident.priority_updated": "prioritized",
    "incident.annotated": "annotated",
    "incident.responder.added": "responder",
    "incident.responder.replied": "responder",
}
"""Event type → the verb of the sentence. Of the others (``pagey.ping``, services, workflows) nothing is made."""

_POLLED: Final = ("triggered", "acknowledged", "unacknowledged", "resolved", "reopened")
_ID: Final = re.compile(r"[A-Z0-9]{4,40}")
_LARGEST_STAMP: Final = 40


class PagerDutyDoor:
    """``receive`` is a ``Receiver``. ``secrets``: one, or two with a comma between while it is rotated.

    ``services``: the PagerDuty ids of those in the catalogue; what happens to others is passed over.
    """

    def __init__(
        self,
        secrets: str,
        services: Collection[str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._secrets = [each.strip().encode() for each in secrets.split(",") if each.strip()]
        self._services = frozenset(services)
        self._now = now

    def receive(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """401 for what PagerDuty has not signed, else 202, whatever it is.

        PagerDuty drops what is answered with a 4xx, and after three in a row switches the subscription off for a day;
        what cannot be taken is answered with 503, and comes again.
        """
        if not signed_by_pagerduty(self._secrets, headers.get("x-pagerduty-signature", ""), body):
            log.warning("refused: the signature is not PagerDuty's", extra={"webhook": _short(headers)})
            return Heard(answer=FORGED)
        call, why = self._understood(body)
        if call is None:
            log.info("nothing to do for this webhook", extra={"webhook": _short(headers), "why": why})
            return Heard(answer=ACCEPTED)
        return Heard(call, ACCEPTED)

    def _understood(self, body: bytes) -> tuple[Call | None, str]:
        """The Call that a webhook makes, or why it makes none."""
        try:
            event = json.loads(body)["event"]
            kind, data = str(event["event_type"]), event["data"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None, "not a webhook of version 3"
        verb = VERBS.get(kind)
        if verb is None:
            return None, f"of the kind {kind[:60]}"
        if not isinstance(data, dict):
            return None, "without data"
        alert = data if data.get("type") == "incident" else data.get("incident")
        id = str(alert.get("id")) if isinstance(alert, dict) else ""
        if not _ID.fullmatch(id):
            return None, "without an incident"
        service = data.get("service")
        if isinstance(service, dict) and service.get("id") not in self._services:
            return None, f"of another service, {str(service.get('id'))[:40]}"
        now = self._now()
        occurred = _time(event.get("occurred_at")) or now
        if now - occurred > STALE:
            return None, f"stale: of {occurred.isoformat()}"
        return _call(verb, id, data, event, min(occurred, now)), ""


def _call(verb: str, id: str, data: Mapping[str, Any], event: Mapping[str, Any], occurred: datetime) -> Call:
    if verb == "triggered":
        return transition(id, verb, _time(data.get("created_at")) or occurred)
    if verb in _POLLED:
        return transition(id, verb, occurred)
    if verb == "annotated" and _ID.fullmatch(note := str(data.get("id"))):
        return alert_call(f"/alert annotated {id} {note}", digest(ACTOR, id, "annotated", note), occurred)
    return alert_call(f"/alert {verb} {id}", digest(ACTOR, id, verb, event.get("id") or occurred), occurred)


def signed_by_pagerduty(secrets: Sequence[bytes], header: str, body: bytes) -> bool:
    """Whether one of the ``v1=…`` signatures in the header is of one of the secrets. Compared in constant time."""
    given = [each.strip().encode("utf-8", "replace") for each in header.split(",")[:8]]
    found = False
    for secret in secrets:
        wanted = f"v1={hmac.new(secret, body, hashlib.sha256).hexdigest()}".encode()
        for signature in given:
            found |= hmac.compare_digest(wanted, signature)
    return found


def _time(text: object) -> datetime | None:
    try:
        then = datetime.fromisoformat(str(text)[:_LARGEST_STAMP])
    except ValueError:
        return None
    return then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)


def _short(headers: Mapping[str, str]) -> str:
    return headers.get("x-webhook-id", "")[:60]
