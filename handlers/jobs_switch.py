"""Pausing a queue, and letting its workers go on

Section 2 of the runbook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.procedure import Ledger, Next, Procedure, procedure
from bot.domain.reply import Begin, Plan, Reply
from bot.outside.queues.protocol import Queues
from bot.tools import Tools


@action("/jobs pause", Risk.CHANGE)
def pause(call: Call, tools: Tools, queue: str) -> Plan:
    """Pause a queue: workers take no more jobs from it, and jobs that are running finish.

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
    return Plan("jobs/switch", Begin(Switch(queue, paused)), facts, revision=f"paused={now.paused}")


@procedure("switch", called="pausing or resuming the queue")
@dataclass(frozen=True, slots=True)
class Switch:
    """Pauses or resumes a queue, in one step, and says so."""

    queue: str
    paused: bool

    def step(self, under_way: Procedure, tools: Tools, ledger: Ledger[Any]) -> Next:
        queue = tools.need(Queues).get(self.queue)
        if self.paused:
            queue.pause()
        else:
            queue.resume()
        now, by = queue.status(), under_way.confirmer or under_way.asker
        facts = {"queue": queue.name, "paused": self.paused, "depth": now.depth, "by": by}
        facts["resume"] = ACTIONS["/jobs resume"].sentence(queue=queue.name)
        receipt = Reply("jobs/switched", facts, to="nobody", note=True, receipt=True)
        return Next("", card=Reply("jobs/switched", facts), say=[receipt])
