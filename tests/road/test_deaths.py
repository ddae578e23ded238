"""Deaths at exact lines: a process dies at the riskiest points of the road, and a fresh one goes on from the record.

The death is a BaseException, which nothing on the road may catch, thrown by something that the road leans on: its
store, its Slack, its queue. These are real, so that what was done before a death stays done.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from bot.domain.call import Call
from bot.messages.render import Renderer
from bot.outside.parts import load
from bot.outside.queues.protocol import Queues
from bot.road.desk import BESIDE
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.server import SlackSandbox
from bot.sandbox.stage import CATALOGUE
from bot.store.store import Store
from bot.wiring import House, house
from tests.kills import Bench

QUEUE: Final = "repost-dispatch"
IDS: Final = [f"job-{number}" for number in range(30)]
"""More than a receipt shows itself, so that there is a file."""

AGAIN: Final = IDS[10:12]


class Death(BaseException):
    """SIGKILL, as far as one thread can have it: no ``except Exception`` sees it."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        held = list(store.redis.scan_iter(store.key("lease", "*")))
        self.leases = {name: (store.redis.get(name), store.redis.pttl(name)) for name in held}

    def stay(self) -> None:
        """Put back the leases that it held: a dead process gives none back, and they run out by themselves."""
        for name, (holder, milliseconds) in self.leases.items():
            if holder and milliseconds > 0:
                self.store.redis.set(name, holder, px=milliseconds)


Point = Callable[[House], None]
"""Arranges that this process dies at a certain line."""


class Night:
    """An installation of which one process lives at a time. Its clock runs ahead where nothing is due."""

    def __init__(self, redis_url: str, folder: Path, slack: SlackSandbox) -> None:
        (folder / "firewatch.toml").write_text(CATALOGUE, encoding="utf-8")
        environment = {
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": slack.api_url,
            "REDIS_URL": redis_url,
            "FIREWATCH_LEASE": "0.2",
        }
        self._settings = load(environment, folder, "do")
        self._ahead = timedelta(0)
        self._ids = count(time.time_ns())
        self.channel = "COPS"

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def process(self) -> House:
        """A fresh one: it knows nothing but what is on record."""
        return house(self._settings, self.now, line=Line())

    def call(self, text: str, message: str = "") -> Call:
        id, name = f"night{next(self._ids)}", "ops" if self.channel == "COPS" else ""
        return Call(id, "UONCALL", self.channel, text, self.now(), channel_name=name, message=message)

    def says(self, text: str, message: str = "") -> None:
        """Take a sentence and see to it that all that follows from it is done."""
        made = self.process()
        made.desk.take(self.call(text, message))
        self.goes_on(made)

    def goes_on(self, made: House | None = None, seconds: float = 15.0) -> None:
        """A clock and a worker in one, until nothing is due within a minute of theirs but what always is."""
        made = made or self.process()
        line: Any = made.desk.line
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            line.push(made.desk.store.due_now(self.now()))
            if not line.waiting:
                following = made.store.next_due()
                if following is None or following > self.now() + timedelta(seconds=60):
                    return
                time.sleep(0.005)
                self._ahead += min(timedelta(seconds=0.2), max(timedelta(0), following - self.now()))
            while line.waiting:
                made.desk.attend(*line.waiting.pop(0))
        raise AssertionError(f"not at rest: {made.store.redis.zrange(made.store.key('due'), 0, -1, withscores=True)}")

    def dies(self, at: Point, doing: Callable[[House], object] | None = None) -> None:
        """A process that dies there; it has to, or nothing was tried. Its leases run out by themselves, as in life."""
        made = self.process()
        at(made)
        with pytest.raises(Death) as died:
            (doing or self.goes_on)(made)
        died.value.stay()


class Line:
    """Where work waits for this process, and is lost with it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str]] = []

    def push(self, members: Any) -> None:
        self.waiting.extend(members)

    def room(self) -> tuple[int, int]:
        return 500, 500


def before(what: str, when: Callable[..., bool] = lambda *given: True) -> Point:
    """Death as this is called, before it has done anything."""
    return _at(what, when, does=False)


def after(what: str, when: Callable[..., bool] = lambda *given: True) -> Point:
    """Death as this has done what it does, before anybody has heard of it."""
    return _at(what, when, does=True)


def _at(what: str, when: Callable[..., bool], does: bool) -> Point:
    part, name = what.split(".")

    def arrange(made: House) -> None:
        parts = {
            "store": made.store,
            "workspace": made.workspace,
            "line": made.desk.line,
            "queue": made.tools().need(Queues).get(QUEUE) if part == "queue" else None,
        }
        real = getattr(parts[part], name)

        def fatal(*given: Any, **named: Any) -> Any:
            if not when(*given):
                return real(*given, **named)
            if does:
                real(*given, **named)
            raise Death(made.store)

        setattr(parts[part], name, fatal)

    return arrange


def saves(kind: str) -> Callable[..., bool]:
    """A commit with a record of this kind."""
    return lambda change: any(put.kind == kind for put in change.puts)


def moved(change: Any) -> bool:
    return any(change.opened.values())


def followed(change: Any) -> bool:
    return any(change.closed.values())


def ends(change: Any) -> bool:
    """The commit with the receipt's Event."""
    return any(event.kind == "replay" for _, event in change.events)


