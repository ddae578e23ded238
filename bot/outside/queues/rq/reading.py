"""What RQ writes of a job, read without trusting it: no pickle of a queue's Redis is ever run."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import re
import zlib
from base64 import b64decode
from binascii import Error as NoBase64
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

TEXT: Final = 2000
"""Characters kept of a reason or a name."""
TRACEBACK: Final = 1 << 17
"""Bytes up to which a packed traceback is read: about a megabyte of text."""
ARGUMENTS: Final = 1 << 16
"""Bytes up to which the packed arguments of a job are read."""
UNPACKED: Final = 1 << 23
"""Bytes a packed text may unpack to before the rest is left."""


class RqEntry(NamedTuple):
    """One job as `lua/jobs.lua` answers; everything as RQ wrote it, empty where it wrote nothing."""

    held: bytes
    last: bytes
    traceback: bytes
    status: bytes
    ended_at: bytes
    exc_info: bytes
    data: bytes
    description: bytes
    created_at: bytes
    enqueued_at: bytes
    started_at: bytes
    result_ttl: bytes
    failure_ttl: bytes
    retries_left: bytes
    retry_intervals: bytes
    rate_limit_key: bytes
    rate_limit_concurrency: bytes
    ttl: bytes

    @property
    def finished(self) -> int:
        return finished(self.ended_at, self.last)

    @property
    def keeps(self) -> bool:
        """Is it there for good once it has finished? RQ forgets after 500 s unless told otherwise."""
        return number(self.result_ttl, 500) < 0

    @property
    def error(self) -> str:
        """The last traceback: from its result (RQ 1.12 and later), else from the job itself."""
        packed = self.traceback or self.exc_info
        if packed.startswith(b"#"):
            return f"({int(packed[1:]):,} bytes of traceback, not read)"
        if self.traceback:
            try:
                packed = b64decode(packed)
            except NoBase64:
                return text(packed)
        return text(unpacked(packed))

    @property
    def name(self) -> str:
        """The function's full name; where it cannot be read, what stands before the parenthesis of the description."""
        named = _function(self.data)
        return (named or text(self.description).partition("(")[0])[:TEXT]

    @property
    def retries(self) -> str:
        """As many as its retry intervals tell; RQ counts down the number it was given and keeps no other record."""
        try:
            intervals = json.loads(self.retry_intervals or b"[]")
        except ValueError:
            intervals = []
        if not self.retries_left and not intervals:
            return ""
        return str(max(number(self.retries_left), len(intervals) if isinstance(intervals, list) else 0))


def finished(ended_at: bytes, last: bytes) -> int:
    """When a job ended (ms). One whose worker died has no ended_at: its last result's id begins with the time then."""
    at = from_rq_time(ended_at)
    return round(at.timestamp() * 1000) if at else number(last.partition(b"-")[0])


def from_rq_time(written: bytes) -> datetime | None:
    """A time as RQ writes it, in UTC; None for none, and for what is no time."""
    try:
        at = datetime.fromisoformat(written.decode())
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def number(written: bytes, otherwise: int = 0) -> int:
    try:
        return int(written)
    except ValueError:
        return otherwise


def text(written: bytes) -> str:
    return written.decode("utf-8", "replace")


def unpacked(packed: bytes) -> bytes:
    """zlib's, up to 8 MiB; as it stands when it is not packed."""
    try:
        return zlib.decompressobj().decompress(packed, UNPACKED)
    except zlib.error:
        return packed


def reason(traceback: str) -> str:
    """What the exception said: the lines after the last frame of the last traceback."""
    lines = traceback.rstrip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    after = frames[-1] + 1 if frames else max(len(lines) - 1, 0)
    while frames and after < len(lines) and lines[after].startswith("    "):
        after += 1
    return "\n".join(lines[after:])[:TEXT]


def arguments(data: bytes, description: bytes) -> Any:
    """What the job was called with: {"args": […], "kwargs": {…}}; the description where that cannot be read safely."""
    if data and not data.startswith(b"#"):
        plain = unpacked(data)
        try:
            _, _, args, kwargs = _Plain(io.BytesIO(plain)).load() if plain[:1] == b"\x80" else json.loads(plain)
        except Exception:  # anything at all may stand in a pickle
            return text(description)
        return {"args": list(args), "kwargs": dict(kwargs)}
    return text(description)


class _Plain(pickle.Unpickler):
    """Numbers, texts and their lists and mappings: whatever names a class is refused, so that nothing is run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain data")


def _function(data: bytes) -> str:
    """The first text of the packed call is the function's name; the arguments after it are not read."""
    if not data or data.startswith(b"#"):
        return ""
    plain = unpacked(data)
    if plain[:1] != b"\x80":
        found = re.match(rb'\s*\[\s*"([\w.:]+)"', plain)
        return text(found[1]) if found else ""
    try:
        for operation, argument, _ in pickletools.genops(plain):
            if "UNICODE" in operation.name:
                return str(argument)
            if operation.name in ("NONE", "STOP"):
                break
    except Exception:  # a broken pickle raises what it likes
        pass
    return ""
