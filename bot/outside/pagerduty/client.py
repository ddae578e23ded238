"""PagerDuty's REST API as ``outside.Pager``. The only file that knows pdpyras, which has a successor."""

from __future__ import annotations

import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from bot.domain.errors import Gone, Refused, Unreachable
from bot.outside.pagerduty.errors import NotInPlan, checked, timed_out, too_many, unreached
from bot.outside.pagerduty.protocol import OUR_KEY, Acting, Alert, Done, Note, OnCall, Paged, Person, Policy, Relapse
from bot.outside.pagerduty.shapes import (
    alert,
    fresh,
    mark,
    marked,
    note,
    oncall,
    part,
    parts,
    person,
    policy,
    ranked,
    reference,
    relapses,
    stamp,
    text,
)
from bot.outside.patience import Patience

with warnings.catch_warnings():
    # It names its successor at import. It is the client asked for; its last release is of 2025-06-20.
    warnings.filterwarnings("ignore", 'The package "pdpyras" is deprecated', UserWarning)
    import pdpyras

Json = Mapping[str, Any]
Due = Callable[[Alert], bool]
_Asked = TypeVar("_Asked")

API: Final = "https://api.pagerduty.com"
TIMEOUT: Final = (3.05, 10.0)
"""Seconds to connect, and to wait for an answer."""

RETRIED: Final = {500: 2, 502: 2, 503: 2, 504: 2}
"""Status → how often a reading call is tried again, after 0.5 s and 1 s. pdpyras alone would hand on the first 5xx."""

PAGE: Final = 100
REACH: Final = 10_000
"""The most that offset and limit may add up to; PagerDuty answers 400 beyond."""

FRESH: Final = 600.0
"""Seconds for which users, priorities and a service's policy are remembered."""


@dataclass(frozen=True, slots=True)
class _Actor:
    """The PagerDuty user in whose name something is done; ``own``: it is the very person who asked."""

    user: Person
    own: bool


