"""How many seeds and examples the long tests run: few in `make test`, many in `make proof`."""

from __future__ import annotations

import os
from typing import Final

EXAMPLES: Final = int(os.environ.get("EXAMPLES", "60"))
