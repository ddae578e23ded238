"""The sandbox's PagerDuty keeps PagerDuty's rules: headers, pages, timers, and webhooks, which may not come."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response

from bot.sandbox.pagerduty.model import PagerDutyError
from bot.sandbox.pagerduty.seeds import BOT, LINNEA, NOOR, SERVICE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.serving import Asked, Loopback
from tests.outside.outsides import Clock

ACCEPT = "application/vnd.pagerduty+json;version=2"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pagerduty(clock: Clock) -> Iterator[PagerDutySandbox]:
    with PagerDutySandbox(now=clock, retries=(0.05, 0.05)) as running:
        yield running


def ask(pagerduty: PagerDutySandbox, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """A call with every header that is needed, unless another is given; "" leaves one out."""
    usual = {
        "Authorization": f"Token token={pagerduty.api_key}",
        "Accept": ACCEPT,
        "Content-Type": "application/json",
        "From": BOT.email,
    }
    sent = {name: value for name, value in {**usual, **headers}.items() if value}
    content = json.dumps(body) if body is not None else None
    with httpx.Client(trust_env=False) as client:
        return client.request(method, f"{pagerduty.api_url}{path}", headers=sent, content=content)


def errors(answer: httpx.Response) -> str:
    error = answer.json()["error"]
    return f"{error['message']} {' '.join(error.get('errors', ()))}"


# ---------------------------------------------------------------- REST


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer x"}, 401),
        ({"Accept": ""}, 406),
        ({"Content-Type": "text/plain"}, 415),
        ({"From": ""}, 400),
        ({"From": "stranger@reposter.example"}, 400),
        ({}, 200),
    ],
)
def test_a_change_needs_every_header(pagerduty: PagerDutySandbox, headers: dict[str, str], status: int) -> None:
    made = pagerduty.trigger("Down")
    assert (
        ask(pagerduty, "POST", f"/incidents/{made.id}/notes", {"note": {"content": "hello"}}, **headers).status_code
        == status
    )
    assert len(pagerduty.incident(made.id).notes) == (status == 200)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/incidents?limit=101", "Limit"),
        ("/incidents?limit=0", "Limit"),
        ("/incidents?limit=100&offset=9901", "10000"),
        ("/incidents?statuses[]=open", "statuses"),
        ("/incidents?statuses=triggered", "Unknown parameters: statuses"),
        ("/incidents?sort_by=title", "sort"),
        ("/incidents?total=True", "total"),
        ("/oncalls?since=yesterday", "ISO 8601"),
    ],
)
def test_a_parameter_that_is_not_right_is_refused(pagerduty: PagerDutySandbox, path: str, says: str) -> None:
    answer = ask(pagerduty, "GET", path)
    assert answer.status_code == 400
    assert says in errors(answer)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"incident": {"status": "acknowledged"}},
        {"incident": {"type": "incident_reference", "status": "closed"}},
        {"incident": {"type": "incident_reference", "colour": "red"}},
        {"incident": {"type": "incident_reference", "priority": {"id": "PPRIO01"}}},
        {"incident": {"type": "incident_reference", "escalation_level": 9}},
    ],
)
def test_a_body_that_is_not_right_changes_nothing(pagerduty: PagerDutySandbox, body: Any) -> None:
    made = pagerduty.trigger("Down")
    assert ask(pagerduty, "PUT", f"/incidents/{made.id}", body).status_code == 400
    assert pagerduty.incident(made.id).status == "triggered"


def test_pages_are_25_long_unless_asked_for_and_only_count_when_told(pagerduty: PagerDutySandbox) -> None:
    for number in range(30):
        pagerduty.trigger(f"Number {number}")
    first = ask(pagerduty, "GET", "/incidents").json()
    assert (len(first["incidents"]), first["more"], first["total"]) == (25, True, None)
    rest = ask(pagerduty, "GET", "/incidents?offset=25&limit=100&total=true").json()
    assert (len(rest["incidents"]), rest["more"], rest["total"]) == (5, False, 30)


def test_only_the_last_month_is_listed_unless_all_is_asked_for(pagerduty: PagerDutySandbox, clock: Clock) -> None:
    pagerduty.trigger("Old")
    clock.passes(days=31)
    assert ask(pagerduty, "GET", "/incidents").json()["incidents"] == []
    assert len(ask(pagerduty, "GET", "/incidents?date_range=all").json()["incidents"]) == 1


def test_one_key_has_one_open_incident_and_a_resolved_one_stays_resolved(pagerduty: PagerDutySandbox) -> None:
    made = pagerduty.trigger("Down", key="disk")
    with pytest.raises(PagerDutyError, match="Arguments Caused Error"):
        pagerduty.trigger("Down again", key="disk")
    pagerduty.resolve(made.id)
    change = {"incident": {"type": "incident_reference", "status": "acknowledged"}}
    answer = ask(pagerduty, "PUT", f"/incidents/{made.id}", change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 1001)
    assert pagerduty.trigger("Down again", key="disk").number == 2


def test_the_960_and_first_request_of_a_minute_waits_as_long_as_it_is_told(
    pagerduty: PagerDutySandbox, clock: Clock
) -> None:
    with pagerduty.lock:
        pagerduty._asked.extend([clock()] * 959)
    assert ask(pagerduty, "GET", "/users").headers["ratelimit-remaining"] == "0"
    refused = ask(pagerduty, "GET", "/users")
    assert refused.status_code == 429
    clock.passes(seconds=int(refused.headers["ratelimit-reset"]))
    assert ask(pagerduty, "GET", "/users").status_code == 200


# ---------------------------------------------------------------- timers


def test_who_does_not_answer_is_followed_by_the_next_level(pagerduty: PagerDutySandbox, clock: Clock) -> None:
    made = pagerduty.trigger("Down")
    assert (pagerduty.rang(NOOR.id), pagerduty.rang(LINNEA.id)) == (1, 0)
    clock.passes(minutes=30)
    pagerduty.wait_for(lambda: pagerduty.rang(LINNEA.id) == 1)
    assert pagerduty.incident(made.id).level == 2
    clock.passes(minutes=60)
    with pagerduty.lock:
        pagerduty.account.tick()
    assert pagerduty.rang(LINNEA.id) == 1


def test_an_acknowledgement_lapses_and_a_second_one_restarts_its_time(
    pagerduty: PagerDutySandbox, clock: Clock
) -> None:
    made = pagerduty.trigger("Down")
    pagerduty.acknowledge(made.id)
    clock.passes(minutes=20)
    pagerduty.acknowledge(made.id)
    clock.passes(minutes=20)
    with pagerduty.lock:
        pagerduty.account.tick()
    assert pagerduty.incident(made.id).status == "acknowledged"
    clock.passes(minutes=11)
    pagerduty.wait_for(lambda: pagerduty.incident(made.id).status == "triggered")
    assert pagerduty.rang(NOOR.id) == 2


# ---------------------------------------------------------------- webhooks


class Receiver(Loopback):
    """A bot's end of the webhooks: keeps what came, and answers with the next of ``statuses``, then 202."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self.got: list[Asked] = []

    def answer(self, asked: Asked) -> Response:
        self.got.append(asked)
        return PlainTextResponse("", self.statuses.pop(0) if self.statuses else 202)

    @property
    def kinds(self) -> list[str]:
        with self.lock:
            return [each.body["event"]["event_type"] for each in self.got]


