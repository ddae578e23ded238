"""What goes wrong in a night: wrong and double presses, reloads, a bot that is away, two who press at once."""

from __future__ import annotations

from contextlib import suppress

from playwright.sync_api import TimeoutError, expect

from tests.browser.acts import PHONE, card, say
from tests.browser.conftest import NewPage


def room(url: str, person: str = "noor") -> str:
    return f"{url}/as/{person}/in/inc-1-reposts-failing-on-three-platforms"


def test_two_browsers_see_the_same(shared_sandbox: str, new_page: NewPage) -> None:
    noor, linnea = new_page(), new_page()
    noor.goto(f"{shared_sandbox}/as/noor/in/ops")
    linnea.goto(f"{shared_sandbox}/as/linnea/in/ops")
    say(noor, "are you awake, @linnea?")
    expect(card(linnea, "are you awake")).to_contain_text("@Linnea Berg")
    card(linnea, "are you awake").hover()
    card(linnea, "are you awake").get_by_role("button", name="Reply in a thread").click()
    linnea.keyboard.type("I am now")
    linnea.keyboard.press("Enter")
    expect(card(noor, "are you awake")).to_contain_text("I am now")
    card(noor, "are you awake").hover()
    card(noor, "are you awake").get_by_role("button", name="React with a pin").first.click()
    expect(card(linnea, "are you awake").locator(".reaction")).to_have_text("1")
    ours, theirs = (page.locator("#messages").inner_text() for page in (noor, linnea))
    assert ours == theirs


def test_a_double_press_begins_one_thing(own_sandbox: str, new_page: NewPage) -> None:
    page, other = new_page(), new_page()
    page.goto(room(own_sandbox))
    other.goto(room(own_sandbox))
    say(page, "/jobs failed repost-dispatch --cause x-rate-limit")
    card(page, "X rate limit").get_by_role("button", name="Replay these").dblclick()
    expect(page.locator("#messages > .message", has_text="can confirm this within")).to_have_count(1)
    ours = card(page, "can confirm this within").get_by_role("button", name="Confirm", exact=True)
    theirs = card(other, "can confirm this within").get_by_role("button", name="Confirm", exact=True)
    ours.dblclick()
    with suppress(TimeoutError):  # the other page may have learnt of it first, and have no button any more
        theirs.click(force=True, timeout=1_000)
    expect(card(page, "Replay stopped")).to_be_visible(timeout=30_000)
    # The pinned summary quotes it; as a receipt of its own it stands there once.
    expect(page.locator("#messages strong", has_text="Replay stopped")).to_have_count(1)
    expect(other.locator("#messages strong", has_text="Replay stopped")).to_have_count(1)


def test_a_press_on_a_card_that_has_changed_is_a_sentence_and_does_nothing(
    shared_sandbox: str, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(room(shared_sandbox))
    page.evaluate(
        """() => {
          const buttons = [...document.querySelectorAll("#messages .button")];
          const button = buttons.find((one) => one.textContent === "Timeline");
          button.setAttribute("hx-vals", '{"action": "say:99"}');
        }"""
    )
    page.locator("#messages .button", has_text="Timeline").first.click()
    expect(page.locator("#toasts")).to_contain_text("That is not offered any more")


def test_a_form_survives_a_reload_with_what_was_typed(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(room(shared_sandbox))
    page.get_by_role("button", name="Add note…").first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox").fill("half a thou")
    page.reload()
    expect(form.get_by_role("textbox")).to_have_value("half a thou")
    form.get_by_role("textbox").fill("")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert")).to_have_text("Please fill this in.")
    expect(form.get_by_role("textbox")).to_be_focused()
    form.get_by_role("textbox").fill("a whole thought")
    form.get_by_role("button", name="Send").click()
    expect(form).to_have_count(0)
    expect(card(page, "noted:")).to_contain_text("a whole thought")


def test_escape_closes_a_form_and_gives_the_focus_back(shared_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(room(shared_sandbox))
    opener = page.get_by_role("button", name="Resolve…").first
    opener.click()
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()


def test_a_bot_that_is_down_is_said_to_be_and_what_was_typed_is_kept(own_sandbox: str, new_page: NewPage) -> None:
    page = new_page()
    page.goto(room(own_sandbox))
    page.get_by_role("button", name="Stop the bot").click()
    expect(page.locator("#bot")).to_contain_text("The bot is stopped")
    composer = page.locator("#say")
    composer.fill("/jobs failed repost-dispatch")
    page.locator("#send").click()
    expect(page.locator("#toasts")).to_contain_text("Firewatch is not there just now")
    expect(composer).to_have_value("/jobs failed repost-dispatch")
    phone = new_page(**PHONE)
    phone.goto(room(own_sandbox))
    words = phone.locator("#bot .words")
    expect(words).to_have_text("The bot is stopped")
    assert words.evaluate("said => said.scrollWidth <= said.clientWidth"), "nothing of it is cut off"
    page.reload()
    expect(composer).to_have_value("/jobs failed repost-dispatch")
    page.get_by_role("button", name="Start the bot").click()
    expect(page.locator("#bot")).to_contain_text("The bot is up")
    page.locator("#send").click()
    expect(card(page, "Instagram token expired")).to_be_visible()
    expect(page.locator("#toasts")).to_be_empty()


def test_the_page_says_that_the_sandbox_has_stopped_and_comes_back_for_a_new_night(
    own_sandbox: str, new_page: NewPage
) -> None:
    page = new_page()
    page.goto(room(own_sandbox))
    say(page, "of the old night")
    page.get_by_label("This sandbox").click()
    page.get_by_role("button", name="Start over…").click()
    page.get_by_role("dialog").get_by_role("button", name="Start over").click()
    expect(page.locator("#away")).to_be_visible()
    expect(page.locator("#messages")).not_to_contain_text("of the old night", timeout=40_000)


def test_messages_that_come_while_one_reads_above_do_not_move_the_page(shared_sandbox: str, new_page: NewPage) -> None:
    page, other = new_page(), new_page()
    page.goto(f"{shared_sandbox}/as/noor/in/general")
    other.goto(f"{shared_sandbox}/as/linnea/in/general")
    for number in range(40):
        say(other, f"line {number}")
    expect(card(page, "line 39")).to_be_visible()
    page.locator("#messages").evaluate("list => { list.scrollTop = 0 }")
    say(other, "the newest of all")
    expect(page.get_by_role("button", name="New messages below")).to_be_visible()
    assert page.locator("#messages").evaluate("list => list.scrollTop") == 0
    page.get_by_role("button", name="New messages below").click()
    expect(card(page, "the newest of all")).to_be_in_viewport()
