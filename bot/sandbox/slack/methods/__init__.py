"""The Web API, one family of methods a file: found, not listed."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from bot.sandbox.slack.api import METHODS, Method


def every_method() -> Mapping[str, Method]:
    """Name → method, once every file here is imported."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
    return METHODS
