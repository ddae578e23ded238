"""Keyboard, screen reader, phone, light and dark: axe-core finds nothing, and nothing needs a mouse."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.acts import PHONE, card, press, say, tab
from tests.browser.conftest import NewPage
from tests.browser.test_mishaps import room


def violations(page: Page) -> list[str]:
    """What axe-core objects to, each with the first place it was found in."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}" for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_part_of_the_page(
    shared_sandbox: str, new_page: NewPage, scheme: Literal["light", "dark"]
) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(room(shared_sandbox))
    say(page, "hello *there* @linnea, see https://example.com and `code`")
    say(page, "/jobs failed repost-dispatch")
    press(page, "causes", "Replay these")
    expect(card(page, "can confirm this within")).to_be_visible()
    say(page, "/jobs nonsense")
    expect(card(page, "Only visible to you")).to_be_visible()
    assert violations(page) == []
    tab(page, "On call")
    page.get_by_role("button", name="Trigger alert").click()
    expect(page.locator(".alerts .triggered")).not_to_have_count(0)
    for name in ("Pipeline", "On call", "Wire"):
        tab(page, name)
        assert violations(page) == []
    page.locator("#wire summary").first.click()
    expect(page.locator("#wire pre").first).to_be_visible()
    assert violations(page) == []
    page.locator("#say").fill("/jobs replay ")
    expect(page.locator("#options li").first).to_be_visible()
    assert violations(page) == []
    page.locator("#say").fill("")
    page.get_by_role("button", name="Add note…").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(f"{shared_sandbox}/as/noor/home")
    assert violations(page) == []


def test_axe_finds_nothing_on_a_phone(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    page.goto(room(shared_sandbox))
    assert violations(page) == []
    page.get_by_role("button", name="Guide").click()
    assert violations(page) == []
    page.get_by_role("button", name="Back to the channel").click()
    page.get_by_role("button", name="Channels").click()
    assert violations(page) == []


def test_a_command_is_found_completed_and_sent_without_a_mouse(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(room(shared_sandbox))
    composer = page.locator("#say")
    expect(composer).to_be_focused()
    page.keyboard.type("/jo")
    page.keyboard.press("ArrowDown")
    expect(composer).to_have_attribute("aria-activedescendant", "option-0")
    page.keyboard.press("Escape")
    page.keyboard.type("bs fa")
    page.keyboard.press("Tab")
    expect(composer).to_have_value("/jobs failed ")
    expect(page.locator("#usage mark")).to_have_text("QUEUE")
    page.keyboard.press("Tab")
    expect(composer).to_have_value("/jobs failed repost-dispatch ")
    page.keyboard.type("--ca")
    expect(page.locator("#options li")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(page.locator("#usage mark")).to_have_text("[--cause CAUSE]")
    page.keyboard.type("time-out")
    page.keyboard.press("Enter")
    expect(card(page, "Time-out")).to_be_visible()
    expect(composer).to_have_value("")


def test_messages_are_walked_and_pressed_by_keyboard(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(room(shared_sandbox))
    cards = page.locator("#messages > .message", has_text="causes")
    before = cards.count()
    say(page, "/jobs failed repost-dispatch")
    expect(cards).to_have_count(before + 1)
    page.locator("#say").focus()
    page.keyboard.press("ArrowUp")
    focused = page.locator("#messages > .message:focus")
    expect(focused).to_have_count(1)
    expect(focused).to_contain_text("causes")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Show jobs":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#messages > .message").last).to_contain_text("Instagram token expired")


def test_what_is_new_is_read_out_once_and_edits_are_not(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{shared_sandbox}/as/linnea/in/ops")
    other = new_page()
    other.goto(f"{shared_sandbox}/as/noor/in/ops")
    say(other, "the canary has stopped")
    heard = page.locator("#heard")
    expect(heard).to_have_text("Noor Haddad: the canary has stopped")
    heard.evaluate("line => { line.textContent = '' }")
    card(other, "the canary has stopped").hover()
    card(other, "the canary has stopped").get_by_role("button", name="React with a pin").first.click()
    expect(card(page, "the canary has stopped").locator(".reaction")).to_have_count(1)
    expect(heard).to_have_text("")


def test_times_are_in_the_readers_zone_with_utc_beside(shared_sandbox: str, new_page: NewPage) -> None:
    berlin, lima = new_page(timezone_id="Europe/Berlin"), new_page(timezone_id="America/Lima")
    shown = []
    for page in (berlin, lima):
        page.goto(room(shared_sandbox))
        at = page.locator("#messages .message .at time").first
        shown.append((at.inner_text(), at.get_attribute("title")))
    (in_berlin, utc), (in_lima, same) = shown
    assert in_berlin != in_lima
    assert utc == same
    assert utc is not None
    assert utc.endswith("UTC")
