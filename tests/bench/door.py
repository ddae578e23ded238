"""The HTTP door beside Bolt's own Starlette adapter: commands acknowledged, memory, time until it is ready.

Both are served by the same uvicorn on the same loop and parser, and asked by the same 32 connections. Ours is
`firewatch slack` as it is deployed, with a real Redis; the yardstick answers `ack()` and does nothing else.

`python -m tests.bench.door load PORT SECONDS CONNECTIONS` is the other side of the wire, in a process of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.sandbox.queues.redis import RedisServer, free_port
from tests.bench import RUNS, Figure, part

ROOT = Path(__file__).parents[2]
SECRET = "e" * 32
CONNECTIONS = 32
SECONDS = 4.0
OURS = [sys.executable, "-m", "bot.cli", "slack"]
BARE = """
import sys
import uvicorn
from slack_bolt import App
from slack_bolt.adapter.starlette import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = App(signing_secret=sys.argv[2], authorize=lambda: AuthorizeResult(enterprise_id=None, team_id="T1"))
app.command("/jobs")(lambda ack: ack())
handler = SlackRequestHandler(app)

async def events(request):
    return await handler.handle(request)

async def health(request):
    return PlainTextResponse("ok")

routes = [Route("/slack/events", events, methods=["POST"]), Route("/health", health)]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


@part(
    "slash commands acknowledged per second over HTTP, one process, 32 connections "
    "(signature, dedupe, enqueue included)",
    "the door's memory, ready and having answered",
    "the door's time from start to ready",
    reach=("≥ 10 ×, p99 ≤ 60 ms", "≤ 1.5 × the memory", "≤ 2 s"),
)
def served() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as redis_url:
        runs = [(_measured(_bare(), ""), _measured(OURS, redis_url)) for _ in range(RUNS)]
    bare, ours = [run[0] for run in runs], [run[1] for run in runs]

    def middle(of: list[dict[str, float]], name: str) -> float:
        return statistics.median(each[name] for each in of)

    rate, theirs = middle(ours, "rate"), middle(bare, "rate")
    worst, memory, ready = middle(ours, "p99"), middle(ours, "memory"), middle(ours, "ready")
    beside = memory / middle(bare, "memory")
    yield Figure(
        f"{rate:,.0f}/s, p50 {middle(ours, 'p50'):.0f} ms, p99 {worst:.0f} ms",
        f"Bolt's Starlette adapter answering `ack()`: {theirs:,.0f}/s, p99 {middle(bare, 'p99'):.0f} ms",
        rate / theirs,
        met=rate / theirs >= 10 and worst <= 60,
    )
    yield Figure(
        f"{memory:.0f} MiB", f"a bare Bolt app: {middle(bare, 'memory'):.0f} MiB", 1 / beside, met=beside <= 1.5
    )
    yield Figure(
        f"{ready:.2f} s",
        f"a bare Bolt app: {middle(bare, 'ready'):.2f} s",
        middle(bare, "ready") / ready,
        met=ready <= 2,
    )


def _bare() -> list[str]:
    return [sys.executable, "-c", BARE, "PORT", SECRET]


def _measured(command: list[str], redis_url: str) -> dict[str, float]:
    """One start of one door: seconds until ready, MiB, and what it does under load."""
    port = free_port()
    with _running([str(port) if word == "PORT" else word for word in command], port, redis_url) as (process, ready):
        _load(port, 0.3, 1)  # what is imported with the first command counts as the door's own
        memory = _memory(process.pid)
        found = _load(port, SECONDS, CONNECTIONS)
        if found["refused"]:
            raise RuntimeError(f"{found['refused']:.0f} commands were not acknowledged")
        return {**found, "memory": memory, "ready": ready}


@contextmanager
def _running(command: list[str], port: int, redis_url: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "FIREWATCH_"))}
    env = kept | {
        "SLACK_BOT_TOKEN": "xoxb-bench",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/",  # nobody is there, and the door need not mind
        "REDIS_URL": redis_url,
        "PORT": str(port),
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "firewatch.toml").write_text("")
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env | {"PYTHONPATH": str(ROOT), "FIREWATCH_CONFIG": f"{folder}/firewatch.toml"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process, _ready(process, port, begun)
        finally:
            process.terminate()
            process.wait(15)


def _ready(process: subprocess.Popen[bytes], port: int, begun: float) -> float:
    """Seconds until it answered `/health`."""
    while time.monotonic() - begun < 30:
        if process.poll() is not None:
            raise RuntimeError(f"the door ended with {process.returncode}")
        try:
            asyncio.run(_asked(port))
        except (OSError, asyncio.IncompleteReadError):
            time.sleep(0.01)
        else:
            return time.monotonic() - begun
    raise RuntimeError("the door was not ready within 30 s")


def _memory(pid: int) -> float:
    """Resident MiB."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True).stdout
    return int(said) / 1024


def _load(port: int, seconds: float, connections: int) -> dict[str, float]:
    said = subprocess.run(
        [sys.executable, "-m", "tests.bench.door", "load", str(port), str(seconds), str(connections)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    ).stdout
    found: dict[str, float] = json.loads(said)
    return found


# ---------------------------------------------------------------- the other side of the wire


async def _asked(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _exchange(reader, writer, b"GET /health HTTP/1.1\r\nHost: door\r\n\r\n")
    finally:
        writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send one request, read one answer with a Content-Length; returns its head."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"),
        0,
    )
    await reader.readexactly(length)
    return head


def _request(number: int) -> bytes:
    """A signed command as Slack sends it; each is another."""
    fields: Mapping[str, Any] = {
        "token": "bench",
        "team_id": "T1",
        "team_domain": "bench",
        "channel_id": "COPS",
        "channel_name": "ops",
        "user_id": "UONCALL",
        "user_name": "noor",
        "command": "/jobs",
        "text": "status repost-dispatch",
        "api_app_id": "A1",
        "response_url": "https://hooks.example.org/commands/T1/1/abcdefghijklmnop",
        "trigger_id": f"{os.getpid()}.{time.monotonic_ns()}.{number}",
    }
    body, stamp = urlencode(fields).encode(), b"%d" % time.time()
    digest = hmac.new(SECRET.encode(), b"v0:%s:%s" % (stamp, body), hashlib.sha256).hexdigest().encode()
    return (
        b"POST /slack/events HTTP/1.1\r\nHost: door\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"X-Slack-Request-Timestamp: %s\r\nX-Slack-Signature: v0=%s\r\nContent-Length: %d\r\n\r\n%s"
        % (stamp, digest, len(body), body)
    )


async def _fire(port: int, seconds: float, connections: int) -> dict[str, float]:
    took: list[float] = []
    refused = 0
    begun = time.perf_counter()

    async def one() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() - begun < seconds:
            request = _request(len(took))
            sent = time.perf_counter()
            head = await _exchange(reader, writer, request)
            took.append(time.perf_counter() - sent)
            refused += not head.startswith(b"HTTP/1.1 200 ")
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    took.sort()
    return {
        "rate": len(took) / (time.perf_counter() - begun),
        "p50": took[len(took) // 2] * 1000,
        "p99": took[int(len(took) * 0.99)] * 1000,
        "refused": refused,
    }


if __name__ == "__main__":
    _, port, seconds, connections = sys.argv[1:]
    print(json.dumps(asyncio.run(_fire(int(port), float(seconds), int(connections)))))
