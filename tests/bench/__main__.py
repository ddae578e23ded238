"""`python -m tests.bench [module …]`: every module here with a `rows()` is measured, and one table printed."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
import time

from tests import bench
from tests.bench import Row, noise, spin, table


def main(chosen: list[str]) -> int:
    known = sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))
    for name in chosen:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            print(f"There is no bench {name}.{meant} There is {', '.join(known)}.", file=sys.stderr)
            return 2
    rows: list[Row] = []
    before = [spin() for _ in range(20)]
    for name in chosen or known:
        module = importlib.import_module(f"tests.bench.{name}")
        if not hasattr(module, "rows"):
            continue
        begun = time.monotonic()
        rows += module.rows()
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print(table(rows))
    print()
    print(noise(before, [spin() for _ in range(20)]))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
