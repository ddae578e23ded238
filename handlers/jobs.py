"""Failed and waiting jobs: find them, understand them, put them back

Section 2 of the runbook: looking. To put jobs back is in ``jobs_replay.py``, to pause a queue in ``jobs_switch.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.cause import Cause
from bot.domain.errors import Refused
from bot.domain.parameters import Since
from bot.domain.reply import File, Reply
from bot.outside.queues.protocol import Queue, Queues, QueueStatus, Seen
from bot.tools import Tools

SHOWN = 10
"""Causes a card shows; the others are counted."""

HELD_BACK = ("never", "tomorrow")
"""What a failure of this very moment must not be retried for: the first at all, the second for a day."""

TOMORROW = timedelta(hours=24)


def is_held_back(cause: Cause, finished: int, now: datetime) -> bool:
    """Whether a job that failed for that cause at that time (ms since 1970) must not be put back yet."""
    if cause.retry == "tomorrow":
        return now.timestamp() * 1000 < finished + TOMORROW.total_seconds() * 1000
    return cause.retry in HELD_BACK


# ---------------------------------------------------------------- looking


@action("/jobs status", Risk.LOOK)
def status(call: Call, tools: Tools, queue: str | None = None, /) -> Reply:
    """Show a queue's depth, its oldest job, throughput and workers, with a picture of the last hour.

    queue: one of the queues in the catalogue; without it, all of them
    """
    names = [queue] if queue else list(tools.need(Queues).names())
    if not names:
        raise Refused("No queue is in the catalogue.", "Add `[queues.NAME]` to firewatch.toml.")
    queues = [tools.need(Queues).get(name) for name in names]
    facts = [_figures(each.status(), tools) for each in queues]
    files = [_picture(queues[0], tools, facts[0])] if len(queues) == 1 else []
    return Reply("jobs/status", {"queues": facts}, files=files)


def _figures(seen: QueueStatus, tools: Tools) -> dict[str, Any]:
    return {
        "name": seen.name,
        "backend": seen.version or seen.backend,
        "paused": seen.paused,
        "depth": seen.depth,
        "active": seen.active,
        "delayed": seen.delayed,
        "failed": seen.failed,
        "completed": seen.completed,
        "per_minute": round(seen.per_minute, 1),
        "workers": seen.workers,
        "oldest": (tools.now - seen.oldest).total_seconds() if seen.oldest else None,
        "look": ACTIONS["/jobs status"].sentence(queue=seen.name),
        "causes": ACTIONS["/jobs failed"].sentence(queue=seen.name),
        "resume": ACTIONS["/jobs resume"].sentence(queue=seen.name),
    }


def _picture(queue: Queue, tools: Tools, figures: Mapping[str, Any]) -> File:
    since = tools.now - timedelta(hours=1)
    depth = [(at.timestamp(), depth) for at, depth in tools.samples.depth(queue.name, since)]
    buckets = queue.history(since, tools.now, timedelta(minutes=1))
    return File(
        f"{queue.name}.png",
        f"{queue.name}: the last hour",
        picture="queue",
        facts={
            "title": queue.name,
            "depth": [*depth, (tools.now.timestamp(), figures["depth"])],
            "buckets": [(each.at.timestamp(), each.failed, each.completed) for each in buckets],
            "now": tools.now.timestamp(),
        },
    )


@dataclass(slots=True)
class Group:
    """Failures that have one cause."""

    cause: Cause
    count: int = 0
    first: int = 0
    last: int = 0
    reason: str = ""
    names: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)
    ready: int = 0
    """How many of them may be put back now."""

    def add(self, seen: Seen, now: datetime) -> None:
        self.count += 1
        self.ready += not is_held_back(self.cause, seen.finished, now)
        self.first = self.first or seen.finished
        self.last = max(self.last, seen.finished)
        self.reason = self.reason or seen.reason
        if len(self.names) < 5:
            self.names.add(seen.name)
        if len(self.ids) < 5:
            self.ids.append(seen.id)


@action("/jobs failed", Risk.LOOK)
def failed(
    call: Call,
    tools: Tools,
    queue: str,
    cause: str | None = None,
    since: Since | None = None,
    name: str | None = None,
) -> Reply:
    """Group failed jobs by cause, with what each cause means and whether it may be retried.

    queue: one of the queues in the catalogue
    cause: only this cause, by its key or its title
    since: only jobs that failed since then
    name: only jobs of this name
    """
    where = tools.need(Queues).get(queue)
    groups: dict[str, Group] = {}
    for seen, why in _failures(where, tools, since, name):
        groups.setdefault(why.key, Group(why)).add(seen, tools.now)
    if cause:
        groups = _only(cause, groups)
    ordered = sorted(groups.values(), key=lambda group: -group.count)
    total = sum(group.count for group in ordered)
    return Reply(
        "jobs/failed",
        {
            "queue": queue,
            "total": total,
            "since": since.timestamp() if since else None,
            "name": name,
            "only": bool(cause),
            "groups": [_shown(group, queue, where.max_replay, name, since) for group in ordered[:SHOWN]],
            "more": len(ordered) - SHOWN,
            "more_jobs": sum(group.count for group in ordered[SHOWN:]),
        },
    )


def _failures(queue: Queue, tools: Tools, since: datetime | None, name: str | None) -> Iterator[tuple[Seen, Cause]]:
    for page in queue.ended("failed", since):
        for seen in page:
            if name is None or seen.name == name:
                yield seen, tools.triage.cause(seen.reason, seen.name)


def _only(cause: str, groups: dict[str, Group]) -> dict[str, Group]:
    found = {key: group for key, group in groups.items() if is_cause(group.cause, cause)}
    if not found:
        raise Refused(f"No failed job has the cause `{cause}`.", near_cause(cause, groups))
    return found


def is_cause(cause: Cause, said: str) -> bool:
    """Whether that is what the person called it: by key or by title, in either case."""
    return said.lower() in (cause.key.lower(), cause.title.lower())


def near_cause(said: str, keys: Mapping[str, Any]) -> str:
    """The hint for a cause that no job has."""
    near = get_close_matches(said.lower(), list(keys), 1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"There are: {', '.join(f'`{key}`' for key in list(keys)[:8])}." if keys else "No job has failed."


def _shown(group: Group, queue: str, most: int, name: str | None, since: datetime | None) -> dict[str, Any]:
    key = group.cause.key
    again = ACTIONS["/jobs replay"].sentence(
        queue=queue, count=min(group.ready, most), cause=key, name=name, since=since
    )
    return {
        "key": key,
        "title": group.cause.title,
        "platform": group.cause.platform,
        "meaning": group.cause.meaning,
        "advice": group.cause.advice,
        "retry": group.cause.standing,
        "source": group.cause.source,
        "count": group.count,
        "first": group.first / 1000,
        "last": group.last / 1000,
        "reason": group.reason[:500],
        "names": sorted(group.names),
        "ids": group.ids,
        "replay": again if group.ready else None,
        "ready": group.ready,
        "jobs": [{"id": id, "show": ACTIONS["/jobs show"].sentence(queue=queue, id=id)} for id in group.ids],
        "only": ACTIONS["/jobs failed"].sentence(queue=queue, cause=key, name=name, since=since),
    }


@action("/jobs show", Risk.LOOK)
def show(call: Call, tools: Tools, queue: str, id: str) -> Reply:
    """Show one job: its data with secrets masked, its error, its attempts.

    queue: one of the queues in the catalogue
    id: the job's id
    """
    where = tools.need(Queues).get(queue)
    job = where.job(id)
    if job is None:
        near = where.near(id)
        raise Refused(f"{queue} has no job `{id}`.", f"Did you mean `{near}`?" if near else "")
    cause = tools.triage.cause(job.reason, job.name) if job.state == "failed" else None
    ended = round(job.finished.timestamp() * 1000) if job.finished else 0
    return Reply(
        "jobs/show",
        {
            "queue": queue,
            "id": job.id,
            "name": job.name,
            "state": job.state,
            "data": job.data,
            "reason": job.reason,
            "stack": job.stack,
            "attempts_made": job.attempts_made,
            "attempts": job.attempts,
            "times": {
                word: at.timestamp() if at else None
                for word, at in (("added", job.added), ("started", job.started), ("finished", job.finished))
            },
            "cause": {"title": cause.title, "advice": cause.advice, "retry": cause.standing} if cause else None,
            "replay": ACTIONS["/jobs replay"].sentence(queue=queue, ids=(job.id,))
            if cause and not is_held_back(cause, ended, tools.now)
            else None,
        },
    )
