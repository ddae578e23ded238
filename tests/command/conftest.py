"""`firewatch …` in this process, in an empty folder or beside a stage."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import cli
from bot.sandbox.bot_environment import FOREIGN
from bot.sandbox.stage import Stage
from tests.command.commands import Ended, Run, catalogue


@pytest.fixture
def stage(redis_url: str, tmp_path: Path) -> Iterator[Stage]:
    """A Redis and a Slack, and nobody at work."""
    with Stage(tmp_path, redis_url=redis_url, roles=[], rate_limits="off", catalogue=catalogue()) as stage:
        yield stage


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    ours = {name: logging.getLogger(name).level for name in ("bot", "handlers")}
    yield
    root.handlers, root.level = before[0], before[1]
    for name, level in ours.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`firewatch …` in an empty folder, without any settings."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FIREWATCH_LOG", "")
    folder = tmp_path / "bare"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        try:
            code = cli.main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return run


@pytest.fixture
def run(stage: Stage, bare: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`firewatch …` where the stage's bot would be started."""
    monkeypatch.chdir(stage.folder)
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    return bare


@pytest.fixture
def do(run: Run) -> Run:
    def do(sentence: str, *arguments: str, actor: str = "UONCALL", channel: str = "COPS") -> Ended:
        return run("do", sentence, "--as", actor, "--channel", channel, *arguments)

    return do
