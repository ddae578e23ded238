"""The runbook, one section a file: the table of contents."""

from handlers import home, incident, jobs, replay

__all__ = ["home", "incident", "jobs", "replay"]
