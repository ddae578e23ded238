"""A bad night from its beginning to its end, as somebody new to it goes through it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acts import PHONE, card, picture, press, say, tab, ticked, turn_off
from tests.browser.conftest import NewPage


def read_the_guide(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("h1")).to_contain_text("inc-1-")
    expect(page.locator(".steps li.next")).to_contain_text("Look at what failed")
    expect(page.locator(".steps li.done")).to_have_count(0)


def ask_for_what_failed(page: Page) -> None:
    """By the guide's own button, which only fills the composer in."""
    page.locator(".steps li.next .fill").click()
    expect(page.locator("#say")).to_have_value("/jobs failed repost-dispatch")
    page.locator("#say").press("Enter")
    expect(card(page, "causes")).to_contain_text("Instagram token expired")
    ticked(page, "Look at what failed")


def be_paged(page: Page) -> None:
    """By the panel's alert, which rings in a channel of its own."""
    tab(page, "On call")
    page.get_by_role("button", name="Trigger alert").click()
    expect(page.locator(".alerts")).to_contain_text("rings for Noor Haddad")
    page.get_by_role("navigation", name="Channels").get_by_role("link", name="inc-2-tiktok-syncs-have-stopped").click()
    press(page, "Nobody has acknowledged it yet", "Ack")
    expect(page.locator(".alerts")).to_contain_text("acknowledged by Noor Haddad")
    expect(card(page, "after")).to_contain_text("update due")
    picture(page, "4-alert.png")
    tab(page, "Guide")
    ticked(page, "Be paged")


def replay(page: Page) -> None:
    press(page, "causes", "Replay these")
    expect(card(page, "can confirm this within")).to_contain_text("Instagram token expired")
    ticked(page, "Press “Replay these”")
    press(page, "can confirm this within", "Confirm")


@pytest.mark.timeout(180)
def test_the_whole_night_from_the_guide_to_the_resolution(own_sandbox: str, new_page: NewPage) -> None:
    page = new_page(device_scale_factor=1)
    read_the_guide(page, own_sandbox)

    ask_for_what_failed(page)
    picture(page, "1-failed.png")

    replay(page)
    stopped = card(page, "Replay stopped")
    expect(stopped).to_contain_text("the canary failed again: Instagram token expired")
    expect(stopped).to_contain_text("0 completed · 3 failed again")
    ticked(page, "see the canary stop")
    picture(page, "2-canary.png")

    tab(page, "Pipeline")
    turn_off(page, "instagram: token-expired")
    tab(page, "Guide")
    ticked(page, "Turn the fault off")

    say(page, "/jobs failed repost-dispatch")
    replay(page)
    done = card(page, "Replay done")
    expect(done).to_contain_text("0 failed again", timeout=30_000)
    ticked(page, "read the receipt")
    picture(page, "3-receipt.png")

    say(page, "/incident note Token refreshed, replayed: all of Instagram's are through")
    expect(card(page, "noted:")).to_contain_text("all of Instagram's are through")
    ticked(page, "Add a note")

    say(page, "/incident resolve Instagram's token had expired")
    expect(card(page, "Resolved:")).to_contain_text("Instagram's token had expired")
    ticked(page, "Resolve")

    be_paged(page)

    page.get_by_role("navigation", name="Act as").get_by_role("link", name="Tomas").click()
    page.goto(f"{own_sandbox}/as/tomas/in/ops")
    say(page, "/jobs replay repost-dispatch")
    refusal = card(page, "Not done")
    expect(refusal).to_contain_text("Only visible to you")
    expect(refusal).to_contain_text("Noor Haddad")
    ticked(page, "Try it without rights")
    expect(page.locator("#guide")).to_contain_text("That was all of it")


def test_somebody_without_rights_is_refused_politely_and_nobody_else_sees_it(
    shared_sandbox: str, new_page: NewPage
) -> None:
    tomas, noor = new_page(), new_page()
    tomas.goto(f"{shared_sandbox}/as/tomas/in/ops")
    noor.goto(f"{shared_sandbox}/as/noor/in/ops")
    say(tomas, "/jobs pause repost-dispatch")
    refusal = card(tomas, "/jobs pause")
    expect(refusal).to_contain_text("Not done")
    expect(refusal).to_contain_text("On call now: @Noor Haddad")
    expect(refusal.get_by_role("button", name="Dismiss")).to_be_visible()
    expect(noor.locator("#messages")).not_to_contain_text("/jobs pause")
    refusal.get_by_role("button", name="Dismiss").click()
    expect(tomas.locator("#messages")).not_to_contain_text("/jobs pause")


def test_the_night_on_a_phone(own_sandbox: str, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    page.goto(own_sandbox)
    expect(page.locator("h1")).to_contain_text("inc-1-")
    page.get_by_role("button", name="Guide").click()
    page.locator(".steps li.next .fill").click()
    expect(page.locator("#side")).not_to_be_visible()
    page.locator("#send").click()
    press(page, "causes", "Replay these")
    press(page, "can confirm this within", "Confirm")
    expect(card(page, "Replay stopped")).to_be_visible()
    page.get_by_role("button", name="Guide").click()
    tab(page, "Pipeline")
    turn_off(page, "instagram: token-expired")
    page.get_by_role("button", name="Back to the channel").click()
    press(page, "Replay stopped", "Failed jobs")
    expect(page.locator("#messages > .message", has_text="causes")).to_have_count(2)
    press(page, "causes", "Replay these")
    press(page, "can confirm this within", "Confirm")
    expect(card(page, "Replay done")).to_contain_text("0 failed again", timeout=30_000)
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0, "nothing makes the page wider than the phone"
