"""Who is who in PagerDuty: users, escalation policies, who is on call, and in whose name something is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from bot.domain.errors import Gone, Refused, Unreachable
from bot.domain.tokens import literal
from bot.outside.pagerduty.api import API, PagerDutyApi, safe, unless_gone
from bot.outside.pagerduty.protocol import Acting, OnCall, Person, Policy
from bot.outside.pagerduty.shapes import oncall, part, parts, person, policy, stamp, text


@dataclass(frozen=True, slots=True)
class Actor:
    """The PagerDuty user in whose name something is done; ``own``: it is the very person who asked."""

    user: Person
    own: bool


class PagerDutyPeople(PagerDutyApi):
    """``sender``: the e-mail of the user to act as for whoever is no PagerDuty user; "" for the key's owner."""

    def __init__(self, api_key: str, sender: str = "", api_url: str = API) -> None:
        super().__init__(api_key, api_url)
        self._sender = sender

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
                return person(part(self._get(f"users/{safe(id)}", f"user `{id}`"), "user"))
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
        raise Gone(f"PagerDuty has no escalation policy `{literal(word)}`.", hint)

    def _policy(self, id: str) -> Policy:
        found: Policy = self._remembered(
            f"policy {id}",
            lambda: policy(
                part(self._get(f"escalation_policies/{safe(id)}", f"escalation policy `{id}`"), "escalation_policy")
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
            found = self._get(f"services/{safe(service)}", f"service `{service}`")
            return text(part(part(found, "service"), "escalation_policy"), "id")

        return str(self._remembered(f"service {service}", read))

    def on_schedule(self, schedule: str, at: datetime) -> Sequence[Person]:
        asked = {"since": stamp(at), "until": stamp(at + timedelta(seconds=1))}
        found = self._get(f"schedules/{safe(schedule)}/users", f"schedule `{schedule}`", asked)
        return [person(each) for each in parts(found, "users")]

    def _actor(self, by: Acting) -> Actor:
        mine = unless_gone(lambda: self.user(by.email))
        if mine:
            return Actor(mine, own=True)
        if self._sender:
            try:
                configured = self.user(self._sender)
            except Gone:  # it does not tell who its users are; whether this is one, it will say when he acts
                configured = Person("", self._sender, self._sender)
            if not configured:
                raise Refused(f"PagerDuty has no user {self._sender}: whoever runs Firewatch must mend PAGERDUTY_FROM.")
            return Actor(configured, own=False)
        try:
            me = self._remembered("me", lambda: person(part(self._get("users/me", "the key's owner"), "user")))
        except Unreachable:
            raise
        except Refused as no:  # the key is the account's, and belongs to nobody
            raise Refused(
                "PagerDuty wants to know who is acting: whoever runs Firewatch must set PAGERDUTY_FROM "
                "to the e-mail of one of its users."
            ) from no
        return Actor(me, own=False)
