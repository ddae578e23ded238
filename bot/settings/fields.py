"""What a part's settings are made of: a model whose fields each name a variable, and the forms that values have.

    class WeatherSettings(Variables):
        \"\"\"The weather at the venue.\"\"\"

        api_key: Secret | None = variable("WEATHER_API_KEY", "API key", "From the page Keys of your account.")

A validator here raises `wrong(…)` with the rest of a sentence that begins with the variable's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bot.settings.secrets import Address, Secret

Role = Literal["up", "slack", "worker", "clock", "do", "offline"]
"""What is being started. `up` and `slack` open Slack's door; `worker`, `clock` and `do` only speak to Slack;
`offline` (manifest, health, drill) needs neither."""


class Variables(BaseModel):
    """Settings from the environment. Its docstring heads them in `.env.example` and in the documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_by_alias=True)


@dataclass(frozen=True, slots=True)
class Need:
    """What has to be set: one of these variables. ``why`` is the sentence when none is; for one alone, its rest."""

    names: tuple[str, ...]
    why: str


def variable(
    name: str, title: str, help: str, default: Any = None, *, example: str = "", filled: bool = False, shown: str = ""
) -> Any:
    """One field of `Variables`. ``example`` stands in `.env.example`; ``filled``: there it is no comment.

    ``shown`` is the default as people read it, where that is not how it is written.
    """
    listed: dict[str, Any] = {"example": example, "filled": filled, "shown": shown}
    return Field(default, validation_alias=name, title=title, description=help, json_schema_extra=listed)


def names_of(model: type[BaseModel]) -> dict[str, str]:
    """Variable → field. Raises TypeError when a field names no variable."""
    found = {field.validation_alias: name for name, field in model.model_fields.items()}
    if wrong := [name for alias, name in found.items() if not isinstance(alias, str)]:
        raise TypeError(f"{model.__qualname__}: {', '.join(wrong)} names no variable: see bot.settings.fields.variable")
    return {str(alias): name for alias, name in found.items()}


def wrong(sentence: str) -> PydanticCustomError:
    """What a validator raises: the rest of a sentence that begins with the setting's name."""
    return PydanticCustomError("told", "{sentence}", {"sentence": sentence})


# ---------------------------------------------------------------- the forms of values


def shaped(pattern: str, sentence: str) -> AfterValidator:
    """A text of this form, or the sentence. The text itself is not shown."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise wrong(sentence)
        return text

    return AfterValidator(check)


def token(begins: str, what: str) -> AfterValidator:
    """A secret that begins so."""

    def check(secret: Secret) -> Secret:
        text = secret.reveal()
        if re.fullmatch(rf"{begins}\S+", text):
            return secret
        # What kind of thing it is may be told, but never a part of it.
        kind = next(
            (f"; this is {kind}" for start, kind in _KINDS.items() if text.startswith(start) and start != begins), ""
        )
        raise wrong(f"is not of the form {begins}…: it is {what}{kind}")

    return AfterValidator(check)


_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token", '"': "in quotes"}


def leads_to(*schemes: str) -> AfterValidator:
    """An address with one of these schemes."""

    def check(address: Address) -> Address:
        _demand_address(address.reveal(), schemes)
        return address

    return AfterValidator(check)


def _base(text: str) -> str:
    _demand_address(text, ("https", "http"))
    return text.rstrip("/")


def _demand_address(text: str, schemes: tuple[str, ...]) -> None:
    try:
        parts = urlsplit(text)
        place = parts.path if parts.scheme == "unix" else parts.hostname
        if parts.scheme in schemes and place and parts.port != 0:
            return
    except ValueError:  # a port that is no number, a bracket left open
        pass
    raise wrong(f"is not an address of the form {' or '.join(f'{scheme}://' for scheme in schemes)}HOST[:PORT]")


def _port(text: object) -> int:
    if re.fullmatch(r"[0-9]{1,5}", str(text)) and int(str(text)) <= 65535:
        return int(str(text))
    raise wrong(f"is {text!r}; it is a port, 0 to 65535 (0: any that is free)")


def seconds(least: float, most: float) -> BeforeValidator:
    """So many, within these bounds."""

    def read(text: object) -> float:
        if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", str(text)) and least <= float(str(text)) <= most:
            return float(str(text))
        raise wrong(f"is {text!r}; it is a number of seconds, {least:g} to {most:g}")

    return BeforeValidator(read)


def written_as(read: Callable[[str], Any], sentence: str) -> BeforeValidator:
    """Whatever `read` makes of the text; the sentence where it raises ValueError."""

    def check(text: object) -> Any:
        try:
            return read(text) if isinstance(text, str) else text
        except ValueError:
            raise wrong(sentence) from None

    return BeforeValidator(check)


HttpBase = Annotated[str, AfterValidator(_base)]
"""The base of an HTTP API, without a slash at its end."""

Port = Annotated[int, BeforeValidator(_port)]

RedisAddress = Annotated[Address, leads_to("redis", "rediss", "unix")]
