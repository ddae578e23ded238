"""The known word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def resembling(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant, whatever its case; "" when none comes close."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1)
    return by_lower[found[0]] if found else ""


def near(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when a known word resembles this one, else nothing."""
    found = resembling(word, known)
    return f"; did you mean {found}?" if found else ""
