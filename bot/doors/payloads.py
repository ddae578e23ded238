"""What Slack delivers → Call: typed, pressed, filled in, pinned; nothing here knows Bolt, HTTP or sockets.

Each function reads one kind of payload and takes nothing for granted: what is missing is "", what is unknown becomes a
sentence that the bot does not know, so that whoever pressed it is told so. The id of a Call is a digest of what Slack
sends with each delivery of the same thing, however often and by whichever road it is delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from bot.domain.action import ACTIONS, Action, Incomplete
from bot.domain.call import Call, digest
from bot.domain.errors import Misworded, Refused
from bot.domain.grammar import parse
from bot.domain.parameters import User, written
from bot.domain.tokens import delivered, literal

Payload = Mapping[str, Any]

SAY: Final = "say:"
"""Begins the action_id of every button and select whose value is a sentence."""

PINS: Final = frozenset({"pushpin", "round_pushpin"})
ADD_TO_TIMELINE: Final = "add_to_timeline"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A form that does not hold: block_id → the sentence that stands under that field."""

    errors: Mapping[str, str]


def time_from_stamp(stamp: object, now: datetime) -> datetime:
    """A Slack ``ts`` (seconds, as a word or a number) → datetime; ``now`` where there is none."""
    try:
        return datetime.fromtimestamp(float(str(stamp)), UTC)
    except (ValueError, OverflowError, OSError):
        return now


def command(body: Payload, now: datetime) -> Call:
    """A typed command → the sentence. Slack does not say when it was typed."""
    text = f"/{_known(_word(body, 'command').removeprefix('/'))} {delivered(_word(body, 'text'))}".strip()
    # Without these nothing tells one delivery from the next: then each is a command of its own.
    told = f"{_word(body, 'trigger_id')} {_word(body, 'response_url')}".strip() or now.isoformat()
    return Call(
        id=digest("command", told, body.get("user_id"), body.get("channel_id"), text),
        actor=_word(body, "user_id"),
        channel=_word(body, "channel_id"),
        channel_name=_word(body, "channel_name"),
        text=text,
        at=now,
        trigger=_word(body, "trigger_id"),
        response_url=_word(body, "response_url"),
    )


def _known(name: str) -> str:
    """``jobs``, and ``fw-jobs`` too: where another app has the bare names, the manifest puts something before them.

    Slack delivers an app's own commands only, so whatever stands before a known name is that.
    """
    nouns = {each.noun.removeprefix("/") for each in ACTIONS.values() if not each.hidden}
    return name if name in nouns else max((noun for noun in nouns if name.endswith(noun)), key=len, default=name)


def press(body: Payload, now: datetime) -> Call | None:
    """A button pressed or an option chosen; None for a button that only opens a link."""
    actions = body.get("actions")
    pressed = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], dict) else {}
    said = str(pressed.get("action_id") or "")
    sentence = chosen(pressed)
    if pressed.get("type") == "button" and (pressed.get("url") or (said.startswith(SAY) and not sentence)):
        return None
    if said.startswith(SAY) and not sentence:
        return None  # a select that was emptied
    container, message, view = _part(body, "container"), _part(body, "message"), _part(body, "view")
    meta, channel = metadata(view), _part(body, "channel")
    ts = _word(message, "ts") or _word(container, "message_ts")
    thread = _word(message, "thread_ts") or _word(container, "thread_ts")
    stamp = pressed.get("action_ts") or body.get("action_ts")
    return Call(
        id=digest("press", body.get("trigger_id"), stamp, _part(body, "user").get("id"), said, sentence),
        actor=_word(_part(body, "user"), "id"),
        channel=_word(channel, "id") or _word(container, "channel_id") or meta.channel,
        channel_name=_word(channel, "name") or meta.channel_name,
        text=sentence if said.startswith(SAY) else "/unknown button",
        at=time_from_stamp(stamp, now),
        incident=meta.incident,
        # The head of a thread belongs to the channel, and so does what is pressed on it.
        thread=thread if thread != ts else "",
        # An ephemeral message cannot be edited through its ts.
        message="" if container.get("is_ephemeral") else ts,
        trigger=_word(body, "trigger_id"),
        response_url=_word(body, "response_url"),
        pressed=True,
    )


