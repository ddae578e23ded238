"""A PagerDuty to talk to on loopback, stricter than kind.

    with PagerDutySandbox() as pagerduty:
        ...                                      # point a bot at pagerduty.api_url, .api_key, .sender
        pagerduty.webhooks.url = "http://127.0.0.1:8080/pagerduty/webhook"
        alert = pagerduty.trigger("Instagram uploads failing")
        pagerduty.wait_for(lambda: pagerduty.incident(alert.id).status == "acknowledged")

``pagerduty.faults`` makes calls fail, ``pagerduty.webhooks`` drops, repeats and signs, ``pagerduty.calls`` is the wire,
and ``pagerduty.account`` is the state: take ``pagerduty.lock`` to change it.
"""

from __future__ import annotations

from bot.sandbox.pagerduty.account import Account
from bot.sandbox.pagerduty.model import Incident, Note, Policy, Schedule, Service, User, Wrong
from bot.sandbox.pagerduty.seeds import BOT, LINNEA, NOOR, OTHER_POLICY, OTHER_SERVICE, POLICY, PRIYA, SCHEDULE, SERVICE
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.pagerduty.webhooks import Delivery, Webhooks

__all__ = [
    "BOT",
    "LINNEA",
    "NOOR",
    "OTHER_POLICY",
    "OTHER_SERVICE",
    "POLICY",
    "PRIYA",
    "SCHEDULE",
    "SERVICE",
    "Account",
    "Delivery",
    "Incident",
    "Note",
    "PagerDutySandbox",
    "Policy",
    "Schedule",
    "Service",
    "User",
    "Webhooks",
    "Wrong",
]
