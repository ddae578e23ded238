"""How the three platforms refuse a post: in their own words, with their own codes, as a worker's error would hold them.

Sources of codes and wording: the platforms' public error references, named beside each cause in the triage table.
Every token, cookie, signature and address here is made up; they have the shapes of real ones, so that masking is tried.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

DESTINATIONS: Final = ("instagram", "youtube", "twitter")


class PlatformFault(StrEnum):
    """What can be wrong with a destination, the one that shows first standing first."""

    DOWN = "platform-down"
    TIMEOUT = "time-out"
    TOKEN = "token-expired"
    RATE = "rate-limited"
    QUOTA = "quota-exceeded"
    MEDIA = "media-refused"


_HOSTS: Final = {
    "instagram": "graph.facebook.com",
    "youtube": "www.googleapis.com",
    "twitter": "api.x.com",
}
_UPLOADS: Final = {
    "instagram": "https://graph.facebook.com/v23.0/{account}/media_publish",
    "youtube": "https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id={token}",
    "twitter": "https://api.x.com/2/media/upload/{account}/append",
}
_HEX: Final = "0123456789abcdef"
_WORD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PEOPLE: Final = ("mia.keller", "j.okafor", "lena+social", "tom.brandt", "s.iqbal", "noor")
_CAPTIONS: Final = (
    "Behind the scenes of our spring drop",
    "Three ways to fold a fitted sheet <3",
    "Sunday market, 9 to 2 & coffee",
    "¿Listos? Sale el viernes",
    "Wait for the dog 🐕",
)


class PlatformError(Exception):
    """What the reposting worker raises when a platform says no."""


def failed_reason(destination: str, fault: PlatformFault, at: datetime, chance: random.Random) -> str:
    """The failed reason of one job: worded by the platform, with the ids, times and addresses that differ each time."""
    if fault is PlatformFault.DOWN:
        return f"HTTP 503 Service Unavailable from {_HOSTS[destination]} (request {_some(chance, _HEX, 16)})"
    if fault is PlatformFault.TIMEOUT:
        address = _UPLOADS[destination].format(account=_digits(chance), token=_some(chance, _WORD, 24))
        return f"ETIMEDOUT: POST {address} timed out after 30000 ms"
    if fault is PlatformFault.RATE and destination == "twitter":
        reset = int((at + timedelta(minutes=15)).timestamp())
        return (
            f"HTTP 429 Too Many Requests: POST /2/tweets for user {_digits(chance)}, x-rate-limit-remaining 0, "
            f"x-rate-limit-reset {reset}"
        )
    return {
        "instagram": _instagram,
        "youtube": _youtube,
        "twitter": _twitter,
    }[destination](fault, at, chance)


def _instagram(fault: PlatformFault, at: datetime, chance: random.Random) -> str:
    trace = f"fbtrace_id {_some(chance, _WORD, 23)}"
    if fault is PlatformFault.TOKEN:
        expired = at - timedelta(minutes=chance.randrange(5, 90))
        return (
            "OAuthException: Error validating access token: "
            f"Session has expired on {expired:%A, %d-%b-%y %H:%M:%S} UTC. "
            f"The current time is {at:%A, %d-%b-%y %H:%M:%S} UTC. (code 190, subcode 463, {trace})"
        )
    if fault is PlatformFault.QUOTA:
        return f"OAuthException: Application request limit reached (code 9, subcode 2207042, {trace})"
    if fault is PlatformFault.RATE:
        return f"OAuthException: User request limit reached (code 17, {trace})"
    return (
        "OAuthException: The video format is not supported. Please check spec for supported video format "
        f"(code 352, subcode 2207026, {trace})"
    )


def _youtube(fault: PlatformFault, at: datetime, chance: random.Random) -> str:
    if fault is PlatformFault.TOKEN:
        return "401 authError: Invalid Credentials (location Authorization)"
    if fault is PlatformFault.QUOTA:
        return (
            "403 quotaExceeded: The request cannot be completed because you have exceeded your quota. "
            f"(project {_digits(chance, 12)})"
        )
    if fault is PlatformFault.RATE:
        return f"403 rateLimitExceeded: Rate Limit Exceeded (domain usageLimits, channel UC{_some(chance, _WORD, 22)})"
    return f"400 invalidVideo: The request contains an invalid video (video {_some(chance, _WORD, 11)})"


def _twitter(fault: PlatformFault, at: datetime, chance: random.Random) -> str:
    if fault is PlatformFault.TOKEN:
        return "HTTP 401 Unauthorized: Unauthorized (https://api.x.com/2/tweets)"
    if fault is PlatformFault.QUOTA:
        return "HTTP 402 CreditsDepleted: Your enrolled account does not have any credits to fulfill this request."
    return f"InvalidMedia (code 324): media id {_digits(chance, 19)} processing_info.state=failed"


def stack(destination: str, failed_reason: str, chance: random.Random) -> str:
    """The stack of that failure in a Node worker."""
    client = destination.capitalize()
    line = chance.choice((118, 142, 201))
    return (
        f"PlatformError: {failed_reason}\n"
        f"    at {client}Client.publish (/app/dist/platforms/{destination}.js:{line}:{chance.randrange(9, 40)})\n"
        "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)\n"
        f"    at async dispatch (/app/dist/workers/repost.js:{line // 2}:18)\n"
        "    at async Worker.processJob (/app/node_modules/bullmq/dist/cjs/classes/worker.js:559:28)"
    )


def job_data(destination: str, at: datetime, chance: random.Random) -> dict[str, Any]:
    """What the producer put into one job: secrets and people's addresses among it, as jobs have them."""
    person = chance.choice(_PEOPLE)
    post = _digits(chance, 19)
    signed = (
        f"https://repost-media.s3.eu-central-1.amazonaws.com/tiktok/{post}.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential=AKIA{_some(chance, _WORD, 16).upper()}%2F{at:%Y%m%d}%2Feu-central-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date={at:%Y%m%dT%H%M%SZ}&X-Amz-Expires=3600&X-Amz-Signature={_some(chance, _HEX, 64)}"
    )
    token = {
        "instagram": f"EAAG{_some(chance, _WORD, 60)}",
        "youtube": f"ya29.a0{_some(chance, _WORD, 60)}",
        "twitter": f"{_some(chance, _WORD, 50)}:1:1:at:1",
    }[destination]
    return {
        "post": post,
        "source": {
            "platform": "tiktok",
            "url": f"https://www.tiktok.com/@{person.partition('.')[0]}/video/{post}",
            "cookies": f"sessionid={_some(chance, _HEX, 32)}; tt_csrf_token={_some(chance, _WORD, 24)}",
        },
        "destination": destination,
        "account": _digits(chance, 17),
        "accessToken": token,
        "media": {"url": signed, "bytes": chance.randrange(2_000_000, 90_000_000), "seconds": chance.randrange(6, 90)},
        "caption": chance.choice(_CAPTIONS),
        "requestedBy": f"{person}@example.com",
        "scheduledFor": at.astimezone(UTC).isoformat(timespec="seconds"),
    }


def _some(chance: random.Random, letters: str, length: int) -> str:
    return "".join(chance.choices(letters, k=length))


def _digits(chance: random.Random, length: int = 17) -> str:
    return str(chance.randrange(10 ** (length - 1), 10**length))
