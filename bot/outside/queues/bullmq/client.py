"""BullMQ's queues: read, counted, replayed and followed, in the words of `tools.Queue`.

The rules are BullMQ's own wherever it has one: keys, pausing, the state of a job and above all the replay come from the
Lua of the installed package, which Node's BullMQ 6 shares to the letter. Around them stand scripts of ours (`lua/`),
because the package is asyncio throughout and asks for one job at a time.

What follows from BullMQ's own rules, for whoever replays:

* A job goes back with its priority and `lifo` kept and both attempt counters reset; an idle worker wakes at once.
* A replayed child is put back among what its parent waits for. A replayed *parent* goes straight to `wait`, even while
  some of its children are unfinished: it then runs without them. Replay the children first.
* A job's `delay` counted from when it was added; a replayed job does not wait again.
* A job of a BullMQ Pro group goes back to the queue itself, outside of its group.
"""

from __future__ import annotations

import difflib
import functools
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from bullmq.queue_keys import QueueKeys  # type: ignore[import-untyped]

from bot.domain.errors import Refused
from bot.outside.queues.bullmq import scripts
from bot.outside.queues.bullmq.counts import EVENTS, Figures, from_milliseconds, milliseconds, whole
from bot.outside.queues.connection import Ahead, Connection
from bot.outside.queues.protocol import Bucket, Ended, Job, Moved, Outcome, QueueStatus, Seen

PAGE: Final = 1000
"""Entries a page of `ended`: one takes Redis about 5 ms, during which its other clients wait."""
MOST_MOVED: Final = 2000
PORTION: Final = 250
"""Jobs one script of `move` puts back: about 5 ms of Redis, during which its other clients wait."""
MOST_AT_ONCE: Final = 500
"""Jobs one script of `follow` looks at."""
TEXT: Final = 2000
"""Bytes kept of a failed reason or a name."""
WHOLE: Final = 1 << 20
"""Bytes up to which `job` takes a job's data."""
STACK: Final = 20_000
"""Characters kept of a stack: its beginning and its end."""
REMEMBERED: Final = timedelta(days=7)
"""How long a token's moves are remembered: far beyond the life of any replay."""
SAMPLE: Final = 500
"""Ids of each state that `near` compares with."""

_FIELDS: Final = 5  # of an entry in lua/entry.lua
_TELLING: Final = {"completed", "failed", "removed", "waiting"}  # an event that says where a job went last
_STATES: Final = ("completed", "failed", "delayed", "active", "wait", "paused", "waiting-children", "prioritized")

T = TypeVar("T")


