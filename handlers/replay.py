"""A replay under way: canary, the rest at its rate, followed to the end, and the receipt.

One step follows the jobs that are back on their queue, decides whether to go on, and moves the next few. Everything it
needs is in the record and the ledger, and the queue itself refuses to move a job twice for the same replay: so a step
that died half-way is simply taken again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.action import ACTIONS
from bot.domain.cause import Cause
from bot.domain.errors import Refused, Unreachable
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import File, Reply
from bot.outside.queues.protocol import Ended, Queue, Queues, Seen
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


@procedure("replay", called="the replay", row=Seen)
@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay knows; the outcome of each job is in the ledger.

    ``taken``: rows gone through; ``ends``: how many, by outcome; ``again``: renewed failures, by cause; ``halt``: why
    it stops; ``rest``: when the canary had come through; ``looked``, ``moved_on``, ``alive``: when it last looked, got
    on, and saw a sign of life; ``after``: the last row that was looked at, where not all could be.
    """

    queue: str
    status: Ended
    total: int
    canary: int
    rate: float
    stop_after: int
    before: Mapping[str, int] = field(default_factory=dict)
    taken: int = 0
    ends: Mapping[str, int] = field(default_factory=dict)
    again: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    halt: Mapping[str, str] | None = None
    began: float = 0.0
    rest: float | None = None
    looked: float = 0.0
    moved_on: float = 0.0
    alive: float = 0.0
    after: int = -1
    retrying: int = 0

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Seen]) -> Next:
        """Follow what is back on its queue, decide whether to go on, and move the next few."""
        now = tools.now.timestamp()
        here = self if under_way.step != "start" else self._begun(now)
        queue = tools.need(Queues).get(here.queue)
        closed: dict[int, Any] = {}
        if now - here.looked >= LOOK_EVERY:
            here, closed = _followed(queue, tools, ledger, replace(here, looked=now))
        if closed:
            here = here.got_on(now)
        here = here.halted(here.halt or _halt(under_way, here))
        opened: list[int] = []
        here, room = here.room(now)
        if not here.halt and room:
            try:
                here, opened, skipped = _moved(queue, ledger, here, room, under_way.id)
            except Unreachable:
                raise
            except Refused as no:  # what is back on the queue by now is followed all the same, and put on the receipt
                here = here.halted(_halted("refused", advice=f"{no.sentence} {no.hint}".strip()))
            else:
                closed |= skipped
                here = here.got_on(now)
        open_now = here.taken - here.ended
        if open_now == 0 and (here.halt or here.taken == here.total):
            return _ended(under_way, tools, ledger, here, closed)
        if open_now and now - (here.moved_on if here.halt else here.alive) > PATIENCE:
            return _ended(under_way, tools, ledger, here.halted(here.halt or _halted("patience")), closed)
        return Next(
            "go",
            here,
            wait=here.wait(now),
            card=Reply("jobs/progress", _card(under_way, tools, queue, here)),
            opened=opened,
            closed=closed,
        )

    def _begun(self, now: float) -> Replay:
        return replace(self, began=now, rest=None if self.canary else now, moved_on=now, alive=now)

    @property
    def ended(self) -> int:
        """How many rows have come to their end, whichever."""
        return sum(self.ends.values())

    @property
    def goal(self) -> int:
        """How far it may go now: to the canary's end until that has passed, then to the end."""
        return self.total if self.rest is not None else self.canary

    def got_on(self, now: float) -> Replay:
        return replace(self, moved_on=now, alive=max(self.alive, now))

    def halted(self, why: Mapping[str, str] | None) -> Replay:
        return replace(self, halt=why)

    def room(self, now: float) -> tuple[Replay, int]:
        """How many jobs may be moved in this step. Opens the rest once the canary has come through."""
        if self.halt:
            return self, 0
        here = self
        if here.rest is None and here.taken == here.canary == here.ended:
            here = replace(here, rest=now)
        left = here.goal - here.taken
        if here.rest is None or not here.rate:
            return here, min(left, BATCH)
        due = int((now - here.rest) * here.rate) + 1 - (here.taken - here.canary)
        burst = max(1, int(here.rate))
        if due > burst:  # what a pause of ours has kept back does not go all at once: a second's worth from here on
            here, due = replace(here, rest=here.rest + (due - burst) / here.rate), burst
        return here, max(0, min(left, BATCH, due))

    def wait(self, now: float) -> float:
        """Seconds until the next step: the rate's while there is more to move, else longer the longer nothing ends."""
        idle = now - self.moved_on
        going = not self.halt and self.taken < self.goal
        wait = LOOK_EVERY + min(idle / 20, 2.0) if not going else 1 / self.rate if self.rate else 0.0
        return min(max(wait, 0.02 if self.rate else 0.0), 2.0)


