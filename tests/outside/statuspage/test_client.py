"""The status page's client against a page that keeps Statuspage's rules: customers are told each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.domain.errors import Gone, Later, Refused, Unreachable
from bot.outside.statuspage.client import Statuspage
from bot.sandbox.serving import Refusal
from bot.sandbox.statuspage import StatuspageSandbox
from tests.outside.outsides import Clock, changes


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(clock: Clock) -> Iterator[StatuspageSandbox]:
    with StatuspageSandbox(now=clock) as running:
        yield running


@pytest.fixture
def page(there: StatuspageSandbox) -> Statuspage:
    return Statuspage(there.api_key, there.page_id, there.api_url)


def test_an_incident_is_put_on_the_page_with_its_first_words(there: StatuspageSandbox, page: Statuspage) -> None:
    posted = page.create("Uploads to Instagram fail", "We are looking into it.", "inc-12", impact="minor")
    assert (posted.status, posted.new) == ("investigating", True)
    assert posted.url.endswith(posted.id)
    shown = there.incidents[posted.id]
    assert (shown.name, shown.impact) == ("Uploads to Instagram fail", "minor")
    assert [(each.status, each.body, each.notified) for each in shown.updates] == [
        ("investigating", "We are looking into it.", True)
    ]


@pytest.mark.parametrize("reset", ["before", "after"])
def test_an_incident_whose_answer_was_lost_is_found_instead_of_made_again(
    there: StatuspageSandbox, page: Statuspage, reset: Any
) -> None:
    there.faults.next(f"POST /v1/pages/{there.page_id}/incidents", reset=reset)
    with pytest.raises(Unreachable, match="could not reach the status page"):
        page.create("Uploads fail", "We are looking into it.", "inc-12")
    posted = page.create("Uploads fail", "We are looking into it.", "inc-12")
    assert posted.new is (reset == "before")
    assert len(there.incidents) == 1
    assert page.create("Uploads fail", "We are looking into it.", "inc-13").id != posted.id


def test_components_are_set_with_the_incident(there: StatuspageSandbox, page: Statuspage) -> None:
    posted = page.create("Uploads fail", "Looking.", "inc-12", components={"cmpuploads": "partial_outage"})
    assert there.incidents[posted.id].components == {"cmpuploads": "partial_outage"}
    with pytest.raises(Refused, match="Components is invalid"):
        page.create("Uploads fail", "Looking.", "inc-13", components={"cmpuploads": "on fire"})


def test_an_update_keeps_the_status_or_changes_it_and_is_said_once(
    there: StatuspageSandbox, page: Statuspage, clock: Clock
) -> None:
    posted = page.create("Uploads fail", "Looking.", "inc-12")
    path = f"PATCH /v1/pages/{there.page_id}/incidents/{posted.id}"
    clock.passes(minutes=15)
    there.faults.next(path, reset="after")
    with pytest.raises(Unreachable):
        page.update(posted.id, "The token had expired.", "identified")
    assert not page.update(posted.id, "The token had expired.", "identified").new
    clock.passes(minutes=15)
    assert page.update(posted.id, "Half of them are through.").new
    assert [(each.status, each.body) for each in there.incidents[posted.id].updates] == [
        ("investigating", "Looking."),
        ("identified", "The token had expired."),
        ("identified", "Half of them are through."),
    ]


def test_it_is_resolved_once(there: StatuspageSandbox, page: Statuspage) -> None:
    posted = page.create("Uploads fail", "Looking.", "inc-12")
    assert page.resolve(posted.id, "It is over.").new
    assert not page.resolve(posted.id, "It is over.").new
    assert not page.resolve(posted.id, "It is over, said another.").new
    assert [each.body for each in there.incidents[posted.id].updates] == ["Looking.", "It is over."]


def test_texts_are_cut_to_what_the_page_takes(there: StatuspageSandbox, page: Statuspage) -> None:
    posted = page.create("t" * 300, "b" * 40_000, "inc-12")
    shown = there.incidents[posted.id]
    assert len(shown.name) == 255
    assert len(shown.updates[0].body) == 25_000
    assert not page.update(posted.id, "b" * 40_000).new


def test_its_limit_of_60_a_minute_is_a_pause(there: StatuspageSandbox, page: Statuspage, clock: Clock) -> None:
    posted = page.create("Uploads fail", "Looking.", "inc-12")
    for number in range(29):
        page.update(posted.id, f"Update {number}")
    with pytest.raises(Later, match="pause of 60 s") as later:
        page.update(posted.id, "One more")
    clock.passes(seconds=later.value.seconds)
    assert page.update(posted.id, "One more").new


@pytest.mark.parametrize("status", [420, 429])
def test_a_pause_without_a_time_lasts_ten_seconds(
    there: StatuspageSandbox, page: Statuspage, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(there, "limited", lambda seconds: Refusal(status, {"error": "Rate limit exceeded"}))
    there.faults.next("*", status=429)
    with pytest.raises(Later) as later:
        page.update("abc", "Looking.")
    assert later.value.seconds == 10


def test_what_is_not_there_or_not_ours_is_said(there: StatuspageSandbox, page: Statuspage) -> None:
    with pytest.raises(Gone, match="no longer on the status page"):
        page.update("nowhere", "Looking.")
    with pytest.raises(Gone, match="STATUSPAGE_PAGE_ID"):
        Statuspage(there.api_key, "another", there.api_url).create("Uploads fail", "Looking.", "inc-12")
    with pytest.raises(Refused, match="STATUSPAGE_API_KEY"):
        Statuspage("wrong", there.page_id, there.api_url).create("Uploads fail", "Looking.", "inc-12")
    with pytest.raises(Refused, match="Name can't be blank"):
        page.create("  ", "Looking.", "inc-12")
    assert changes(there) == []


def test_a_page_in_trouble_is_unreachable(there: StatuspageSandbox, page: Statuspage) -> None:
    there.faults.next("*", status=503, times=2)
    with pytest.raises(Unreachable, match="answered 503"):
        page.create("Uploads fail", "Looking.", "inc-12")
    with pytest.raises(Unreachable, match="ConnectError"):
        Statuspage("key", "page", "http://127.0.0.1:9").create("Uploads fail", "Looking.", "inc-12")


def test_the_address_may_name_the_version_or_not(there: StatuspageSandbox) -> None:
    page = Statuspage(there.api_key, there.page_id, f"{there.api_url}/v1/")
    assert page.create("Uploads fail", "Looking.", "inc-12").new


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_page_that_cannot_be_looked_at_is_told_all_the_same(
    there: StatuspageSandbox, page: Statuspage, status: int
) -> None:
    """Proxies and other makers' pages may know the writing calls alone."""
    room = f"/v1/pages/{there.page_id}/incidents"
    there.faults.next(f"GET {room}", times=9, status=status)
    posted = page.create("Uploads fail", "We are looking into it.", "inc-12")
    there.faults.next(f"GET {room}/{posted.id}", times=9, status=status)
    page.update(posted.id, "Posts recover.")
    assert page.resolve(posted.id, "Over.").id == posted.id
    assert [each.body for each in there.incidents[posted.id].updates] == [
        "We are looking into it.",
        "Posts recover.",
        "Over.",
    ]
    assert there.incidents[posted.id].status == "resolved"


def test_a_page_that_hangs_is_found_out_once_and_then_left_alone_for_a_while(
    there: StatuspageSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outside.http.TIMEOUT", 0.2)
    page = Statuspage(there.api_key, there.page_id, there.api_url)
    there.faults.next("*", delay=1.0)
    for why in ("I could not reach the status page: ReadTimeout", "The status page did not answer in time"):
        with pytest.raises(Unreachable, match=why):
            page.create("Uploads fail", "We are looking into it.", "inc-12")
    there.wait_for(lambda: len(there.calls) == 1)
    assert there.incidents == {}


def test_no_secret_and_no_mention_leaves_in_title_or_text(there: StatuspageSandbox, page: Statuspage) -> None:
    posted = page.create("Down: password=hunter2", "<@U012ABCDE|noor> says token=abcd1234", "inc-12")
    page.update(posted.id, "ana@example.com restarts it", "identified")
    shown = there.incidents[posted.id]
    assert shown.name == "Down: password=•••"
    assert [each.body for each in shown.updates] == ["@noor says token=•••", "a•••@example.com restarts it"]