def shortcut(body: Payload, now: datetime) -> Call:
    """``Add to timeline`` on a message, in a thread or not → ``/incident keep CHANNEL TS``."""
    message, channel = _part(body, "message"), _part(body, "channel")
    ts, where = _word(message, "ts") or _word(body, "message_ts"), _word(channel, "id")
    known = body.get("callback_id") == ADD_TO_TIMELINE and bool(ts and where)
    thread = _word(message, "thread_ts")
    return Call(
        id=digest("shortcut", body.get("trigger_id"), body.get("action_ts"), body.get("callback_id"), where, ts),
        actor=_word(_part(body, "user"), "id"),
        channel=where,
        channel_name=_word(channel, "name"),
        text=keep(where, ts) if known else "/unknown shortcut",
        at=time_from_stamp(body.get("action_ts"), now),
        thread=thread if thread != ts else "",
        message=ts,
        trigger=_word(body, "trigger_id"),
        response_url=_word(body, "response_url"),
    )


def keep(channel: str, ts: str) -> str:
    return f"/incident keep {channel} {ts}"


def event(body: Payload, now: datetime) -> Call | None:
    """A 📌 on a message, or the home tab opened; None for all else, and for what the bot itself did."""
    happened = _part(body, "event")
    user = _word(happened, "user")
    if not user or user in _myself(body):
        return None
    id = digest("event", body.get("event_id") or json.dumps(happened, sort_keys=True))
    at = time_from_stamp(happened.get("event_ts") or body.get("event_time"), now)
    item = _part(happened, "item")
    match happened.get("type"):
        case "reaction_added" if happened.get("reaction") in PINS and item.get("type") == "message":
            channel, ts = _word(item, "channel"), _word(item, "ts")
            return Call(id, user, channel, keep(channel, ts), at, message=ts, quiet=True)
        case "app_home_opened" if happened.get("tab", "home") == "home":
            return Call(id, user, _word(happened, "channel"), "/home", at)
    return None


def _myself(body: Payload) -> set[str]:
    """The bot's own user, as each event names it."""
    known = body.get("authorizations")
    found = known if isinstance(known, list) else []
    return {str(each.get("user_id")) for each in found if isinstance(each, dict) and each.get("is_bot")}


# ---------------------------------------------------------------- forms


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a form remembers while it is filled in: where it was opened, and the words already said."""

    channel: str = ""
    channel_name: str = ""
    thread: str = ""
    text: str = ""
    incident: int | None = None


def metadata(view: Payload) -> Metadata:
    """``private_metadata``: JSON with the fields of Metadata; anything else is taken for the text."""
    said = _word(view, "private_metadata")
    try:
        data = json.loads(said) if said.startswith("{") else {"text": said}
    except ValueError:
        return Metadata(text=said)
    number = data.get("incident")
    return Metadata(
        _word(data, "channel"),
        _word(data, "channel_name"),
        _word(data, "thread"),
        _word(data, "text"),
        int(number) if isinstance(number, int) or (isinstance(number, str) and number.isdecimal()) else None,
    )


def submission(body: Payload, now: datetime) -> Call | Wrong:
    """A form sent off → the sentence that its fields complete, or what is wrong with which field.

    The form's callback_id names the action; words said before it was opened are kept where no field says otherwise.
    """
    view = _part(body, "view")
    meta = metadata(view)
    try:
        text = _completed(_word(view, "callback_id"), meta.text, _fields(view), first_block(body), now)
    except _Unfit as unfit:
        return Wrong({unfit.block: unfit.sentence})
    urls = body.get("response_urls")
    url = urls[0] if isinstance(urls, list) and urls and isinstance(urls[0], dict) else {}
    # A form sent off twice by a double press keeps id and hash; one sent again after an error was never taken.
    sent = (view.get("id"), view.get("hash")) if view.get("id") else (body.get("trigger_id"),)
    return Call(
        id=digest("form", *sent, _part(body, "user").get("id"), text),
        actor=_word(_part(body, "user"), "id"),
        channel=meta.channel or _word(url, "channel_id"),
        channel_name=meta.channel_name,
        text=text,
        at=now,
        incident=meta.incident,
        thread=meta.thread,
        trigger=_word(body, "trigger_id"),
        response_url=_word(url, "response_url"),
    )


def first_block(body: Payload) -> str:
    """The block_id of a form's first field: where an error stands that belongs to none."""
    view = _part(body, "view")
    listed = view.get("blocks")
    inputs = [
        str(block.get("block_id"))
        for block in (listed if isinstance(listed, list) else ())
        if isinstance(block, dict) and block.get("type") == "input"
    ]
    return next(iter([*inputs, *_part(_part(view, "state"), "values")]), "form")


