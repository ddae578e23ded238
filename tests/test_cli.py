"""The command line: what it prints where, and how it ends. In this process where that is enough, else as a command."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from bot import cli
from bot.doctor import alive
from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Begin, Plan
from bot.doors import terminal
from bot.outside.parts import load
from bot.road.outbox import Outbox
from bot.sandbox.bot_environment import FOREIGN
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.queues.pipeline import QUEUE, seed
from bot.sandbox.stage import Stage
from bot.sandbox.statuspage import StatuspageSandbox
from bot.tools import Tools
from bot.wiring import House, house
from handlers import jobs_switch
from handlers.jobs_switch import Switch
from tests.opened import Book, serving
from tests.played import played

CATALOGUE = """\
[access]
channels = ["ops", "COPS"]
oncall = ["{oncall}"]
leads = ["group:leads"]

[queues.{queue}]
backend = "bullmq"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def one_line(self) -> str:
        """What it said on standard error: one line, no traceback."""
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        [line] = self.err.splitlines()
        return line


Run = Callable[..., Ended]


@pytest.fixture
def stage(redis_url: str, tmp_path: Path) -> Iterator[Stage]:
    """A Redis and a Slack, and nobody at work."""
    with Stage(tmp_path, redis_url=redis_url, roles=[], rate_limits="off", catalogue=catalogue()) as stage:
        yield stage


def catalogue(oncall: str = "group:oncall") -> str:
    return CATALOGUE.format(oncall=oncall, queue=QUEUE)


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


def paused(stage: Stage) -> bool:
    with Redis.from_url(stage.redis_url) as redis:
        return bool(redis.hexists(f"bull:{QUEUE}:meta", "paused"))


def closed_port() -> int:
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return int(wire.getsockname()[1])


