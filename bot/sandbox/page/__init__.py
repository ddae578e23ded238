"""The sandbox in a browser: `run` starts a night and shows it on a page."""

from __future__ import annotations

from bot.sandbox.page.run import run

__all__ = ["run"]
