"""PagerDuty in trouble: pauses, lost connections, keys that will not do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bot.domain.errors import Later, Refused, Unreachable
from bot.outside.pagerduty.client import PagerDuty
from bot.outside.pagerduty.protocol import Acting
from bot.outside.patience import SPARED
from bot.sandbox.pagerduty.server import PagerDutySandbox
from tests.outside.outsides import NOOR, TOMAS


def test_a_pause_lasts_as_long_as_pagerduty_says(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.faults.next("*", status=429, retry_after=42)
    began = time.monotonic()
    with pytest.raises(Later, match="pause of 42 s") as later:
        pager.alert(there.trigger("Down").id)
    assert later.value.seconds == 42
    assert time.monotonic() - began < 2
    assert len(there.calls) == 1


def test_its_limit_of_960_a_minute_is_a_pause_and_not_a_failure(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    with there.lock:
        there._asked.extend([there.now()] * 959)
    pager.alert(made.id)
    with pytest.raises(Later) as later:
        pager.alert(made.id)
    assert 1 <= later.value.seconds <= 60


def test_reading_is_tried_again_after_a_5xx_and_writing_is_not(there: PagerDutySandbox, pager: PagerDuty) -> None:
    made = there.trigger("Down")
    there.faults.next(f"GET /incidents/{made.id}", times=2, status=502)
    assert pager.alert(made.id).id == made.id
    there.faults.next(f"PUT /incidents/{made.id}", status=500)
    with pytest.raises(Unreachable, match="it answered 500"):
        pager.resolve(made.id, NOOR)
    assert there.incident(made.id).open
    assert len(there.made("PUT")) == 1


def test_a_pagerduty_that_is_not_there_is_unreachable_within_seconds() -> None:
    pager = PagerDuty("key", "firewatch@reposter.example", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(Unreachable, match="could not reach PagerDuty: connection refused"):
        pager.alert("Q1")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("arrange", "kind", "says"),
    [
        (lambda there: setattr(there, "api_key", "another"), Refused, "PAGERDUTY_API_KEY"),
        (lambda there: setattr(there, "read_only", True), Refused, "for reading only"),
    ],
)
def test_a_key_that_will_not_do_is_said_with_what_to_do(
    there: PagerDutySandbox,
    pager: PagerDuty,
    arrange: Callable[[PagerDutySandbox], None],
    kind: type[Exception],
    says: str,
) -> None:
    made = there.trigger("Down")
    arrange(there)
    with pytest.raises(kind, match=says):
        pager.resolve(made.id, NOOR)


def test_what_is_not_pagerduty_is_not_believed(there: PagerDutySandbox, pager: PagerDuty) -> None:
    there.faults.next("*", status=200)
    with pytest.raises(Unreachable, match="is not PagerDuty"):
        pager.alert("Q1")


def test_the_clients_own_warning_is_not_heard() -> None:
    run = [sys.executable, "-W", "error", "-c", "import bot.outside.pagerduty.api"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_trouble_while_asking_who_owns_the_key_is_not_taken_for_an_answer(there: PagerDutySandbox) -> None:
    made = there.trigger("Down")
    there.faults.next("GET /users/me", times=3, status=503)
    with pytest.raises(Unreachable, match="answered 503"):
        PagerDuty(there.api_key, "", there.api_url).acknowledge(made.id, TOMAS)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_what_is_asked_only_to_do_better_may_be_unknown_there(
    there: PagerDutySandbox, pager: PagerDuty, status: int
) -> None:
    made = there.trigger("Uploads fail")
    aside = ["oncalls", "users", "priorities", f"escalation_policies/{pager.alert(made.id).policy}"]
    for path in [*aside, f"incidents/{made.id}/notes"]:
        there.faults.next(f"GET /{path}", times=20, status=status)
    assert pager.note(made.id, "Looking", Acting(name="tomas"), "n1")
    assert pager.escalate(made.id, 2, Acting(name="tomas")).new
    assert pager.acknowledge(made.id, Acting(name="tomas")).new
    assert pager.set_severity(made.id, "sev1", Acting(name="tomas")) == ""
    assert {each.asked.headers["from"] for each in there.made(f"PUT /incidents/{made.id}")} == {there.sender}


def test_one_that_hangs_is_found_out_once_and_then_left_alone_for_a_while(
    there: PagerDutySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outside.pagerduty.api.TIMEOUT", (1.0, 0.2))
    later = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later[0])
    monkeypatch.setattr("bot.outside.patience.time", clock)
    pager = PagerDuty(there.api_key, there.sender, there.api_url)
    made = there.trigger("Uploads fail")
    there.faults.next("*", delay=1.0)
    with pytest.raises(Unreachable, match="could not reach PagerDuty: timeout"):
        pager.alert(made.id)
    with pytest.raises(Unreachable, match="PagerDuty did not answer in time; I ask again in"):
        pager.acknowledge(made.id, NOOR)
    there.wait_for(lambda: len(there.calls) == 1)
    later[0] = SPARED
    assert pager.acknowledge(made.id, NOOR).new


def test_a_connection_that_breaks_while_reading_is_made_anew_and_pagerduty_asked_on(
    there: PagerDutySandbox, pager: PagerDuty
) -> None:
    made = there.trigger("Uploads fail")
    there.faults.next("*", reset="before")
    assert pager.alert(made.id).id == made.id
    there.faults.next("*", times=2, reset="before")
    with pytest.raises(Unreachable):
        pager.alert(made.id)
    assert pager.alert(made.id).id == made.id