# ---------------------------------------------------------------- usage


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ([], "COMMAND"),
        (["dance"], "dance"),
        (["do", "/jobs"], "--as"),
        (["do", "/jobs", "--as", "U1"], "--channel"),
        (["worker", "--fast"], "--fast"),
        (["sandbox", "--port", "high"], "--port"),
        (["sandbox", "--port", "99999"], "99999 is no port"),
        (["doctor", "now"], "now"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_line_that_says_what_was_wrong(
    bare: Run, arguments: list[str], wrong: str
) -> None:
    ended = bare(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert wrong in ended.one_line()
    assert "--help" in ended.one_line()


def test_help_lists_every_command(bare: Run) -> None:
    ended = bare("--help")
    assert (ended.code, ended.err) == (0, "")
    for command in ("up", "slack", "worker", "clock", "do", "doctor", "manifest", "sandbox", "drill"):
        assert f"\n    {command}" in ended.out


def test_settings_that_are_missing_are_named_a_line_each(bare: Run) -> None:
    ended = bare("do", "/jobs", "--as", "U1", "--channel", "C1")
    assert (ended.code, ended.out) == (1, "")
    assert "SLACK_BOT_TOKEN is not set" in ended.one_line()


def test_an_unknown_drill_is_answered_with_those_there_are(bare: Run) -> None:
    ended = bare("drill", "nothing")
    assert ended.code == 2
    assert "there is no drill nothing; there is: replay" in ended.one_line()


@pytest.mark.parametrize("option", [("--http", "bot.example"), ("--prefix", "Fire Watch")])
def test_a_manifest_that_slack_would_not_take_is_wrong_usage(bare: Run, option: tuple[str, str]) -> None:
    ended = bare("manifest", *option)
    assert (ended.code, ended.out) == (2, "")
    assert option[1] in ended.one_line()


def test_the_manifest_is_slacks_yaml(bare: Run) -> None:
    ended = bare("manifest", "--prefix", "fw-", "--http", "https://bot.example")
    made = yaml.safe_load(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert "/fw-jobs" in [command["command"] for command in made["features"]["slash_commands"]]
    assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"


def test_what_boto3_looks_for_itself_is_given_to_it_from_the_file(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_PROFILE", "")
    monkeypatch.delenv("AWS_PROFILE")
    file = "AWS_REGION=us-east-1\nAWS_PROFILE=night\nexport AWS_ENDPOINT_URL='http://127.0.0.1:4566'\nHOME=/nowhere\n"
    Path(".env").write_text(file, encoding="utf-8")
    home = os.environ.get("HOME")
    try:
        bare("manifest")
        assert os.environ["AWS_REGION"] == "eu-central-1"
        assert os.environ["AWS_PROFILE"] == "night"
        assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
        assert os.environ.get("HOME") == home
    finally:
        os.environ.pop("AWS_PROFILE", None)
        os.environ.pop("AWS_ENDPOINT_URL", None)


# ---------------------------------------------------------------- do


def test_an_answer_is_printed(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs status {QUEUE}")
    assert (ended.code, ended.err) == (0, "")
    assert QUEUE in ended.out
    assert stage.slack.channel("ops").messages == []


def test_what_is_refused_goes_to_standard_error_and_ends_with_1(do: Run) -> None:
    ended = do(f"/jobs pause {QUEUE}", actor="UGUEST")
    assert (ended.code, ended.out) == (1, "")
    assert ended.one_line().startswith("Not done: /jobs pause: that is for on-call engineers. On call now: ")


def test_what_cannot_be_read_is_wrong_usage_with_a_near_miss(do: Run) -> None:
    ended = do("/jobs reply")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean /jobs replay?" in ended.err


def test_help_is_no_failure(do: Run) -> None:
    ended = do("/jobs help")
    assert (ended.code, ended.err) == (0, "")
    assert "/jobs pause QUEUE" in ended.out


def test_a_channel_that_is_not_served_is_refused(do: Run) -> None:
    assert "I do not serve this channel" in do("/jobs status", channel="CGENERAL").err


def test_a_plan_is_shown_and_changes_nothing_until_it_is_confirmed(do: Run, run: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}")
    assert (ended.code, ended.err) == (0, "")
    assert "Nothing has been changed yet. Confirm with: firewatch do " in ended.out
    assert not paused(stage)
    [line] = [each for each in ended.out.splitlines() if each.startswith("Nothing has been changed yet")]
    sentence = line.split('"')[1]
    confirmed = do(sentence, "--wait")
    assert (confirmed.code, confirmed.err) == (0, "")
    assert paused(stage)
    again = do(sentence)
    assert again.code == 1
    assert "That plan was confirmed already" in again.err


def test_yes_confirms_what_the_asker_may_confirm_alone(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert (ended.code, ended.err) == (0, "")
    assert "Confirmed by" in ended.out
    assert paused(stage)


def test_without_wait_a_worker_carries_it_on(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}", "--yes")
    assert ended.code == 0
    assert "a worker carries it on" in ended.out
    assert not paused(stage)
    made = opened(stage)
    due = made.store.next_due()
    assert due
    assert due <= made.desk.now()


def opened(stage: Stage) -> House:
    return house(load(stage.environment, stage.folder, "do"))


def test_a_replay_is_followed_to_its_receipt(stage: Stage) -> None:
    """As a command: the whole road, with nobody at work but this process and the reposting system's own worker."""
    seed(stage.redis_url)
    with stage.pipeline() as pipeline:
        for destination in pipeline.switches.faults():
            pipeline.switches.off(destination)
        sentence = f"/jobs replay {stage.queue} --count 4 --rate none"
        ended = stage.do("do", sentence, "--as", "UONCALL", "--channel", "COPS", "--yes", "--wait")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Replay 4 jobs" in ended.stdout
    assert "Replay done: 4 of 4" in ended.stdout
    receipts = [each for each in stage.slack.channel("ops").messages if "4 of 4" in each.text]
    assert receipts, "what it began spoke in the channel too"


def test_what_it_began_and_was_refused_later_ends_with_1(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(data: Any, under_way: Procedure, tools: Tools) -> Next:
        raise Refused("Somebody was quicker.")

    begins = played(monkeypatch, "refuses", refuses)
    monkeypatch.setattr(jobs_switch, "Switch", lambda queue, paused: begins())
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert ended.code == 1
    assert "Somebody was quicker." in ended.out


def test_all_that_is_said_on_the_way_is_printed_in_order(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.domain.reply import Reply

    def talks(data: Any, under_way: Procedure, tools: Tools) -> Next:
        wait = 0.01 if data.n % 7 == 0 else 0.0
        say = [Reply("incident/noted", {"text": f"part {data.n}"})]
        return Next("go" if data.n < 29 else "", replace(data, n=data.n + 1), wait=wait, say=say)

    monkeypatch.setattr(terminal, "POLL", 0.01)
    monkeypatch.setattr(Outbox, "deliver", lambda outbox, posting: None)
    begins = played(monkeypatch, "talks", talks)
    monkeypatch.setattr(jobs_switch, "Switch", lambda queue, paused: begins())
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    parts = [line.rpartition(" ")[2] for line in ended.out.splitlines() if line.startswith("Note by")]
    assert parts == [f"{n}" for n in range(30)]


@pytest.fixture
def destroys() -> Iterator[str]:
    @action("/trial", Risk.DESTROY)
    def trial(call: Call, tools: Tools) -> Plan:
        """Do what a lead has to confirm."""
        facts = {"queue": QUEUE, "paused": True, "depth": 0, "active": 0, "workers": 0}
        return Plan("jobs/switch", Begin(Switch(QUEUE, paused=True)), facts)

    yield "/trial"
    ACTIONS.pop("/trial")


def test_what_a_lead_has_to_confirm_is_put_before_the_leads_whatever_the_terminal_says(
    do: Run, destroys: str, stage: Stage
) -> None:
    ended = do(destroys, "--yes", "--wait")
    assert (ended.code, ended.err) == (0, "")
    assert "A lead who is someone else confirms it" in ended.out
    assert not paused(stage)
    [card] = stage.slack.channel("ops").messages
    assert "Confirm" in str(card.blocks)


# ---------------------------------------------------------------- when things are down


def test_with_slack_down_those_named_by_id_work_on_and_are_answered_here(
    do: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    (stage.folder / "firewatch.toml").write_text(catalogue("UONCALL"), encoding="utf-8")
    looked = do(f"/jobs status {QUEUE}")
    assert (looked.code, looked.err) == (0, "")
    changed = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert (changed.code, changed.err) == (0, "")
    assert paused(stage)


def test_with_slack_down_a_group_that_was_never_seen_is_nobody(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    ended = do(f"/jobs pause {QUEUE}")
    assert ended.code == 1
    assert "On call now: nobody that I know of." in ended.err


def test_with_slack_down_a_group_that_was_seen_is_who_it_was(
    do: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert do(f"/jobs pause {QUEUE}").code == 0
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    with Redis.from_url(stage.redis_url) as redis:
        redis.delete("firewatch:memo:people:group:oncall")
    assert do(f"/jobs pause {QUEUE}").code == 0


@pytest.mark.parametrize("command", [["do", "/jobs status", "--as", "UONCALL", "--channel", "COPS"]])
def test_with_redis_down_a_line_says_so(run: Run, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{closed_port()}/0")
    ended = run(*command)
    assert (ended.code, ended.out) == (1, "")
    assert "Connection refused" in ended.one_line()
    assert "secret" not in ended.err


def test_a_door_whose_port_is_taken_says_so_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        ended = run("slack")
    assert ended.code == 1
    assert "Cannot listen on 127.0.0.1" in ended.err
    assert "Set HOST or PORT to another" in ended.err
    assert "Traceback" not in ended.err


# ---------------------------------------------------------------- doctor, health


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
    made = opened(stage)
    made.store.alive("clock", made.desk.now())
    (tmp_path / "cmdline").write_text(first, encoding="utf-8")
    code = alive(replace(made, settings=replace(made.settings, port=closed_port())), tmp_path / "cmdline")
    assert (capsys.readouterr().out.strip(), code) == (said, int(said != "alive"))


def test_a_door_that_answers_lives_though_nobody_works(
    run: Run, stage: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = opened(stage)
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
