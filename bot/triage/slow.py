"""Finds regular expressions that could hold a worker, before one meets the text that does it. Standard library only.

Python's matching cannot be given a time limit, and holds all threads meanwhile. So a team's own patterns are tried at
the start, in a process of their own, on texts that are hard for them: what each one looks for, repeated, and then
something else. One that needs more than ``MILLISECONDS`` of processor time for one of these is refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

MILLISECONDS: Final = 50
LENGTH: Final = 2_000
"""Characters of such a text: twice what is looked at of a failed job's reason."""

PATIENCE: Final = 60.0
"""Seconds until the process is given up, whatever it is at."""

_TRIED: Final = r"""
import json, re, signal, sys

patterns, length, seconds = json.load(sys.stdin)
STANDS_FOR = {"d": "0", "s": " ", "w": "a", "D": "a", "S": "a", "W": " ", "n": "\n", "t": "\t", "b": "", "B": ""}

def plain(pattern, sign=None):
    # What it looks for, roughly: escapes as what they stand for, a class as its first member, no signs.
    text = re.sub(r"\(\?[:=!<a-zA-Z-]*|\{[^}]*\}", "", pattern)
    text = re.sub(r"\\(.)", lambda found: STANDS_FOR.get(found[1], found[1]), text)
    text = re.sub(r"\[\^?(.)[^\]]*\]", r"\1", text)
    return text.translate({ord(each): sign for each in "()[]?*+^$|"}).replace(".", "a")

def hard(pattern):
    whole = plain(pattern)
    words = re.findall(r"\w{2,}", plain(pattern, " "))
    units = list(dict.fromkeys([*"a0 -./,:", *whole, *words, "a ", "0.", "a,", whole]))[:80]
    opened = [place for place, sign in enumerate(pattern) if sign in "([*+"][:8]
    prefixes = list(dict.fromkeys(["", *(plain(pattern[:place]) for place in opened)]))
    for prefix in prefixes:
        for unit in filter(None, units):
            yield prefix + unit * (length // len(unit)) + "\0!"

def rang(number, frame):
    raise TimeoutError

signal.signal(signal.SIGVTALRM, rang)
slow = []
for place, (pattern, flags) in enumerate(patterns):
    compiled = re.compile(pattern, flags)
    try:
        for text in hard(pattern):
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            compiled.search(text)
    except TimeoutError:
        slow.append(place)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
print(json.dumps(slow))
"""


def slow_patterns(patterns: Sequence[tuple[str, int]]) -> list[str]:
    """Those of these patterns, each with its flags, that take too long. They have to compile."""
    if not patterns:
        return []
    asked = json.dumps([[list(each) for each in patterns], LENGTH, MILLISECONDS / 1000])
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _TRIED],
            input=asked,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return [pattern for pattern, _ in patterns]
    return [patterns[place][0] for place in json.loads(ended.stdout)]
