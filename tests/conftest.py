"""Fixtures every test may ask for: a real Redis, one for each test process, emptied before each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis
from hypothesis import HealthCheck, settings

from bot.sandbox.queues.redis import RedisServer
from tests import seeds

# How long an example takes says more of the machine's other work than of ours.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure() -> None:
    seeds.wanted()  # a wrong SEEDS is one line, not an error in each file


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The address of a Redis of this test process's own.

    A server from the wheel on a free port; where REDIS_URL is set, the databases 15, 14, … of that one,
    a number for each test process. A database that already holds keys is somebody's, and is left alone.
    """
    lent = os.environ.get("REDIS_URL")
    if not lent:
        with RedisServer(tmp_path_factory.mktemp("redis")) as url:
            yield url
        return
    index = int(worker_id.removeprefix("gw")) if worker_id != "master" else 0
    url = urlunsplit(urlsplit(lent)._replace(path=f"/{15 - index}"))
    with redis.Redis.from_url(url) as client:
        if client.dbsize():
            pytest.fail(
                f"Database {15 - index} of REDIS_URL is not empty. The tests empty the database they use: "
                "empty it yourself, name another Redis, or unset REDIS_URL to get a fresh one.",
                pytrace=False,
            )
        yield url
        client.flushdb()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an empty Redis database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server
