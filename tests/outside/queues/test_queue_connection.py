"""A queue's Redis that is down, slow, closed to us or another thing than expected: each a sentence, nothing changed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.commands.core import Script

from bot.domain.errors import FirewatchError, Later, Refused
from bot.outside.queues import connection
from bot.outside.queues.bullmq.client import BullQueue
from bot.outside.queues.client import NamedQueues
from bot.outside.queues.protocol import Seen
from bot.sandbox.queues.redis import RedisServer, free_port
from tests.outside.queues.conftest import QUEUE
from tests.outside.queues.jobs import NOW, every, write

SEEN = Seen("1", "instagram", "", NOW)

QUESTIONS: dict[str, Callable[[BullQueue], object]] = {
    "status": lambda queue: queue.status(),
    "ended": lambda queue: list(queue.ended()),
    "seen": lambda queue: queue.seen(["1"]),
    "job": lambda queue: queue.job("1"),
    "near": lambda queue: queue.near("1"),
    "follow": lambda queue: queue.follow([SEEN]),
    "move": lambda queue: queue.move([SEEN], "t"),
    "ready": lambda queue: queue.ready(),
    "pause": lambda queue: queue.pause(),
    "resume": lambda queue: queue.resume(),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_redis_that_is_down_is_named_in_a_sentence(question: str) -> None:
    port = free_port()
    queue = BullQueue(QUEUE, f"redis://user:secret@127.0.0.1:{port}/0")
    with pytest.raises(Refused) as refused:
        QUESTIONS[question](queue)
    assert refused.value.sentence == (
        f"I could not reach the queue {QUEUE} (127.0.0.1:{port}): nothing listens there. Nothing was changed."
    )


def test_an_address_without_a_host_is_said_so() -> None:
    queue = BullQueue(QUEUE, "redis://no-such-host.invalid:6379/0")
    with pytest.raises(Refused, match="its name is not known"):
        queue.status()


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "redis://127.0.0.1:port", "127.0.0.1:6379", "redis://[::1"])
def test_an_address_that_is_none_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Refused, match="cannot be read") as refused:
        BullQueue(QUEUE, url)
    assert not url or url not in refused.value.sentence


def test_a_plain_redis_behind_a_tls_address_is_guessed(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    queue = BullQueue(QUEUE, redis_url.replace("redis://", "rediss://"))
    with pytest.raises(Refused, match="does it speak TLS"):
        queue.status()


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []
        threading.Thread(target=lambda: _hold(server, held), daemon=True).start()
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        for each in held:
            each.close()


def _hold(server: socket.socket, held: list[socket.socket]) -> None:
    while True:
        try:
            held.append(server.accept()[0])
        except OSError:
            return


def test_a_redis_that_does_not_answer_is_given_up_in_time(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.3)
    queue = BullQueue(QUEUE, silent)
    begun = time.monotonic()
    with pytest.raises(Refused, match=r"no answer within|could not reach"):
        queue.status()
    assert time.monotonic() - begun < 3


def test_a_change_that_breaks_off_in_the_middle_is_asked_again_later(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    write(redis_url, QUEUE, {"1": NOW})
    queue = BullQueue(QUEUE, redis_url)
    jobs = every(queue)
    real = Script.__call__

    def lost(script: Script, **given: Any) -> None:
        real(script, **given)
        raise redis.ConnectionError("Connection closed by server.")

    # The answer is lost, not the deed: what the lost call moved must not be moved again by the next.
    with monkeypatch.context() as patched:
        patched.setattr(Script, "__call__", lost)
        with pytest.raises(Later, match="broke during a change"):
            queue.move(jobs, "t")
    assert queue.move(jobs, "t") == ["already"]
    assert queue.status().depth == 1


def test_a_redis_that_comes_back_is_found_again(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    queue = BullQueue(QUEUE, server.start())
    assert queue.status().depth == 0
    server.kill()
    with pytest.raises(Refused, match="nothing listens there"):
        queue.status()
    server.start()
    assert queue.status().depth == 0
    queue.close()
    server.stop()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[RedisServer, redis.Redis]]:
    server = RedisServer(tmp_path)
    with redis.Redis.from_url(server.start()) as client:
        yield server, client
    server.stop()


def test_a_wrong_password_is_said_and_never_shown(guarded: tuple[RedisServer, redis.Redis]) -> None:
    server, client = guarded
    client.config_set("requirepass", "right")
    queue = BullQueue(QUEUE, server.url.replace("redis://", "redis://:wrong-secret@"))
    with pytest.raises(Refused, match="does not let me in") as refused:
        queue.status()
    assert "wrong-secret" not in refused.value.sentence
    assert "wrong-secret" not in str(refused.value.__cause__)


def test_without_the_right_to_list_clients_the_workers_are_unknown(guarded: tuple[RedisServer, redis.Redis]) -> None:
    server, client = guarded
    client.acl_setuser(
        "reader", enabled=True, passwords="+pw", keys="*", categories=["+@all"], commands=["-client|list", "-info"]
    )
    queue = BullQueue(QUEUE, server.url.replace("redis://", "redis://reader:pw@"))
    status = queue.status()
    assert (status.workers, status.depth) == (-1, 0)
    queue.close()


def test_a_full_redis_refuses_and_loses_no_job(guarded: tuple[RedisServer, redis.Redis]) -> None:
    server, client = guarded
    write(server.url, QUEUE, {"1": NOW})
    queue = BullQueue(QUEUE, server.url)
    jobs = every(queue)
    client.config_set("maxmemory", "1")
    with pytest.raises(Refused, match="out of memory"):
        queue.pause()
    # A script that has begun with freeing memory (the job leaves the failed set) is let go on to its end.
    assert queue.move(jobs, "t") == ["moved"]
    assert queue.status().depth == 1
    queue.close()


def test_a_read_only_replica_asks_to_come_back(guarded: tuple[RedisServer, redis.Redis], redis_url: str) -> None:
    server, client = guarded
    write(server.url, QUEUE, {"1": NOW})
    queue = BullQueue(QUEUE, server.url)
    jobs = every(queue)
    client.replicaof("127.0.0.1", str(free_port()))
    with pytest.raises(Later, match="changing its primary"):
        queue.move(jobs, "t")
    client.replicaof("NO", "ONE")
    assert queue.move(jobs, "t") == ["moved"]
    queue.close()


def test_a_cluster_is_refused_in_a_sentence(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = BullQueue(QUEUE, redis_url)
    monkeypatch.setattr(queue._connection.client, "info", lambda section: {"cluster_enabled": 1})
    with pytest.raises(Refused, match="Redis Cluster"):
        queue.status()


@pytest.mark.parametrize("text", ["MOVED 866 127.0.0.1:7001", "CROSSSLOT Keys in request don't hash to the same slot"])
def test_a_cluster_that_hides_shows_itself_by_its_errors(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    queue = BullQueue(QUEUE, redis_url)

    def moved(script: Script, **given: object) -> None:
        raise redis.ResponseError(text)

    monkeypatch.setattr(Script, "__call__", moved)
    with pytest.raises(Refused, match="Redis Cluster"):
        queue.job("1")


def test_a_key_of_another_kind_is_refused(redis_url: str) -> None:
    queue = BullQueue(QUEUE, redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"bull:{QUEUE}:failed", "a string")
    with pytest.raises(Refused, match="is no such queue"):
        queue.status()


def test_what_nobody_foresaw_is_broken_and_not_a_no(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = BullQueue(QUEUE, redis_url)

    def odd(script: Script, **given: object) -> None:
        raise redis.ResponseError("ERR user_script:1: attempt to index a nil value")

    monkeypatch.setattr(Script, "__call__", odd)
    with pytest.raises(FirewatchError, match="nil value") as broken:
        queue.job("1")
    assert not isinstance(broken.value, Refused | Later)


def test_the_catalogue_offers_a_near_miss() -> None:
    queues = NamedQueues({"repost-dispatch": ("bullmq", "redis://127.0.0.1:1/0", "bull", 50)})
    assert queues.names() == ("repost-dispatch",)
    queue = queues.get("repost-dispatch")
    assert (queue.name, queue.max_replay) == ("repost-dispatch", 50)
    assert queues.get("repost-dispatch") is queue
    with pytest.raises(Refused, match=r"^There is no queue Repost-dispach\. Did you mean repost-dispatch\?$"):
        queues.get("Repost-dispach")
    with pytest.raises(Refused, match=r"^There is no queue zzz\. There is repost-dispatch\.$"):
        queues.get("zzz")
    with pytest.raises(Refused, match="No queue is named"):
        NamedQueues({}).get("a")
    with pytest.raises(Refused, match="neither bullmq nor rq"):
        NamedQueues({"a": ("celery", "redis://127.0.0.1:1/0", "bull", 1)}).get("a")
