"""The runbook, a file a section under ``templates/runbook``, found by what somebody sees. Standard library only.

A file begins with its front matter, TOML between two lines of ``+++``; what follows is Markdown. Each line
``- [ ] …`` is a step; one that the bot can help with ends in an arrow and the sentence that does it, in which QUEUE
stands for the queue of the incident's service:

    - [ ] See what failed, how often and why. → `/jobs failed QUEUE`
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Final

_STEP: Final = re.compile(r"- \[[ x]\] +(?P<text>.+?)(?: +→ +`(?P<action>/[^`]+)`)?\s*$")
_WORD: Final = re.compile(r"[a-z0-9]+")
_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        "a all an and any are as at be been but by can do does for from has have how i if in is it its me my new no not"
        " of off on or our since so that the then there they this to too up us was we what when where which why will"
        " with you",
    )
)

NAMED: Final = 100.0
ALERT: Final = 12.0
WORD: Final = 10.0
TITLE: Final = 6.0
TEXT: Final = 1.0
ALIKE: Final = 0.82
"""How alike two words must be for one to be taken for a misspelling of the other (difflib's ratio)."""


class RunbookError(Exception):
    """A file of the runbook cannot be read; says which, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RunbookStep:
    """One line of the checklist. ``key`` names it wherever it was ticked; ``action`` is a sentence, or ""."""

    key: str
    text: str
    action: str = ""
    group: str = ""
    """The heading it stands under."""


@dataclass(frozen=True)
class Section:
    """One section. It is found by ``words``, ``causes`` (keys, with ``*``) and ``alerts`` (regular expressions)."""

    key: str
    number: int
    title: str
    intro: str
    steps: tuple[RunbookStep, ...]
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    alerts: tuple[re.Pattern[str], ...] = ()

    def step(self, key: str) -> RunbookStep | None:
        return next((each for each in self.steps if each.key == key), None)

    def groups(self) -> Iterator[tuple[str, Sequence[RunbookStep]]]:
        """The steps by the headings they stand under, in order; "" for those before the first."""
        for name in dict.fromkeys(each.group for each in self.steps):
            yield name, [each for each in self.steps if each.group == name]

    def named(self, word: str) -> bool:
        """Whether it is called so: by key, another name, number, title, or a cause that is dealt with here."""
        wanted = word.strip().casefold()
        names = {self.key, *self.also, str(self.number), f"section {self.number}", self.title.casefold()}
        return wanted in names or any(fnmatchcase(wanted, each) for each in self.causes)

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """Word → how much it speaks for this section."""
        found: dict[str, float] = {}
        text = [self.intro, *(f"{each.text} {each.group}" for each in self.steps)]
        for weight, sources in ((TEXT, text), (TITLE, [self.title]), (WORD, [self.key, *self.also, *self.words])):
            for source in sources:
                found.update(dict.fromkeys(_words(source), weight))
        return found


class Runbook:
    """All sections, by their numbers; a team's own before those shipped."""

    def __init__(self, sections: Iterable[Section], own: Iterable[Section] = ()) -> None:
        self.sections = tuple(each for some in (own, sections) for each in sorted(some, key=lambda one: one.number))
        for each in ("key", "number"):
            twice = [name for name, count in Counter(getattr(one, each) for one in self.sections).items() if count > 1]
            if twice:
                raise RunbookError(f"two sections have the {each} {twice[0]}")
        self._rarity = {
            word: 1 / sum(word in one.weights for one in self.sections)
            for word in {word for one in self.sections for word in one.weights}
        }

    @classmethod
    def load(cls, folder: Path) -> Runbook:
        """Every ``*.md`` of the folder. Raises RunbookError."""
        files = sorted(folder.glob("*.md"))
        if not files:
            raise RunbookError(f"there is no section of the runbook in {folder}")
        return cls(read_section(file.read_text(encoding="utf-8"), file.name) for file in files)

    def get(self, name: str) -> Section | None:
        """The section that is called so, exactly."""
        return next((each for each in self.sections if each.named(name)), None)

    def find(self, words: str) -> list[Section]:
        """The sections that fit what was said, best first: a name, a cause, an alert's title, or words, even misspelt.

        Without a word, all of them in their order; [] where nothing fits.
        """
        if not words.strip():
            return list(self.sections)
        scores = [(self._score(each, words), each) for each in self.sections]
        best = max(score for score, _ in scores)
        # A word that merely stands in some step says little beside one that is meant.
        fit = [(score, each) for score, each in scores if score > 0 and score >= best / 10]
        return [each for _, each in sorted(fit, key=lambda pair: -pair[0])]

    def _score(self, section: Section, words: str) -> float:
        score = NAMED if section.named(words) else 0.0
        score += sum(
            NAMED / 4 for word in words.split() if any(fnmatchcase(word.casefold(), c) for c in section.causes)
        )
        score += sum(ALERT for pattern in section.alerts if pattern.search(words))
        for word in dict.fromkeys(_words(words)):
            meant, likeness = (word, 1.0) if word in self._rarity else self._meant(word)
            score += section.weights.get(meant, 0.0) * self._rarity.get(meant, 0.0) * likeness
        return score

    def _meant(self, word: str) -> tuple[str, float]:
        """The known word that this one is most like, and how like."""
        near = difflib.get_close_matches(word, self._rarity, 1, ALIKE) if len(word) > 3 else []
        return (near[0], difflib.SequenceMatcher(None, word, near[0]).ratio()) if near else ("", 0.0)


# ---------------------------------------------------------------- reading a file


def read_section(text: str, name: str) -> Section:
    """One file → its section. ``name`` is the file's, for what is wrong with it. Raises RunbookError."""
    start, front, body = [*text.split("+++\n", 2), "", ""][:3]
    if start.strip() or not body:
        raise RunbookError(f"{name} does not begin with front matter between two lines of +++")
    try:
        given: dict[str, Any] = tomllib.loads(front)
        key, number, title = str(given.pop("key")), int(given.pop("number")), str(given.pop("title"))
        lists = {each: tuple(str(one) for one in given.pop(each, ())) for each in ("also", "words", "causes")}
        alerts = tuple(re.compile(each, re.IGNORECASE) for each in given.pop("alerts", ()))
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, re.error) as wrong:
        raise RunbookError(f"{name}: the front matter cannot be read: {wrong}") from wrong
    if given:
        raise RunbookError(f"{name}: the front matter has an unknown key, {min(given)}")
    intro, steps = _body(body, key)
    if not steps:
        raise RunbookError(f"{name} has no step: a line that begins with - [ ]")
    return Section(key, number, title, intro, steps, alerts=alerts, **lists)


def _body(text: str, key: str) -> tuple[str, tuple[RunbookStep, ...]]:
    """The words before the first step, and the steps. A step is named by its place: ``uploads-3``."""
    intro: list[str] = []
    steps: list[RunbookStep] = []
    group = ""
    for line in text.splitlines():
        found = _STEP.match(line.strip())
        if line.startswith("#"):
            group = line.lstrip("#").strip()
        elif found:
            steps.append(RunbookStep(f"{key}-{len(steps) + 1}", found["text"], found["action"] or "", group))
        elif not steps and not group:
            intro.append(line)
    return " ".join(" ".join(intro).split()), tuple(steps)


def _words(text: str) -> list[str]:
    """Words as they are compared: lower case, without what says nothing, and without an s at the end."""
    found = (word for word in _WORD.findall(text.casefold()) if word not in _STOP)
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]
