"""A PagerDuty to talk to on loopback, stricter than kind.

    from bot.sandbox.pagerduty.server import PagerDutySandbox

    with PagerDutySandbox() as pagerduty:
        ...                                      # point a bot at pagerduty.api_url, .api_key, .sender
        pagerduty.webhooks.url = "http://127.0.0.1:8080/pagerduty/webhook"
        alert = pagerduty.trigger("Instagram uploads failing")
        pagerduty.wait_for(lambda: pagerduty.incident(alert.id).status == "acknowledged")

``pagerduty.faults`` makes calls fail, ``pagerduty.webhooks`` drops, repeats and signs, ``pagerduty.calls`` is the wire,
and ``pagerduty.account`` is the state: take ``pagerduty.lock`` to change it.
"""

from __future__ import annotations

from bot.sandbox.pagerduty.server import PagerDutySandbox

FAR_END = PagerDutySandbox

__all__ = ["FAR_END"]
