"""Tests with chance in them run once for each seed: three, or as many as the environment's SEEDS says.

    @seeded
    def test_a_replay_survives(seed: int) -> None: ...

`make proof` gives twenty; `pytest -k seed7` repeats one, where SEEDS is more than seven.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

FEW = 3

Test = Callable[..., None]


def wanted(said: str = os.environ.get("SEEDS", "")) -> int:
    """How many seeds. Raises pytest.UsageError for what is no number from 1."""
    if not said:
        return FEW
    if not (said.isdecimal() and int(said)):
        raise pytest.UsageError(f"SEEDS={said}: how many seeds is a whole number from 1, such as SEEDS=20")
    return int(said)


EXAMPLES = 20 if wanted() == FEW else 25 * wanted()
"""How many examples a long property test draws: 20 in `make test`, 500 in `make proof`."""


def seeded(test: Test) -> Test:
    """Give a test the argument `seed`: 0, 1, 2, …; `make proof` runs it with more of them."""
    names = pytest.mark.parametrize("seed", range(wanted()), ids=lambda seed: f"seed{seed}")
    marked: Test = pytest.mark.seeded(names(test))
    return marked
