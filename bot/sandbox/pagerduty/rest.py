"""PagerDuty's REST API over the account: its headers, parameters, bodies, pages and refusals.

Stricter than kind: a parameter or a field that PagerDuty does not know is refused, where PagerDuty may pass over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bot.sandbox.pagerduty.account import Account
from bot.sandbox.pagerduty.model import Json, PagerDutyError, PagerDutyIncident, PagerDutyUser
from bot.sandbox.pagerduty.reading import (
    bad,
    fields,
    flag,
    known,
    object_of,
    one_of,
    reference,
    single,
    text,
    time_of,
    whole,
)
from bot.sandbox.pagerduty.shapes import Shapes
from bot.sandbox.serving import Asked

ACCEPT: Final = "application/vnd.pagerduty+json;version=2"
PAGED: Final = {"limit", "offset", "total"}
REACH: Final = 10_000

Handler = Callable[["Rest", Asked, Sequence[str]], tuple[int, Json]]


class Rest:
    """``owner``: the user whose personal key it is; None for a key of the account, which belongs to nobody."""

    def __init__(self, account: Account, shapes: Shapes) -> None:
        self.account = account
        self.shapes = shapes
        self.owner: PagerDutyUser | None = None

    def answer(self, asked: Asked) -> tuple[int, Json]:
        """Status and body. Raises Wrong."""
        accept = asked.headers.get("accept", "").replace(" ", "")
        if accept != ACCEPT:
            raise PagerDutyError(406, 2001, "Invalid Input Provided", f"Accept must be {ACCEPT}")
        if asked.method in ("POST", "PUT"):
            if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
                raise PagerDutyError(415, 2001, "Invalid Input Provided", "Content-Type must be application/json")
            if not isinstance(asked.body, dict):
                raise PagerDutyError(400, 2001, "Invalid Input Provided", "The body is not a JSON object")
        for (method, pattern), (handler, parameters) in ROUTES.items():
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                unknown = set(asked.query) - parameters
                if unknown:
                    raise PagerDutyError(
                        400, 2001, "Invalid Input Provided", f"Unknown parameters: {', '.join(sorted(unknown))}"
                    )
                return handler(self, asked, found.groups())
        raise PagerDutyError(404, 2100, "Not Found")

    # ------------------------------------------------------------ who asks, and for which page

    def sender(self, asked: Asked) -> PagerDutyUser:
        """The user in the From header, which must be there even where the key is somebody's own."""
        email = asked.headers.get("from", "")
        if not email:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "From header is required")
        user = self.account.by_email(email)
        if user is None:
            raise PagerDutyError(400, 1008, "Requester User Not Found")
        return user

    def paged(
        self, name: str, everything: Sequence[Any], asked: Asked, show: Callable[[Any], Json]
    ) -> tuple[int, Json]:
        limit, offset = whole(asked, "limit", 25), whole(asked, "offset", 0)
        if not 1 <= limit <= 100 or offset < 0:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Limit must be from 1 to 100")
        if offset + limit > REACH:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", f"Offset + limit must not exceed {REACH}")
        total = flag(asked, "total")
        page = [show(each) for each in everything[offset : offset + limit]]
        more = len(everything) > offset + limit
        counted = len(everything) if total else None
        return 200, {name: page, "limit": limit, "offset": offset, "total": counted, "more": more}


# ---------------------------------------------------------------- incidents


