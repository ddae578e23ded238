"""A replay under way: canary, the rest at its rate, followed to the end, and the receipt.

One step follows the jobs that are back on their queue, decides whether to go on, and moves the next few. Everything it
needs is in the record and the ledger, and the queue itself refuses to move a job twice for the same replay: so a step
that died half-way is simply taken again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.domain.action import ACTIONS
from bot.domain.cause import Cause
from bot.domain.errors import Refused, Unreachable
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import File, Reply
from bot.outside.queues.protocol import Queue, Queues, Seen
from bot.tools import Tools
from handlers.jobs import HELD_BACK

BATCH = 2000
"""Jobs moved in one step at most: what one call of `move` takes."""

FOLLOWED = 2000
"""Jobs looked at in one step, those after the last one's; 20,000 take ten."""

ENDS = ("completed", "failed", "changed", "gone", "lost", "under way")
"""How a row can end: changed and gone were not moved at all; lost jobs left no trace of how they ended."""

LOOK_EVERY = 0.25
PATIENCE = 15 * 60.0
"""Seconds without a sign of life (a job that ends, is at work, or waits for its own next attempt) after which a replay
is over, with the rest said to be still under way."""

INLINE = 20
"""Job ids that a receipt shows itself; more go into a file."""


@procedure("replay")
def replaying(under_way: Procedure, tools: Tools, ledger: Ledger) -> Next:
    """One step of a replay. ``data``: see ``_begun``; the outcome of each job is in the ledger."""
    data = dict(under_way.data) if under_way.step != "start" else _begun(under_way, tools)
    queue, now = tools.need(Queues).get(data["queue"]), tools.now.timestamp()
    closed: dict[int, Any] = {}
    if now - data["looked"] >= LOOK_EVERY:
        data["looked"] = now
        closed = _followed(queue, tools, ledger, data)
    if closed:
        data["moved_on"] = now
        data["alive"] = max(data["alive"], now)
    data["halt"] = data["halt"] or _halt(under_way, data)
    opened: list[int] = []
    if not data["halt"] and (room := _room(data, now)):
        try:
            opened, skipped = _moved(queue, ledger, data, room, under_way.id)
        except Unreachable:
            raise
        except Refused as no:  # what is back on the queue by now is followed all the same, and put on the receipt
            data["halt"] = _halted("refused", advice=f"{no.sentence} {no.hint}".strip())
        else:
            closed |= skipped
            data["moved_on"] = now
            data["alive"] = max(data["alive"], now)
    open_now = data["taken"] - sum(data["ends"].values())
    if open_now == 0 and (data["halt"] or data["taken"] == data["total"]):
        return _ended(under_way, tools, ledger, data, closed)
    if open_now and now - data["moved_on" if data["halt"] else "alive"] > PATIENCE:
        data["halt"] = data["halt"] or _halted("patience")
        return _ended(under_way, tools, ledger, data, closed)
    idle = now - data["moved_on"]
    going = not data["halt"] and data["taken"] < _goal(data)
    wait = LOOK_EVERY + min(idle / 20, 2.0) if not going else 1 / data["rate"] if data["rate"] else 0.0
    return Next(
        "go",
        data,
        wait=min(max(wait, 0.02 if data["rate"] else 0.0), 2.0),
        card=Reply("jobs/progress", _card(under_way, tools, queue, data)),
        opened=opened,
        closed=closed,
    )


def _begun(under_way: Procedure, tools: Tools) -> dict[str, Any]:
    """The record's own facts at the start.

    ``taken``: rows gone through; ``ends``: how many, by outcome; ``again``: renewed failures, by cause; ``halt``: why
    it stops.
    """
    now = tools.now.timestamp()
    return {
        **under_way.data,
        "taken": 0,
        "ends": {},
        "again": {},
        "halt": None,
        "began": now,
        "rest": None if under_way.data["canary"] else now,
        "looked": 0.0,
        "moved_on": now,
        "alive": now,
        "after": -1,
        "retrying": 0,
    }


def _goal(data: Mapping[str, Any]) -> int:
    """How far it may go now: to the canary's end until that has passed, then to the end."""
    return int(data["total"] if data["rest"] is not None else data["canary"])


