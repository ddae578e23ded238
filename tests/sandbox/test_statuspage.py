"""The sandbox's status page refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bot.sandbox.statuspage import StatuspageSandbox
from tests.outside.outsides import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(clock: Clock) -> Iterator[StatuspageSandbox]:
    with StatuspageSandbox(now=clock) as running:
        yield running


def post(url: str, authorization: str, body: Any) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.post(url, json=body, headers={"Authorization": authorization})


@pytest.mark.parametrize(
    ("incident", "status"),
    [
        ({}, 422),
        ({"name": "Uploads fail", "status": "on fire"}, 422),
        ({"name": "Uploads fail", "impact_override": "huge"}, 422),
        ({"name": "Uploads fail", "metadata": {"key": "value"}}, 422),
        ({"name": "Uploads fail", "body": "b" * 25_001}, 422),
        ({"name": "Uploads fail", "components": {"nothere": "operational"}}, 422),
        ({"name": "Uploads fail", "colour": "red"}, 400),
        ({"name": "Uploads fail", "status": "investigating", "body": "Looking."}, 201),
    ],
)
def test_the_page_takes_what_its_schema_knows(page: StatuspageSandbox, incident: Any, status: int) -> None:
    url = f"{page.api_url}/v1/pages/{page.page_id}/incidents"
    assert post(url, f"OAuth {page.api_key}", {"incident": incident}).status_code == status
    assert len(page.incidents) == (status == 201)
    assert post(url, "OAuth wrong", {"incident": incident}).status_code == 401


def test_the_page_takes_60_requests_a_minute(page: StatuspageSandbox, clock: Clock) -> None:
    url = f"{page.api_url}/v1/pages/{page.page_id}/incidents"
    with page.lock:
        page._asked.extend([clock()] * 60)
    refused = post(url, f"OAuth {page.api_key}", {"incident": {"name": "Uploads fail"}})
    assert (refused.status_code, refused.headers["retry-after"]) == (420, "60")
    clock.passes(seconds=60)
    assert post(url, f"OAuth {page.api_key}", {"incident": {"name": "Uploads fail"}}).status_code == 201
