"""The runbook: found by what somebody sees, whole, and naming nothing that the bot cannot do."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from bot.domain.action import ACTIONS, Incomplete
from bot.domain.grammar import parse
from bot.triage.runbook import Runbook, RunbookError, RunbookStep, Section, read_section

FOLDER = Path(__file__).parents[2] / "templates" / "runbook"
NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def runbook() -> Runbook:
    return Runbook.load(FOLDER)


def test_there_are_eight_sections_in_the_order_of_their_numbers(runbook: Runbook) -> None:
    keys = ["scaling", "replay", "tiktok", "uploads", "recovery", "deploy", "oncall", "maintenance"]
    assert [(each.number, each.key) for each in runbook.sections] == list(enumerate(keys, 1))
    assert all((FOLDER / f"{key}.md").is_file() for key in keys)


@pytest.mark.parametrize(
    ("key", "figures"),
    [
        (
            "scaling",
            [
                "desired = max(1, min(8, queue_depth / 50))",
                "ApproximateNumberOfMessagesVisible",
                "/health",
                "from 2 to 4",
            ],
        ),
        ("replay", ["node scripts/retry-jobs.js --queue=repost-dispatch --status=failed --count=50", "job ids"]),
        ("tiktok", ["scheduleProcessingJob", "TIKTOK_SYNC", "429", "30 minutes", "public", "partner"]),
        ("uploads", ["Graph API", "business account", "YouTube Data API", "client secret", "512 MB", "140 seconds"]),
        ("recovery", ["latest restorable time", "7 days", "ElastiCache", "PostLog", "RepostActivity", "cross-region"]),
        (
            "deploy",
            [
                "git tag vX.Y.Z && git push origin vX.Y.Z",
                "npm run smoke:test -- --env=staging",
                "ECR",
                "blue/green",
                "30 minutes",
            ],
        ),
        ("oncall", ["within 5 minutes", "every 15 minutes", "24 hours", "automation"]),
        (
            "maintenance",
            [
                "Tuesday 09:00 UTC",
                "npm audit",
                "npm outdated",
                "terraform plan",
                "TOKEN_ENCRYPTION_KEY",
                "OAuth secrets",
            ],
        ),
    ],
)
def test_no_command_and_no_figure_is_lost(runbook: Runbook, key: str, figures: list[str]) -> None:
    section = runbook.get(key)
    assert section
    text = section.intro + " ".join(f"{step.group} {step.text}" for step in section.steps)
    assert [figure for figure in figures if figure not in text] == []


def test_every_action_that_a_step_names_exists_and_can_be_said(runbook: Runbook) -> None:
    assert handlers.__name__  # what the bot can do is known once the handlers are imported
    wrong: list[str] = []
    for step in (step for section in runbook.sections for step in section.steps if step.action):
        try:
            parse(step.action.replace("QUEUE", "repost-dispatch"), NOW)
        except Incomplete as incomplete:  # a button that opens a form
            wrong += [] if incomplete.action.form else [f"{step.key}: {step.action} asks for words, and has no form"]
        except Exception as error:
            wrong.append(f"{step.key}: {step.action}: {error}")
    assert wrong == []


def test_no_step_speaks_of_a_command_that_does_not_exist(runbook: Runbook) -> None:
    nouns = {action.noun for action in ACTIONS.values()} | {"/health"}
    for section in runbook.sections:
        for step in section.steps:
            assert set(re.findall(r"`(/[a-z]+)", step.text)) <= nouns, step


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("uploads", "uploads"),
        ("4", "uploads"),
        ("Disaster recovery", "recovery"),
        ("instagram token expired", "uploads"),
        ("Instagram uploads failing", "uploads"),
        ("uplods", "uploads"),
        ("instgram", "uploads"),
        ("youtube quota", "uploads"),
        ("twitter", "uploads"),
        ("High queue depth on repost-dispatch", "scaling"),
        ("backlog", "scaling"),
        ("sync timeout", "tiktok"),
        ("empty feed", "tiktok"),
        ("retry failed jobs", "replay"),
        ("jobs failing on repost-dispatch", "replay"),
        ("database down", "recovery"),
        ("S3 bucket deleted", "recovery"),
        ("roll back", "deploy"),
        ("who is on call", "oncall"),
        ("postmortem", "oncall"),
        ("npm audit", "maintenance"),
        ("SECRETS ROTATION", "maintenance"),
    ],
)
def test_a_section_is_found_by_what_is_said(runbook: Runbook, said: str, key: str) -> None:
    assert runbook.find(said)[0].key == key


def test_every_cause_of_the_table_leads_to_the_section_that_the_table_names(runbook: Runbook) -> None:
    table = tomllib.loads((FOLDER.parent / "triage.toml").read_text(encoding="utf-8"))
    for row in table["cause"]:
        named = runbook.get(row["runbook"])
        assert named, row["key"]
        assert runbook.find(row["key"])[0] is named, row["key"]


def test_without_a_word_all_of_it_is_shown_and_for_nonsense_nothing(runbook: Runbook) -> None:
    assert [each.number for each in runbook.find("  ")] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert runbook.find("xyzzy") == []


@given(words=st.text(max_size=200))
def test_anything_may_be_looked_for(words: str) -> None:
    found = LOADED.find(words)
    assert len({each.key for each in found}) == len(found) <= 8


LOADED = Runbook.load(FOLDER)


def test_steps_keep_their_headings_their_order_and_a_key_each(runbook: Runbook) -> None:
    tiktok = runbook.get("tiktok")
    assert tiktok
    assert [name for name, _ in tiktok.groups()] == [
        "The sync job times out",
        "HTTP 429",
        "The feed is empty",
        "After 30 minutes",
    ]
    keys = [step.key for section in runbook.sections for step in section.steps]
    assert len(set(keys)) == len(keys)
    assert tiktok.step("tiktok-1") is tiktok.steps[0]
    assert tiktok.step("tiktok-99") is None


FILE = """+++
key = "fire"
number = 9
title = "Fire"
words = ["smoke"]
+++
Keep calm.

- [ ] Leave the house.
## Outside
- [ ] Count heads. → `/jobs status QUEUE`
"""


def test_a_file_is_front_matter_words_and_steps() -> None:
    assert read_section(FILE, "fire.md") == Section(
        "fire",
        9,
        "Fire",
        "Keep calm.",
        (
            RunbookStep("fire-1", "Leave the house."),
            RunbookStep("fire-2", "Count heads.", "/jobs status QUEUE", "Outside"),
        ),
        words=("smoke",),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# Fire\n", "front matter"),
        ("+++\nkey = \n+++\n- [ ] x\n", "cannot be read"),
        ('+++\ntitle = "Fire"\nnumber = 9\n+++\n- [ ] x\n', "'key'"),
        (FILE.replace("words", "wrods"), "wrods"),
        (FILE.replace('["smoke"]', '["smoke"]\nalerts = ["("]'), "cannot be read"),
        (FILE.replace("- [ ]", "-"), "no step"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(RunbookError, match=re.escape(says)) as wrong:
        read_section(text, "fire.md")
    assert "fire.md" in str(wrong.value)


def test_two_sections_cannot_have_one_name_and_none_is_no_runbook(tmp_path: Path) -> None:
    section = read_section(FILE, "fire.md")
    with pytest.raises(RunbookError, match="two sections have the key fire"):
        Runbook([section, section])
    with pytest.raises(RunbookError, match="no section"):
        Runbook.load(tmp_path)
