"""The runbook, one section a file: the table of contents."""

from handlers import (
    alerts,
    duties,
    evidence,
    home,
    incident,
    jobs,
    oncall,
    outside,
    postmortem,
    replay,
    runbook,
    updates,
)

__all__ = [
    "alerts",
    "duties",
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
