"""A team's own system from its own package: no standing file knows it, and everything that loops over parts does.

Each command runs as a process of its own, because what is registered stays registered.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acme import CATALOGUE, PART, write_package

ROOT = Path(__file__).parents[1]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, redis_url: str) -> Run:
    """`firewatch …` in the folder that holds the package and its catalogue; Slack is away."""

    def firewatch(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        slack = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": "http://127.0.0.1:9/api/"}
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=tmp_path,
            env={**own, **slack, "REDIS_URL": redis_url, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    write_package(tmp_path)
    return firewatch


@pytest.fixture
def weather(tmp_path: Path, run: Run) -> Iterator[Any]:
    """The far end of the package, serving."""
    place = tmp_path / "acme_firewatch" / "sandbox" / "weather.py"
    spec = importlib.util.spec_from_file_location("acme_weather_far_end", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.FAR_END() as server:
        yield server


def said(run: Run, sentence: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run("do", sentence, "--as", "UONCALL", "--channel", "COPS", **environment)


def test_its_command_asks_the_system_and_answers_by_its_own_template(run: Run, weather: Any) -> None:
    ended = said(run, "/weather show", **weather.environment())
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("The weather in Bergen: sunny")
    assert [each.asked.path for each in weather.calls] == ["/Bergen"]


def test_while_it_is_off_it_says_how_to_turn_it_on(run: Run) -> None:
    ended = said(run, "/weather show Oslo")
    assert ended.returncode == 1
    assert "Set WEATHER_API_KEY to ask for the weather." in ended.stderr


def test_help_shows_its_usage_and_a_slip_is_told_the_near_miss(run: Run) -> None:
    ended = said(run, "/weather help")
    assert "/weather show [PLACE]" in ended.stdout + ended.stderr
    ended = said(run, "/weather shwo")
    assert ended.returncode == 2
    assert "/weather show" in ended.stderr


def test_the_manifest_has_its_command(run: Run) -> None:
    ended = run("manifest")
    assert (ended.returncode, ended.stderr) == (0, "")
    commands = {each["command"]: each for each in yaml.safe_load(ended.stdout)["features"]["slash_commands"]}
    assert commands["/weather"]["description"] == "What the weather is like there"
    assert "/jobs" in commands


def test_a_doctor_asks_it_when_it_is_on_and_says_so_when_it_is_off(run: Run, weather: Any) -> None:
    assert "ok    weather: Bergen is sunny\n" in run("doctor", **weather.environment()).stdout
    wrong = run("doctor", **{**weather.environment(), "WEATHER_API_KEY": "raincoat"})
    assert "wrong weather: The weather does not accept my key.\n      Look at WEATHER_API_KEY.\n" in wrong.stdout
    assert "off   Set WEATHER_API_KEY to ask for the weather.\n" in run("doctor").stdout


def test_its_settings_and_its_table_are_listed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "list.py").write_text(
        "from pathlib import Path\n"
        "from bot.outside.parts import find\n"
        "from bot.settings.listing import env, markdown\n"
        "found = find(['acme_firewatch'], Path())\n"
        "Path('env').write_text(env(found)); Path('md').write_text(markdown(found))\n",
        encoding="utf-8",
    )
    listed = subprocess.run(
        [sys.executable, "list.py"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert listed.returncode == 0, listed.stderr
    assert "\n#WEATHER_API_URL=https://weather.example\n" in (tmp_path / "env").read_text()
    page = (tmp_path / "md").read_text()
    assert "| `WEATHER_API_KEY` | API key | From the page Keys of your account. | – |" in page
    assert "### `[weather]`\n\nWhat is asked for when nothing is said.\n" in page
    assert '| `place` | The place. | `"Oslo"` |' in page


def test_a_wrong_key_of_its_table_is_told_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "firewatch.toml").write_text(CATALOGUE.replace("place =", "plaice ="), encoding="utf-8")
    ended = said(run, "/weather show")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "firewatch.toml line 8: [weather] plaice is not known; the keys are place; did you mean place?\n"
    )


HANDLER = '''\
from bot.domain.action import Risk, action


@action("{name}", Risk.LOOK)
def claims(call, tools):
    """Claim a name."""
'''


PROCEDURE = '''\
from dataclasses import dataclass

from bot.domain.procedure import procedure


@procedure("{name}")
@dataclass(frozen=True)
class Claims:
    """Claim a name."""
'''

DUE = '''\
from datetime import timedelta

from bot.domain.due import due


@due("{name}", every=timedelta(minutes=5))
def claims(of, tools):
    """Claim a name."""
'''


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            {"outside/weather/part.py": PART.replace('    "weather",', '    "github",')},
            "the part github is declared twice: in bot.outside.github.part and in acme_firewatch.outside.weather.part",
        ),
        (
            {"outside/weather/part.py": PART.replace("WEATHER_API_KEY", "GITHUB_TOKEN")},
            "the variable GITHUB_TOKEN is declared twice: in bot.outside.github.part and in "
            "acme_firewatch.outside.weather.part",
        ),
        (
            {"outside/weather/part.py": PART.replace('    "weather",', '    "access",')},
            "the table access is declared twice: in bot.settings.catalogue and in acme_firewatch.outside.weather.part",
        ),
        (
            {"handlers/claims.py": HANDLER.format(name="/jobs status")},
            "/jobs status is declared twice: in handlers.jobs and in acme_firewatch.handlers.claims",
        ),
        (
            {"handlers/claims.py": HANDLER.format(name="/weather show")},
            "/weather show is declared twice: in acme_firewatch.handlers.claims and in acme_firewatch.handlers.weather",
        ),
        (
            {"handlers/claims.py": PROCEDURE.format(name="replay")},
            "the procedure replay is declared twice: in handlers.replay and in acme_firewatch.handlers.claims",
        ),
        (
            {"handlers/claims.py": DUE.format(name="poll")},
            "what falls due as poll is declared twice: in handlers.alerts and in acme_firewatch.handlers.claims",
        ),
        (
            {"templates/desk/plan.j2": "Mine\n"},
            "the template desk/plan.j2 is there twice: as {root}/templates/desk/plan.j2 and as "
            "{folder}/acme_firewatch/templates/desk/plan.j2",
        ),
        (
            {"handlers/broken.py": "import nowhere_at_all\n"},
            "[parts] packages names acme_firewatch.handlers.broken, which cannot be imported (broken.py line 1): "
            "No module named 'nowhere_at_all'",
        ),
        (
            {"__init__.py": "x = 1 / 0\n"},
            "[parts] packages names acme_firewatch, which cannot be imported (__init__.py line 1): "
            "ZeroDivisionError: division by zero",
        ),
    ],
)
def test_a_name_that_is_taken_or_a_package_that_is_broken_stops_the_start_with_a_sentence(
    run: Run, tmp_path: Path, more: dict[str, str], sentence: str
) -> None:
    write_package(tmp_path, more)
    ended = run("up")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert sentence.format(root=ROOT, folder=tmp_path) in ended.stderr.splitlines()
    assert "Traceback" not in ended.stderr


def test_whatever_is_started_stops_at_a_name_that_is_taken(run: Run, tmp_path: Path) -> None:
    write_package(tmp_path, {"templates/desk/plan.j2": "Mine\n"})
    for ended in (said(run, "/weather show"), run("worker")):
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr.startswith("the template desk/plan.j2 is there twice: as ")


def test_a_package_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "firewatch.toml").write_text('[parts]\npackages = ["acme"]\n', encoding="utf-8")
    ended = run("doctor")
    assert ended.stderr == "[parts] packages names acme, which cannot be imported: No module named 'acme'\n"


def test_own_causes_and_sections_that_are_wrong_stop_the_start(run: Run, tmp_path: Path) -> None:
    own = '[runbook]\nfolder = "mine"\n[triage]\ntable = "mine.toml"\n'
    (tmp_path / "firewatch.toml").write_text(own, encoding="utf-8")
    ended = run("up")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("mine.toml cannot be read: No such file")
    (tmp_path / "mine.toml").touch()
    ended = said(run, "/runbook")
    assert ended.stderr == "[runbook] folder names mine, and there is no such folder beside the catalogue\n"