class BullQueue:
    """One queue of BullMQ. See `tools.Queue` for what each method promises."""

    def __init__(self, name: str, url: str, prefix: str = "bull", max_replay: int = 1000) -> None:
        self._name = name
        self._max_replay = max_replay
        self._base = f"{prefix}:{name}:"
        self._keys = QueueKeys(prefix).getKeys(name)
        self._moved = f"firewatch:moved:{prefix}:{name}:"
        self._connection = Connection(url, name)
        self._figures = Figures(self._connection, name, prefix, self._keys)
        register = self._connection.client.register_script
        self._page = register(scripts.PAGE)
        self._seen = register(scripts.SEEN)
        self._move = register(scripts.MOVE)
        self._follow = register(scripts.FOLLOW)
        self._job = register(scripts.JOB)
        self._state = register(scripts.STATE)
        self._pause = register(scripts.PAUSE)
        self._pause_5 = register(scripts.PAUSE_5)

    @property
    def name(self) -> str:
        return self._name

    @property
    def max_replay(self) -> int:
        return self._max_replay

    def close(self) -> None:
        self._connection.close()

    # ------------------------------------------------------------ jobs that ended

    def ended(self, status: Ended = "failed", since: datetime | None = None) -> Iterator[Sequence[Seen]]:
        """Pages of at most 1,000, oldest first. A job that ends while they are read is not in them, nor is one whose
        data is gone though its id is still listed. Each page is one moment; between two, jobs may come and go."""
        key = self._keys[status]
        with self._connection.reading() as client:
            newest = client.zrange(key, -1, -1, withscores=True)
        if not newest:
            return
        until = newest[0][1]
        begin = milliseconds(since) if since else ""
        before: frozenset[str] = frozenset()
        ahead = Ahead(client, self._page, [key])
        try:
            ahead.ask(self._base, begin, "", "", PAGE, TEXT)
            while True:
                with self._connection.reading():
                    score, last, *fields = ahead.answer()
                done = len(fields) < PAGE * _FIELDS or float(score) > until
                if not done:
                    ahead.ask(self._base, begin, score, last, PAGE, TEXT)
                page = _entries(fields)
                # Only a clock that went back can show a job a second time.
                if done or not before.isdisjoint(fields[::_FIELDS]):
                    page = [seen for seen in page if seen.finished <= until and seen.id not in before]
                if page:
                    yield page
                if done:
                    return
                before = frozenset(fields[::_FIELDS])
        finally:
            ahead.close()

    def seen(self, ids: Sequence[str], status: Ended = "failed") -> Sequence[Seen | None]:
        found: dict[str, Seen] = {}
        for some in _portions(ids, PAGE):
            with self._connection.reading():
                fields = self._seen(keys=[self._keys[status]], args=[self._base, TEXT, *some])
            found |= {seen.id: seen for seen in _entries(fields)}
        return [found.get(id) for id in ids]

    def ready(self) -> None:
        with self._connection.reading() as client:
            paused, version = client.hmget(self._keys["meta"], "paused", "version")
        if paused is not None and not _is_of_6(version or ""):
            raise self._held_by(version or "")

    def _held_by(self, version: str) -> Refused:
        belongs = f"belongs to {version}" if version else "does not tell its version of BullMQ"
        return Refused(
            f"The queue {self._name} is paused and {belongs}. BullMQ before 6 loses jobs that are put back on a "
            "paused queue: resume it first."
        )

    def move(self, jobs: Sequence[Seen], token: str, status: Ended = "failed") -> Sequence[Moved]:
        """One script for all of them: see `lua/move.lua`. Raises Refused while the queue is paused by a BullMQ 5, or by
        one whose version cannot be told; Later when the connection broke, so that what happened must be asked again."""
        if not jobs:
            return []
        if len(jobs) > MOST_MOVED:
            raise ValueError(f"at most {MOST_MOVED} jobs a call, not {len(jobs)}")
        portions = list(_portions(jobs, PORTION))
        self._connection.ready()
        if len(portions) == 1:
            return self._moved_portion(jobs, token, status)
        # Two at a time: Redis works on one portion while the next is on its way, and is never held for longer than one.
        with ThreadPoolExecutor(2, "move") as pool:
            asked = [pool.submit(self._moved_portion, each, token, status) for each in portions]
        words: list[Moved] = []
        for portion, future in zip(portions, asked, strict=True):
            try:
                told = future.result()
            except Refused:
                if not words:
                    raise
                break  # what the earlier portions moved must not be lost sight of
            words += told
            if len(told) < len(portion):
                break
        return words

    def _moved_portion(self, jobs: Sequence[Seen], token: str, status: Ended) -> Sequence[Moved]:
        keys = self._keys
        with self._connection.changing(ready=True):
            words = self._move(
                keys=[
                    *(keys[key] for key in (status, "events", "wait", "meta", "active", "marker", "prioritized", "pc")),
                    self._moved + token,
                ],
                args=[
                    self._base,
                    status,
                    "failedReason" if status == "failed" else "returnvalue",
                    round(time.time() * 1000),
                    int(REMEMBERED.total_seconds() * 1000),
                    json.dumps([part for job in jobs for part in (job.id, job.finished)], ensure_ascii=False),
                ],
            )
        if words[0] == "PAUSED":
            raise self._held_by(words[1])
        return cast("Sequence[Moved]", words)

    # ------------------------------------------------------------ jobs on their way

    def follow(self, jobs: Sequence[Seen]) -> Sequence[Outcome]:
        """Where each job is. One whose data is gone has completed if its options or its worker's remove what completes:
        the queue's last events tell where its own options do not."""
        outcomes: list[Outcome] = []
        with self._connection.reading():
            for some in _portions(jobs, MOST_AT_ONCE):
                answer = self._follow(
                    keys=[self._keys[key] for key in ("failed", "completed", "delayed", "active")],
                    args=[self._base, TEXT, *(job.id for job in some)],
                )
                parts = iter(answer)
                outcomes += [
                    Outcome(job.id, state, due=whole(at))
                    if state == "delayed"
                    else Outcome(job.id, state, reason, whole(at))
                    for job, state, at, reason in zip(some, parts, parts, parts, strict=True)
                ]
        gone = {outcome.id for outcome in outcomes if outcome.state == "gone"}
        if not gone:
            return outcomes
        ends = self._last_events(gone)
        keeps = {job.id: job.keeps for job in jobs}
        return [
            outcome
            if outcome.state != "gone"
            else ends.get(outcome.id, outcome if keeps[outcome.id] else Outcome(outcome.id, "completed"))
            for outcome in outcomes
        ]

    def _last_events(self, ids: set[str]) -> Mapping[str, Outcome]:
        """How jobs that left no data ended, as far as the events still tell: a hint, for they are soon trimmed."""
        found: dict[str, Outcome] = {}
        wanted = set(ids)
        last = "+"
        with self._connection.reading() as client:
            for _ in range(EVENTS // PAGE):
                entries = client.xrevrange(self._keys["events"], max=last, count=PAGE)
                for entry, fields in entries:
                    id = fields.get("jobId", "")
                    event = fields.get("event", "")
                    if id not in wanted or event not in _TELLING:
                        continue
                    wanted.discard(id)
                    if event == "completed":
                        found[id] = Outcome(id, "completed")
                    elif event == "failed":
                        ended = int(entry.partition("-")[0])
                        found[id] = Outcome(id, "failed", str(fields.get("failedReason", ""))[:TEXT], ended)
                    elif event == "removed":
                        found[id] = Outcome(id, "gone")
                if len(entries) < PAGE or not wanted:
                    break
                last = f"({entries[-1][0]}"
        return found

    def job(self, id: str) -> Job | None:
        with self._connection.reading():
            raw = self._job(keys=[self._base + id], args=[WHOLE])
            if not raw:
                return None
            state = self._state(keys=[self._keys[key] for key in _STATES], args=[id])
        name, added, started, finished, made, made_of_old, length, data, reason, stack, opts = raw
        options = _json(opts)
        return Job(
            id=id,
            name=name or "",
            state=state,
            data=_json(data) if data or int(length) == 0 else f"({int(length):,} bytes of data, not read)",
            reason=reason[:TEXT],
            stack=_last_stack(stack),
            attempts_made=whole(made or made_of_old),
            attempts=max(1, whole(options.get("attempts"))) if isinstance(options, dict) else 1,
            added=from_milliseconds(added),
            started=from_milliseconds(started),
            finished=from_milliseconds(finished),
        )

    def near(self, id: str) -> str | None:
        """Among the latest 500 of each state: a whole queue is too much to read for a slip of the finger."""
        with self._connection.reading() as client:
            pipe = client.pipeline(transaction=False)
            for key in ("failed", "completed", "delayed", "prioritized", "waiting-children"):
                pipe.zrevrange(self._keys[key], 0, SAMPLE - 1)
            for key in ("wait", "paused", "active"):
                pipe.lrange(self._keys[key], 0, SAMPLE - 1)
            ids = [known for state in pipe.execute() for known in state]
        close = difflib.get_close_matches(id.strip(), ids, n=1, cutoff=0.6)
        return close[0] if close else None

    # ------------------------------------------------------------ the queue as a whole

    def status(self) -> QueueStatus:
        return self._figures.status()

    def history(self, since: datetime, until: datetime, step: timedelta) -> Sequence[Bucket]:
        return self._figures.history(since, until, step)

    def switchable(self, *, paused: bool) -> None:
        """Every queue of BullMQ's is."""

    def pause(self) -> None:
        """Workers finish what they have and take nothing more. BullMQ 5 keeps the jobs elsewhere meanwhile."""
        keys = [self._keys[key] for key in ("wait", "paused", "meta", "prioritized", "events", "delayed", "marker")]
        with self._connection.changing() as client:
            version = client.hget(self._keys["meta"], "version") or ""
            (self._pause if _is_of_6(version) else self._pause_5)(keys=keys, args=["paused", "1"])

    def resume(self) -> None:
        keys = [self._keys[key] for key in ("paused", "wait", "meta", "prioritized", "events", "delayed", "marker")]
        with self._connection.changing():
            # One call brings at most 7,000 jobs back from BullMQ 5's list of paused ones, and says how many it left.
            event = "1"
            while self._pause(keys=keys, args=["resumed", event]):
                event = "0"


def _is_of_6(version: str) -> bool:
    """Whether the queue says that it belongs to BullMQ 6 or later."""
    return version.startswith("bullmq:") and whole(version[7:].partition(".")[0]) >= 6


def _entries(fields: Sequence[Any]) -> list[Seen]:
    """What `lua/entry.lua` answers; ids without a job are left out. By columns: a hundred thousand jobs pass here."""
    ids, names, reasons, times, opts = (fields[column::_FIELDS] for column in range(_FIELDS))
    try:
        finished = list(map(int, times))
    except ValueError:
        finished = [whole(time) for time in times]
    keeps = [not each or _keeps(each) for each in opts]
    entries = list(map(Seen._make, zip(ids, names, reasons, finished, keeps, strict=True)))
    return [entry for entry, name in zip(entries, names, strict=True) if name is not None] if None in names else entries


@functools.lru_cache(maxsize=1024)
def _keeps(opts: str) -> bool:
    """Is a job still there once it has completed? Not for sure when its options remove it, at once or in time."""
    options = _json(opts)
    removes = options.get("removeOnComplete") if isinstance(options, dict) else None
    return removes is None or removes is False or removes == -1


def _json(text: str) -> Any:
    """What a producer wrote; as it stands when it is no JSON, for whoever looks at the job wants to see that."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text


def _last_stack(text: str) -> str:
    """The stack of the last failure, from BullMQ's list of all of them (whose beginning may be cut off)."""
    traces = _json(text)
    if isinstance(traces, list):
        last = traces[-1] if traces else ""
        last = last if isinstance(last, str) else json.dumps(last)
    else:
        last = text.rstrip('"]').rpartition('","')[2].replace("\\n", "\n").replace('\\"', '"')
    return last if len(last) <= STACK else f"{last[: STACK // 2]}\n…\n{last[-STACK // 2 :]}"


def _portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[at : at + size] for at in range(0, len(items), size))
