"""Firewatch: the machine that carries a sentence said in Slack to a recorded result."""

__version__ = "0.1.0"