def _room(data: dict[str, Any], now: float) -> int:
    """How many jobs may be moved in this step. Opens the rest once the canary has come through."""
    canary: int = data["canary"]
    if data["rest"] is None and data["taken"] == canary and sum(data["ends"].values()) == canary:
        data["rest"] = now
    left: int = _goal(data) - data["taken"]
    if data["rest"] is None or not data["rate"]:
        return min(left, BATCH)
    due: int = int((now - data["rest"]) * data["rate"]) + 1 - (data["taken"] - canary)
    burst = max(1, int(data["rate"]))
    if due > burst:  # what a pause of ours has kept back does not go all at once: from here on a second's worth at most
        data["rest"] += (due - burst) / data["rate"]
        due = burst
    return max(0, min(left, BATCH, due))


def _moved(
    queue: Queue, ledger: Ledger, data: dict[str, Any], room: int, token: str
) -> tuple[list[int], dict[int, Any]]:
    """Move the next rows. Those that are no longer as they were planned are skipped, each with its why."""
    first = data["taken"]
    rows = ledger.rows(first, first + room)
    results = queue.move(rows, token, data["status"])
    opened, skipped = [], {}
    for place, (seen, result) in enumerate(zip(rows, results, strict=False), first):
        if result in ("moved", "already"):
            opened.append(place)
        else:
            skipped[place] = {"id": seen.id, "end": result}
    data["taken"] = first + len(results)
    data["ends"] = dict(Counter(data["ends"]) + Counter(each["end"] for each in skipped.values()))
    return opened, skipped


def _followed(queue: Queue, tools: Tools, ledger: Ledger, data: dict[str, Any]) -> dict[int, Any]:
    """Which of the jobs under way have ended, and how."""
    under_way = ledger.open(FOLLOWED, data["after"])
    ended: dict[int, Any] = {}
    places = list(under_way)
    data["after"] = places[-1] if len(places) == FOLLOWED else -1
    outcomes = queue.follow([under_way[place] for place in places])
    states = Counter(outcome.state for outcome in outcomes)
    data["retrying"] = states["delayed"]
    signs = [outcome.due / 1000 for outcome in outcomes] + [data["looked"]] * bool(states["active"])
    data["alive"] = max(data["alive"], *signs, 0.0)
    for place, outcome in zip(places, outcomes, strict=True):
        if outcome.state == "completed":
            ended[place] = {"id": outcome.id, "end": "completed"}
        elif outcome.state == "gone":
            ended[place] = {"id": outcome.id, "end": "lost"}
        elif outcome.state == "failed":
            before = _cause(tools, under_way[place])
            after = tools.triage.cause(outcome.reason, under_way[place].name)
            ended[place] = {"id": outcome.id, "end": "failed", "cause": after.key, "same": before.key == after.key}
            again = data["again"].setdefault(
                after.key, {"title": after.title, "advice": after.advice, "retry": after.retry, "count": 0}
            )
            again["count"] += 1
            if data["rest"] is None and before.key == after.key:
                data["halt"] = data["halt"] or _halted("canary", title=after.title, advice=after.advice)
    data["ends"] = dict(Counter(data["ends"]) + Counter(each["end"] for each in ended.values()))
    return ended


def _cause(tools: Tools, seen: Seen) -> Cause:
    return tools.triage.cause(seen.reason, seen.name)


