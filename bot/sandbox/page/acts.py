"""What a person does on the page: say, press, choose, fill in, mark. Each answers once the bot has taken it.

An answer has no body: the page is brought up to date by its stream. What went wrong is a toast, in the header
`HX-Trigger`; what was typed is cleared only by `fw:taken`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs

import redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.sandbox.page.routing import route
from bot.sandbox.page.session import Current, Session
from bot.sandbox.pagerduty.model import PagerDutyError
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.forms import NotPossible, elements
from bot.sandbox.slack.model import SlackError
from bot.sandbox.slack.people import Person
from bot.sandbox.slack.traffic import Delivery

Form = Mapping[str, Sequence[str]]
PersonalAct = Callable[[Session, Person, Request, Form], Response | None]
GeneralAct = Callable[[Session, Form], Response | None]

PATIENCE: Final = 4.0
"""Seconds until a delivery is over in any case: Slack waits three."""

TROUBLE: Final = {
    "dispatch_failed": "Firewatch is not there just now",
    "operation_timeout": "Firewatch did not answer within three seconds",
    "http_service_error": "Firewatch answered with an error",
    "http_client_error": "Firewatch did not accept that",
    "invalid_command_response": "Firewatch answered with something Slack cannot show",
}


class NotDone(Exception):
    """A sentence for the one who acted; nothing was done."""


def routes(current: Current) -> list[BaseRoute]:
    people = {
        "/in/{channel}/say": _say,
        "/in/{channel}/join": _join,
        "/press": _press,
        "/choose": _choose,
        "/submit": _submit,
        "/close": _close,
        "/react": _react,
        "/pin": _pin,
        "/shortcut": _shortcut,
        "/delete": _delete,
    }
    own = {
        "/pipeline/switch": _switch,
        "/pipeline/mend": _mend,
        "/pipeline/post": _post,
        "/oncall/trigger": _trigger,
        "/oncall/acknowledge": _acknowledge,
        "/oncall/resolve": _resolve,
        "/oncall/webhooks": _webhooks,
        "/oncall/clock": _clock,
        "/bot/start": _bot_start,
        "/bot/stop": _bot_stop,
        "/again": _again,
    }
    act = partial(route, method="POST", stands=current.stands)
    return [
        *(act(f"/as/{{person}}{path}", partial(_personal, current, act=done)) for path, done in people.items()),
        *(act(path, partial(_general, current, act=done)) for path, done in own.items()),
    ]


def _personal(current: Current, request: Request, *, act: PersonalAct) -> Response:
    session = current.now
    person = session.person(request.path_params["person"])
    return _answered(lambda form: act(session, person, request, form), request)


def _general(current: Current, request: Request, *, act: GeneralAct) -> Response:
    return _answered(lambda form: act(current.now, form), request)


def _answered(act: Callable[[Form], Response | None], request: Request) -> Response:
    try:
        return act(_form(request)) or told()
    except (NotDone, NotPossible) as no:
        return told(sentence(str(no)))
    except PagerDutyError as no:
        return told(sentence(no.message.capitalize()))
    except SlackError as no:
        return told(sentence(WORDS.get(no.error, no.error.replace("_", " "))))


WORDS: Final = {
    "message_not_found": "that message is not there any more",
    "channel_not_found": "that channel is not there any more",
    "already_reacted": "you have reacted with that already",
    "already_pinned": "that is pinned already",
    "is_archived": "that channel is archived",
}


def told(trouble: str = "", **events: Any) -> Response:
    """204, with what the page's script is to know."""
    happened = {**({"fw:refused": {"text": trouble}} if trouble else {"fw:taken": {}}), **events}
    return Response(status_code=204, headers={"HX-Trigger": json.dumps(happened)})


def sentence(words: str) -> str:
    words = words.strip()
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '?')) else '.'}"


def _form(request: Request) -> Form:
    body: bytes = request.state.body
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise NotDone("that cannot be read") from None


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[-1]


def _taken(delivery: Delivery) -> None:
    """Wait until the bot has acknowledged it; `Refusal` with what went wrong."""
    try:
        delivery.wait(PATIENCE)
    except TimeoutError:
        raise NotDone("Firewatch did not answer in time. Nothing was lost; try again") from None
    if delivery.error == "invalid_command":
        raise NotDone("Slack does not know that command. Type / to see those there are")
    if delivery.error:
        raise NotDone(
            f"{TROUBLE.get(delivery.error, f'that failed: {delivery.error}')}. What you did was not taken; try again"
        )


# ---------------------------------------------------------------- saying


