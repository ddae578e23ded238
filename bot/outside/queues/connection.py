"""A queue's Redis: one connection pool, its own patience, and every error of redis-py turned into the bot's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry

from bot.domain.errors import FirewatchError, Later, Refused, Unreachable

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
SOON = 5.0
"""When to come back to a Redis that loads its data, changes its primary, or broke off in the middle of a change."""

_CLUSTER = "lives on a Redis Cluster, which Firewatch does not read. Name a single Redis in QUEUE_REDIS_URL."


class Connection:
    """The Redis that holds the queue `queue`. Nothing is opened until the first question.

    `client` answers str (what is not UTF-8 comes with its bad bytes replaced), or bytes with `decode=False`; it speaks
    RESP2 whatever redis-py prefers. `reading()` and `changing()` lend it and translate its errors:

    * Refused when it cannot be reached, refuses us, or is no single Redis: nothing was changed;
    * Later when it will be well again by itself, or when a change broke off in the middle.
    """

    def __init__(self, url: str, queue: str, decode: bool = True) -> None:
        self.queue = queue
        self._is_single = False
        try:
            # Any: redis-py types every answer as "this or an awaitable of it", which no sync caller can use.
            self.client: Any = redis.Redis.from_url(
                url,
                decode_responses=decode,
                encoding_errors="replace",
                protocol=2,
                socket_connect_timeout=CONNECT_SECONDS,
                socket_timeout=READ_SECONDS,
                # Once more, for a connection that the other side closed while it lay idle; a slow answer is not
                # asked for again.
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            )
        except (ValueError, RedisError) as wrong:
            # The address may hold a password, so neither it nor what complains of it is shown.
            raise Refused(
                f"The Redis address of the queue {queue} cannot be read. "
                "It looks like redis://host:6379/0, or rediss:// for TLS."
            ) from wrong

    @property
    def place(self) -> str:
        """host:port or the socket's path, without user and password."""
        known = self.client.connection_pool.connection_kwargs
        return str(known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}")

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """The client, for questions that change nothing."""
        with self._translated(changing=False):
            self._demand_single()
            yield self.client

    def ready(self) -> None:
        """Raises Refused or Later when a change cannot be begun now."""
        with self._translated(changing=False):
            self._demand_single()
            self.client.ping()

    @contextmanager
    def changing(self, *, ready: bool = False) -> Iterator[Any]:
        """The client, for a change. What breaks before the change began is Refused, what breaks during it is Later.

        ``ready``: that was asked for a moment ago.
        """
        if not ready:
            self.ready()
        with self._translated(changing=True):
            yield self.client

    def client_names(self) -> list[str] | None:
        """The names of the clients on this very database; None where it does not tell (some hosts forbid that)."""
        database = str(self.client.connection_pool.connection_kwargs.get("db") or 0)
        with self._translated(changing=False):
            try:
                clients = self.client.client_list(_type="normal")
            except ResponseError:
                return None
        return [str(each.get("name", "")) for each in clients if each.get("db", database) == database]

    def close(self) -> None:
        self.client.close()

    def _demand_single(self) -> None:
        if self._is_single:
            return
        try:
            answer = self.client.info("cluster")
        except NoPermissionError:
            answer = {}  # then a cluster shows itself by its first MOVED
        if int(answer.get("cluster_enabled", 0)):
            raise Refused(f"The queue {self.queue} {_CLUSTER}")
        self._is_single = True

    @contextmanager
    def _translated(self, changing: bool) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            if isinstance(error, ReadOnlyError):
                self.client.connection_pool.disconnect()  # the primary has moved; the next connection finds it
            raise self._in_our_words(error, changing) from error

    def _in_our_words(self, error: RedisError, changing: bool) -> FirewatchError:
        queue, text = self.queue, str(error)
        if isinstance(error, (AuthenticationError, NoPermissionError)):
            return Refused(
                f"The Redis of the queue {queue} ({self.place}) does not let me in or forbids a command: {text}. "
                "Nothing was changed."
            )
        if isinstance(error, BusyLoadingError | MasterDownError | TryAgainError | ReadOnlyError):
            return Later(SOON, f"The Redis of the queue {queue} ({self.place}) is starting or changing its primary.")
        if isinstance(error, OutOfMemoryError):
            return Refused(f"The Redis of the queue {queue} ({self.place}) is out of memory. Nothing was changed.")
        if isinstance(error, ClusterDownError) or text.startswith(("MOVED", "ASK ", "CROSSSLOT", "CLUSTERDOWN")):
            return Refused(f"The queue {queue} {_CLUSTER}")
        if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
            if changing:
                return Later(SOON, f"The connection to the queue {queue} ({self.place}) broke during a change.")
            return Unreachable(
                f"I could not reach the queue {queue} ({self.place}): {self._why(error)}. Nothing was changed."
            )
        if isinstance(error, ResponseError) and text.startswith("BUSY"):
            return Later(SOON, f"The Redis of the queue {queue} ({self.place}) is busy with somebody's script.")
        if isinstance(error, ResponseError) and "WRONGTYPE" in text:
            return Refused(
                f"What the Redis at {self.place} keeps under the name of the queue {queue} is no such queue."
            )
        return FirewatchError(f"The Redis of the queue {queue} ({self.place}) answered: {text}")

    def _why(self, error: RedisError) -> str:
        """The reason in a few plain words."""
        if isinstance(error, redis.TimeoutError):
            of_tls = issubclass(self.client.connection_pool.connection_class, redis.SSLConnection)
            return f"no answer within {READ_SECONDS:.0f} s{' (does it speak TLS?)' if of_tls else ''}"
        text = str(error).lower()
        if "refused" in text:
            return "nothing listens there"
        if any(part in text for part in ("name or service", "getaddrinfo", "nodename", "name resolution")):
            return "its name is not known"
        if "certificate" in text or "ssl" in text:
            return "its TLS is not as expected"
        return "the connection broke"


class Ahead:
    """A script whose next answer is asked for before it is needed: Redis works while the last one is being read.

    Only for scripts that change nothing: an answer that does not come is asked for again, on another connection.
    """

    def __init__(self, client: Any, script: Any, keys: Sequence[str]) -> None:
        self._pool = client.connection_pool
        self._script = script
        self._keys = keys
        self._arguments: Sequence[Any] = ()
        self._wire: Any = None
        self._asked = False

    def ask(self, *arguments: Any) -> None:
        """Send the question; `answer` takes the reply, and is to be called before the next."""
        self._arguments = arguments
        try:
            if self._wire is None:
                self._wire = self._pool.get_connection()
            self._wire.send_command("EVALSHA", self._script.sha, len(self._keys), *self._keys, *arguments)
            self._asked = True
        except RedisError:
            self.close()

    def answer(self) -> Any:
        if self._asked:
            self._asked = False
            try:
                return self._wire.read_response()
            except RedisError:
                self._asked = True
                self.close()
        return self._script(keys=self._keys, args=self._arguments)

    def close(self) -> None:
        """Give the connection back; one that still owes an answer is of no use to anybody."""
        if self._wire is not None:
            if self._asked:
                self._wire.disconnect()
            self._pool.release(self._wire)
        self._wire, self._asked = None, False
