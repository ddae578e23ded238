"""`python -m tests.bench [module …]`: every part of the modules here is measured, and each row printed as it comes."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
import time
from collections.abc import Iterator, Sequence

from tests import bench
from tests.bench import Figure, Goal, Part, Row, head, noise, spin


def main(chosen: Sequence[str]) -> int:
    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            print(f"There is no bench {name}.{meant} There is {', '.join(known)}.", file=sys.stderr)
            return 2
    before = [spin() for _ in range(20)]
    print(head(), flush=True)
    met = True
    for name in chosen or known:
        begun = time.monotonic()
        for row in measured(f"tests.bench.{name}"):
            print(row.line, flush=True)
            met = met and row.figure.met
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(f"\n{noise(before, [spin() for _ in range(20)])}")
    return 0 if met else 1


def measured(module: str) -> Iterator[Row]:
    """The rows of all parts of a module, in the order in which they are written there."""
    try:
        parts = [each for each in vars(importlib.import_module(module)).values() if isinstance(each, Part)]
    except Exception as error:  # what it measures beside is not installed
        yield Row(Goal(module.rpartition(".")[2], "–"), Figure(f"could not be measured: {error}", met=False))
        return
    for each in parts:
        yield from each.rows()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