@pytest.fixture
def receiver(pagerduty: PagerDutySandbox) -> Iterator[Receiver]:
    with Receiver() as running:
        pagerduty.webhooks.url = f"{running.api_url}/pagerduty/webhook"
        yield running


def settled(pagerduty: PagerDutySandbox, count: int) -> None:
    def over() -> bool:
        found = pagerduty.webhooks.deliveries
        return len(found) == count and all(each.state != "waiting" for each in found)

    pagerduty.wait_for(over)


def test_a_webhook_is_signed_and_speaks_its_own_dialect(pagerduty: PagerDutySandbox, receiver: Receiver) -> None:
    made = pagerduty.trigger("Größer als sonst")
    settled(pagerduty, 1)
    asked = receiver.got[0]
    event = asked.body["event"]
    assert (event["event_type"], event["data"]["number"], event["data"]["id"]) == ("incident.triggered", 1, made.id)
    assert "incident_number" not in event["data"]
    assert event["occurred_at"].endswith("Z")
    assert len(event["occurred_at"]) == len("2026-03-01T02:14:22.169Z")
    secret = pagerduty.webhooks.secrets[0].encode()
    assert asked.headers["x-pagerduty-signature"] == f"v1={hmac.new(secret, asked.raw, hashlib.sha256).hexdigest()}"


