"""What the tests of the settings share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.outside.parts import load
from bot.settings.environment import SettingsError
from bot.settings.fields import Role

ENV = {"SLACK_BOT_TOKEN": "xoxb-1-SECRET", "SLACK_APP_TOKEN": "xapp-1-SECRET"}

Problems = Callable[..., list[str]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """What is wrong with these variables, this catalogue and this .env; [] when nothing is."""

    def find(
        role: Role = "up", toml: str = "", dotenv: str = "", env: dict[str, str] | None = None, **more: str
    ) -> list[str]:
        (tmp_path / "firewatch.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        try:
            load({**(ENV if env is None else env), **more}, tmp_path, role)
        except SettingsError as error:
            return error.problems
        return []

    return find
