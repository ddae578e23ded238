"""Evidence: what can be looked at while the phone rings. A further piece is one function

Each looks at one thing, changes nothing, and gives facts or None; whoever asks gives it a few seconds.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from datetime import timedelta
from typing import Any

from bot.domain.action import ACTIONS
from bot.domain.errors import FirewatchError
from bot.domain.incident import Incident
from bot.outside.queues.protocol import Queues
from bot.tools import Service, Tools

log = logging.getLogger(__name__)

Look = Callable[[Service, Tools], Mapping[str, Any] | None]

EVIDENCE: dict[str, Look] = {}

EVIDENCE_SECONDS = 3.0
"""How long each piece may take; all are gathered at once."""

SCANNED = 20_000
"""Failed jobs that are looked at, the latest hours' first: enough to know the causes."""


def evidence(name: str) -> Callable[[Look], Look]:
    """Make a function a piece of evidence of that name."""

    def add(look: Look) -> Look:
        EVIDENCE[name] = look
        return look

    return add


def gathered(incident: Incident, tools: Tools) -> list[dict[str, Any]]:
    """What can be seen while the phone rings: every piece at once, each within its time.

    A piece that fails, in whatever way, is named on the card; the card itself waits for none.
    """
    service = tools.catalogue.services.get(incident.service)
    if service is None:
        return []
    pool = ThreadPoolExecutor(len(EVIDENCE), "evidence")
    asked = {name: pool.submit(look, service, tools) for name, look in EVIDENCE.items()}
    until = time.monotonic() + EVIDENCE_SECONDS
    found = []
    for name, future in asked.items():
        missing, said = "", None
        try:
            said = future.result(max(0.0, until - time.monotonic()))
        except TooSlow:
            missing = f"no answer within {EVIDENCE_SECONDS:g} s"
        except FirewatchError as away:
            missing = str(away)[:200]
        except Exception:
            log.exception("evidence failed", extra={"evidence": name, "incident": incident.number})
            missing = "it failed on my side; the logs have it."
        if said or missing:
            found.append({"what": name, "facts": said or {}, "missing": missing})
    pool.shutdown(wait=False, cancel_futures=True)
    return found


def card_facts(incident: Incident, tools: Tools) -> dict[str, Any]:
    """The alert card: what, since when, the section of the runbook for it, the evidence, and what to press."""
    sections = tools.runbook.find(f"{incident.section} {incident.title}") if incident.title else []
    return {
        "number": incident.number,
        "title": incident.title,
        "severity": incident.severity,
        "service": incident.service,
        "state": incident.state,
        "since": (incident.alerted_at or incident.opened_at).timestamp(),
        "acknowledged_by": incident.acknowledged_by,
        "chapter": {"key": sections[0].key, "title": sections[0].title} if sections else None,
        "evidence": list(incident.evidence),
        "queue": _queue(incident, tools),
        "runbook": ACTIONS["/runbook"].sentence(words=sections[0].key if sections else None),
        "page": "/oncall page",
        "not_an_incident": ACTIONS["/incident dismiss"].sentence(),
    }


def _queue(incident: Incident, tools: Tools) -> dict[str, str] | None:
    service: Service | None = tools.catalogue.services.get(incident.service)
    if service is None or not service.queue:
        return None
    return {"name": service.queue, "failed": ACTIONS["/jobs failed"].sentence(queue=service.queue)}


@evidence("queue")
def queue(service: Service, tools: Tools) -> Mapping[str, Any] | None:
    """Depth, the oldest job, failures, workers."""
    if not service.queue:
        return None
    seen = tools.need(Queues).get(service.queue).status()
    return {
        "name": seen.name,
        "depth": seen.depth,
        "failed": seen.failed,
        "workers": seen.workers,
        "paused": seen.paused,
        "oldest": (tools.now - seen.oldest).total_seconds() if seen.oldest else None,
        "per_minute": round(seen.per_minute, 1),
    }


@evidence("causes")
def causes(service: Service, tools: Tools) -> Mapping[str, Any] | None:
    """The three commonest causes of the last two hours' failures."""
    if not service.queue:
        return None
    found: Counter[str] = Counter()
    known: dict[str, tuple[str, str]] = {}
    for page in tools.need(Queues).get(service.queue).ended("failed", tools.now - timedelta(hours=2)):
        for job in page:
            cause = tools.triage.cause(job.reason, job.name)
            known[cause.key] = (cause.title, cause.standing)
            found[cause.key] += 1
        if found.total() >= SCANNED:
            break
    if not found:
        return None
    top = [{"title": known[key][0], "retry": known[key][1], "count": count} for key, count in found.most_common(3)]
    return {"total": found.total(), "top": top}
