"""The status page, as a part of this program."""

from __future__ import annotations

from collections.abc import Iterator

from bot.outside.part import Check, Part, Surroundings
from bot.outside.statuspage.protocol import StatusPage
from bot.settings.fields import HttpBase, Need, Role, Variables, variable
from bot.settings.secrets import Secret


class StatuspageSettings(Variables):
    """Atlassian Statuspage: what customers are told. Off until the key is set."""

    api_key: Secret | None = variable("STATUSPAGE_API_KEY", "API key", "From the page API info of your account.")
    page_id: str = variable("STATUSPAGE_PAGE_ID", "Page", "The page's id, from the same place.", "")
    api_url: HttpBase = variable("STATUSPAGE_API_URL", "API", "Of another Statuspage.", "https://api.statuspage.io")


def _build(settings: StatuspageSettings, around: Surroundings) -> StatusPage:
    from bot.outside.statuspage.client import Statuspage

    return Statuspage(settings.api_key.reveal() if settings.api_key else "", settings.page_id, settings.api_url)


def _needs(settings: StatuspageSettings, role: Role) -> Iterator[Need]:
    if settings.api_key:
        yield Need(("STATUSPAGE_PAGE_ID",), "STATUSPAGE_API_KEY is set, and needs to know the page")


def _answers(settings: StatuspageSettings, page: StatusPage, around: Surroundings) -> str:
    page.look()
    return f"page {settings.page_id} answers"


STATUSPAGE = Part(
    "statuspage",
    StatuspageSettings,
    off="The status page is off: set STATUSPAGE_API_KEY and STATUSPAGE_PAGE_ID, then restart Firewatch.",
    offers=StatusPage,
    build=_build,
    on=lambda settings: settings.api_key,
    needs=_needs,
    checks=(Check("status page", _answers, "Compare STATUSPAGE_API_KEY and STATUSPAGE_PAGE_ID with its API info."),),
)
