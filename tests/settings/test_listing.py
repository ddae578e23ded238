"""`.env.example` and docs/settings.md are what the declarations say, and the examples are right as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from bot.outside.parts import find, load
from bot.outside.slack.part import SLACK
from bot.settings.environment import Core
from bot.settings.fields import names_of
from bot.settings.listing import env, markdown

ROOT = Path(__file__).parents[2]


def test_the_files_are_those_that_make_settings_writes() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env(find())
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == markdown(find())


def test_every_variable_is_listed_once_in_each() -> None:
    names = [*names_of(Core), *(name for each in find() for name in names_of(each.settings))]
    assert len(names) == len(set(names)) > 20
    for name in names:
        assert len(re.findall(rf"^#?{name}=", env(find()), re.M)) == 1
        assert len(re.findall(rf"^\| `{name}` \|", markdown(find()), re.M)) == 1


def test_the_example_files_are_right_as_they_stand(tmp_path: Path) -> None:
    filled = re.sub(r"=(xoxb-|xapp-)$", r"=\g<1>1", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.M)
    (tmp_path / ".env").write_text(filled, encoding="utf-8")
    (tmp_path / "firewatch.toml").write_text((ROOT / "firewatch.toml.example").read_text(encoding="utf-8"))
    found = load({}, tmp_path)
    assert found.need(SLACK).door == "socket"
    assert "repost-dispatch" in found.catalogue.queues


def test_every_example_of_a_variable_is_one_that_is_taken(tmp_path: Path) -> None:
    text = re.sub(r"^#([A-Z_]+=.)", r"\1", env(find()), flags=re.M)
    text = re.sub(r"=(xoxb-|xapp-)$", r"=\g<1>1", text, flags=re.M)
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert load({}, tmp_path).need(SLACK).api_url == "https://slack.com/api/"
