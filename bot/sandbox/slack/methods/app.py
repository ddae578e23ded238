"""auth.*, api.*, apps.*, team.*"""

from __future__ import annotations

from bot.sandbox.slack.api import ApiCall, method
from bot.sandbox.slack.model import Json


@method("api.test", tier=None, token="any")
def api_test(call: ApiCall) -> Json:
    given = {name: value for name, value in call.args.given.items() if name != "token"}
    if error := call.args.text("error", ""):
        return {"ok": False, "error": error, "args": given}
    return {"args": given} if given else {}


@method("auth.test", tier=None, token="any")
def auth_test(call: ApiCall) -> Json:
    team, bot = call.workspace.team, call.bot
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": bot.name,
        "team_id": team.id,
        "user_id": bot.id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", tier=1, token="app")
def open_connection(call: ApiCall) -> Json:
    return {"url": call.host.socket_url()}


@method("team.info", "team:read", tier=3, form_only=True)
def team_info(call: ApiCall) -> Json:
    team = call.workspace.team
    return {
        "team": {
            "id": team.id,
            "name": team.name,
            "url": f"https://{team.domain}.slack.com/",
            "domain": team.domain,
            "email_domain": "",
            "icon": {"image_default": True},
        }
    }
