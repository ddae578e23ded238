"""PagerDuty's door: what is signed becomes a sentence, whatever it is gets a 2xx, and polling says the same."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.call import Call
from bot.doors.http import build
from bot.doors.pagerduty import PagerDutyDoor, signed_by_pagerduty
from bot.outside.pagerduty.client import PagerDuty
from bot.road.intake import Heard
from bot.sandbox.pagerduty.seeds import LINNEA, NOOR, OTHER_SERVICE, SERVICE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.pagerduty.webhooks import WebhookDelivery
from handlers.alerts import poll
from tests.outside.outsides import Clock

SECRET = "a-long-secret"
NOW = datetime(2026, 3, 1, 2, 14, 30, tzinfo=UTC)


def event(kind: str = "incident.triggered", occurred: str = "2026-03-01T02:14:22.169Z", **data: Any) -> dict[str, Any]:
    incident = {
        "id": "Q1AB2CD3EF4GH5",
        "type": "incident",
        "number": 42,
        "status": "triggered",
        "created_at": "2026-03-01T02:14:22Z",
        "service": {"id": SERVICE, "type": "service_reference"},
    }
    return {"event": {"id": "01EVENT", "event_type": kind, "occurred_at": occurred, "data": {**incident, **data}}}


def sign(body: bytes, *secrets: str) -> str:
    return ",".join(f"v1={hmac.new(each.encode(), body, hashlib.sha256).hexdigest()}" for each in secrets)


def door(secret: str = SECRET) -> PagerDutyDoor:
    return PagerDutyDoor(secret, {SERVICE}, lambda: NOW)


def hears(what: Any, secret: str = SECRET) -> Heard:
    body = json.dumps(what).encode()
    return door().receive({"x-pagerduty-signature": sign(body, secret), "x-webhook-id": "one"}, body)


# ---------------------------------------------------------------- what is signed


def test_a_signed_webhook_becomes_a_sentence() -> None:
    heard = hears(event())
    assert heard.answer.status == 202
    assert heard.otherwise.status == 503
    call = heard.call
    assert call
    assert (call.text, call.actor, call.door) == ("/alert triggered Q1AB2CD3EF4GH5", "pagerduty", "pagerduty")
    assert call.at == datetime(2026, 3, 1, 2, 14, 22, tzinfo=UTC)
    assert Call.from_json(call.to_json()) == call


@pytest.mark.parametrize("header", ["", "v1=", "v1=00", "v2=ab", "é", "v1=" + "0" * 64, ",,,"])
def test_what_is_not_signed_is_refused_and_makes_nothing(header: str) -> None:
    heard = door().receive({"x-pagerduty-signature": header}, json.dumps(event()).encode())
    assert (heard.answer.status, heard.call) == (401, None)


def test_a_signature_of_another_body_or_by_another_secret_is_refused() -> None:
    body = json.dumps(event()).encode()
    for signature in (sign(body + b" ", SECRET), sign(body, "another")):
        assert door().receive({"x-pagerduty-signature": signature}, body).answer.status == 401
    assert door().receive({}, body).answer.status == 401


def test_while_the_secret_is_rotated_either_counts_on_either_side() -> None:
    body = json.dumps(event()).encode()
    for mine, theirs in (("old,new", ["old"]), ("old, new", ["new"]), ("new", ["old", "new"]), ("old", ["old", "new"])):
        heard = door(mine).receive({"x-pagerduty-signature": sign(body, *theirs)}, body)
        assert (heard.answer.status, heard.call is not None) == (202, True)


def test_without_a_secret_nothing_is_believed() -> None:
    body = json.dumps(event()).encode()
    assert door("").receive({"x-pagerduty-signature": sign(body, "")}, body).answer.status == 401
    assert door(" , ").receive({"x-pagerduty-signature": sign(body, "")}, body).answer.status == 401


@given(header=st.text(max_size=300), body=st.binary(max_size=100))
def test_no_header_is_genuine_by_chance_and_none_does_harm(header: str, body: bytes) -> None:
    assert not signed_by_pagerduty([b"secret"], header, body)


# ---------------------------------------------------------------- which sentence


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        ("incident.acknowledged", {"status": "acknowledged"}, "/alert acknowledged Q1AB2CD3EF4GH5"),
        ("incident.unacknowledged", {}, "/alert unacknowledged Q1AB2CD3EF4GH5"),
        ("incident.resolved", {"status": "resolved"}, "/alert resolved Q1AB2CD3EF4GH5"),
        ("incident.reopened", {}, "/alert reopened Q1AB2CD3EF4GH5"),
        ("incident.escalated", {}, "/alert escalated Q1AB2CD3EF4GH5"),
        ("incident.reassigned", {}, "/alert reassigned Q1AB2CD3EF4GH5"),
        ("incident.delegated", {}, "/alert reassigned Q1AB2CD3EF4GH5"),
        ("incident.priority_updated", {}, "/alert prioritized Q1AB2CD3EF4GH5"),
        (
            "incident.annotated",
            {"type": "incident_note", "id": "PNOTE01", "content": "hello", "incident": {"id": "Q1AB2CD3EF4GH5"}},
            "/alert annotated Q1AB2CD3EF4GH5 PNOTE01",
        ),
        (
            "incident.responder.added",
            {"type": "incident_responder", "incident": {"id": "Q1AB2CD3EF4GH5"}, "service": None},
            "/alert responder Q1AB2CD3EF4GH5",
        ),
    ],
)
def test_each_kind_of_event_has_its_sentence(kind: str, data: dict[str, Any], text: str) -> None:
    call = hears(event(kind, **data)).call
    assert call
    assert call.text == text


@pytest.mark.parametrize(
    "what",
    [
        event("incident.workflow.started"),
        event("pagey.ping"),
        event("service.updated"),
        event(service={"id": "PSTRANGER"}),
        event(id="Q1 AB; /plan confirm 1"),
        event(id=None),
        event(type="incident_note", incident=None),
        event(occurred="2026-02-27T02:14:22Z"),
        {"event": {"event_type": "incident.triggered", "data": []}},
        {"event": None},
        {"messages": [{"event": "incident.trigger"}]},
        [],
        "hello",
        None,
    ],
)
def test_what_means_nothing_here_is_accepted_and_passed_over(what: Any) -> None:
    heard = hears(what)
    assert (heard.answer.status, heard.call) == (202, None)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_accepted_too_when_it_is_signed(body: bytes) -> None:
    heard = door().receive({"x-pagerduty-signature": sign(body, SECRET)}, body)
    assert (heard.answer.status, heard.call) == (202, None)


def test_a_webhook_without_a_time_or_from_a_clock_ahead_happened_now() -> None:
    for occurred in ("", "soon", "2026-03-01T02:20:00Z"):
        call = hears(event("incident.acknowledged", occurred)).call
        assert call
        assert call.at == NOW


def test_the_same_event_is_the_same_call_and_another_is_another() -> None:
    first = hears(event("incident.escalated"))
    again = hears(event("incident.escalated"))
    other = event("incident.escalated")
    other["event"]["id"] = "01OTHER"
    assert first.call
    assert again.call
    assert first.call.id == again.call.id
    second = hears(other).call
    assert second
    assert second.id != first.call.id


# ---------------------------------------------------------------- webhooks and polling


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(clock: Clock) -> Iterator[PagerDutySandbox]:
    with PagerDutySandbox(now=clock, secret=SECRET, rate_limits="off") as running:
        running.webhooks.url = "http://127.0.0.1:9/"
        yield running


@pytest.fixture
def pager(there: PagerDutySandbox) -> PagerDuty:
    return PagerDuty(there.api_key, there.sender, there.api_url)


def told(there: PagerDutySandbox, clock: Clock) -> list[Call]:
    """The calls that the webhooks of all that has happened would make, in the door's own words."""
    hearing = PagerDutyDoor(SECRET, {SERVICE}, lambda: clock.now)

    def heard(delivery: WebhookDelivery) -> Call | None:
        headers = {name.lower(): value for name, value in there.webhooks.headers(delivery).items()}
        return hearing.receive(headers, delivery.body).call

    return [call for each in there.webhooks.deliveries if (call := heard(each))]