def over(change: Any) -> bool:
    """The commit after which the replay is due no more."""
    return any(member.startswith("procedure:") and at is None for member, at in change.due.items())


def answered(change: Any) -> bool:
    """The commit after which the press is due no more."""
    return any(member.startswith("call:") and at is None for member, at in change.due.items())


def of_receipt(key: str, *rest: Any) -> bool:
    return key.startswith("procedure:") and ":file:" not in key


def of_file(key: str, *rest: Any) -> bool:
    return ":file:" in key


def is_receipt(channel: str, message: Any, *rest: Any) -> bool:
    return bool(message.text.startswith("Replay done"))


def is_final(channel: str, ts: str, message: Any) -> bool:
    return bool(message.text.startswith("Replay on"))


POINTS: Final = {
    "the press is claimed, not attended to": after("store.due_now"),
    "the press is understood, not saved": before("store.commit", saves("plan")),
    "the press is saved, not answered": after("store.commit", saves("plan")),
    "the plan is shown as confirmed, not noted": after("workspace.update"),
    "the press is answered, not struck out": before("store.commit", answered),
    "the press is struck out": after("store.commit", answered),
    "the first jobs are to be moved": before("queue.move"),
    "the first jobs are moved, not saved": before("store.commit", moved),
    "the first jobs are moved, the answer is lost": after("queue.move"),
    "the first jobs are moved and saved": after("store.commit", moved),
    "the canary has ended, not saved": before("store.commit", followed),
    "the canary has ended and is saved": after("store.commit", followed),
    "the rest is moved, not saved": before("store.commit", lambda change: moved(change) and len(_rows(change)) > 3),
    "the rest is moved and saved": after("store.commit", lambda change: moved(change) and len(_rows(change)) > 3),
    "the progress is shown": after("workspace.update", lambda channel, ts, message: "Replaying" in message.text),
    "the replay has ended, not saved": before("store.commit", ends),
    "the receipt is saved, nothing sent": after("store.commit", ends),
    "the last card is to be shown": before("workspace.update", is_final),
    "the last card is shown, not noted": after("workspace.update", is_final),
    "the receipt is to be sent": before("workspace.post", is_receipt),
    "the receipt is sent, not noted": after("workspace.post", is_receipt),
    "the receipt is noted, its file not sent": after("store.posted", of_receipt),
    "the file is to be sent": before("workspace.upload"),
    "the file is sent, not noted": after("workspace.upload"),
    "the file is noted": after("store.posted", of_file),
    "all is said, not struck out": before("store.commit", over),
    "all is struck out": after("store.commit", over),
}

APART: Final = {
    "the press is saved, not answered",
    "the plan is shown as confirmed, not noted",
    "the press is answered, not struck out",
    "the canary has ended and is saved",
    "the progress is shown",
}
"""They have no place in one row of deaths: more than one point is behind them already, or they need not be reached."""


def _rows(change: Any) -> list[int]:
    return [place for places in change.opened.values() for place in places]


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox(rate_limits="off") as slack:
        yield slack


RENDERER: Final = functools.cache(Renderer)
"""Templates are read once for all processes: it is all that they share, and what takes the longest."""


