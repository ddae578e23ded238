"""The wire as rows: what Slack delivered to the bot and how soon it was acknowledged, and every call the bot made."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from bot.sandbox.page.markup import seconds_tag
from bot.sandbox.slack.feed import Change, Feed
from bot.sandbox.slack.traffic import Delivery, LoggedCall

Json = dict[str, Any]

ROWS: Final = 60
KINDS: Final = ("call", "delivery", "delivered")
QUIET: Final = frozenset({"auth.test"})
"""The bot asks this whenever it is asked whether it is ready; it is news only when it fails."""

LONG: Final = 20_000

_SECRET = re.compile(r"(token|secret|trigger_id|response_url|upload_url|signature)", re.I)


def recent(feed: Feed) -> list[Json]:
    """The last rows, oldest first."""
    found: dict[str, Json] = {}
    for change in feed.since(0)[-10 * ROWS :]:
        if (made := row(change)) is not None:
            found[made["number"]] = made
    return list(found.values())[-ROWS:]


def row(change: Change) -> Json | None:
    """The line of a change on the wire; None for changes that are not on it."""
    match change.kind:
        case "call":
            call: LoggedCall = change.data["call"]
            if call.ok and call.method in QUIET:
                return None
            took = f"{call.ms:.0f} ms" if call.ok else call.error or f"HTTP {call.status}"
            return {
                "number": f"c{change.number}",
                "order": f"{change.at:.6f}",
                "way": "out",
                "what": call.method,
                "took": took,
                "bad": not call.ok,
                "at": seconds_tag(change.at),
            }
        case "delivery" | "delivered":
            sent: Delivery = change.data["delivery"]
            number = f"d{round(sent.at * 1_000_000)}"
            return {
                "number": number,
                "order": f"{sent.at:.6f}",
                "way": "in",
                "what": said(sent),
                "took": _took(sent),
                "bad": sent.done and not sent.acked,
                "at": seconds_tag(sent.at),
            }
    return None


def _took(sent: Delivery) -> str:
    if sent.latency is not None:
        tries = f", try {len(sent.attempts)}" if len(sent.attempts) > 1 else ""
        return f"acknowledged in {sent.latency * 1000:.0f} ms{tries}"
    if sent.error:
        return f"not taken: {sent.error}"
    return "on its way"


def said(sent: Delivery) -> str:
    """What it is, in the words of whoever did it."""
    body = sent.payload
    if sent.kind == "command":
        return f"{body.get('command', '')} {body.get('text', '')}".strip()
    if sent.kind == "event":
        return f"event {(body.get('event') or {}).get('type', '')}"
    match body.get("type"):
        case "block_actions":
            pressed = (body.get("actions") or [{}])[0]
            label = (pressed.get("text") or {}).get("text") or pressed.get("action_id", "")
            return f"press [{label}]" if pressed.get("type") == "button" else f"choice in {label}"
        case "view_submission":
            return f"form “{body['view']['title']['text']}”"
        case kind:
            return str(kind or sent.kind).replace("_", " ")


def envelope(feed: Feed, number: str) -> list[Json] | None:
    """The whole of one row, in named parts; None when it is too long ago."""
    for change in reversed(feed.since(0)):
        made = row(change) if change.kind in KINDS else None
        if made is None or made["number"] != number:
            continue
        if change.kind == "call":
            call: LoggedCall = change.data["call"]
            return [_part("sent", dict(call.args)), _part(f"answered, HTTP {call.status}", dict(call.answer))]
        sent: Delivery = change.data["delivery"]
        tries = [
            {
                "transport": one.transport,
                **({"connection": one.connection} if one.connection else {}),
                **({"status": one.status} if one.status else {}),
                **({"ms": round(one.latency * 1000, 1)} if one.latency is not None else {}),
                **({"problem": one.problem} if one.problem else {}),
            }
            for one in sent.attempts
        ]
        answer = [_part("answered", sent.answer)] if sent.answer else []
        return [_part("tries", tries), _part("payload", sent.payload), *answer]
    return None


def _part(name: str, value: Any) -> Json:
    text = json.dumps(_masked(_unpacked(value)), indent=2, ensure_ascii=False)
    return {
        "name": name,
        "json": text if len(text) <= LONG else f"{text[:LONG]}\n… {len(text) - LONG:,} characters more",
    }


def _unpacked(value: Any) -> Any:
    """Arguments that hold JSON as text, as Slack's clients send them, unpacked."""
    if isinstance(value, dict):
        return {key: _unpacked(one) for key, one in value.items()}
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _masked(value: Any, name: str = "") -> Any:
    """Tokens and one-time addresses are worth nothing elsewhere; hidden, so that nobody learns to paste them."""
    if isinstance(value, dict):
        return {key: _masked(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, name) for one in value]
    if isinstance(value, str) and len(value) > 8 and _SECRET.search(name):
        return f"{value[:6]}…"
    return value
