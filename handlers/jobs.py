"""Failed and waiting jobs: find them, understand them, put them back

Section 2 of the runbook. The replay itself, once confirmed, is in ``replay.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Literal

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.cause import Cause
from bot.domain.errors import Refused
from bot.domain.parameters import Ids, Percent, Rate, Since
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, File, Plan, Reply
from bot.outside.queues.protocol import Queue, Queues, QueueStatus, Seen
from bot.tools import Tools

SHOWN = 10
"""Causes a card shows; the others are counted."""

FIFTY = 50
"""Jobs a replay takes when nobody says how many; ids that are named are not counted by it."""

TEN_A_SECOND = Rate(10)
A_FIFTH = Percent(0.2)

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
        "retry": group.cause.retry,
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
            "cause": {"title": cause.title, "advice": cause.advice, "retry": cause.retry} if cause else None,
            "replay": ACTIONS["/jobs replay"].sentence(queue=queue, ids=(job.id,), canary=0)
            if cause and not is_held_back(cause, ended, tools.now)
            else None,
        },
    )


# ---------------------------------------------------------------- replaying: the plan


@action("/jobs replay", Risk.CHANGE)
def replay(
    call: Call,
    tools: Tools,
    queue: str,
    status: Literal["failed", "completed"] = "failed",
    count: int = FIFTY,
    cause: str | None = None,
    name: str | None = None,
    since: Since | None = None,
    ids: Ids | None = None,
    canary: int = 3,
    rate: Rate = TEN_A_SECOND,
    stop_at: Percent = A_FIFTH,
    dry_run: bool = False,
) -> Plan | Reply:
    """Put failed jobs back on their queue, oldest first, and watch how they end.

    queue: one of the queues in the catalogue
    status: the state the jobs are in now
    count: at most so many jobs
    cause: only those that failed for this cause, by its key or its title
    name: only jobs of this name
    since: only those that ended since then
    ids: these very jobs, all of them unless `--count` is told another number
    canary: so many go first, and a failure for the same cause stops the rest; 0 for none
    rate: how many go a second, or none for as fast as it goes
    stop_at: stop when so large a share has failed again
    dry_run: show the plan and end there
    """
    where = tools.need(Queues).get(queue)
    most = where.max_replay
    if not 1 <= count <= most:
        raise Refused(f"`--count` is a number from 1 to {most:,} on {queue}, not {count:,}.")
    if cause and status == "completed":
        raise Refused("`--cause` chooses among failed jobs: those that completed have none.")
    if canary < 0:
        raise Refused(f"`--canary` is 0 or more jobs, not {canary}.")
    if ids and len(ids) > most:
        raise Refused(f"{len(ids):,} ids are more than the {most:,} that one replay on {queue} may take.")
    state = where.status()
    where.ready()
    chosen = _chosen(where, tools, status, since, name, cause, ids, count)
    if not chosen.jobs:
        raise Refused(*_nothing(queue, status, chosen, cause))
    canary = min(canary, len(chosen.jobs) - 1)
    facts = {
        "queue": queue,
        "status": status,
        "total": len(chosen.jobs),
        "matched": chosen.matched,
        "canary": canary,
        "rate": rate,
        "stop_at": stop_at,
        "stop_after": stop_after(stop_at, len(chosen.jobs)),
        "seconds": len(chosen.jobs) / rate if rate else None,
        "oldest": chosen.jobs[0].finished / 1000,
        "newest": max(seen.finished for seen in chosen.jobs) / 1000,
        "sample": [seen.id for seen in chosen.jobs[:3]],
        "groups": [
            {
                "title": group.cause.title,
                "count": group.count,
                "retry": group.cause.retry,
                "advice": group.cause.advice,
            }
            for group in sorted(chosen.groups.values(), key=lambda group: -group.count)[:SHOWN]
            if status == "failed"
        ],
        "left_out": [
            {
                "title": group.cause.title,
                "count": group.count,
                "retry": group.cause.retry,
                "advice": group.cause.advice,
            }
            for group in chosen.left_out.values()
        ],
        "held": chosen.held,
        "paused": state.paused,
        "workers": state.workers,
        "failed": state.failed,
        "depth": state.depth,
    }
    if dry_run:
        go = ACTIONS["/jobs replay"].sentence(
            queue=queue,
            status=status,
            count=count,
            cause=cause,
            name=name,
            since=since,
            ids=ids,
            canary=canary,
            rate=rate,
            stop_at=stop_at,
        )
        return Reply("jobs/dry_run", {**facts, "go": go})
    data = {key: facts[key] for key in ("queue", "status", "total", "canary", "rate", "stop_after")}
    data |= {"before": {"failed": state.failed, "depth": state.depth}}
    return Plan("jobs/plan", Begin("replay", data, chosen.jobs), facts)


@dataclass(slots=True)
class Chosen:
    """The jobs a replay takes, and those that match but are not taken."""

    jobs: list[Seen] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    left_out: dict[str, Group] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    matched: int = 0
    causes: set[str] = field(default_factory=set)


def _chosen(
    queue: Queue,
    tools: Tools,
    status: Literal["failed", "completed"],
    since: datetime | None,
    name: str | None,
    cause: str | None,
    ids: Sequence[str] | None,
    count: int,
) -> Chosen:
    """Oldest first; at most ``count``; without those that must not be retried or that someone is replaying now."""
    chosen = Chosen()
    held = tools.replays.holders(queue.name)
    for page in _named(queue, status, ids, held) if ids else queue.ended(status, since):
        for seen in page:
            why = tools.triage.cause(seen.reason if status == "failed" else "", seen.name)
            if name is not None and seen.name != name:
                continue
            if since and seen.finished < since.timestamp() * 1000:
                continue
            chosen.causes.add(why.key)
            if cause and not is_cause(why, cause):
                continue
            chosen.matched += 1
            if seen.id in held:
                chosen.held[held[seen.id]] = chosen.held.get(held[seen.id], 0) + 1
            elif status == "failed" and is_held_back(why, seen.finished, tools.now):
                chosen.left_out.setdefault(why.key, Group(why)).add(seen, tools.now)
            elif len(chosen.jobs) < (len(ids) if ids and count == FIFTY else count):
                chosen.jobs.append(seen)
                chosen.groups.setdefault(why.key, Group(why)).add(seen, tools.now)
    chosen.jobs.sort(key=lambda seen: seen.finished)
    return chosen


def _named(
    queue: Queue, status: Literal["failed", "completed"], ids: Sequence[str], held: Mapping[str, str]
) -> Iterator[Sequence[Seen]]:
    """Those very jobs, oldest first; raises Refused, naming them, when some are not there or not in that state."""
    found = queue.seen(ids, status)
    lacking = [id for id, seen in zip(ids, found, strict=True) if seen is None]
    if lacking:
        if who := held.get(lacking[0]):
            raise Refused(f"<@{who}> is replaying `{lacking[0]}` on {queue.name} now.", "`/jobs stop` stops a replay.")
        words = ", ".join(f"`{id}`" for id in lacking[:5]) + (
            f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        )
        job = queue.job(lacking[0])
        near = None if job else queue.near(lacking[0])
        hint = f"`{lacking[0]}` is {job.state} now." if job else f"Did you mean `{near}`?" if near else ""
        raise Refused(f"{queue.name} has no {status} job {words}.", hint)
    yield sorted((seen for seen in found if seen), key=lambda seen: seen.finished)


def _nothing(queue: str, status: str, chosen: Chosen, cause: str | None) -> tuple[str, str]:
    """Why there is nothing to replay, and what would help."""
    if chosen.held:
        who = next(iter(chosen.held))
        return f"<@{who}> is replaying those jobs on {queue} now.", "`/jobs stop` stops a replay."
    if chosen.left_out:
        group = max(chosen.left_out.values(), key=lambda group: group.count)
        when = "before tomorrow" if group.cause.retry == "tomorrow" else "at all"
        return (
            f"Nothing to replay on {queue}: {group.count} failed with “{group.cause.title}”, "
            f"which must not be retried {when}.",
            group.cause.advice,
        )
    if cause and chosen.causes:
        return f"No {status} job on {queue} has the cause `{cause}`.", near_cause(cause, dict.fromkeys(chosen.causes))
    look = "failed" if status == "failed" else "status"
    return f"No {status} job on {queue} matches that.", f"`/jobs {look} {queue}` shows what there is."


def stop_after(share: float, total: int) -> int:
    """How many renewed failures stop a replay: the share of all its jobs, at least one."""
    return max(1, round(share * total))


# ---------------------------------------------------------------- stop, pause, resume


@action("/jobs stop", Risk.CHANGE)
def stop(call: Call, tools: Tools, replay: str | None = None, /) -> Plan:
    """Stop a replay that is under way; jobs that are back on their queue stay there.

    replay: which one, when several are under way
    """
    running = tools.replays.running()
    here = [each for each in running if replay in (None, each["id"])]
    if not here:
        raise Refused("No replay is under way." if replay is None else "That replay has ended.")
    if len(here) > 1:
        in_channel = [each for each in here if each["channel"] == call.channel]
        if len(in_channel) != 1:
            names = ", ".join(f"`{each['id']}` ({each['total']} jobs on {each['queue']})" for each in here)
            raise Refused("Several replays are under way.", f"Name one: {names}.")
        here = in_channel
    target = here[0]
    return Plan("jobs/stop", Begin("stop-replay", {"replay": target["id"]}), dict(target), revision=target["id"])


@procedure("stop-replay")
def stopping(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """One step: tell the replay."""
    tools.replays.stop(under_way.data["replay"], under_way.confirmer or under_way.asker)
    return Next("", card=Reply("jobs/stopping", {"by": under_way.confirmer or under_way.asker}))


@action("/jobs pause", Risk.CHANGE)
def pause(call: Call, tools: Tools, queue: str) -> Plan:
    """Let workers take no more jobs from a queue; what runs now runs on.

    queue: one of the queues in the catalogue
    """
    return _switch(tools, queue, paused=True)


@action("/jobs resume", Risk.CHANGE)
def resume(call: Call, tools: Tools, queue: str) -> Plan:
    """Let workers take jobs from a paused queue again.

    queue: one of the queues in the catalogue
    """
    return _switch(tools, queue, paused=False)


def _switch(tools: Tools, queue: str, *, paused: bool) -> Plan:
    where = tools.need(Queues).get(queue)
    now = where.status()
    where.switchable(paused=paused)
    if now.paused == paused:
        raise Refused(f"{queue} is {'paused' if paused else 'not paused'} already.")
    facts = {"queue": queue, "paused": paused, "depth": now.depth, "active": now.active, "workers": now.workers}
    begins = Begin("switch", {"queue": queue, "paused": paused})
    return Plan("jobs/switch", begins, facts, revision=f"paused={now.paused}")


@procedure("switch")
def switching(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """One step: pause or resume, and say so."""
    queue = tools.need(Queues).get(under_way.data["queue"])
    if under_way.data["paused"]:
        queue.pause()
    else:
        queue.resume()
    now = queue.status()
    by = under_way.confirmer or under_way.asker
    facts = {"queue": queue.name, "paused": under_way.data["paused"], "depth": now.depth, "by": by}
    facts["resume"] = ACTIONS["/jobs resume"].sentence(queue=queue.name)
    return Next("", card=Reply("jobs/switched", facts), say=[Reply("jobs/switched", facts, to="nobody", note=True)])
