"""Putting jobs back on their queue: which, and how; and the stop of it

Section 2 of the runbook. The replay itself, once confirmed, is in ``replay.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.parameters import Ids, Percent, Rate, Since
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, Plan, Reply
from bot.outside.queues.protocol import Queue, Queues, Seen
from bot.tools import Tools
from handlers.jobs import SHOWN, Group, is_cause, is_held_back, near_cause
from handlers.replay import Replay, holders

FIFTY = 50
"""Jobs a replay takes when nobody says how many, and names no ids."""

THREE = 3
"""Jobs that go first when nobody says how many, and every cause is known."""

TEN_A_SECOND = Rate(10)
A_FIFTH = Percent(0.2)


@action("/jobs replay", Risk.CHANGE)
def replay(
    call: Call,
    tools: Tools,
    queue: str,
    status: Literal["failed", "completed"] = "failed",
    count: int | None = None,
    cause: str | None = None,
    name: str | None = None,
    since: Since | None = None,
    ids: Ids | None = None,
    canary: int | None = None,
    rate: Rate = TEN_A_SECOND,
    stop_at: Percent = A_FIFTH,
    dry_run: bool = False,
) -> Plan | Reply:
    """Put failed jobs back on their queue, oldest first, and watch how they end.

    queue: one of the queues in the catalogue
    status: the state the jobs are in now
    count: at most so many jobs; when nothing is said, 50, or all of `--ids`
    cause: only those that failed for this cause, by its key or its title
    name: only jobs of this name
    since: only those that ended since then
    ids: only the jobs with these ids
    canary: how many go first (3, or 1 where a cause must be looked at); the same cause again stops the rest; 0 for none
    rate: how many go a second, or none for as fast as it goes
    stop_at: stop when so large a share has failed again
    dry_run: show the plan and end there
    """
    where = tools.need(Queues).get(queue)
    most = where.max_replay
    if count is not None and not 1 <= count <= most:
        raise Refused(f"`--count` is a number from 1 to {most:,} on {queue}, not {count:,}.")
    if cause and status == "completed":
        raise Refused("`--cause` chooses among failed jobs: those that completed have none.")
    if canary is not None and canary < 0:
        raise Refused(f"`--canary` is 0 or more jobs, not {canary}.")
    if ids and len(ids) > most:
        raise Refused(f"{len(ids):,} ids are more than the {most:,} that one replay on {queue} may take.")
    state = where.status()
    where.ready()
    chosen = _chosen(where, tools, status, since, name, cause, ids, count or (len(ids) if ids else min(FIFTY, most)))
    if not chosen.jobs:
        raise Refused(*_nothing(queue, status, chosen, cause))
    unknown = chosen.unknown_first() if status == "failed" else 0
    first = min(canary if canary is not None else 1 if unknown else THREE, len(chosen.jobs) - 1)
    groups = sorted(chosen.groups.values(), key=lambda group: -group.count) if status == "failed" else []
    facts = {
        "queue": queue,
        "status": status,
        "total": len(chosen.jobs),
        "matched": chosen.matched,
        "canary": first,
        "unknown": unknown if canary is None else 0,
        "rate": rate,
        "stop_at": stop_at,
        "stop_after": stop_after(stop_at, len(chosen.jobs)),
        "seconds": len(chosen.jobs) / rate if rate else None,
        "oldest": min(seen.finished for seen in chosen.jobs) / 1000,
        "newest": max(seen.finished for seen in chosen.jobs) / 1000,
        "sample": [seen.id for seen in chosen.jobs[:3]],
        "groups": [
            {
                "title": group.cause.title,
                "count": group.count,
                "retry": group.cause.standing,
                "advice": group.cause.advice,
            }
            for group in groups[:SHOWN]
        ],
        "more": len(groups[SHOWN:]),
        "more_jobs": sum(group.count for group in groups[SHOWN:]),
        "left_out": [
            {
                "title": group.cause.title,
                "count": group.count,
                "retry": group.cause.standing,
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
    begins = Replay(
        queue=queue,
        status=status,
        total=len(chosen.jobs),
        canary=first,
        rate=rate,
        stop_after=stop_after(stop_at, len(chosen.jobs)),
        before={"failed": state.failed, "depth": state.depth},
    )
    return Plan("jobs/plan", Begin(begins, chosen.jobs), facts)


@dataclass(slots=True)
class Chosen:
    """The jobs a replay takes, and those that match but are not taken."""

    jobs: list[Seen] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    left_out: dict[str, Group] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    matched: int = 0
    causes: set[str] = field(default_factory=set)
    looks: set[str] = field(default_factory=set)
    """Ids of those among ``jobs`` that failed for a cause that must be looked at."""

    def unknown_first(self) -> int:
        """How many must be looked at. The oldest of them goes first, so that the canary is one of them."""
        place = next((place for place, seen in enumerate(self.jobs) if seen.id in self.looks), None)
        if place is not None:
            self.jobs.insert(0, self.jobs.pop(place))
        return len(self.looks)


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
    held = holders(queue.name, tools)
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
            elif len(chosen.jobs) < count:
                chosen.jobs.append(seen)
                if why.retry == "look":
                    chosen.looks.add(seen.id)
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


# ---------------------------------------------------------------- stop


@action("/jobs stop", Risk.CHANGE)
def stop(call: Call, tools: Tools, replay: str | None = None, /) -> Plan:
    """Stop a replay that is under way; jobs that are back on their queue stay there.

    replay: which one, when several are under way
    """
    running = tools.procedures.running(Replay)
    here = [each for each in running if replay in (None, each.id)]
    if not here:
        raise Refused("No replay is under way." if replay is None else "That replay has ended.")
    if len(here) > 1:
        in_channel = [each for each in here if each.channel == call.channel]
        if len(in_channel) != 1:
            names = ", ".join(f"`{each.id}` ({each.data.total} jobs on {each.data.queue})" for each in here)
            raise Refused("Several replays are under way.", f"Name one: {names}.")
        here = in_channel
    target = here[0]
    facts = {"queue": target.data.queue, "total": target.data.total, "asker": target.asker}
    return Plan("jobs/stop", Begin(StopReplay(target.id)), facts, revision=target.id)


@procedure("stop-replay", called="stopping the replay")
@dataclass(frozen=True, slots=True)
class StopReplay:
    """Tells a replay to stop, in one step."""

    replay: str

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        by = under_way.confirmer or under_way.asker
        tools.procedures.stop(self.replay, by)
        return Next("", card=Reply("jobs/stopping", {"by": by}))
