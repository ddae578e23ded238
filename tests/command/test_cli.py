"""The command line: what it prints where, and how it ends. In this process where that is enough, else as a command."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.command.commands import Run


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