class _Unfit(Exception):
    def __init__(self, block: str, sentence: str) -> None:
        super().__init__(sentence)
        self.block, self.sentence = block, without_marks(sentence)


Field = tuple[str, str, str]
"""block_id, name, what was filled in."""


def _completed(callback: str, said: str, fields: list[Field], first: str, now: datetime) -> str:
    action, given, incident = _begun(callback, said, now)
    if action is None:
        raise _Unfit(first, "This form is from an older version of me. Close it and open it again.")
    blocks: dict[str, str] = {}
    words: dict[str, str | bool] = dict(given)
    for block, name, word in fields:
        parameter = next((each for each in action.parameters if each.name == name.replace("-", "_")), None)
        if parameter is None:
            continue
        blocks[parameter.name] = block
        # A field's text comes unescaped: a mention that is typed there is none, but where a person is asked for.
        words[parameter.name] = (
            word not in ("", "no") if parameter.flag else word if parameter.type is User else literal(word)
        )
    values: dict[str, Any] = {}
    for parameter in action.parameters:
        given_word = words.get(parameter.name)
        if isinstance(given_word, bool):
            values[parameter.name] = given_word
        elif given_word:
            try:
                values[parameter.name] = parameter.read(given_word, now)
            except Refused as no:
                raise _Unfit(blocks.get(parameter.name, first), no.sentence) from no
        elif parameter.required:
            raise _Unfit(blocks.get(parameter.name, first), f"{action.name} needs `{parameter.name.upper()}`.")
    text = action.sentence(incident, **values)
    try:
        parse(text, now)
    except Incomplete as lacking:
        raise _Unfit(blocks.get(lacking.missing[0], first), lacking.sentence) from lacking
    except Misworded as wrong:
        raise _Unfit(first, wrong.sentence or "That cannot be read.") from wrong
    return text


def _begun(callback: str, said: str, now: datetime) -> tuple[Action | None, dict[str, str | bool], int | None]:
    """The action a form is for, the words said before it was opened, and the incident that it is about."""
    given: dict[str, str | bool]
    try:
        action, values, incident = parse(said or callback, now)
        given = {
            name: value if isinstance(value, bool) else written(action.parameter(name).type, value)
            for name, value in values.items()
        }
    except Incomplete as begun:
        action, given, incident = begun.action, dict(begun.given), begun.incident
    except Misworded:
        return ACTIONS.get(callback), {}, None
    if callback in ACTIONS and ACTIONS[callback] is not action:
        return ACTIONS[callback], {}, incident
    return action, given, incident


def _fields(view: Payload) -> list[Field]:
    """Every field of ``state.values`` that was filled in, under its own name."""
    state = _part(_part(view, "state"), "values")
    found = []
    for block, elements in state.items():
        for name, element in elements.items() if isinstance(elements, dict) else ():
            if isinstance(element, dict):
                # A block named after a parameter may leave its element's name to Slack, which makes one up.
                found.append((block, name if re.fullmatch(r"[a-z][a-z_-]*", name) else block, chosen(element)))
    return found


_SINGLE = ("value", "selected_user", "selected_conversation", "selected_channel", "selected_date", "selected_time")
_SEVERAL = ("selected_users", "selected_conversations", "selected_channels")


def chosen(element: Payload) -> str:
    """What an element holds, as one word; "" when nothing."""
    for key in _SINGLE:
        if element.get(key):
            return str(element[key])
    if isinstance(option := element.get("selected_option"), dict):
        return str(option.get("value") or "")
    if isinstance(options := element.get("selected_options"), list):
        return ",".join(str(each.get("value")) for each in options if isinstance(each, dict))
    for key in _SEVERAL:
        if isinstance(several := element.get(key), list):
            return ",".join(str(each) for each in several)
    if element.get("selected_date_time"):
        return datetime.fromtimestamp(int(element["selected_date_time"]), UTC).isoformat()
    return ""


def without_marks(sentence: str) -> str:
    """Errors in a form are plain text: no marks."""
    return sentence.replace("`", "").replace("*", "")


def _word(payload: Payload, name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _part(payload: Payload, name: str) -> Payload:
    value = payload.get(name)
    return value if isinstance(value, dict) else {}
