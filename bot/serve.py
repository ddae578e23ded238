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
from bot.wiring import House

LATELY = timedelta(seconds=30)


def run(house: House, stop: threading.Event) -> None:
    """Until told to stop. Raises Refused when the port is taken."""
    slack = house.settings.slack
    secret = slack.signing_secret.reveal() if slack.signing_secret else ""
    door = SlackDoor(house.desk, secret, now=house.desk.now)
    receivers: dict[str, Receiver] = {}
    if slack.door == "http":
        receivers["/slack/events"] = door.receive
    pagerduty = house.settings.pagerduty
    if pagerduty and pagerduty.webhook_secret:
        services = [each.pagerduty for each in house.settings.catalogue.services.values() if each.pagerduty]
        pager = PagerDutyDoor(pagerduty.webhook_secret.reveal(), services, house.desk.now)
        receivers["/pagerduty/webhook"] = pager.receive
    app = web.build(house.desk, receivers, _checks(house), lambda: collect(house))
    listening = web.listen(house.settings.host, house.settings.port)
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


def _checks(house: House) -> dict[str, web.Check]:
    return {
        "redis": lambda: "reachable" if house.redis.ping() else "",
        "slack": lambda: str(house.workspace.identity().get("team", "reachable")),
        "worker": lambda: _seen(house, "worker"),
        "clock": lambda: _seen(house, "clock"),
    }


def _seen(house: House, role: str) -> str:
    at = house.store.last_alive(role)
    if at is None:
        raise LookupError("not seen yet")
    if house.desk.now() - at > LATELY:
        raise LookupError(f"last seen {at:%Y-%m-%d %H:%M:%S} UTC")
    return f"seen {at:%H:%M:%S} UTC"
