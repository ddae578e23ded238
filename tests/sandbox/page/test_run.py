"""`firewatch sandbox` as a person runs it: one address, one folder, and nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[3]
SECONDS = 40.0


@dataclass(slots=True)
class Sandbox:
    process: subprocess.Popen[str]
    url: str
    folder: Path
    ready: float
    said: str

    def page(self) -> httpx.Response:
        return httpx.get(self.url, follow_redirects=True, trust_env=False, timeout=10)

    def post(self, path: str, data: dict[str, str] | None = None) -> httpx.Response:
        return httpx.post(
            f"{self.url.rstrip('/')}{path}",
            data=data or {},
            headers={"Origin": self.url.rstrip("/")},
            trust_env=False,
            timeout=20,
        )


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bot", "sandbox", "--no-browser", *arguments]


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "REDIS_", "FIREWATCH_"))}
    return {**own, "PYTHONPATH": str(ROOT)}


@contextmanager
def running(*arguments: str) -> Iterator[Sandbox]:
    """A sandbox that is ready, ended at the end of the block if it still runs."""
    process = subprocess.Popen(
        command("--port", "0", *arguments),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        found = re.search(r"(http://127\.0\.0\.1:\d+/)  \(ready in ([\d.]+) s\)\nIts state is in (\S+) ", said)
        assert found, said + process.stdout.read()
        yield Sandbox(process, found[1], Path(found[3]), float(found[2]), said)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def descendants(pid: int) -> list[int]:
    """Every process below this one, however deep."""
    rows = [
        [int(one) for one in line.split()]
        for line in subprocess.run(
            ["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    found, look = [], [pid]
    while look:
        parent = look.pop()
        below = [child for child, above in rows if above == parent]
        found += below
        look += below
    return found


def alive(pids: Sequence[int]) -> list[int]:
    """Those that still run; a zombie that waits for its parent does not."""
    listed = subprocess.run(["ps", "-eo", "pid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    states = {int(line.split()[0]): line.split()[1] for line in listed}
    return [pid for pid in pids if pid in states and not states[pid].startswith("Z")]


def eventually(happened: Callable[[], Any], seconds: float = 20.0) -> Any:
    until = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < until, f"did not happen within {seconds:g} s"
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize(("how", "arguments"), [(signal.SIGINT, ()), (signal.SIGTERM, ("--http",))])
def test_a_signal_ends_the_whole_tree_and_takes_the_folder_along(how: signal.Signals, arguments: Sequence[str]) -> None:
    with running(*arguments) as sandbox:
        assert "removed when this stops" in sandbox.said
        assert (sandbox.folder / "firewatch.toml").exists()
        page = sandbox.page()
        assert "inc-1-" in str(page.url)
        assert "The bot is up" in page.text
        below = descendants(sandbox.process.pid)
        assert len(below) >= 6, "a Redis, a supervisor and four roles"
        # As a terminal does it: the whole foreground group gets it.
        os.killpg(sandbox.process.pid, how)
        assert sandbox.process.wait(SECONDS) == 0
        assert eventually(lambda: not alive(below), 3.0)
        assert not sandbox.folder.exists()


def test_a_taken_port_is_one_plain_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command("--port", str(port), "--folder", str(tmp_path / "state")),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        f"firewatch: port {port} is taken. Stop what is there, or choose another: firewatch sandbox --port {port + 1}\n"
    )
    assert not (tmp_path / "state").exists()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    ended = subprocess.run(
        command("--port", "0", "--folder", str(tmp_path)),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 1
    assert "holds things that are not a sandbox's" in ended.stderr
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_kept_folder_stays_and_the_next_night_begins_anew_in_it(tmp_path: Path) -> None:
    state = tmp_path / "night"
    with running("--folder", str(state), "--keep") as sandbox:
        assert sandbox.folder == state
        first = httpx.get(f"{sandbox.url}as/noor/in/ops", trust_env=False).text
    assert (state / "bot.log").exists()
    (state / "left-behind.txt").write_text("of the last night")
    with running("--folder", str(state)) as sandbox:
        assert not (state / "left-behind.txt").exists()
        assert re.findall(r'data-run="(\w+)"', first) != re.findall(r'data-run="(\w+)"', sandbox.page().text)
    assert not state.exists()


def test_the_bot_can_be_stopped_is_missed_and_comes_back() -> None:
    with running() as sandbox:
        sandbox.post("/bot/stop")
        assert "The bot is stopped" in sandbox.page().text
        told = sandbox.post("/as/noor/in/COPS/say", {"text": "/jobs failed repost-dispatch"})
        assert "Firewatch is not there just now" in told.headers["HX-Trigger"]
        sandbox.post("/bot/start")
        eventually(lambda: "The bot is up" in sandbox.page().text)
        told = sandbox.post("/as/noor/in/COPS/say", {"text": "/jobs failed repost-dispatch"})
        assert "fw:taken" in told.headers["HX-Trigger"]


def test_a_bot_that_dies_by_itself_is_noticed_and_leaves_no_orphans() -> None:
    with running() as sandbox:
        below = descendants(sandbox.process.pid)
        supervisor = next(pid for pid in below if len(descendants(pid)) >= 4)
        roles = descendants(supervisor)
        os.kill(supervisor, signal.SIGKILL)
        eventually(lambda: "ended by itself" in sandbox.page().text)
        sandbox.post("/bot/start")
        eventually(lambda: "The bot is up" in sandbox.page().text)
        assert eventually(lambda: not alive(roles))


def test_an_alert_and_its_clocks_go_through_a_night_that_is_sixty_times_as_fast() -> None:
    # Over HTTP, where each request bears its time: the bot and its Slack have to go by the same clock.
    with running("--http") as sandbox:
        sandbox.post("/oncall/trigger", {"alert": "syncing"})
        room = "as/noor/in/inc-2-tiktok-syncs-have-stopped"

        def said(what: str) -> bool:
            answer = httpx.get(f"{sandbox.url}{room}", trust_env=False, timeout=10)
            return answer.status_code == 200 and what in answer.text

        eventually(lambda: said("Nobody has acknowledged it yet"))
        sandbox.post("/oncall/clock", {"on": "yes"})
        eventually(lambda: said("The bot is up"))
        eventually(lambda: said("Level 2 paged: Linnea Berg"), 30.0)
        told = sandbox.post("/as/noor/in/inc-2-tiktok-syncs-have-stopped/say", {"text": "/ack"})
        assert "fw:taken" in told.headers["HX-Trigger"]
        eventually(lambda: said("acknowledged by Noor Haddad"))
        eventually(lambda: said("15 min since the acknowledgement"), 40.0)


def test_starting_over_is_a_new_night_under_the_same_address() -> None:
    with running() as sandbox:
        before = re.findall(r'data-run="(\w+)"', sandbox.page().text)
        assert sandbox.post("/again").status_code == 204

        def begun() -> bool:
            try:
                page = sandbox.page()
            except httpx.HTTPError:
                return False
            return page.status_code == 200 and re.findall(r'data-run="(\w+)"', page.text) not in (before, [])

        assert eventually(begun, 30.0)
        assert not sandbox.folder.exists()
