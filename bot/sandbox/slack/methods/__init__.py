"""The Web API, one family of methods a file. Importing the package fills `api.METHODS`."""

from __future__ import annotations

from bot.sandbox.slack.methods import app, chat, conversations, files, history, marks, people, views

__all__ = ["app", "chat", "conversations", "files", "history", "marks", "people", "views"]
