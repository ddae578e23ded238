"""`python -m tests.prepare`: what the tests need beside Python's packages, before the first of them.

Chromium for the browser's tests, and npm's BullMQ for the queue's. What is there already costs half a second. What
cannot be had is one line on standard error, and exit 1.
"""

from __future__ import annotations

import subprocess
import sys

from tests import node
from tests.browser import chromium


def main() -> int:
    missing: list[str] = []
    try:
        chromium.ensure(chromium.ways())
    except chromium.Missing as why:
        missing.append(str(why))
    try:
        node.install()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as why:
        missing.append(str(why))
    for line in missing:
        print(line, file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
