"""What a made-up team begins and what time makes due for it: played in a process of its own, and told as JSON.

``python -m tests.evacuation REDIS_URL FOLDER``: FOLDER holds the package (see ``tests.acme``).
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from bot.domain.due import DUE_KINDS, Due, recurring
from bot.doors import clock
from tests.parts import Night

HANDLER = '''\
"""Evacuation: a floor is emptied, seat by seat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.cards import cards
from bot.domain.due import due
from bot.domain.incident import Incident
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, Plan, Reply
from bot.tools import Tools


class Seat(NamedTuple):
    row: int
    name: str


@action("/evacuation start", Risk.CHANGE)
def start(call: Call, tools: Tools, floor: int) -> Plan:
    """Empty a floor.

    floor: which one
    """
    seats = [Seat(1, "Ada"), Seat(1, "Bo"), Seat(2, "Cy")]
    return Plan("evacuation/plan", Begin(Evacuation(floor), seats), {"floor": floor, "seats": len(seats)})


@action("/evacuation stop", Risk.ACT)
def stop(call: Call, tools: Tools) -> Reply:
    """Let everybody sit down again."""
    (running,) = tools.procedures.running(Evacuation)
    tools.procedures.stop(running.id, call.actor)
    first = next(iter(running.ledger.rows(0, 1)))
    return Reply("evacuation/stopping", {"floor": running.data.floor, "first": first.name, "asker": running.asker})


@procedure("evacuation", called="the evacuation", row=Seat, gives_up=timedelta(hours=1))
@dataclass(frozen=True)
class Evacuation:
    floor: int
    out: tuple[str, ...] = ()

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Seat]) -> Next:
        place = len(self.out)
        if under_way.stop or place == ledger.count():
            facts = {"floor": self.floor, "out": list(self.out), "stopped": bool(under_way.stop)}
            return Next("", say=[Reply("evacuation/over", facts, note=True, receipt=True)])
        (seat,) = ledger.rows(place, place + 1)
        return Next("go", replace(self, out=(*self.out, seat.name)), wait=60.0, closed={place: {"row": seat.row}})


@action("/evacuation roll", Risk.LOOK, hidden=True)
def roll(call: Call, tools: Tools) -> Reply:
    """Call the roll."""
    return Reply("evacuation/roll", {"at": f"{tools.now:%H:%M}"})


@due("roll-call", every=timedelta(minutes=5))
def roll_call(of: str, tools: Tools) -> Sequence[Call]:
    """Call the roll every five minutes."""
    sentence = ACTIONS["/evacuation roll"].sentence()
    return [Call(f"roll{tools.now:%H%M}", "clock", "COPS", sentence, tools.now, door="clock")]
'''

TEMPLATES = {
    "plan": "Empty floor {{ floor }}?\n{% call section() %}Empty floor {{ floor }}: {{ seats }} seats.{% endcall %}\n",
    "stopping": "Stopping on floor {{ floor }}, begun by {{ asker|user }}, first out {{ first }}\n"
    "{% call section() %}Stopping.{% endcall %}\n",
    "over": "Floor {{ floor }} {{ 'stopped' if stopped else 'empty' }}: {{ out|join(', ') }}\n"
    "{% call section() %}Floor {{ floor }}.{% endcall %}\n",
    "roll": "Roll call at {{ at }}\n{% call section() %}Roll call.{% endcall %}\n",
}

FILES = {
    "handlers/evacuation.py": HANDLER,
    **{f"templates/evacuation/{name}.j2": text for name, text in TEMPLATES.items()},
}
"""Path in the package → what stands there."""

CATALOGUE = """\
[access]
channels = ["ops", "COPS", "inc-*"]
oncall = ["UONCALL"]

[queues.reposts]
backend = "bullmq"

[parts]
packages = ["acme_firewatch"]
"""


def main(redis_url: str, folder: Path) -> dict[str, Any]:
    """Two floors, one emptied and one stopped, taken over by another process; half an hour of roll calls."""
    night = Night(redis_url, folder, CATALOGUE)
    room = night.opens("Smoke on floor 3")
    night.says("/evacuation start 3", channel=room)
    plan = night.last.text
    night.presses(night.last, "Confirm")
    night.again()
    night.rests(300)
    night.says("/evacuation start 4", channel=room)
    night.presses(night.last, "Confirm")
    night.says("/evacuation stop", channel=room)
    night.rests(300)
    said = night.slack.texts(room)
    night.says("/incident resolve A toaster", channel=room)
    night.rests(60)
    rolls = _rolls(night)
    return {
        "plan": plan,
        "said": said,
        "receipts": [each.text for each in night.house.store.timeline(1) if each.receipt],
        "draft": next(content.decode() for _, name, content, _ in night.slack.uploads if name.endswith(".md")),
        "recurring": [str(each) for each in recurring()],
        "lane": DUE_KINDS["roll-call"].lane,
        "rolls": rolls,
        "from": str(importlib.import_module("acme_firewatch.handlers.evacuation").__file__),
    }


def _rolls(night: Night) -> list[str]:
    """What is said by the roll calls of half an hour: two clocks look every 30 s, each as often as it likes."""
    before, night.clock.at = len(night.slack.shown), night.clock.at.replace(hour=18, minute=0, second=0)
    for _ in range(60):
        for _ in range(2):
            night.house.desk.store.remind(str(Due("roll-call")), night.clock(), keep=True)
            clock.tick(night.house.desk)
        while night.line.waiting:
            night.house.desk.attend(*night.line.waiting.popleft())
        night.clock.passes(30)
    return [each.text for each in night.slack.shown[before:] if each.text.startswith("Roll call")]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
