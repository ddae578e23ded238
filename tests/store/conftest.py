"""A store on a real Redis, and those of further processes on the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from bot.store.store import Store


@pytest.fixture
def connect(redis_url: str) -> Iterator[Callable[..., Store]]:
    """Gives the store of one more process."""
    made: list[Redis] = []

    def connected(lease: float = 5.0) -> Store:
        made.append(Redis.from_url(redis_url, decode_responses=True))
        return Store(made[-1], lease=lease)

    yield connected
    for redis in made:
        redis.close()


@pytest.fixture
def store(connect: Callable[..., Store]) -> Store:
    return connect()
