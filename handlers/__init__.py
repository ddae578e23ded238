"""The runbook, one section a file: the table of contents. Every file of this folder is found and imported by name."""

from __future__ import annotations

import pkgutil
from importlib import import_module

for found in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{found.name}")
