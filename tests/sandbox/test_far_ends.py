"""Far ends are found by name: those shipped, and one that a team's package brings, with no standing file edited."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.sandbox.bot_environment import bot_environment
from bot.sandbox.far_ends import NoFarEnd, far_ends, found, the
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.page.oncall import OnCallPanel
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.stage import Stage
from bot.sandbox.statuspage import StatuspageSandbox

WEATHER = """
from starlette.responses import JSONResponse, Response

from bot.sandbox.serving import Asked, Loopback, Refusal


class WeatherSandbox(Loopback):
    def environment(self) -> dict[str, str]:
        return {"WEATHER_API_KEY": "sunny", "WEATHER_API_URL": self.api_url}

    def bot_is_at(self, url: str) -> None:
        self.bot = url

    def answer(self, asked: Asked) -> Response:
        if asked.headers.get("authorization") != "Bearer sunny":
            raise Refusal(401, {"error": "who are you?"})
        return JSONResponse({"place": asked.path.strip("/"), "at": self.now()})


FAR_END = WeatherSandbox
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A team's package with one outside system, its far end in the sandbox by the same name."""
    name = f"acme_{secrets.token_hex(4)}"  # modules stay imported after the test
    for folder in ("", "outside", "outside/weather", "sandbox"):
        (tmp_path / name / folder).mkdir(exist_ok=True)
        (tmp_path / name / folder / "__init__.py").touch()
    (tmp_path / name / "sandbox" / "weather.py").write_text(WEATHER, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_those_shipped_are_found_by_the_names_of_their_parts() -> None:
    assert {"github", "pagerduty", "statuspage"} <= set(found())
    assert not {"slack", "queues"} & set(found())


def test_each_is_made_under_the_clock_and_tells_its_own_settings() -> None:
    ends = far_ends(["statuspage", "pagerduty", "github"], lambda: 7.0)
    assert [type(one) for one in ends] == [StatuspageSandbox, PagerDutySandbox, GitHubSandbox]
    for one, prefix in zip(ends, ("STATUSPAGE_", "PAGERDUTY_", "GITHUB_"), strict=True):
        assert {name.startswith(prefix) for name in one.environment()} == {True}
        one.stop()
    assert the(PagerDutySandbox, ends).now() == 7.0


def test_pagerduty_calls_the_bots_own_door() -> None:
    [pagerduty] = far_ends(["pagerduty"], time.time)
    pagerduty.bot_is_at("http://127.0.0.1:1")
    assert the(PagerDutySandbox, [pagerduty]).webhooks.url == "http://127.0.0.1:1/pagerduty/webhook"
    pagerduty.stop()


def test_a_teams_far_end_is_found_beside_those_shipped_and_answers(acme: str) -> None:
    packages = ("bot", acme)
    assert {"weather", "pagerduty"} <= set(found(packages))
    [weather] = far_ends(["weather"], lambda: 7.0, packages)
    with weather, httpx.Client(trust_env=False) as client:
        told = weather.environment()
        answer = client.get(f"{told['WEATHER_API_URL']}/lisbon", headers={"Authorization": "Bearer sunny"})
    assert answer.json() == {"place": "lisbon", "at": 7.0}


def test_a_stage_tells_the_bot_of_a_teams_far_end(acme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEATHER_TOKEN", "of this very machine")
    stage = Stage(tmp_path / "stage", far_ends=["weather"], packages=("bot", acme), roles=[])
    with stage:
        told: dict[str, Any] = stage.environment
        [weather] = stage.far_ends
        assert told["WEATHER_API_URL"] == weather.environment()["WEATHER_API_URL"]
        assert vars(weather)["bot"] == f"http://127.0.0.1:{stage.port}"
    assert "WEATHER_TOKEN" not in told


def test_the_page_serves_a_teams_far_end_beside_those_shipped(acme: str) -> None:
    panel = OnCallPanel(("bot", acme))
    panel.start()
    try:
        told = panel.settings(8080)
        answer = httpx.get(
            f"{told['WEATHER_API_URL']}/oslo", headers={"Authorization": "Bearer sunny"}, trust_env=False
        )
    finally:
        panel.close()
    assert answer.json()["place"] == "oslo"
    assert {"PAGERDUTY_API_KEY", "STATUSPAGE_API_KEY", "GITHUB_TOKEN", "WEATHER_API_KEY"} <= set(told)


def test_a_name_that_nobody_brings_is_said_to_be_missing(acme: str) -> None:
    with pytest.raises(NoFarEnd, match=rf"bot\.sandbox\.tides, {acme}\.sandbox\.tides"):
        far_ends(["tides"], time.time, ("bot", acme))
    with pytest.raises(NoFarEnd, match="PagerDutySandbox"):
        the(PagerDutySandbox, [])


def test_a_far_end_that_cannot_be_imported_is_not_taken_for_missing(acme: str, tmp_path: Path) -> None:
    broken = tmp_path / acme / "sandbox" / "tides.py"
    broken.write_text("import no_such_library\n", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        far_ends(["tides"], time.time, (acme,))


def test_the_bot_is_told_nothing_of_this_process_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-own")
    monkeypatch.setenv("GITHUB_TOKEN", "own")
    monkeypatch.setenv("TIDES_KEY", "kept")
    told = bot_environment({"SLACK_BOT_TOKEN": "xoxb-sandbox"})
    assert (told["SLACK_BOT_TOKEN"], told["TIDES_KEY"]) == ("xoxb-sandbox", "kept")
    assert "GITHUB_TOKEN" not in told