class PagerDuty:
    """``outside.Pager``. Safe to share between threads: each has a session of its own.

    ``sender``: the e-mail of the user to act as where the one who asks is no PagerDuty user; "" for the key's owner.
    """

    def __init__(self, api_key: str, sender: str = "", api_url: str = API) -> None:
        self._key = api_key
        self._sender = sender
        self._url = (api_url or API).rstrip("/")
        self._threads = threading.local()
        self._known: dict[str, tuple[float, Any]] = {}
        self._patience = Patience("PagerDuty")

    # ------------------------------------------------------------ alerts

    def alert(self, id: str) -> Alert:
        return alert(part(self._get(f"incidents/{_safe(id)}", f"alert `{id}`"), "incident"))

    def open(self, services: Sequence[str]) -> Sequence[Alert]:
        if not services:
            return []  # without any, PagerDuty would list those of all
        found = self._pages(
            "incidents",
            "incidents",
            {
                "service_ids": list(services),
                "statuses": ["triggered", "acknowledged"],
                "sort_by": "created_at:asc",
                "date_range": "all",  # else only those of the last month
            },
        )
        return [alert(each) for each in found]

    def resolved(self, services: Sequence[str], since: datetime) -> Sequence[Alert]:
        asked = {"service_ids": list(services), "statuses": ["resolved"], "date_range": "all"}
        found: list[Alert] = []
        for each in self._pages("incidents", "incidents", {**asked, "sort_by": "resolved_at:desc"}) if services else ():
            one = alert(each)
            if (one.resolved or one.changed) < since:
                break
            found.append(one)
        return found

    def relapses(self, id: str, since: datetime) -> Mapping[Relapse, datetime]:
        entries = self._pages(f"incidents/{_safe(id)}/log_entries", "log_entries", {"is_overview": "true"})
        return relapses(entries, since)

    # ------------------------------------------------------------ what is done to them

    def acknowledge(self, id: str, by: Acting) -> Done:
        return self._change(id, by, "acknowledged", {"status": "acknowledged"}, lambda now: now.status == "triggered")

    def resolve(self, id: str, by: Acting, resolution: str = "") -> Done:
        said = {"resolution": resolution[:1000]} if resolution else {}
        wanted = {"status": "resolved", **said}
        return self._change(id, by, "resolved", wanted, lambda now: now.open)

    def escalate(self, id: str, level: int, by: Acting) -> Done:
        def due(now: Alert) -> bool:
            return now.status == "triggered" and self.level(now) < level

        now = self.alert(id)
        if due(now) and now.policy:
            policy = _unless_gone(lambda: self._policy(now.policy))
            if policy and policy.levels and level > policy.levels:
                most = "1 level" if policy.levels == 1 else f"{policy.levels} levels"
                raise Refused(f"The escalation policy {policy.name} has only {most}: there is nobody further to page.")
        return self._change(id, by, f"escalated to level {level}", {"escalation_level": level}, due)

    def _change(self, id: str, by: Acting, did: str, wanted: Mapping[str, Any], due: Due) -> Done:
        """Read, and send what is wanted if it is due. Whom the configured user acts for is named in a note before."""
        now = self.alert(id)
        if not due(now):
            return Done(now, new=False)
        actor = self._actor(by)
        if not actor.own and by.name:
            self.note(id, f"To be {did} by {by.name}, from Slack.", by, f"{did} {now.changed.isoformat()} {by.name}")
        body = {"incident": {"type": "incident_reference", **wanted}}
        try:
            sent = self._send("PUT", f"incidents/{_safe(id)}", f"alert `{id}`", body, actor.user.email)
        except (Gone, Unreachable):
            raise
        except Refused:
            now = self.alert(id)
            if due(now):
                raise
            return Done(now, new=False)  # somebody was quicker
        return Done(alert(part(sent, "incident")), new=True, as_user=actor.user.name)

    def note(self, id: str, text: str, by: Acting, key: str) -> bool:
        path, what, signed = f"incidents/{_safe(id)}/notes", f"alert `{id}`", mark("note", id, key)
        there = parts(_unless_gone(lambda: self._get(path, what)) or {}, "notes")
        if any(signed in str(each.get("content")) for each in there):
            return False
        body = {"note": {"content": marked(text, signed)}}
        self._send("POST", path, what, body, self._actor(by).user.email)
        return True

    def notes(self, id: str) -> Sequence[Note]:
        found = parts(self._get(f"incidents/{_safe(id)}/notes", f"alert `{id}`"), "notes")
        return sorted((note(each) for each in reversed(found)), key=lambda each: each.at)

    def set_severity(self, id: str, severity: str, by: Acting) -> str:
        try:
            known = self._remembered("priorities", lambda: list(self._pages("priorities", "priorities", {})))
        except (NotInPlan, Gone):
            return ""
        wanted = ranked(known, severity)
        if not wanted:
            return ""
        name = text(wanted, "name") or text(wanted, "summary")
        if self.alert(id).priority != name:
            priority = {"id": text(wanted, "id"), "type": "priority_reference"}
            body = {"incident": {"type": "incident_reference", "priority": priority}}
            self._send("PUT", f"incidents/{_safe(id)}", f"alert `{id}`", body, self._actor(by).user.email)
        return name

    # ------------------------------------------------------------ paging

    def page(
        self, target: Person | Policy, why: str, by: Acting, key: str, *, alert: str = "", service: str = ""
    ) -> Paged:
        actor, signed = self._actor(by), mark("page", target.id, key)
        if alert:
            now = self._get(f"incidents/{_safe(alert)}", f"alert `{alert}`")["incident"]
            service = service or text(part(now, "service"), "id")
            if any(signed in text(each, "message") for each in parts(now, "responder_requests")):
                return Paged(target.name, alert, text(now, "html_url"), new=False)
            body = {
                "requester_id": actor.user.id,
                "message": marked(why[:500], signed),
                "responder_request_targets": [{"responder_request_target": reference(target)}],
            }
            try:
                self._send(
                    "POST", f"incidents/{_safe(alert)}/responder_requests", f"alert `{alert}`", body, actor.user.email
                )
                return Paged(target.name, alert, text(now, "html_url"), new=True)
            except NotInPlan:
                pass  # responders belong to the larger plans; an alert of their own reaches everybody on any
        if not service:
            raise Refused("To page somebody, PagerDuty needs to know about which service: name one in the catalogue.")
        return self._page_anew(target, why, actor, signed, service)

    def _page_anew(self, target: Person | Policy, why: str, actor: _Actor, signed: str, service: str) -> Paged:
        key = OUR_KEY + signed.strip("[]").split()[-1]
        asked = {"incident_key": key, "service_ids": [service], "date_range": "all"}
        body = {"incident": fresh(target, why, service, key)}
        there = next(self._pages("incidents", "incidents", asked), None)
        new = there is None
        if there is None:
            try:
                sent = self._send("POST", "incidents", f"service `{service}`", body, actor.user.email)
                there = part(sent, "incident")
            except Unreachable:
                raise
            except Refused:
                # An open one with this key: an earlier try of ours, which was on its way when we looked.
                there, new = next(self._pages("incidents", "incidents", asked), None), False
                if there is None:
                    raise
        return Paged(target.name, text(there, "id"), text(there, "html_url"), new)

    def level(self, alert: Alert) -> int:
        mine = {each.id for each in alert.assigned}
        if not alert.policy or not mine:
            return 1
        asked = {"escalation_policy_ids": [alert.policy], "user_ids": sorted(mine)}
        found = _unless_gone(lambda: [oncall(each) for each in self._pages("oncalls", "oncalls", asked)]) or []
        # Who stands on two levels counts for the upper one: better to page nobody again than everybody twice.
        return max((each.level for each in found if each.person.id in mine), default=1)

    # ------------------------------------------------------------ who is who

    def user(self, email: str) -> Person | None:
        wanted = email.strip().casefold()
        if not wanted:
            return None
        found: Person | None = self._remembered(f"user {wanted}", lambda: self._user(wanted))
        return found

    def _user(self, email: str) -> Person | None:
        # A query finds what contains it, in names too.
        found = (person(each) for each in self._pages("users", "users", {"query": email}))
        return next((each for each in found if each.email.casefold() == email), None)

    def named(self, word: str) -> Person | None:
        wanted = word.strip().casefold()

        def called(each: Person) -> bool:
            return wanted in (
                each.name.casefold(),
                *each.name.casefold().split()[:1],
                each.email.casefold().split("@")[0],
            )

        known = [person(each) for each in self._pages("users", "users", {"query": wanted})] if wanted else []
        found = [each for each in known if called(each)]
        return found[0] if len(found) == 1 else None

    def person(self, id: str) -> Person | None:
        def asked() -> Person | None:
            try:
                return person(part(self._get(f"users/{_safe(id)}", f"user `{id}`"), "user"))
            except Gone:
                return None

        found: Person | None = self._remembered(f"person {id}", asked)
        return found

    def policy(self, word: str) -> Policy:
        if re.fullmatch(r"P[A-Z0-9]{5,13}", word):
            try:
                return self._policy(word)
            except Gone:
                pass  # somebody's policy may be called PAYMENTS
        known = [policy(each) for each in self._pages("escalation_policies", "escalation_policies", {})]
        names = {each.name.casefold(): each for each in known}
        found = names.get(word.casefold())
        if found:
            return found
        near = get_close_matches(word.casefold(), names, 1, 0.4)
        hint = f"Did you mean `{names[near[0]].name}`?" if near else ""
        raise Gone(f"PagerDuty has no escalation policy `{word}`.", hint)

    def _policy(self, id: str) -> Policy:
        found: Policy = self._remembered(
            f"policy {id}",
            lambda: policy(
                part(self._get(f"escalation_policies/{_safe(id)}", f"escalation policy `{id}`"), "escalation_policy")
            ),
        )
        return found

    def oncall(self, services: Sequence[str], at: datetime, until: datetime) -> Sequence[OnCall]:
        policies = sorted({self._policy_of(each) for each in services})
        if not policies:
            return []
        asked = {
            "escalation_policy_ids": policies,
            "since": stamp(at),
            "until": stamp(until),
            "include": ["users"],  # for their e-mail addresses
        }
        found = {oncall(each): None for each in self._pages("oncalls", "oncalls", asked)}
        first = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda each: (each.policy_name, each.policy, each.level, each.since or first))

    def _policy_of(self, service: str) -> str:
        def read() -> str:
            found = self._get(f"services/{_safe(service)}", f"service `{service}`")
            return text(part(part(found, "service"), "escalation_policy"), "id")

        return str(self._remembered(f"service {service}", read))

    def on_schedule(self, schedule: str, at: datetime) -> Sequence[Person]:
        asked = {"since": stamp(at), "until": stamp(at + timedelta(seconds=1))}
        found = self._get(f"schedules/{_safe(schedule)}/users", f"schedule `{schedule}`", asked)
        return [person(each) for each in parts(found, "users")]

    def _actor(self, by: Acting) -> _Actor:
        mine = _unless_gone(lambda: self.user(by.email))
        if mine:
            return _Actor(mine, own=True)
        if self._sender:
            try:
                configured = self.user(self._sender)
            except Gone:  # it does not tell who its users are; whether this is one, it will say when he acts
                configured = Person("", self._sender, self._sender)
            if not configured:
                raise Refused(f"PagerDuty has no user {self._sender}: whoever runs Firewatch must mend PAGERDUTY_FROM.")
            return _Actor(configured, own=False)
        try:
            me = self._remembered("me", lambda: person(part(self._get("users/me", "the key's owner"), "user")))
        except Unreachable:
            raise
        except Refused as no:  # the key is the account's, and belongs to nobody
            raise Refused(
                "PagerDuty wants to know who is acting: whoever runs Firewatch must set PAGERDUTY_FROM "
                "to the e-mail of one of its users."
            ) from no
        return _Actor(me, own=False)

    def _remembered(self, name: str, ask: Callable[[], Any]) -> Any:
        at, value = self._known.get(name, (0.0, None))
        if not at or time.monotonic() - at > FRESH:
            value = ask()
            if len(self._known) > 2_000:
                self._known.clear()
            if value is not None:  # a user who is added at night is found at once
                self._known[name] = (time.monotonic(), value)
        return value

    # ------------------------------------------------------------ asking

    def _get(self, path: str, what: str, params: Mapping[str, Any] | None = None) -> Json:
        return self._send("GET", path, what, params=params)

    def _pages(self, path: str, name: str, params: Mapping[str, Any]) -> Iterator[Json]:
        """Everything on all pages, each once (what changes meanwhile may stand on two), as far as PagerDuty lets."""
        seen: set[str] = set()
        for offset in range(0, REACH, PAGE):
            answer = self._get(path, name, {**params, "limit": PAGE, "offset": offset})
            for each in parts(answer, name):
                if not (id := text(each, "id")) or id not in seen:
                    seen.add(id)
                    yield each
            if answer.get("more") is not True:
                return

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        body: Mapping[str, Any] | None = None,
        sender: str = "",
        params: Mapping[str, Any] | None = None,
    ) -> Json:
        """One call. ``sender``: the e-mail of the user who acts. ``what`` is what there is not when it says 404."""
        session = self._session()
        reading = method == "GET"
        session.retry = dict(RETRIED) if reading else {}
        asked = {"params": dict(params)} if params else {}
        content = {"json": dict(body)} if body is not None else {}
        again = reading
        while True:
            self._patience.check()
            try:
                response = session.request(method, path, headers={"From": sender} if sender else {}, **asked, **content)
            except pdpyras.PDHTTPError as error:  # a 401
                response = error.response
            except pdpyras.PDClientError as error:
                if timed_out(error):
                    self._patience.lose()
                elif again:  # a connection that was lost; nothing happened by it
                    again = False
                    continue
                raise unreached(error) from error
            return checked(response, what)

    def _session(self) -> Any:
        session = getattr(self._threads, "session", None)
        if session is None:
            session = _Session(self._key)
            session.url = self._url
            session.timeout = TIMEOUT
            session.sleep_timer = 0.25
            session.max_network_attempts = 0
            # pdpyras would follow HTTPS_PROXY to this machine itself, too.
            session.trust_env = urlsplit(self._url).hostname not in ("127.0.0.1", "::1", "localhost")
            self._threads.session = session
        return session


class _Session(pdpyras.APISession):  # type: ignore[misc]  # pdpyras has no types
    def postprocess(self, response: Any, suffix: Any = None) -> None:
        """Called in pdpyras' loop for each answer. Left to itself, that waits 3, 6, 12 s… for a 429, without end."""
        if response.status_code == 429:
            raise too_many(response.headers)


def _unless_gone(ask: Callable[[], _Asked]) -> _Asked | None:
    """What is asked for only to do better; None where there is no such thing."""
    try:
        return ask()
    except Gone:
        return None


def _safe(id: str) -> str:
    """An id as a part of a path: whatever was typed, it stays one part."""
    return quote(id, safe="")
