"""`firewatch slack`: Slack's door and HTTP's, in one process.

With an app token Slack speaks through a socket, else through signed POSTs; in both cases `/health`, `/ready` and
`/metrics` are served on HOST:PORT.
"""

from __future__ import annotations

import threading
from datetime import timedelta

from bot import web
from bot.door import Receiver
from bot.figures import collect
from bot.pagerduty_webhook import PagerDutyDoor
from bot.slack import SlackDoor, run_socket
from bot.wiring import Gate

LATELY = timedelta(seconds=30)


def run(gate: Gate, stop: threading.Event) -> None:
    """Until told to stop. Raises Refused when the port is taken."""
    slack = gate.settings.slack
    secret = slack.signing_secret.reveal() if slack.signing_secret else ""
    door = SlackDoor(gate.reception, secret, now=gate.reception.now)
    receivers: dict[str, Receiver] = {}
    if slack.door == "http":
        receivers["/slack/events"] = door.receive
    pagerduty = gate.settings.pagerduty
    if pagerduty and pagerduty.webhook_secret:
        services = [each.pagerduty for each in gate.settings.catalogue.services.values() if each.pagerduty]
        pager = PagerDutyDoor(pagerduty.webhook_secret.reveal(), services, gate.reception.now)
        receivers["/pagerduty/webhook"] = pager.receive
    app = web.build(gate.reception, receivers, _checks(gate), lambda: collect(gate))
    listening = web.listen(gate.settings.host, gate.settings.port)
    serving = web.server(app)
    if slack.app_token:
        socket = threading.Thread(
            target=run_socket, args=(door, slack.app_token.reveal(), stop, slack.api_url), name="socket"
        )
        socket.start()
    try:
        serving.run(sockets=[listening])
    finally:
        stop.set()
        door.close()


def _checks(gate: Gate) -> dict[str, web.Check]:
    return {
        "redis": lambda: "reachable" if gate.redis.ping() else "",
        "slack": gate.workspace.ping,
        "worker": lambda: _seen(gate, "worker"),
        "clock": lambda: _seen(gate, "clock"),
    }


def _seen(gate: Gate, role: str) -> str:
    at = gate.store.last_alive(role)
    if at is None:
        raise LookupError("not seen yet")
    if gate.reception.now() - at > LATELY * gate.store.rate:
        raise LookupError(f"last seen {at:%Y-%m-%d %H:%M:%S} UTC")
    return f"seen {at:%H:%M:%S} UTC"
