"""Leases: a name is held by one process at a time, and a dead holder loses it within seconds."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from bot.store.base import LEASE, RedisBase


class Leases(RedisBase):
    """Those of this process are renewed by a thread while they are held."""

    def __init__(self, redis: Redis, prefix: str = "firewatch", lease: float = LEASE, rate: float = 1.0) -> None:
        super().__init__(redis, prefix, lease, rate)
        self._held: dict[str, str] = {}
        self._renewing = threading.Lock()
        self._renewer: threading.Thread | None = None
        self._renew = self._script("renew")
        self._release = self._script("release")

    @contextmanager
    def lease(self, name: str) -> Iterator[bool]:
        """Hold a name while the block runs: True for the one process that has it.

        A dead holder loses it within seconds.
        """
        key, token = self.key("lease", name), uuid.uuid4().hex
        if not self.redis.set(key, token, nx=True, px=self._lease_ms):
            yield False
            return
        self._keep(key, token)
        try:
            yield True
        finally:
            with self._renewing:
                self._held.pop(key, None)
            self._release(keys=[key], args=[token])

    def _keep(self, key: str, token: str) -> None:
        with self._renewing:
            self._held[key] = token
            if self._renewer is None or not self._renewer.is_alive():
                self._renewer = threading.Thread(target=self._renew_all, name="leases", daemon=True)
                self._renewer.start()

    def _renew_all(self) -> None:
        idle = threading.Event()
        while True:
            idle.wait(self._lease_ms / 3000)
            with self._renewing:
                held = dict(self._held)
                if not held:
                    self._renewer = None
                    return
            for key, token in held.items():
                try:
                    self._renew(keys=[key], args=[token, self._lease_ms])
                except Exception:
                    continue

    def lead(self, name: str, me: str) -> bool:
        """Whether this process leads: the first to ask does, for as long as it keeps asking."""
        key = self.key("lead", name)
        return bool(
            self.redis.set(key, me, nx=True, px=self._lease_ms) or self._renew(keys=[key], args=[me, self._lease_ms])
        )

    def resign(self, name: str, me: str) -> None:
        self._release(keys=[self.key("lead", name)], args=[me])
