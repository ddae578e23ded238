"""A team's own causes and sections of the runbook, tried before those shipped. A mistake in them stops the start."""

from __future__ import annotations

from pathlib import Path

from bot.triage.causes import CauseRow, CauseTable, WrongTable, rows_of
from bot.triage.runbook import Runbook, RunbookError, Section, read_section
from bot.triage.slow import MILLISECONDS, slow_patterns

SLOW = f"takes longer than {MILLISECONDS} ms of a text that is hard for it: let no repetition repeat one"


class WrongOwn(Exception):
    """``problems``: a sentence for each thing that is wrong, with the file's name."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def own_causes(shipped: CauseTable, file: Path) -> CauseTable:
    """The shipped table with the causes of this file before it. Raises WrongOwn."""
    try:
        rows = rows_of(file)
    except OSError as error:
        raise WrongOwn([f"{file.name} cannot be read: {error.strerror}"]) from error
    except WrongTable as wrong:
        raise WrongOwn([str(each) for each in wrong.args]) from wrong
    known = {cause.key for cause in shipped.known()}
    problems = [f"{file.name}: the cause {key} is shipped already: choose another key" for key in _keys(rows) & known]
    slow = slow_patterns([(each.pattern, 0) for row in rows for each in (row.match, row.anywhere) if each])
    problems += [
        f"{file.name}: the cause {row.cause.key}: its pattern {each.pattern} {SLOW}"
        for row in rows
        for each in (row.match, row.anywhere)
        if each and each.pattern in slow
    ]
    if problems:
        raise WrongOwn(problems)
    return CauseTable(shipped.rows, own=rows)


def _keys(rows: list[CauseRow]) -> set[str]:
    return {row.cause.key for row in rows}


def own_sections(shipped: Runbook, folder: Path) -> Runbook:
    """The shipped runbook with the sections of this folder before it. Raises WrongOwn."""
    if not folder.is_dir():
        raise WrongOwn([f"[runbook] folder names {folder.name}, and there is no such folder beside the catalogue"])
    sections: list[Section] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*.md")):
        try:
            section = read_section(file.read_text(encoding="utf-8"), file.name)
        except (RunbookError, UnicodeDecodeError, OSError) as wrong:
            problems.append(str(wrong) if isinstance(wrong, RunbookError) else f"{file.name} cannot be read: {wrong}")
            continue
        sections.append(section)
        same = [each for each in shipped.sections if each.key == section.key or each.number == section.number]
        problems += [
            f"{file.name}: the section {section.number}, {section.key}, has the key or the number of one that is "
            f"shipped: {each.number}, {each.key}"
            for each in same
        ]
        slow = slow_patterns([(each.pattern, each.flags) for each in section.alerts])
        problems += [f"{file.name}: the pattern {pattern} {SLOW}" for pattern in slow]
    if not problems and not sections:
        problems.append(f"there is no section of the runbook in {folder.name}: a file that ends in .md")
    if problems:
        raise WrongOwn(problems)
    try:
        return Runbook(shipped.sections, own=sections)
    except RunbookError as wrong:
        raise WrongOwn([f"{folder.name}: {wrong}"]) from wrong
