"""The sandbox's tracker refuses what GitHub refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.sandbox.github import GitHubSandbox


@pytest.fixture
def github() -> Iterator[GitHubSandbox]:
    with GitHubSandbox() as running:
        yield running


def post(url: str, authorization: str, body: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(url, json=body, headers={"Authorization": authorization})


@pytest.mark.parametrize(
    ("issue", "status"),
    [
        ({"title": ""}, 422),
        ({"title": "t" * 257}, 422),
        ({"title": "Refresh in time", "body": "b" * 65_537}, 422),
        ({"title": "Refresh in time", "labels": "incident"}, 422),
        ({"title": "Refresh in time", "colour": "red"}, 422),
        ([], 400),
        ({"title": "Refresh in time", "labels": ["incident"]}, 201),
    ],
)
def test_the_tracker_takes_what_github_takes(github: GitHubSandbox, issue: Any, status: int) -> None:
    url = f"{github.api_url}/repos/{github.repository}/issues"
    assert post(url, f"Bearer {github.token}", issue).status_code == status
    assert len(github.issues) == (status == 201)
    assert post(url, "Bearer wrong", issue).status_code == 401
