"""Every row of the table: the secret is gone, the harmless text is as it was."""

from __future__ import annotations

import re

import pytest

from bot.domain.masking import mask
from tests.domain.harmless_table import HARMLESS
from tests.domain.secrets_table import SECRET


def _text(row: str) -> str:
    row = re.sub(r"(?<!\\)\\r", "\r", row)
    return re.sub(r"(?<!\\)\\([nt])", lambda m: {"n": "\n", "t": "\t"}[m[1]], row).replace("~", "\u200b")


def test_the_table_is_long_and_says_nothing_twice() -> None:
    assert len(SECRET) + len(HARMLESS) >= 250
    assert len({*SECRET, *HARMLESS}) == len(SECRET) + len(HARMLESS)


@pytest.mark.parametrize("row", SECRET)
def test_a_secret_is_hidden(row: str) -> None:
    text = _text(row)
    masked = mask(re.sub("[«»]", "", text))
    hidden = re.findall("«([^»]*)»", text) or pytest.fail("the row marks no secret")
    assert not [each for each in hidden if each in masked or each.replace("\u200b", "") in masked]
    assert mask(masked) == masked


@pytest.mark.parametrize("row", HARMLESS)
def test_what_is_harmless_stays(row: str) -> None:
    text = _text(row)
    assert mask(text) == text