def incidents(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    found = list(rest.account.incidents.values())
    services = asked.query.get("service_ids[]")
    statuses = asked.query.get("statuses[]")
    for status in statuses or ():
        one_of(status, ("triggered", "acknowledged", "resolved"), "statuses")
    key = single(asked, "incident_key")
    now = rest.account.now()
    since, until = time_of(asked, "since", now - 30 * 86_400), time_of(asked, "until", now)
    if single(asked, "date_range") == "all":
        since, until = 0.0, float("inf")
    found = [
        one
        for one in found
        if (services is None or one.service in services)
        and (statuses is None or one.status in statuses)
        and (not key or one.key == key)
        and since <= one.created <= until
    ]
    for sort in reversed([each for each in single(asked, "sort_by").split(",") if each]):
        field, _, direction = sort.partition(":")
        one_of(direction or "asc", ("asc", "desc"), "sort_by")
        if field not in SORTED:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", f"Cannot sort by {field}")
        found.sort(key=SORTED[field], reverse=direction == "desc")
    return rest.paged("incidents", found, asked, rest.shapes.incident)


SORTED: Mapping[str, Callable[[PagerDutyIncident], Any]] = {
    "incident_number": lambda one: one.number,
    "created_at": lambda one: one.created,
    "resolved_at": lambda one: one.resolved or 0.0,
    "urgency": lambda one: one.urgency,
}


def create_incident(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    sender, given = rest.sender(asked), object_of(asked.body, "incident")
    known = {"type", "title", "service", "priority", "urgency", "body", "incident_key", "assignments"}
    fields(given, known | {"escalation_policy", "conference_bridge", "incident_type"}, ("type", "title", "service"))
    one_of(given["type"], ("incident",), "type")
    if "assignments" in given and "escalation_policy" in given:
        raise PagerDutyError(
            400, 2001, "Invalid Input Provided", "Assignments and an escalation policy exclude each other"
        )
    if "body" in given:
        one_of(object_of(given, "body").get("type"), ("incident_body",), "body.type")
        if "details" in given["body"]:
            object_of(given["body"], "details")  # so the published schema says; many send words
    policy = reference(given, "escalation_policy", rest.account.policies) if "escalation_policy" in given else ""
    incident = rest.account.trigger(
        text(given, "title"),
        reference(given, "service", rest.account.services),
        one_of(given.get("urgency", "high"), ("high", "low"), "urgency"),
        key=str(given.get("incident_key", "")),
        policy=policy,
        assignees=assignees(rest, given) if "assignments" in given else (),
        agent=sender.id,
    )
    return 201, {"incident": rest.shapes.incident(incident)}


def incident(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    return 200, {"incident": rest.shapes.incident(rest.account.incident(ids[0]))}


def update_incident(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    sender, given = rest.sender(asked), object_of(asked.body, "incident")
    _change(rest, rest.account.incident(ids[0]), given, sender)
    return 200, {"incident": rest.shapes.incident(rest.account.incident(ids[0]))}


def update_incidents(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    sender = rest.sender(asked)
    rows = asked.body.get("incidents")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 250:
        raise PagerDutyError(400, 2001, "Invalid Input Provided", "incidents must name 1 to 250 incidents")
    for row in rows:
        if not isinstance(row, dict) or "id" not in row:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Each incident needs its id")
        given = {name: value for name, value in row.items() if name != "id"}
        _change(rest, rest.account.incident(str(row["id"])), given, sender)
    shown = [rest.shapes.incident(rest.account.incident(str(row["id"]))) for row in rows]
    return 200, {"incidents": shown}


def _change(rest: Rest, one: PagerDutyIncident, given: Json, sender: PagerDutyUser) -> None:
    account = rest.account
    known = {"type", "status", "priority", "resolution", "title", "escalation_level", "assignments", "urgency"}
    fields(given, known | {"escalation_policy", "conference_bridge", "service", "incident_type"}, ("type",))
    one_of(given["type"], ("incident", "incident_reference"), "type")
    if "priority" in given:
        account.prioritize(one.id, priority(rest, given["priority"]), sender.id)
    if "title" in given:
        one.title = text(given, "title")
    if "urgency" in given:
        one.urgency = one_of(given["urgency"], ("high", "low"), "urgency")
    if "escalation_level" in given:
        account.escalate(one.id, int(given["escalation_level"]), sender.id)
    if "assignments" in given:
        account.reassign(one.id, assignees(rest, given), sender.id)
    match given.get("status"):
        case None:
            pass
        case "acknowledged":
            account.acknowledge(one.id, sender.id)
        case "resolved":
            account.resolve(one.id, sender.id, str(given.get("resolution", "")))
        case "triggered":
            account.reopen(one.id, sender.id)
        case other:
            one_of(other, ("triggered", "acknowledged", "resolved"), "status")


def notes(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    return 200, {"notes": [rest.shapes.note(each) for each in reversed(rest.account.incident(ids[0]).notes)]}


def create_note(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    sender, given = rest.sender(asked), object_of(asked.body, "note")
    fields(given, {"content"}, ("content",))
    return 200, {"note": rest.shapes.note(rest.account.annotate(ids[0], sender.id, text(given, "content")))}


def log_entries(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    one = rest.account.incident(ids[0])
    flag(asked, "is_overview")
    since, until = time_of(asked, "since", 0.0), time_of(asked, "until", float("inf"))
    found = [each for each in reversed(one.log) if since <= each.at <= until]
    return rest.paged("log_entries", found, asked, lambda each: rest.shapes.log_entry(one, each))


def request_responders(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    given = asked.body
    one = rest.account.incident(ids[0])
    needed = ("requester_id", "message", "responder_request_targets")
    fields(given, set(needed), needed)
    if given["requester_id"] not in rest.account.users:
        raise PagerDutyError(400, 2001, "Invalid Input Provided", "Requester not found")
    targets = []
    for row in given["responder_request_targets"]:
        target = object_of(row, "responder_request_target")
        kind = one_of(
            str(target.get("type", "")).removesuffix("_reference"), ("user", "escalation_policy"), "target.type"
        )
        rooms: Mapping[str, Any] = {"user": rest.account.users, "escalation_policy": rest.account.policies}
        if target.get("id") not in rooms[kind]:
            raise PagerDutyError(400, 2001, "Invalid Input Provided", "Responder request target not found")
        targets.append((str(target["id"]), kind))
    if not targets:
        raise PagerDutyError(400, 2001, "Invalid Input Provided", "No responder request targets")
    request = rest.account.ask_help(one.id, given["requester_id"], text(given, "message"), targets)
    return 200, {"responder_request": rest.shapes.responder_request(one, request)}


def merge(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    sender = rest.sender(asked)
    for row in asked.body.get("source_incidents", ()):
        rest.account.merge(str(row["id"]), ids[0], sender.id)
    return 200, {"incident": rest.shapes.incident(rest.account.incident(ids[0]))}


def assignees(rest: Rest, given: Json) -> list[str]:
    rows = given["assignments"]
    if not isinstance(rows, list) or not rows:
        raise bad("assignments must name somebody")
    found = [object_of(row, "assignee") for row in rows]
    if any(each.get("type") not in ("user", "user_reference") for each in found):
        raise bad("an assignee is a user_reference")
    return [known(rest.account.users, str(each.get("id"))).id for each in found]


def priority(rest: Rest, given: Any) -> str:
    if isinstance(given, str):
        return next((id for id, name in rest.account.priorities.items() if name == given), given)
    if not isinstance(given, dict) or given.get("type") not in ("priority", "priority_reference"):
        raise bad("priority must be a priority_reference")
    return str(given.get("id"))


# ---------------------------------------------------------------- people and turns


def users(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    query = single(asked, "query").casefold()
    found = [
        one for one in rest.account.users.values() if query in one.name.casefold() or query in one.email.casefold()
    ]
    return rest.paged("users", found, asked, rest.shapes.user)


def me(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    if rest.owner is None:
        raise PagerDutyError(400, 2001, "Invalid Input Provided", "No user for an account-level access token")
    return 200, {"user": rest.shapes.user(rest.owner)}


def user(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    return 200, {"user": rest.shapes.user(known(rest.account.users, ids[0]))}


def service(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    return 200, {"service": rest.shapes.service(known(rest.account.services, ids[0]))}


def policies(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    query = single(asked, "query").casefold()
    found = [one for one in rest.account.policies.values() if query in one.name.casefold()]
    return rest.paged("escalation_policies", found, asked, rest.shapes.policy)


def policy(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    return 200, {"escalation_policy": rest.shapes.policy(known(rest.account.policies, ids[0]))}


def priorities(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    if "priorities" not in rest.account.abilities:
        raise PagerDutyError(402, 2014, "Account does not have the priorities ability")
    return rest.paged("priorities", list(rest.account.priorities), asked, rest.shapes.priority)


def schedule_users(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    one = known(rest.account.schedules, ids[0])
    now = rest.account.now()
    turns = one.turns(time_of(asked, "since", now), time_of(asked, "until", now))
    found = dict.fromkeys(user for user, _, _ in turns)
    return 200, {"users": [rest.shapes.user(rest.account.users[user]) for user in found]}


def oncalls(rest: Rest, asked: Asked, ids: Sequence[str]) -> tuple[int, Json]:
    account, shapes, now = rest.account, rest.shapes, rest.account.now()
    since, until = time_of(asked, "since", now), time_of(asked, "until", now)
    if until < since or until > now + 91 * 86_400:
        raise PagerDutyError(400, 2001, "Invalid Input Provided", "until must be after since and within 90 days")
    wanted, whom = asked.query.get("escalation_policy_ids[]"), asked.query.get("user_ids[]")
    found: list[Json] = []
    for one in account.policies.values():
        if wanted is not None and one.id not in wanted:
            continue
        for level, targets in enumerate(one.levels, 1):
            for target in targets:
                if target in account.users:
                    found.append(shapes.oncall(one, level, target, "", None))
                else:
                    turns = account.schedules[target].turns(since, until)
                    found += [shapes.oncall(one, level, who, target, (start, end)) for who, start, end in turns]
    found = [each for each in found if whom is None or each["user"]["id"] in whom]
    if "users" in asked.query.get("include[]", ()):
        found = [{**each, "user": shapes.user(account.users[each["user"]["id"]])} for each in found]
    return rest.paged("oncalls", found, asked, lambda each: each)


ROUTES: dict[tuple[str, str], tuple[Handler, set[str]]] = {
    ("GET", "/incidents"): (
        incidents,
        PAGED
        | {"service_ids[]", "statuses[]", "incident_key", "date_range", "since", "until", "sort_by", "urgencies[]"}
        | {"include[]", "time_zone", "team_ids[]", "user_ids[]"},
    ),
    ("POST", "/incidents"): (create_incident, set()),
    ("PUT", "/incidents"): (update_incidents, set(PAGED)),
    ("GET", "/incidents/([^/]+)"): (incident, {"include[]"}),
    ("PUT", "/incidents/([^/]+)"): (update_incident, set()),
    ("GET", "/incidents/([^/]+)/notes"): (notes, set()),
    ("POST", "/incidents/([^/]+)/notes"): (create_note, set()),
    ("GET", "/incidents/([^/]+)/log_entries"): (
        log_entries,
        PAGED | {"since", "until", "is_overview", "include[]", "time_zone"},
    ),
    ("POST", "/incidents/([^/]+)/responder_requests"): (request_responders, set()),
    ("PUT", "/incidents/([^/]+)/merge"): (merge, set()),
    ("GET", "/users"): (users, PAGED | {"query", "team_ids[]", "include[]"}),
    ("GET", "/users/me"): (me, {"include[]"}),
    ("GET", "/users/([^/]+)"): (user, {"include[]"}),
    ("GET", "/services/([^/]+)"): (service, {"include[]"}),
    ("GET", "/escalation_policies"): (
        policies,
        PAGED | {"query", "user_ids[]", "team_ids[]", "include[]", "sort_by"},
    ),
    ("GET", "/escalation_policies/([^/]+)"): (policy, {"include[]"}),
    ("GET", "/priorities"): (priorities, set(PAGED)),
    ("GET", "/schedules/([^/]+)/users"): (schedule_users, {"since", "until"}),
    ("GET", "/oncalls"): (
        oncalls,
        PAGED
        | {"since", "until", "escalation_policy_ids[]", "schedule_ids[]", "user_ids[]", "include[]", "earliest"}
        | {"time_zone"},
    ),
}
