"""The Redis that the drill, the sandbox and these tests bring along."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis

from bot.sandbox.queues.redis import RedisServer


def test_a_server_that_was_killed_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    with server as url, redis.Redis.from_url(url) as client:
        client.set("incident", "7")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        assert server.start() == url
        assert client.get("incident") == b"7"


def test_nothing_is_ever_evicted(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_each_test_begins_with_an_empty_database(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_and_so_does_the_next_one(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_port_that_is_taken_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "first") as url:
        port = int(url.rsplit(":", 1)[1].split("/", maxsplit=1)[0])
        with pytest.raises(RuntimeError, match=f"did not start on port {port}"):
            RedisServer(tmp_path / "second", port).start()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server_before_the_bot_has_stopped(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    with server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)
    assert server.pid is None
