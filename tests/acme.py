"""A made-up team's package, written into a folder: a weather service with its part, command, template and far end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PART = '''\
"""The weather at the venue, as a part."""

from __future__ import annotations

from pydantic import Field

from acme_firewatch.outside.weather.protocol import Weather
from bot.outside.part import Check, Part, Surroundings
from bot.settings.catalogue import Table
from bot.settings.fields import HttpBase, Variables, variable
from bot.settings.secrets import Secret


class WeatherSettings(Variables):
    """The weather at the venue. Off until the key is set."""

    api_key: Secret | None = variable("WEATHER_API_KEY", "API key", "From the page Keys of your account.")
    api_url: HttpBase = variable("WEATHER_API_URL", "API", "Of another vendor.", "https://weather.example")


class WeatherTable(Table):
    """What is asked for when nothing is said."""

    place: str = Field(default="Oslo", description="The place.")


def build(settings: WeatherSettings, around: Surroundings) -> Weather:
    from acme_firewatch.outside.weather.client import WeatherClient

    key = settings.api_key.reveal() if settings.api_key else ""
    return WeatherClient(key, settings.api_url, around.table(WeatherTable).place)


def reachable(settings: WeatherSettings, weather: Weather, around: Surroundings) -> str:
    return f"{weather.usual} is {weather.at('')}"


WEATHER = Part(
    "weather",
    WeatherSettings,
    off="Set WEATHER_API_KEY to ask for the weather.",
    offers=Weather,
    build=build,
    on=lambda settings: settings.api_key,
    checks=(Check("weather", reachable, "Look at WEATHER_API_KEY."),),
    table=WeatherTable,
)
'''

PROTOCOL = '''\
"""The weather, as handlers see it."""

from __future__ import annotations

from typing import Protocol


class Weather(Protocol):
    @property
    def usual(self) -> str: ...

    def at(self, place: str) -> str:
        """What it is like there; at the usual place where none is named."""
        ...
'''

CLIENT = '''\
"""The weather over HTTP."""

from __future__ import annotations

from bot.domain.errors import Refused
from bot.outside.http import Wire


class WeatherClient:
    def __init__(self, key: str, api_url: str, usual: str) -> None:
        self.usual = usual
        self._wire = Wire("the weather", api_url, {"Authorization": f"Bearer {key}"})

    def at(self, place: str) -> str:
        answer = self._wire.ask("GET", f"/{place or self.usual}")
        if answer.status != 200:
            raise Refused("The weather does not accept my key.")
        return str(answer.fields["is"])
'''

HANDLER = '''\
"""Weather: what it is like at the venue."""

from __future__ import annotations

from acme_firewatch.outside.weather.protocol import Weather
from bot.domain.action import Risk, action
from bot.domain.call import Call
from bot.domain.reply import Reply
from bot.tools import Tools


@action("/weather show", Risk.LOOK)
def show(call: Call, tools: Tools, place: str = "", /) -> Reply:
    """What the weather is like there.

    place: where; without it, the venue
    """
    weather = tools.need(Weather)
    return Reply("weather/show", {"place": place or weather.usual, "like": weather.at(place)})
'''

TEMPLATE = """\
The weather in {{ place }}: {{ like }}
{% call section() %}*{{ place }}*: {{ like }}{% endcall %}
"""

FAR_END = '''\
"""A weather service on loopback."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from bot.sandbox.serving import Asked, Loopback, Refusal


class WeatherSandbox(Loopback):
    """It is sunny everywhere."""

    def environment(self) -> dict[str, str]:
        return {"WEATHER_API_KEY": "umbrella", "WEATHER_API_URL": self.api_url}

    def bot_is_at(self, url: str) -> None:
        """It calls nobody."""

    def answer(self, asked: Asked) -> Response:
        if asked.headers.get("authorization") != "Bearer umbrella":
            raise Refusal(401, {"error": "who are you?"})
        return JSONResponse({"is": "sunny"})


FAR_END = WeatherSandbox
'''

FILES = {
    "__init__.py": "",
    "outside/__init__.py": "",
    "outside/weather/__init__.py": "",
    "outside/weather/part.py": PART,
    "outside/weather/protocol.py": PROTOCOL,
    "outside/weather/client.py": CLIENT,
    "handlers/__init__.py": "",
    "handlers/weather.py": HANDLER,
    "templates/weather/show.j2": TEMPLATE,
    "sandbox/__init__.py": "",
    "sandbox/weather.py": FAR_END,
}
"""Path in the package → what stands there."""

CATALOGUE = """\
[access]
oncall = ["UONCALL"]

[parts]
packages = ["acme_firewatch"]

[weather]
place = "Bergen"
"""


def write_package(folder: Path, more: Mapping[str, str] | None = None) -> None:
    """The package, with other files instead or beside, and the catalogue that names it."""
    for path, text in {**FILES, **(more or {})}.items():
        file = folder / "acme_firewatch" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "firewatch.toml").write_text(CATALOGUE, encoding="utf-8")
