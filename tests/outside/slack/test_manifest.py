"""The Slack app's manifest: equal to what the registry says, and within Slack's limits."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import handlers  # noqa: F401  the table of contents: importing it fills the registry
from bot.domain.action import Noun, nouns
from bot.domain.errors import Refused
from bot.outside.slack.manifest import EVENTS, SCOPES, manifest, to_yaml

FILE = Path(__file__).parents[3] / "manifest.yml"
JOBS = [Noun("/jobs", "Failed jobs", "failed | replay", ()), Noun("/runbook", "The runbook", "", ())]


def test_the_file_in_the_repository_is_what_the_program_prints() -> None:
    assert FILE.read_text(encoding="utf-8") == to_yaml(manifest(nouns())), "run: make manifest"


def test_every_command_of_the_registry_is_in_the_file() -> None:
    described = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert [each["command"] for each in described["features"]["slash_commands"]] == [each.name for each in nouns()]
    assert "/jobs" in [each.name for each in nouns()]


def test_without_an_address_it_is_socket_mode_and_names_no_url() -> None:
    described = manifest(JOBS)
    assert described["settings"]["socket_mode_enabled"] is True
    assert not [value for key, value in leaves(described) if key.endswith("url")]


def test_with_an_address_everything_goes_there() -> None:
    described = manifest(JOBS, http="https://fw.example.com/")
    assert described["settings"]["socket_mode_enabled"] is False
    urls = [value for key, value in leaves(described) if key.endswith("url")]
    assert urls == ["https://fw.example.com/slack/events"] * 4


def test_a_prefix_stands_before_every_command() -> None:
    described = manifest(JOBS, prefix="fw-")
    assert [each["command"] for each in described["features"]["slash_commands"]] == ["/fw-jobs", "/fw-runbook"]
    assert "/fw-runbook" in described["display_information"]["long_description"]


@pytest.mark.parametrize("address", ["fw.example.com", "ftp://fw.example.com", "https://", ""])
def test_what_is_no_web_address_is_refused(address: str) -> None:
    with pytest.raises(Refused, match="https://firewatch"):
        manifest(JOBS, http=address)


@pytest.mark.parametrize("prefix", ["FW-", "/fw", "f w", "x" * 13])
def test_a_prefix_that_slack_would_not_take_is_refused(prefix: str) -> None:
    with pytest.raises(Refused, match="cannot begin a command"):
        manifest(JOBS, prefix=prefix)


def test_a_command_without_words_has_no_hint() -> None:
    jobs, runbook = manifest(JOBS)["features"]["slash_commands"]
    assert jobs["usage_hint"] == "failed | replay"
    assert "usage_hint" not in runbook


@pytest.mark.parametrize("http", [None, "https://fw.example.com"])
def test_it_keeps_to_slacks_limits(http: str | None) -> None:
    described = manifest(nouns(), http, prefix="fw-")
    info, features = described["display_information"], described["features"]
    assert 1 <= len(info["name"]) <= 35
    assert 1 <= len(info["description"]) <= 140
    assert 175 <= len(info["long_description"]) <= 4000
    assert re.fullmatch(r"#[0-9a-f]{6}", info["background_color"])
    assert 1 <= len(features["bot_user"]["display_name"]) <= 80
    assert len(features["shortcuts"]) <= 10
    for shortcut in features["shortcuts"]:
        assert 1 <= len(shortcut["name"]) <= 24
        assert 1 <= len(shortcut["description"]) <= 150
        assert 1 <= len(shortcut["callback_id"]) <= 255
    commands = features["slash_commands"]
    assert 1 <= len(commands) <= 50
    assert len({each["command"] for each in commands}) == len(commands)
    for command in commands:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", command["command"])
        assert 1 <= len(command["description"]) <= 2000
        assert 1 <= len(command.get("usage_hint", "-")) <= 1000
        assert command["should_escape"] is True
    assert len(EVENTS) <= 100
    assert all(len(scope) <= 50 for scope in SCOPES)


NEEDED = {
    "apps_connections_open": set(),  # the app-level token's own, connections:write
    "auth_test": set(),
    "bookmarks_add": {"bookmarks:write"},
    "bookmarks_list": {"bookmarks:read"},
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write", "chat:write.public"},
    "chat_update": {"chat:write"},
    "conversations_canvases_create": {"canvases:write"},
    "conversations_create": {"channels:manage"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_invite": {"channels:manage"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "conversations_setTopic": {"channels:manage"},
    "files_upload_v2": {"files:write"},
    "pins_add": {"pins:write"},
    "usergroups_list": {"usergroups:read"},
    "usergroups_users_list": {"usergroups:read"},
    "users_conversations": {"channels:read"},
    "conversations_info": {"channels:read", "groups:read"},
    "users_info": {"users:read", "users:read.email"},
    "users_lookupByEmail": {"users:read.email"},
    "views_open": set(),
    "views_publish": set(),
}
"""What Slack's method pages ask for each method, in the kinds of channels the bot uses it for."""


def test_the_scopes_are_those_of_the_methods_it_calls_and_no_others() -> None:
    called = {
        node.attr
        for file in (FILE.parent / "bot" / "outside" / "slack").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "_web"
    }
    assert called, "the Slack client no longer keeps its WebClient as self._web: mend this test"
    assert called <= NEEDED.keys(), "name the new method's scopes in NEEDED"
    # Commands and reactions come in by themselves.
    assert set(SCOPES) == {"commands", "reactions:read"}.union(*(NEEDED[method] for method in called))


def test_it_asks_for_no_scope_that_lets_it_act_as_a_person() -> None:
    assert list(manifest(JOBS)["oauth_config"]["scopes"]) == ["bot"]


def test_the_text_reads_back_as_the_same_manifest() -> None:
    described = manifest(JOBS, "https://fw.example.com")
    assert yaml.safe_load(to_yaml(described)) == described


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every (last key, value) of a tree."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    else:
        yield key, value
