"""`firewatch doctor` and `firewatch health`: what is well, what is wrong with which remedy, what is off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.doctor import alive
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.queues.pipeline import QUEUE
from bot.sandbox.stage import Stage
from bot.sandbox.statuspage import StatuspageSandbox
from bot.wiring import gate
from tests.command.commands import Run, catalogue, closed_port, opened
from tests.opened import Book, serving


def test_a_doctor_finds_everything_well(run: Run) -> None:
    ended = run("doctor")
    assert (ended.code, ended.err) == (0, "")
    for part in ("catalogue", "redis", "slack", "socket", f"queue {QUEUE}", "on call"):
        assert f"ok    {part}: " in ended.out
    assert "off   PagerDuty is off: set PAGERDUTY_API_KEY" in ended.out
    assert "idle  worker: not seen yet" in ended.out


def test_a_doctor_says_what_is_wrong_with_each_part_and_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{closed_port()}/0")
    ended = run("doctor")
    assert ended.code == 1
    for part in ("redis", "slack", f"queue {QUEUE}", "on call"):
        assert f"wrong {part}: " in ended.out
    assert "secret" not in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_a_doctor_names_the_scopes_that_the_token_lacks(run: Run, stage: Stage) -> None:
    stage.slack.manifest = replace(stage.slack.manifest, scopes=stage.slack.manifest.scopes - {"pins:write"})
    ended = run("doctor")
    assert ended.code == 1
    assert "lacks pins:write: reinstall the app from manifest.yml" in ended.out


def test_a_doctor_tries_the_app_token_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-not-this-one")
    ended = run("doctor")
    assert ended.code == 1
    assert "wrong socket: Slack opens no socket (`invalid_auth`): `SLACK_APP_TOKEN` has to be" in ended.out
    assert "not-this-one" not in ended.out


def test_a_doctor_asks_those_that_are_turned_on(run: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with PagerDutySandbox() as pagerduty, StatuspageSandbox() as page, GitHubSandbox() as github:
        (service,) = list(pagerduty.account.services)[:1]
        (stage.folder / "firewatch.toml").write_text(
            f'{catalogue()}\n[services.reposting]\npagerduty = "{service}"\n', encoding="utf-8"
        )
        settings = {
            "PAGERDUTY_API_KEY": pagerduty.api_key,
            "PAGERDUTY_API_URL": pagerduty.api_url,
            "STATUSPAGE_API_KEY": page.api_key,
            "STATUSPAGE_PAGE_ID": page.page_id,
            "STATUSPAGE_API_URL": page.api_url,
            "GITHUB_TOKEN": github.token,
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_API_URL": github.api_url,
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        ended = run("doctor")
        assert ended.code == 0, ended.out
        assert "ok    pagerduty: services: 1, open alerts: 0" in ended.out
        assert "ok    status page: page reposterpage answers" in ended.out
        assert "ok    github: the issues of reposter/repost can be read" in ended.out

        monkeypatch.setenv("PAGERDUTY_FROM", "nobody@reposter.example")
        monkeypatch.setenv("STATUSPAGE_API_KEY", "another")
        monkeypatch.setenv("GITHUB_REPOSITORY", "reposter/misspelt")
        ended = run("doctor")
    assert ended.code == 1
    assert "wrong pagerduty: PAGERDUTY_FROM is nobody@reposter.example, and no user" in ended.out
    assert "wrong status page: The status page does not accept my key" in ended.out
    assert "wrong github: GitHub shows me no repository reposter/misspelt" in ended.out


def test_a_doctor_asks_for_somebody_on_call(run: Run, stage: Stage) -> None:
    (stage.folder / "firewatch.toml").write_text("", encoding="utf-8")
    ended = run("doctor")
    assert ended.code == 1
    assert "wrong on call: nobody: [access] oncall in firewatch.toml names people" in ended.out


def test_an_installation_is_healthy_while_a_worker_and_a_clock_are_seen(run: Run, stage: Stage) -> None:
    ended = run("health")
    assert (ended.code, ended.out) == (1, "not seen lately: worker, clock\n")
    made = opened(stage)
    for role in ("worker", "clock"):
        made.store.alive(role, made.desk.now())
    ended = run("health")
    assert (ended.code, ended.out) == (0, "alive\n")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("/opt/firewatch/bin/python\0/opt/firewatch/bin/firewatch\0clock\0", "alive"),
        ("/sbin/docker-init\0--\0firewatch\0worker\0--steps\0", "not seen lately: worker"),
        ("/opt/firewatch/bin/python\0/opt/firewatch/bin/firewatch\0slack\0", "not seen lately: slack"),
        ("/opt/firewatch/bin/python\0/opt/firewatch/bin/firewatch\0up\0", "not seen lately: slack, worker"),
        ("/sbin/init\0splash\0", "not seen lately: worker"),
    ],
)
def test_a_container_is_asked_for_what_it_runs_itself(
    run: Run, stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path, first: str, said: str
) -> None:
    made = gate(opened(stage).settings)
    made.store.alive("clock", made.reception.now())
    (tmp_path / "cmdline").write_text(first, encoding="utf-8")
    code = alive(replace(made, settings=replace(made.settings, port=closed_port())), tmp_path / "cmdline")
    assert (capsys.readouterr().out.strip(), code) == (said, int(said != "alive"))


def test_a_door_that_answers_lives_though_nobody_works(
    run: Run, stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = gate(opened(stage).settings)
    (tmp_path / "cmdline").write_text("firewatch\0slack\0", encoding="utf-8")
    with serving(Book(), {}) as address:
        here = replace(made.settings, host="0.0.0.0", port=int(address.rpartition(":")[2]))
        assert alive(replace(made, settings=here), tmp_path / "cmdline") == 0
    assert capsys.readouterr().out == "alive\n"


def test_without_its_redis_an_installation_is_not_healthy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{closed_port()}/0")
    ended = run("health")
    assert ended.code == 1
    assert ended.out.startswith("not alive: ")
    assert ended.err == ""