def holders(queue: str, tools: Tools) -> Mapping[str, str]:
    """Job id → the user whose running replay holds it."""
    held: dict[str, str] = {}
    for each in tools.procedures.running(Replay):
        if each.data.queue == queue:
            over = each.ledger.closed()
            rows = enumerate(each.ledger.rows(0, each.ledger.count()))
            held.update({seen.id: each.asker for place, seen in rows if place not in over})
    return held


def _moved(
    queue: Queue, ledger: Ledger[Seen], here: Replay, room: int, token: str
) -> tuple[Replay, list[int], dict[int, Any]]:
    """Move the next rows. Those that are no longer as they were planned are skipped, each with its why."""
    first = here.taken
    rows = ledger.rows(first, first + room)
    results = queue.move(rows, token, here.status)
    opened, skipped = [], {}
    for place, (seen, result) in enumerate(zip(rows, results, strict=False), first):
        if result in ("moved", "already"):
            opened.append(place)
        else:
            skipped[place] = {"id": seen.id, "end": result}
    return replace(here, taken=first + len(results), ends=_counted(here.ends, skipped)), opened, skipped


def _followed(queue: Queue, tools: Tools, ledger: Ledger[Seen], here: Replay) -> tuple[Replay, dict[int, Any]]:
    """Which of the jobs under way have ended, and how."""
    under_way = ledger.open(FOLLOWED, here.after)
    ended: dict[int, Any] = {}
    places = list(under_way)
    outcomes = queue.follow([under_way[place] for place in places])
    states = Counter(outcome.state for outcome in outcomes)
    signs = [outcome.due / 1000 for outcome in outcomes] + [here.looked] * bool(states["active"])
    again, halt = {key: dict(each) for key, each in here.again.items()}, here.halt
    for place, outcome in zip(places, outcomes, strict=True):
        if outcome.state == "completed":
            ended[place] = {"id": outcome.id, "end": "completed"}
        elif outcome.state == "gone":
            ended[place] = {"id": outcome.id, "end": "lost"}
        elif outcome.state == "failed":
            before = _cause(tools, under_way[place])
            after = tools.triage.cause(outcome.reason, under_way[place].name)
            ended[place] = {"id": outcome.id, "end": "failed", "cause": after.key, "same": before.key == after.key}
            each = again.setdefault(
                after.key, {"title": after.title, "advice": after.advice, "retry": after.standing, "count": 0}
            )
            each["count"] += 1
            if here.rest is None and before.key == after.key:
                halt = halt or _halted("canary", title=after.title, advice=after.advice)
    here = replace(
        here,
        after=places[-1] if len(places) == FOLLOWED else -1,
        retrying=states["delayed"],
        alive=max(here.alive, *signs, 0.0),
        again=again,
        halt=halt,
        ends=_counted(here.ends, ended),
    )
    return here, ended


def _counted(ends: Mapping[str, int], more: Mapping[int, Mapping[str, Any]]) -> Mapping[str, int]:
    return dict(Counter(ends) + Counter(each["end"] for each in more.values()))


def _cause(tools: Tools, seen: Seen) -> Cause:
    return tools.triage.cause(seen.reason, seen.name)


def _halt(under_way: Procedure, here: Replay) -> Mapping[str, str] | None:
    if under_way.stop:
        return _halted("stopped", by=under_way.stop)
    failed = here.ends.get("failed", 0)
    in_canary = here.rest is None
    if (failed >= here.stop_after or (in_canary and failed == here.canary)) and here.taken < here.total:
        worst = max(here.again.values(), key=lambda again: again["count"])
        return _halted("canary" if in_canary else "stop_at", title=worst["title"], advice=worst["advice"])
    return None


def _halted(why: str, by: str = "", title: str = "", advice: str = "") -> Mapping[str, str]:
    """Why no more jobs are moved: canary, stop_at (of which cause, and what to do), stopped (by whom), refused (by the
    queue, which says what to do), or patience."""
    return {"why": why, "by": by, "title": title, "advice": advice}