@pytest.fixture
def night(redis_url: str, tmp_path: Path, slack: SlackSandbox, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setattr("bot.messages.render.Renderer", RENDERER)
    return Night(redis_url, tmp_path, slack)


@pytest.mark.parametrize("point", POINTS)
def test_a_replay_goes_on_from_wherever_it_died(night: Night, slack: SlackSandbox, redis_url: str, point: str) -> None:
    with Bench(redis_url, QUEUE) as bench:
        bench.lay(IDS, fail_again=AGAIN)
        plan = planned(night, slack)
        night.process().desk.take(night.call(f"/plan confirm {plan_id(plan)}", plan.ts))
        night.dies(POINTS[point])
        night.goes_on()
        assert bench.moves() == bench.runs() == dict.fromkeys(IDS, 1)
    once(night, slack, plan)


def test_a_replay_survives_a_death_at_every_point_one_after_the_other(
    night: Night, slack: SlackSandbox, redis_url: str
) -> None:
    with Bench(redis_url, QUEUE) as bench:
        bench.lay(IDS, fail_again=AGAIN)
        plan = planned(night, slack)
        night.process().desk.take(night.call(f"/plan confirm {plan_id(plan)}", plan.ts))
        for name, point in POINTS.items():
            if name not in APART:
                night.dies(point)
        night.goes_on()
        assert bench.moves() == bench.runs() == dict.fromkeys(IDS, 1)
    once(night, slack, plan)


@pytest.mark.parametrize("point", [before("line.push"), after("line.push")])
def test_what_the_door_took_and_handed_to_nobody_is_answered_once(
    night: Night, slack: SlackSandbox, point: Point
) -> None:
    call = night.call("/incident open Something")
    night.dies(point, lambda made: made.desk.take(call))
    assert night.process().desk.take(call) is False
    night.goes_on()
    store = night.process().store
    assert [each.title for each in store.incidents("all", 9)] == ["Something"]
    assert store.next_due() is None or not store.redis.zscore(store.key("due"), f"call:{call.id}")


@pytest.mark.parametrize("name", ["create_channel", "invite", "post", "pin", "bookmark", "set_topic"])
@pytest.mark.parametrize("side", [before, after])
def test_an_incident_is_opened_once_wherever_its_opening_died(
    night: Night, slack: SlackSandbox, name: str, side: Callable[[str], Point]
) -> None:
    known = set(slack.workspace.channels)
    night.process().desk.take(night.call(f"/incident open It died {side.__name__} {name}"))
    night.dies(side(f"workspace.{name}"))
    night.goes_on()
    [incident] = night.process().store.incidents("all", 9)
    [made] = set(slack.workspace.channels) - known
    room = slack.workspace.channels[made]
    assert incident.channel == made
    assert len(room.pins) == 1
    assert [bookmark.title for bookmark in room.bookmarks.values()] == ["Live summary"]
    said = [each.text for each in room.messages if each.metadata]
    assert len(said) == len(set(said)) == len({str(each.metadata) for each in room.messages if each.metadata})


def test_what_falls_due_while_somebody_is_at_it_is_looked_at_again_at_once(night: Night) -> None:
    """Not a lease later: a replay of 10 jobs a second would stand still whenever its card is shown."""
    at_it, comes = night.process(), night.process()
    comes.store.remind("card:1", night.now())
    [(member, mark)] = comes.store.due_now(night.now(), hold=60)
    with at_it.store.lease(member):
        comes.desk.attend(member, mark)
        soon = comes.store.next_due()
        assert soon is not None
        assert soon <= night.now() + BESIDE
        at_it.store.remind(member, night.now())
        anew = at_it.store.next_due()
        comes.desk.attend(member, mark)
        assert comes.store.next_due() == anew, "what has fallen due anew meanwhile is not put off"
    night.goes_on(comes)
    assert comes.store.next_due() is None


# ---------------------------------------------------------------- what is done, and what must hold then


def planned(night: Night, slack: SlackSandbox) -> Message:
    night.says("/incident open Deaths")
    [incident] = night.process().store.incidents("all", 1)
    night.channel = incident.channel
    night.says(f"/jobs replay {QUEUE} --canary 3 --rate none --count {len(IDS)}")
    [plan] = [each for each in slack.channel(incident.channel).messages if each.text.startswith("Replay 30 jobs")]
    return plan


def plan_id(plan: Message) -> str:
    [confirm] = [
        element["value"]
        for block in plan.blocks
        for element in block.get("elements", ())
        if str(element.get("value", "")).startswith("/plan confirm")
    ]
    return str(confirm.split()[-1])


def once(night: Night, slack: SlackSandbox, plan: Message) -> None:
    """One receipt with one file, one Event, one card in its last state."""
    said = [each for each in slack.channel(plan.channel).messages if each.at > plan.at]
    assert [each.text for each in said if each.text.startswith("Replay")] == [
        f"Replay done: 28 of 30 completed, 2 failed again ({QUEUE})"
    ]
    [file] = [file for each in said for file in each.files]
    lines = [line.split("\t") for line in file.text.splitlines()]
    assert [line[0] for line in lines] == IDS
    assert [line[0] for line in lines if line[1] == "failed"] == AGAIN
    store = night.process().store
    number = store.number_of(plan.channel)
    assert number is not None
    assert [list(event.jobs) for event in store.timeline(number) if event.kind == "replay"] == [IDS]
    card = slack.now_of(plan)
    assert card.text.startswith(f"Replay on {QUEUE} ended: 28 of 30 completed")
    assert not store.redis.smembers(store.key("procedures", "running"))
