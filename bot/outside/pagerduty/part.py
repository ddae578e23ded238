"""PagerDuty, as a part of this program."""

from __future__ import annotations

from typing import Annotated

from bot.outside.pagerduty.protocol import Pager
from bot.outside.part import Check, Part, Sick, Surroundings
from bot.settings.fields import HttpBase, Variables, shaped, variable
from bot.settings.secrets import Secret


class PagerDutySettings(Variables):
    """PagerDuty: alerts come from there, people are paged there. Off until the key is set."""

    api_key: Secret | None = variable("PAGERDUTY_API_KEY", "API key", "A REST API key of the account.")
    from_address: Annotated[str, shaped(r"[^@\s]+@[^@\s]+", "is no e-mail address; it is that of a PagerDuty user")] = (
        variable(
            "PAGERDUTY_FROM",
            "Acts as",
            "The e-mail of the PagerDuty user the bot acts as when nobody's own will do.",
            "",
            example="oncall-bot@example.com",
        )
    )
    api_url: HttpBase = variable(
        "PAGERDUTY_API_URL", "API", "Of another region or vendor.", "https://api.pagerduty.com"
    )
    webhook_secret: Secret | None = variable(
        "PAGERDUTY_WEBHOOK_SECRET",
        "Webhook secret",
        "Of the v3 webhook to /pagerduty/webhook.",
    )
    routing_key: Secret | None = variable(
        "PAGERDUTY_ROUTING_KEY", "Routing key", "Of the Events API, for alerts of the bot's own."
    )


def _build(settings: PagerDutySettings, around: Surroundings) -> Pager:
    from bot.outside.pagerduty.client import PagerDuty

    return PagerDuty(settings.api_key.reveal() if settings.api_key else "", settings.from_address, settings.api_url)


def _well(settings: PagerDutySettings, pager: Pager, around: Surroundings) -> str:
    sender = settings.from_address
    if sender and not pager.user(sender):
        raise Sick(f"PAGERDUTY_FROM is {sender}, and no user of that account has this address")
    services = [each.pagerduty for each in around.catalogue.services.values() if each.pagerduty]
    if not services:
        return "no service in firewatch.toml names one of PagerDuty's, so no alert will be seen"
    return f"services: {len(services)}, open alerts: {len(pager.open(services))}"


PAGERDUTY = Part(
    "pagerduty",
    PagerDutySettings,
    off="PagerDuty is off: set PAGERDUTY_API_KEY, and PAGERDUTY_FROM to the e-mail of one of its users, then restart "
    "Firewatch.",
    offers=Pager,
    build=_build,
    on=lambda settings: settings.api_key,
    checks=(Check("pagerduty", _well, "Look at PAGERDUTY_API_KEY and PAGERDUTY_FROM, and at the services' ids."),),
)
