"""The Lua that runs in a BullMQ queue's Redis: the installed package's own scripts, and ours around them.

A script of the package is taken only while it still has the KEYS and ARGV we know, read from its own header: should
a new version change them, importing this module fails and says so, before any job is touched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2s
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bullmq.redis_connection import SCRIPT_DEFINITIONS, loadScript  # type: ignore[import-untyped]

_LUA = Path(__file__).parent / "lua"


class ScriptChanged(ImportError):
    """The installed bullmq package has another script than the one this client was written against."""


def ours(*names: str) -> str:
    """Files of `lua/`, one after the other: those before the last define what it uses."""
    return "\n".join((_LUA / f"{name}.lua").read_text() for name in names)


def theirs(name: str, keys: Sequence[str], arguments: Sequence[str]) -> str:
    """A script of the package, whose header must name these KEYS and ARGV (by a word of each description)."""
    source = loadScript(SCRIPT_DEFINITIONS[name]) if name in SCRIPT_DEFINITIONS else ""
    header = source.partition("]]")[0]
    for kind, expected in (("KEYS", keys), ("ARGV", arguments)):
        found = [text.strip() for _, text in re.findall(rf"{kind}\[(\d+)\]([^\n]*)", header)]
        if len(found) != len(expected) or not all(word in text for word, text in zip(expected, found, strict=True)):
            raise ScriptChanged(
                f"bullmq {version('bullmq')} has another {name} than expected: {kind} are {found or 'not found'}, "
                f"not {list(expected)}. Compare its Lua with bot/outside/queues/bullmq/lua before going on."
            )
    return source


REPROCESS: Final = theirs(
    "reprocessJob",
    [
        "job key",
        "events stream",
        "job state",
        "wait key",
        "meta",
        "active key",
        "marker key",
        "prioritized key",
        "priority counter key",
    ],
    ["job.id", "PUSH", "failedReason/returnvalue", "failed/completed", "attemptsMade", "attemptsStarted"],
)

PAGE: Final = ours("entry", "page")
SEEN: Final = ours("entry", "seen")
FOLLOW: Final = ours("follow")
JOB: Final = ours("job")


def as_function(source: str, name: str) -> str:
    """A script of the package as a Lua function of its KEYS and ARGV; what it is made of is made once, and uses
    the `rcall` that stands before them.

    Its parameters stand before the globals of the same names, so the text stays as it is. Where its last part cannot be
    told from its functions, the whole becomes the function: slower, and as right.
    """
    functions, begin, rest = source.partition("\nlocal jobKey = KEYS[1]\n")
    _, rcall, functions = functions.rpartition("]]\nlocal rcall = redis.call;\n")
    if not begin or not rcall or re.search(r"\b(KEYS|ARGV)\b", functions):
        functions, begin, rest = "", "", source
    return f"{functions}\nlocal function {name}(KEYS, ARGV)\n{begin}{rest}\nend\n"


KNOWN: Final = "c19298cebbfed33b4530dcb99a4b0bfac1afbac793e9b824c888b90a2fe258c4"
"""What `lua/recall.lua` was written for: the BLAKE2 of reprocessJob-9.lua as bullmq 3.4.4 holds it."""


def move_script(source: str) -> str:
    """Our script that runs BullMQ's own for many jobs, around this text of the latter."""
    known = blake2s(source.encode()).hexdigest() == KNOWN
    return "\n".join((ours("recall" if known else "plain"), as_function(source, "reprocess"), ours("move")))


MOVE: Final = move_script(REPROCESS)

STATE: Final = theirs(
    "getStateV2",
    ["completed", "failed", "delayed", "active", "wait", "paused", "waiting-children", "prioritized"],
    ["job id"],
)
PAUSE: Final = theirs(
    "pause",
    ["wait", "paused", "meta", "prioritized", "events", "delayed", "marker"],
    ["paused", "emit"],
)
PAUSE_5: Final = f"{ours('pause')}\n{PAUSE}"

__all__ = ["FOLLOW", "JOB", "MOVE", "PAGE", "PAUSE", "PAUSE_5", "SEEN", "STATE", "ScriptChanged", "ours", "theirs"]