def _card(under_way: Procedure, tools: Tools, queue: Queue, here: Replay) -> dict[str, Any]:
    ends = here.ends
    left = here.total - here.taken
    return {
        "asker": under_way.asker,
        "queue": here.queue,
        "total": here.total,
        "canary": here.canary,
        "canary_done": min(here.ended, here.canary) if here.rest is None else here.canary,
        "in_canary": here.rest is None,
        "ended": here.ended,
        "taken": here.taken,
        "completed": ends.get("completed", 0),
        "failed": ends.get("failed", 0),
        "retrying": here.retrying,
        "skipped": ends.get("changed", 0) + ends.get("gone", 0),
        "again": sorted(here.again.values(), key=lambda again: -again["count"])[:3],
        "rate": here.rate,
        "seconds_left": left / here.rate if here.rate else None,
        "halt": here.halt,
        "stuck": tools.now.timestamp() - here.moved_on > 30,
        "workers": queue.status().workers if tools.now.timestamp() - here.moved_on > 30 else None,
        "stop": ACTIONS["/jobs stop"].sentence(replay=under_way.id),
    }


def _ended(under_way: Procedure, tools: Tools, ledger: Ledger[Seen], here: Replay, closed: Mapping[int, Any]) -> Next:
    """The receipt: who, what, how each job ended, before → after; for the channel and for the incident."""
    outcomes = {**ledger.closed(), **closed}
    rows = ledger.rows(0, here.taken)
    lines = [_line(seen, outcomes.get(place)) for place, seen in enumerate(rows)]
    moved = [seen.id for seen, line in zip(rows, lines, strict=True) if line["end"] not in ("changed", "gone")]
    queue = tools.need(Queues).get(here.queue)
    now = queue.status()
    failed = [line for line in lines if line["end"] == "failed"]
    again = [line["id"] for line in failed if here.again.get(line["cause"], {}).get("retry") not in HELD_BACK]
    again = [seen.id for seen in queue.seen(again) if seen]  # a queue may keep but the latest of its failures
    facts = {
        "asker": under_way.asker,
        "confirmer": under_way.confirmer,
        "queue": here.queue,
        "total": here.total,
        "replayed": len(moved),
        "ends": dict.fromkeys(ENDS, 0) | Counter(line["end"] for line in lines),
        "left": here.total - here.taken,
        "again": sorted(here.again.values(), key=lambda each: -each["count"]),
        "halt": here.halt,
        "seconds": tools.now.timestamp() - here.began,
        "before": here.before,
        "after": {"failed": now.failed, "depth": now.depth},
        "ids": [line["id"] for line in lines] if len(lines) <= INLINE else [],
        "replay_again": _again(here.queue, again, here),
        "replay_left": bool(here.halt) and here.total > here.taken,
        "causes": ACTIONS["/jobs failed"].sentence(queue=here.queue),
    }
    files = []
    if len(lines) > INLINE:
        text = "".join(f"{_cell(line['id'])}\t{line['end']}\t{_cell(str(line.get('cause', '')))}\n" for line in lines)
        files = [File(f"replay-{under_way.id}.tsv", f"{len(lines)} jobs of the replay", text=text)]
    receipt = Reply(
        "jobs/receipt", facts, note=True, event={"kind": "replay"}, jobs=tuple(moved), receipt=True, files=files
    )
    return Next("", here, card=Reply("jobs/replayed", facts), say=[receipt], closed=closed)


def _cell(id: str) -> str:
    """A value in a table of tabs and lines, which no spreadsheet takes for a formula."""
    id = f"'{id}" if id.startswith(("=", "+", "-", "@", "\t", "\r")) else id
    return id.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _line(seen: Seen, outcome: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return outcome or {"id": seen.id, "end": "under way"}


def _again(queue: str, ids: list[str], here: Replay) -> str | None:
    """The sentence that replays what failed again; by time (and cause, when there is but one) when a button cannot
    hold the ids (2,000 characters)."""
    if not ids:
        return None
    sentence = ACTIONS["/jobs replay"].sentence(queue=queue, ids=tuple(ids))
    if len(sentence) <= 1900:
        return sentence
    since = datetime.fromtimestamp(int(here.began), UTC)
    cause = next(iter(here.again)) if len(here.again) == 1 else None
    return ACTIONS["/jobs replay"].sentence(queue=queue, count=len(ids), cause=cause, since=since)
