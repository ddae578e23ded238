"""The runbook, one section a file: the table of contents."""

from handlers import evidence, home, incident, jobs, oncall, outside, postmortem, replay, runbook, updates

__all__ = [
    "evidence",
    "home",
    "incident",
    "jobs",
    "oncall",
    "outside",
    "postmortem",
    "replay",
    "runbook",
    "updates",
]
