"""The alert with which most nights begin: its title, and how its card reads."""

from __future__ import annotations

TITLE = "Instagram uploads failing"
CARD = "📟 Instagram uploads failing"
