"""A queue with Node on one side and our client on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bot.outside.queues.bullmq.client import BullQueue
from tests.node import NodeProcess, install

QUEUE = "repost-dispatch"

StartNode = Callable[..., NodeProcess]


@pytest.fixture(scope="session")
def node_modules() -> None:
    install()


@pytest.fixture
def start_node(redis_url: str, node_modules: None) -> Iterator[StartNode]:
    """Starts a Node process with BullMQ on the queue: `start_node()`, or `start_node("bullmq5")`."""
    with ExitStack() as stack:
        yield lambda package="bullmq", queue=QUEUE: stack.enter_context(NodeProcess(redis_url, queue, package))


@pytest.fixture
def node(start_node: StartNode) -> NodeProcess:
    return start_node()


@pytest.fixture
def queue(redis_url: str) -> Iterator[BullQueue]:
    queue = BullQueue(QUEUE, redis_url)
    yield queue
    queue.close()
