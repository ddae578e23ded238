"""`firewatch slack`: Slack's door and HTTP's, in one process.

With an app token Slack speaks through a socket, else through signed POSTs; in both cases `/health`, `/ready` and
`/metrics` are served on HOST:PORT.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.doors import http as web
from bot.doors.pagerduty import PagerDutyDoor
from bot.doors.slack import SlackDoor
from bot.outside.pagerduty.part import PAGERDUTY
from bot.outside.slack.part import SLACK
from bot.road.gate import Gate
from bot.road.intake import Receiver
from bot.running.metrics import collect

if TYPE_CHECKING:
    from bot.outside.slack.socket import SlackSocket

LATELY = timedelta(seconds=30)


def run(gate: Gate, stop: threading.Event) -> None:
    """Until told to stop. Raises Refused when the port is taken."""
    slack = gate.settings.need(SLACK)
    secret = slack.signing_secret.reveal() if slack.signing_secret else ""
    door = SlackDoor(gate.reception, secret, now=gate.reception.now)
    receivers: dict[str, Receiver] = {}
    if slack.door == "http":
        receivers["/slack/events"] = door.receive
    pagerduty = gate.settings.find(PAGERDUTY)
    if pagerduty and pagerduty.webhook_secret:
        services = [each.pagerduty for each in gate.settings.catalogue.services.values() if each.pagerduty]
        pager = PagerDutyDoor(pagerduty.webhook_secret.reveal(), services, gate.reception.now)
        receivers["/pagerduty/webhook"] = pager.receive
    socket = _socket(gate, door)
    app = web.build(gate.reception, receivers, checks(gate, socket), lambda: collect(gate))
    listening = web.listen(gate.settings.host, gate.settings.port)
    serving = web.server(app)
    hearing = threading.Thread(target=socket.run, args=(stop,), name="socket") if socket else None
    if hearing:
        hearing.start()
    try:
        serving.run(sockets=[listening])
    finally:
        stop.set()
        if hearing:
            hearing.join()
        door.close()


def _socket(gate: Gate, door: SlackDoor) -> SlackSocket | None:
    slack = gate.settings.need(SLACK)
    if not slack.app_token:
        return None
    from bot.outside.slack.socket import SlackSocket  # only here, so that the HTTP door does without websockets

    return SlackSocket(slack.app_token.reveal(), door.envelope, slack.api_url)


def checks(gate: Gate, socket: SlackSocket | None) -> dict[str, web.ReadyCheck]:
    return {
        "redis": lambda: "reachable" if gate.store.redis.ping() else "",
        "slack": lambda: _reachable(gate, socket),
        "worker": lambda: _seen(gate, "worker"),
        "clock": lambda: _seen(gate, "clock"),
    }


def _reachable(gate: Gate, socket: SlackSocket | None) -> str:
    team = gate.workspace.ping()
    if socket and not socket.connected:
        raise LookupError("takes my bot token, but no socket is open: nothing that is said there is heard")
    return team


def _seen(gate: Gate, role: str) -> str:
    at = gate.store.last_alive(role)
    if at is None:
        raise LookupError("not seen yet")
    if gate.reception.now() - at > LATELY * gate.store.rate:
        raise LookupError(f"last seen {at:%Y-%m-%d %H:%M:%S} UTC")
    return f"seen {at:%H:%M:%S} UTC"
