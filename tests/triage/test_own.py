"""A team's own causes and sections: they come first, and a mistake in them is told with the file's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.triage.causes import CauseTable
from bot.triage.own import WrongOwn, own_causes, own_sections
from bot.triage.runbook import Runbook
from bot.triage.slow import slow_patterns

TEMPLATES = Path(__file__).parents[2] / "templates"
SHIPPED = CauseTable.load(TEMPLATES / "triage.toml")
RUNBOOK = Runbook.load(TEMPLATES / "runbook")

CAUSE = """\
[[cause]]
key = "{key}"
title = "Ours"
platform = "{platform}"
runbook = "uploads"
match = ['{match}']
retry = "never"
meaning = "Ours."
advice = "Ask us."
source = "us"
sample = [["upload-instagram", "x"]]
"""

SECTION = """\
+++
key = "{key}"
number = {number}
title = "Our own"
words = ["kettle"]
alerts = ['{alert}']
+++
- [ ] Look at it.
"""

EXPIRED = "OAuthException: Error validating access token (code 190, subcode 463) at instagram"


def causes(
    folder: Path, key: str = "ours", platform: str = "instagram", match: str = "validating access"
) -> CauseTable:
    file = folder / "causes.toml"
    file.write_text(CAUSE.format(key=key, platform=platform, match=match), encoding="utf-8")
    return own_causes(SHIPPED, file)


def sections(folder: Path, key: str = "kettles", number: int = 90, alert: str = "kettle (is )?cold") -> Runbook:
    room = folder / "runbook"
    room.mkdir()
    (room / "kettle.md").write_text(SECTION.format(key=key, number=number, alert=alert), encoding="utf-8")
    return own_sections(RUNBOOK, room)


def wrong(make: object) -> str:
    assert callable(make)
    with pytest.raises(WrongOwn) as caught:
        make()
    [problem] = caught.value.problems
    return str(problem)


def test_an_own_cause_is_tried_before_a_shipped_one_that_is_surer(tmp_path: Path) -> None:
    assert SHIPPED.cause(EXPIRED).key != "ours"
    table = causes(tmp_path)
    assert table.cause(EXPIRED).key == "ours"
    assert next(iter(table.known())).key == "ours"
    other = "quotaExceeded: youtube"
    assert table.cause(other) == SHIPPED.cause(other)


def test_a_shipped_cause_is_not_replaced(tmp_path: Path) -> None:
    key = next(iter(SHIPPED.known())).key
    assert (
        wrong(lambda: causes(tmp_path, key)) == f"causes.toml: the cause {key} is shipped already: choose another key"
    )


def test_all_mistakes_of_a_table_are_told(tmp_path: Path) -> None:
    (tmp_path / "causes.toml").write_text(
        '[[cause]]\nkey = "a"\n\n[[cause]]\nkey = "b"\n\n[causes]\n', encoding="utf-8"
    )
    with pytest.raises(WrongOwn) as caught:
        own_causes(SHIPPED, tmp_path / "causes.toml")
    assert [each.partition(" lacks ")[0] for each in caught.value.problems] == [
        "causes.toml: causes is not known; there is [[cause]]",
        "causes.toml: cause 'a'",
        "causes.toml: cause 'b'",
    ]


def test_a_table_that_is_not_there_or_no_table_is_told(tmp_path: Path) -> None:
    assert wrong(lambda: own_causes(SHIPPED, tmp_path / "none.toml")).startswith(
        "none.toml cannot be read: No such file"
    )
    (tmp_path / "odd.toml").write_text("[[cause", encoding="utf-8")
    assert wrong(lambda: own_causes(SHIPPED, tmp_path / "odd.toml")).startswith("odd.toml: ")


def test_a_platform_that_nobody_tells_is_refused(tmp_path: Path) -> None:
    assert "platform is one of instagram, " in wrong(lambda: causes(tmp_path, platform="myspace"))


def test_a_pattern_that_could_hold_a_worker_is_refused(tmp_path: Path) -> None:
    problem = wrong(lambda: causes(tmp_path, match="^upload (a+)+ ended$"))
    assert problem.startswith(
        "causes.toml: the cause ours: its pattern (?:^upload (a+)+ ended$) takes longer than 50 ms"
    )
    problem = wrong(lambda: sections(tmp_path, alert=r"(\w+\s?)*: cold"))
    assert problem.startswith(r"kettle.md: the pattern (\w+\s?)*: cold takes longer than 50 ms")


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"^job \d+ failed: (x+x+)+y",
        r"([a-z]+)*\d",
        r"(foo|f.o)*bar",
        r"(.*)(.*)(.*)(.*)x$",
        r"error: (\d+,?)+;",
        r"(a|aa)+b",
        r"\s*\s*\s*x",
    ],
)
def test_a_slow_pattern_is_found_whatever_it_repeats(pattern: str) -> None:
    assert slow_patterns([("harmless", 0), (pattern, 0)]) == [pattern]


def test_no_shipped_pattern_is_slow() -> None:
    patterns = [(each.pattern, each.flags) for row in SHIPPED.rows for each in (row.match, row.anywhere) if each]
    patterns += [(each.pattern, each.flags) for section in RUNBOOK.sections for each in section.alerts]
    assert len(patterns) > 50
    assert slow_patterns(patterns) == []


def test_an_own_section_comes_before_those_shipped(tmp_path: Path) -> None:
    runbook = sections(tmp_path)
    assert [each.key for each in runbook.sections] == ["kettles", *(each.key for each in RUNBOOK.sections)]
    assert runbook.find("the kettle is cold")[0].key == "kettles"
    shipped = RUNBOOK.sections[0]
    assert runbook.get(shipped.key) == shipped


def test_a_shipped_section_is_not_replaced(tmp_path: Path) -> None:
    shipped = RUNBOOK.sections[0]
    assert wrong(lambda: sections(tmp_path, shipped.key)).endswith(f"shipped: {shipped.number}, {shipped.key}")


def test_a_folder_without_sections_or_a_section_without_steps_is_told(tmp_path: Path) -> None:
    assert wrong(lambda: own_sections(RUNBOOK, tmp_path / "none")).startswith(
        "[runbook] folder names none, and there is"
    )
    assert wrong(lambda: own_sections(RUNBOOK, tmp_path)).startswith("there is no section of the runbook in ")
    (tmp_path / "odd.md").write_text("hello", encoding="utf-8")
    assert wrong(lambda: own_sections(RUNBOOK, tmp_path)).startswith("odd.md does not begin with front matter")
