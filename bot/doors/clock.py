"""Time's door. The clock has no hands: it looks at what is due and hands its name to a worker, and that is all it can.

Any number of clocks may run. One leads by a short lease; that only saves work, for what is due is claimed in one step,
falls due again unless it is finished, and is safe to do twice.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from datetime import datetime

from bot.domain.due import lane_of, recurring
from bot.road.desk import Desk
from bot.store.base import AWAY

log = logging.getLogger(__name__)

TICK = 0.05
"""Seconds between two looks when something is due soon; a look costs one Redis round trip."""

IDLE = 0.25


def tick(desk: Desk) -> int:
    """Hand over what is due now, as much as the line takes: whatever stays is due still. Returns how much that was.

    What is due on incidents is put into sentences here; saying them is for the workers.
    """
    calls, others = desk.line.room()
    due = desk.store.due_now(desk.now(), calls, others)
    here = [each for each in due if lane_of(each[0]) == "clock"]
    if here:
        desk.rounds.duties(here)
    desk.line.push([each for each in due if lane_of(each[0]) != "clock"])
    return len(due)


def run(desk: Desk, stop: threading.Event) -> None:
    """Until told to stop. A Redis that is away is waited for."""
    me = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    said: datetime | None = None
    while not stop.is_set():
        try:
            leads = desk.store.lead("clock", me)
            now = desk.now()
            if said is None or abs((now - said).total_seconds()) >= 5:
                desk.store.alive("clock", now)
                for each in recurring():
                    desk.store.remind(str(each), now, keep=True)
                said = now
            busy = tick(desk) if leads else 0
            wait = 0.0 if busy else TICK if leads else IDLE
        except AWAY as away:
            log.warning("Redis is not reachable; looking again", extra={"why": str(away)})
            wait = 1.0
        stop.wait(wait)
    try:
        desk.store.resign("clock", me)
    except AWAY:
        log.info("the lease runs out by itself")