def _halt(under_way: Procedure, data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if under_way.stop:
        return _halted("stopped", by=under_way.stop)
    failed = data["ends"].get("failed", 0)
    in_canary = data["rest"] is None
    if (failed >= data["stop_after"] or (in_canary and failed == data["canary"])) and data["taken"] < data["total"]:
        worst = max(data["again"].values(), key=lambda again: again["count"])
        return _halted("canary" if in_canary else "stop_at", title=worst["title"], advice=worst["advice"])
    return None


def _halted(why: str, by: str = "", title: str = "", advice: str = "") -> Mapping[str, str]:
    """Why no more jobs are moved: canary, stop_at (of which cause, and what to do), stopped (by whom), refused (by the
    queue, which says what to do), or patience."""
    return {"why": why, "by": by, "title": title, "advice": advice}


def _card(under_way: Procedure, tools: Tools, queue: Queue, data: Mapping[str, Any]) -> dict[str, Any]:
    ends = data["ends"]
    left = data["total"] - data["taken"]
    return {
        "asker": under_way.asker,
        "queue": data["queue"],
        "total": data["total"],
        "canary": data["canary"],
        "canary_done": min(sum(ends.values()), data["canary"]) if data["rest"] is None else data["canary"],
        "in_canary": data["rest"] is None,
        "ended": sum(ends.values()),
        "taken": data["taken"],
        "completed": ends.get("completed", 0),
        "failed": ends.get("failed", 0),
        "retrying": data["retrying"],
        "skipped": ends.get("changed", 0) + ends.get("gone", 0),
        "again": sorted(data["again"].values(), key=lambda again: -again["count"])[:3],
        "rate": data["rate"],
        "seconds_left": left / data["rate"] if data["rate"] else None,
        "halt": data["halt"],
        "stuck": tools.now.timestamp() - data["moved_on"] > 30,
        "workers": queue.status().workers if tools.now.timestamp() - data["moved_on"] > 30 else None,
        "stop": ACTIONS["/jobs stop"].sentence(replay=under_way.id),
    }


def _ended(under_way: Procedure, tools: Tools, ledger: Ledger, data: dict[str, Any], closed: Mapping[int, Any]) -> Next:
    """The receipt: who, what, how each job ended, before → after; for the channel and for the incident."""
    outcomes = {**ledger.closed(), **closed}
    rows = ledger.rows(0, data["taken"])
    lines = [_line(seen, outcomes.get(place)) for place, seen in enumerate(rows)]
    moved = [seen.id for seen, line in zip(rows, lines, strict=True) if line["end"] not in ("changed", "gone")]
    queue = tools.need(Queues).get(data["queue"])
    now = queue.status()
    failed = [line for line in lines if line["end"] == "failed"]
    again = [line["id"] for line in failed if data["again"].get(line["cause"], {}).get("retry") not in HELD_BACK]
    again = [seen.id for seen in queue.seen(again) if seen]  # a queue may keep but the latest of its failures
    facts = {
        "asker": under_way.asker,
        "confirmer": under_way.confirmer,
        "queue": data["queue"],
        "total": data["total"],
        "replayed": len(moved),
        "ends": dict.fromkeys(ENDS, 0) | Counter(line["end"] for line in lines),
        "left": data["total"] - data["taken"],
        "again": sorted(data["again"].values(), key=lambda each: -each["count"]),
        "halt": data["halt"],
        "seconds": tools.now.timestamp() - data["began"],
        "before": data["before"],
        "after": {"failed": now.failed, "depth": now.depth},
        "ids": [line["id"] for line in lines] if len(lines) <= INLINE else [],
        "replay_again": _again(data["queue"], again, data),
        "replay_left": bool(data["halt"]) and data["total"] > data["taken"],
        "causes": ACTIONS["/jobs failed"].sentence(queue=data["queue"]),
    }
    files = []
    if len(lines) > INLINE:
        text = "".join(f"{_cell(line['id'])}\t{line['end']}\t{line.get('cause', '')}\n" for line in lines)
        files = [File(f"replay-{under_way.id}.tsv", f"{len(lines)} jobs of the replay", text=text)]
    receipt = Reply("jobs/receipt", facts, note=True, event={"kind": "replay"}, jobs=tuple(moved), files=files)
    return Next("", data, card=Reply("jobs/replayed", facts), say=[receipt], closed=closed)


def _cell(id: str) -> str:
    """An id in a table of tabs and lines."""
    return id.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _line(seen: Seen, outcome: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return outcome or {"id": seen.id, "end": "under way"}


def _again(queue: str, ids: list[str], data: Mapping[str, Any]) -> str | None:
    """The sentence that replays what failed again; by time (and cause, when there is but one) when a button cannot
    hold the ids (2,000 characters)."""
    if not ids:
        return None
    sentence = ACTIONS["/jobs replay"].sentence(queue=queue, ids=tuple(ids))
    if len(sentence) <= 1900:
        return sentence
    since = datetime.fromtimestamp(int(data["began"]), UTC)
    cause = next(iter(data["again"])) if len(data["again"]) == 1 else None
    return ACTIONS["/jobs replay"].sentence(queue=queue, count=len(ids), cause=cause, since=since)
