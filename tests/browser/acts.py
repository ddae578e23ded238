"""What people do on the page, in their own words."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 150_000
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def say(page: Page, text: str) -> None:
    """Type it into the composer and send it; returns once it was taken."""
    composer = page.locator("#say")
    composer.fill(text)
    page.locator("#send").click()
    expect(composer).to_have_value("")


def card(page: Page, text: str) -> Locator:
    """The last message that says so."""
    return page.locator("#messages > .message", has_text=text).last


def press(page: Page, within: str, label: str) -> None:
    card(page, within).get_by_role("button", name=label, exact=True).first.click()


def ticked(page: Page, title: str) -> None:
    """The guide has noticed that it was done."""
    expect(page.locator(".steps li.done", has_text=title)).to_have_count(1)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def turn_off(page: Page, switch: str) -> None:
    box = page.get_by_role("switch", name=switch)
    box.uncheck()
    expect(box).not_to_be_checked()


def picture(page: Page, name: str) -> None:
    """Keep a picture for the README, when they are to be made anew; otherwise only see that it can be taken."""
    page.mouse.move(0, 0)
    if os.environ.get("FIREWATCH_PICTURES") != "1":
        assert page.screenshot(type="png")
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    taken = Image.open(io.BytesIO(page.screenshot(type="png", animations="disabled", caret="hide")))
    # 256 colours do for text on paper, at half the size; chosen by coverage, so that a small red sign stays red.
    kept = io.BytesIO()
    taken.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        kept, "png", optimize=True
    )
    assert len(kept.getvalue()) < LARGEST, f"{name}: {len(kept.getvalue()):,} bytes are too many for a README"
    (IMAGES / name).write_bytes(kept.getvalue())