def test_polling_and_webhooks_say_the_same_and_are_the_same_calls(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    one = there.trigger("Uploads fail")
    clock.passes(seconds=90)
    there.acknowledge(one.id)
    clock.passes(seconds=30)
    two = there.trigger("Sync is late")
    clock.passes(minutes=3)
    there.resolve(two.id)
    there.trigger("Not ours", OTHER_SERVICE)
    by_webhook, by_polling = told(there, clock), poll(pager, [SERVICE], clock.now)
    assert [call.text for call in by_polling] == [
        f"/alert triggered {one.id}",
        f"/alert acknowledged {one.id}",
        f"/alert triggered {two.id}",
        f"/alert resolved {two.id}",
    ]
    assert [(call.id, call.text) for call in by_polling] == [(call.id, call.text) for call in by_webhook]


def test_the_parts_of_a_second_do_not_make_another_call(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    clock.passes(seconds=0.669)
    made = there.trigger("Uploads fail")
    clock.passes(seconds=61.2)
    there.acknowledge(made.id)
    clock.passes(seconds=61.107)
    there.resolve(made.id)
    by_webhook = {call.id for call in told(there, clock)}
    assert {call.id for call in poll(pager, [SERVICE], clock.now)} <= by_webhook


def test_an_acknowledgement_that_lapsed_and_an_alert_that_came_back_are_found(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    made = there.trigger("Flapping")
    clock.passes(minutes=1)
    there.acknowledge(made.id)
    clock.passes(minutes=31)
    there.wait_for(lambda: there.incident(made.id).status == "triggered")
    texts = [call.text for call in poll(pager, [SERVICE], clock.now)]
    assert texts == [f"/alert triggered {made.id}", f"/alert unacknowledged {made.id}"]
    there.resolve(made.id, NOOR.id)
    clock.passes(minutes=5)
    with there.lock:
        there.account.reopen(made.id, LINNEA.id)
    by_polling = poll(pager, [SERVICE], clock.now)
    assert [call.text for call in by_polling][-1] == f"/alert reopened {made.id}"
    assert {call.id for call in by_polling} <= {call.id for call in told(there, clock)}


def test_two_who_acknowledge_are_two_calls_and_asking_again_makes_no_new_ones(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    made = there.trigger("Uploads fail")
    clock.passes(seconds=30)
    there.acknowledge(made.id, NOOR.id)
    clock.passes(seconds=30)
    there.acknowledge(made.id, LINNEA.id)
    first, second = poll(pager, [SERVICE], clock.now), poll(pager, [SERVICE], clock.passes(minutes=10))
    assert len({call.id for call in first}) == 3
    assert [call.id for call in first] == [call.id for call in second]


def test_what_is_older_than_a_day_is_not_news(there: PagerDutySandbox, pager: PagerDuty, clock: Clock) -> None:
    old = there.trigger("Left open")
    there.annotate(old.id, "Waiting for the partner")
    over = there.trigger("Over long ago")
    there.resolve(over.id)
    clock.passes(days=2)
    assert poll(pager, [SERVICE], clock.now) == []
    acknowledged = there.acknowledge(old.id)
    clock.passes(minutes=1)
    assert [call.text for call in poll(pager, [SERVICE], clock.now)] == [f"/alert acknowledged {acknowledged.id}"]


def test_an_alert_that_nobody_touched_costs_no_further_request(
    there: PagerDutySandbox, pager: PagerDuty, clock: Clock
) -> None:
    for number in range(5):
        there.trigger(f"Number {number}")
    clock.passes(minutes=1)
    assert len(poll(pager, [SERVICE], clock.now)) == 5
    assert len(there.calls) == 2


def test_no_service_is_polled_for_nothing(pager: PagerDuty, there: PagerDutySandbox) -> None:
    there.trigger("Uploads fail")
    assert poll(pager, [], NOW + timedelta(days=1)) == []
    assert not there.calls


# ---------------------------------------------------------------- over HTTP


class Desk:
    """Takes each call once, while its Redis is there."""

    def __init__(self) -> None:
        self.taken: list[Call] = []
        self.down = False

    def take(self, call: Call) -> bool:
        if self.down:
            raise ConnectionError("Redis is down")
        new = call.id not in {each.id for each in self.taken}
        self.taken += [call] if new else []
        return new


def test_a_webhook_is_answered_once_it_is_taken_and_one_that_is_not_comes_again(
    there: PagerDutySandbox, clock: Clock
) -> None:
    desk = Desk()
    app = build(desk, {"/pagerduty/webhook": PagerDutyDoor(SECRET, {SERVICE}, lambda: clock.now).receive})
    made = there.trigger("Größer als sonst")
    delivery = there.webhooks.deliveries[0]

    async def deliver() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            headers = there.webhooks.headers(delivery)
            answer = await client.post("/pagerduty/webhook", content=delivery.body, headers=headers)
            return answer.status_code

    async def night() -> list[int]:
        desk.down = True
        first = await deliver()
        desk.down = False
        return [first, await deliver(), await deliver()]

    assert asyncio.run(night()) == [503, 202, 202]
    assert [call.text for call in desk.taken] == [f"/alert triggered {made.id}"]
