"""What PagerDuty answers when it does not do as it is asked → ``Refused``, ``Gone``, ``Unreachable``, ``Later``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.errors import Gone, Later, Refused, Unreachable
from bot.outside.pagerduty.shapes import Shape, text

PAUSE: Final = 30.0
"""Seconds to wait where PagerDuty says "too many" but not for how long; its limit of 960 is counted by the minute."""

_NO_PLAN: Final = re.compile(r"\babilit(?:y|ies)\b|\bplan\b|\bupgrade\b|not (?:enabled|available)", re.I)


class NotInPlan(Refused):
    """The account's plan or settings do not have this part of PagerDuty."""


def checked(response: Any, what: str) -> Shape:
    """The object in an answer of requests. Raises what any other answer means. ``what`` is missing when it is a 404."""
    status = int(response.status_code)
    try:
        body = response.json()
    except ValueError:
        body = None
    said = complaint(body)
    ending = f" ({said})" if said else ""
    if status < 300 and isinstance(body, Mapping):
        return body
    if status in (404, 405, 501):
        raise Gone(f"PagerDuty has no {what}.")
    if status >= 500 or status == 408:
        raise Unreachable(f"PagerDuty is in trouble: it answered {status}{ending}.")
    if status == 401:
        raise Refused("PagerDuty does not accept my key: whoever runs Firewatch must set PAGERDUTY_API_KEY anew.")
    if status == 402 or (status == 403 and _NO_PLAN.search(said)):
        raise NotInPlan(f"This PagerDuty account does not have that{ending}.")
    if status == 403:
        raise Refused(f"PagerDuty does not allow me that{ending}: my key may be for reading only.")
    if 400 <= status < 500:
        raise Refused(f"PagerDuty refused: {said or status}.")
    raise Unreachable(f"What answered {status} in PagerDuty's place is not PagerDuty.")


def too_many(headers: Mapping[str, str]) -> Later:
    """A 429: back when PagerDuty says, which is in ``ratelimit-reset`` (seconds)."""
    seconds = PAUSE
    for name in ("ratelimit-reset", "retry-after"):
        try:
            seconds = min(max(float(headers.get(name, "")), 1.0), 300.0)
            break
        except ValueError:
            continue
    return Later(seconds, f"PagerDuty asks for a pause of {seconds:g} s")


def timed_out(error: BaseException) -> bool:
    """Whether it was silence: a broken connection is noticed at once."""
    return isinstance(error, TimeoutError) or any(
        timed_out(each) or "Timeout" in type(each).__name__ for each in (error.__cause__, error.__context__) if each
    )


def unreached(error: BaseException) -> Unreachable:
    """No answer at all: what is at the bottom of it, in a word."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    name = type(error).__name__.removesuffix("Error").removesuffix("Exception")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    return Unreachable(f"I could not reach PagerDuty: {words or 'no answer'}.")


def complaint(body: object) -> str:
    """PagerDuty's own words in an error: its message and the errors below it; "" where it gives none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, str):
        return error[:300]
    if not isinstance(error, Mapping):
        return ""
    details = error.get("errors")
    if isinstance(details, Mapping):
        details = [f"{name}: {each}" for name, each in details.items()]
    said = [text(error, "message"), *(str(each) for each in details or ())]
    return "; ".join(each.rstrip(".") for each in said if each)[:300]
