"""Who and what is there at the start: the people of the sandbox's Slack, as far as PagerDuty knows them.

Priya takes turns on call and has no Slack account; Tomas of Slack has none here.
"""

from __future__ import annotations

from bot.sandbox.pagerduty.account import Account
from bot.sandbox.pagerduty.model import DAY, EscalationPolicy, PagerDutyService, PagerDutyUser, Schedule

NOOR = PagerDutyUser("PNOOR01", "Noor Haddad", "noor@reposter.example")
LINNEA = PagerDutyUser("PLINNEA", "Linnea Berg", "linnea@reposter.example", "admin")
PRIYA = PagerDutyUser("PPRIYA1", "Priya Nair", "priya@reposter.example")
BOT = PagerDutyUser("PFIREWA", "Firewatch", "firewatch@reposter.example", "limited_user")

SERVICE = "PSERVICE1"
OTHER_SERVICE = "PSERVICE2"
SCHEDULE = "PSCHED1"
POLICY = "PPOLICY1"
OTHER_POLICY = "PPOLICY2"
PRIORITIES = {"PPRIO01": "P1", "PPRIO02": "P2", "PPRIO03": "P3", "PPRIO04": "P4"}


def plant(account: Account) -> None:
    """Noor is on call until a 09:00 UTC that is at least half a day away, then Priya; Linnea stands behind them."""
    account.users = {one.id: one for one in (NOOR, LINNEA, PRIYA, BOT)}
    nine = 9 * 3600.0
    handed_over = (account.now() - nine) // DAY * DAY + nine
    ends = handed_over + DAY
    if ends - account.now() < DAY / 2:
        ends += DAY
    week = Schedule(SCHEDULE, "Reposting on call", (NOOR.id, PRIYA.id), ends - 7 * DAY)
    account.schedules = {week.id: week}
    account.policies = {
        POLICY: EscalationPolicy(POLICY, "Reposting", ((SCHEDULE,), (LINNEA.id,))),
        OTHER_POLICY: EscalationPolicy(OTHER_POLICY, "Leads", ((LINNEA.id,),)),
    }
    account.services = {
        SERVICE: PagerDutyService(SERVICE, "Reposting", POLICY),
        OTHER_SERVICE: PagerDutyService(OTHER_SERVICE, "Billing", OTHER_POLICY),
    }
    account.priorities = dict(PRIORITIES)
