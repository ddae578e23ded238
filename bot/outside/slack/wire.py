"""The border to slack_sdk: clients without retries of their own, and its errors → SlackRefused and Later."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web import WebClient
from slack_sdk.webhook import WebhookClient

from bot.domain.errors import Later, Paused
from bot.outside.slack.errors import PAUSE, RATE_LIMITED, SOON, TROUBLED, refused

# The SDK logs every lost connection as an error and, at its loudest, what is said; here the first is a Later.
_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.CRITICAL)


class RateLimited(Paused):
    """Slack itself says how long to wait."""


SLACK: Final = "https://slack.com/api/"
TIMEOUT: Final = 10
"""Seconds for one call."""


def web_client(token: str, api_url: str = "") -> WebClient:
    """A client without retries of its own; ``api_url`` is where another Slack than Slack's own is."""
    client = WebClient(token, base_url=api_url or SLACK, timeout=TIMEOUT, retry_handlers=[], logger=_quiet)
    if unproxied(client.base_url):
        client.proxy = None
    return client


def unproxied(url: str) -> bool:
    """Loopback and what ``NO_PROXY`` names. The SDK itself would send everything through ``HTTPS_PROXY``."""
    host = urlsplit(url).hostname or ""
    return host in ("127.0.0.1", "::1", "localhost") or bool(proxy_bypass(host))


def webhook_client(url: str) -> WebhookClient:
    """For one response_url."""
    client = WebhookClient(url, timeout=TIMEOUT, retry_handlers=[], logger=_quiet)
    if unproxied(url):
        client.proxy = None
    return client


@contextmanager
def translated(method: str, channel: str = "") -> Iterator[None]:
    """The SDK's errors → SlackRefused and Later."""
    try:
        yield
    except SlackApiError as error:
        answer = error.response
        data = answer.data if isinstance(answer.data, dict) else {"error": "no object"}
        check(method, channel, answer.status_code, answer.headers, {**data, "ok": False})
    except HTTPError as error:  # an upload's: the SDK hands it on as it came
        with error:
            check(method, channel, error.code, error.headers, {"ok": False, "error": "upload_failed"})
    except (OSError, HTTPException, SlackRequestError, UnicodeError) as lost:
        raise Later(SOON, f"I could not reach Slack (`{method}`): {type(lost).__name__}") from lost


def check(method: str, channel: str, status: int, headers: Any, answer: Mapping[str, Any]) -> None:
    """Raises what an answer means, if it is not a yes."""
    said = str(answer.get("error") or "")
    # A page of HTML, say, comes from what is not Slack at all.
    foreign = bool(said) and not re.fullmatch(r"[\w.:-]{1,80}", said)
    code = said if said and not foreign else f"http_{status}"
    if status == 429 or code in RATE_LIMITED:
        seconds = _seconds(headers)
        raise RateLimited(seconds, f"Slack asks for a pause of {seconds:g} s (`{method}`)")
    if status >= 500 or code in TROUBLED:
        raise Later(SOON, f"Slack is in trouble (`{method}`: `{code if status < 500 else status}`)")
    if not answer.get("ok") and foreign and status < 300:
        raise Later(SOON, f"What answers in Slack's place is something else (`{method}`)")
    if not answer.get("ok"):
        raise refused(code, method, channel, answer)


def _seconds(headers: Any) -> float:
    """What Retry-After says; PAUSE when it says nothing."""
    value = {str(name).lower(): str(value) for name, value in headers.items()}.get("retry-after")
    try:
        return max(0.0, float(value)) or 1.0 if value else PAUSE
    except ValueError:
        return PAUSE


def loose_json(body: str) -> dict[str, Any]:
    """The object in a body; {} where there is none ("ok"), its word as the error where it is a bare one."""
    try:
        data = json.loads(body)
    except ValueError:
        return {"error": body.strip()[:80]} if body.strip() not in ("", "ok") else {}
    return data if isinstance(data, dict) else {}