def test_each_thing_that_happens_is_told_in_its_order(pagerduty: PagerDutySandbox, receiver: Receiver) -> None:
    made = pagerduty.trigger("Down")
    pagerduty.acknowledge(made.id)
    pagerduty.annotate(made.id, "Looking")
    with pagerduty.lock:
        pagerduty.account.prioritize(made.id, "PPRIO01", NOOR.id)
        pagerduty.account.escalate(made.id, 2)
    pagerduty.resolve(made.id)
    settled(pagerduty, 6)
    assert receiver.kinds == [
        "incident.triggered",
        "incident.acknowledged",
        "incident.annotated",
        "incident.priority_updated",
        "incident.escalated",
        "incident.resolved",
    ]


def test_a_failure_is_tried_again_under_the_same_id_and_holds_up_the_next(
    pagerduty: PagerDutySandbox, receiver: Receiver
) -> None:
    receiver.statuses = [503, 429]
    made = pagerduty.trigger("Down")
    pagerduty.resolve(made.id)
    settled(pagerduty, 2)
    assert receiver.kinds == ["incident.triggered"] * 3 + ["incident.resolved"]
    assert len({each.headers["x-webhook-id"] for each in receiver.got}) == 2
    assert [each.state for each in pagerduty.webhooks.deliveries] == ["delivered", "delivered"]


def test_three_dropped_in_a_row_switch_the_subscription_off_for_a_day(
    pagerduty: PagerDutySandbox, receiver: Receiver, clock: Clock
) -> None:
    receiver.statuses = [400, 404, 401]
    for number in range(3):
        pagerduty.trigger(f"Number {number}")
    settled(pagerduty, 3)
    pagerduty.trigger("Unheard")
    settled(pagerduty, 4)
    assert [each.state for each in pagerduty.webhooks.deliveries] == ["dropped"] * 4
    assert len(receiver.got) == 3
    clock.passes(days=1, seconds=1)
    pagerduty.trigger("Heard again")
    pagerduty.wait_for(lambda: len(receiver.got) > 3)


def test_webhooks_are_dropped_and_repeated_at_will(pagerduty: PagerDutySandbox, receiver: Receiver) -> None:
    pagerduty.webhooks.drop(1)
    made = pagerduty.trigger("Lost")
    pagerduty.acknowledge(made.id)
    settled(pagerduty, 2)
    assert receiver.kinds == ["incident.acknowledged"]
    pagerduty.webhooks.redeliver(pagerduty.webhooks.deliveries[1])
    receiver.wait_for(lambda: receiver.kinds == ["incident.acknowledged"] * 2)
    assert receiver.got[0].headers["x-webhook-id"] == receiver.got[1].headers["x-webhook-id"]


def test_while_the_secret_is_rotated_there_are_two_signatures(pagerduty: PagerDutySandbox, receiver: Receiver) -> None:
    pagerduty.webhooks.rotate()
    pagerduty.trigger("Down")
    settled(pagerduty, 1)
    assert receiver.got[0].headers["x-pagerduty-signature"].count("v1=") == 2
    pagerduty.webhooks.retire()
    pagerduty.trigger("Down", SERVICE, key="another")
    settled(pagerduty, 2)
    assert receiver.got[1].headers["x-pagerduty-signature"].count("v1=") == 1


# ---------------------------------------------------------------- trouble, and leaving nothing behind


def test_a_connection_is_torn_before_or_after_the_call_took_effect(pagerduty: PagerDutySandbox) -> None:
    made = pagerduty.trigger("Down")
    path = f"/incidents/{made.id}/notes"
    for reset, notes in (("before", 0), ("after", 1)):
        pagerduty.faults.next(f"POST {path}", reset=reset)  # type: ignore[arg-type]
        with pytest.raises(httpx.TransportError):
            ask(pagerduty, "POST", path, {"note": {"content": "hello"}})
        assert len(pagerduty.incident(made.id).notes) == notes


def test_when_it_stops_its_port_is_free_and_its_thread_gone() -> None:
    with PagerDutySandbox() as running:
        address = f"{running.api_url}/users"
        assert any(each.name == "PagerDutySandbox" for each in threading.enumerate())
    assert not any(each.name == "PagerDutySandbox" for each in threading.enumerate())
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=2)