def _say(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    channel, text = request.path_params["channel"], _one(form, "text").strip()
    thread = _one(form, "thread")
    if not text:
        raise NotDone("there is nothing to say")
    if text.startswith("/"):
        _taken(person.types(channel, " ".join(text.splitlines()), thread_ts=thread))
    else:
        person.says(channel, text, thread_ts=thread)
    return None


def _join(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    person.joins(request.path_params["channel"])
    return Response(status_code=204, headers={"HX-Refresh": "true"})


# ---------------------------------------------------------------- pressing and choosing


def _surface(session: Session, person: Person, form: Form) -> Message | View:
    """What the act is done on, as it stands now."""
    slack = session.slack
    if view := _one(form, "view"):
        found = next((one for one in (person.modal, person.home) if one is not None and one.id == view), None)
        if found is None:
            raise NotDone("that form is not open any more")
        return found
    return _message(session, form, slack.channel(_one(form, "channel")).id)


def _message(session: Session, form: Form, channel: str) -> Message:
    where, ts = session.slack.channel(channel), _one(form, "ts")
    found = where.by_ts.get(ts) or where.hidden.get(ts)
    if found is None:
        raise NotDone("that message is not there any more")
    return found


def _offered(where: Message | View, action: str) -> Mapping[str, Any]:
    """The element of that action_id; a card that was edited meanwhile may have it no longer."""
    for block, element in elements(where.blocks):
        if element["action_id"] == action:
            return {"block": block, **element}
    raise NotDone("that is not offered any more: the message has changed. Nothing was done")


def _press(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    where, action = _surface(session, person, form), _one(form, "action")
    _offered(where, action)
    _taken(person.presses(where, action))
    return None


def _choose(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    where, action = _surface(session, person, form), _one(form, "action")
    element = _offered(where, action)
    choice = _value(str(element["type"]), [one for one in form.get("choice", ()) if one])
    if choice is None and element["type"] in ("overflow", "static_select"):
        return None
    _taken(person.selects(where, action, choice))
    return None


def _value(kind: str, given: Sequence[str]) -> Any:
    if not given:
        return None
    return list(given) if kind.startswith("multi_") or kind == "checkboxes" else given[-1]


def _submit(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    view = _surface(session, person, form)
    if not isinstance(view, View):
        raise NotDone("there is nothing to submit")
    values = {
        element["action_id"]: _value(str(element["type"]), [one for one in form.get(element["action_id"], ()) if one])
        for block, element in elements(view.blocks)
        if block["type"] == "input" and not block.get("dispatch_action") and element["type"] != "file_input"
    }
    try:
        _taken(person.submits(view, values))
    except (NotDone, NotPossible) as no:
        # Beside the form itself, where it is looked at; what was filled in stays.
        return told("", **{"fw:form": {"view": view.id, "text": sentence(str(no))}})
    return told("", **{"fw:sent": {"view": view.id}})


def _close(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    person.closes(_view(session, person, form))
    return None


def _view(session: Session, person: Person, form: Form) -> View:
    found = _surface(session, person, form)
    if not isinstance(found, View):
        raise NotDone("there is no form open")
    return found


def _shortcut(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    _taken(person.shortcut(_one(form, "shortcut"), _message(session, form, _one(form, "channel"))))
    return None


# ---------------------------------------------------------------- marks


def _react(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    message, name = _message(session, form, _one(form, "channel")), _one(form, "name")
    if person.id in message.reactions.get(name, ()):
        person.unreacts(message, name)
    else:
        person.reacts(message, name)
    return None


def _pin(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    person.pins(_message(session, form, _one(form, "channel")))
    return None


def _delete(session: Session, person: Person, request: Request, form: Form) -> Response | None:
    person.deletes(_message(session, form, _one(form, "channel")))
    return None


# ---------------------------------------------------------------- the pipeline, the pager, the bot, the night


def _switch(session: Session, form: Form) -> Response | None:
    try:
        session.panel.switch(_one(form, "destination"), _one(form, "fault"), on=_one(form, "on") == "yes")
    except ValueError:
        raise NotDone("there is no such switch") from None
    session.panel.look(anew=True)
    return None


def _mend(session: Session, form: Form) -> Response | None:
    session.panel.switches.mend()
    session.panel.look(anew=True)
    return None


def _post(session: Session, form: Form) -> Response | None:
    try:
        session.panel.post()
    except (redis.RedisError, OSError):
        raise NotDone("the queue's Redis cannot be reached") from None
    return None


def _trigger(session: Session, form: Form) -> Response | None:
    session.oncall.trigger(_one(form, "alert"))
    return None


def _acknowledge(session: Session, form: Form) -> Response | None:
    session.oncall.acknowledge(_one(form, "id"))
    return None


def _resolve(session: Session, form: Form) -> Response | None:
    session.oncall.resolve(_one(form, "id"))
    return None


def _webhooks(session: Session, form: Form) -> Response | None:
    session.oncall.lose_webhooks(_one(form, "on") == "yes")
    return None


def _clock(session: Session, form: Form) -> Response | None:
    session.bot.go_by(session.oncall.hurry(_one(form, "on") == "yes"))
    return None


def _bot_start(session: Session, form: Form) -> Response | None:
    session.bot.start()
    return None


def _bot_stop(session: Session, form: Form) -> Response | None:
    session.bot.stop()
    return None


def _again(session: Session, form: Form) -> Response | None:
    if session.again is None:
        raise NotDone("this sandbox cannot start over by itself")
    session.again()
    return None
