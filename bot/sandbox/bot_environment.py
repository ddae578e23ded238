"""The environment of a bot that the sandbox starts: nothing of this process' own settings, all of the sandbox's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

# The last of them: a bot that is started many times should not compile itself each time (0.3 s of CPU).
FOREIGN: Final = (
    "SLACK_",
    "REDIS_",
    "QUEUE_",
    "PAGERDUTY_",
    "STATUSPAGE_",
    "GITHUB_",
    "AWS_",
    "DATABASE_",
    "FIREWATCH_",
    "PYTHONDONTWRITE",
)


def bot_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """`settings` over what this process has, without any variable that belongs to the bot or to a far end.

    A far end's variables are those that share the first word of one of its settings: `WEATHER_` for `WEATHER_API_KEY`.
    """
    own = {f"{name.partition('_')[0]}_" for name in settings if "_" in name}
    prefixes = tuple({*FOREIGN, *own})
    return {**{name: value for name, value in os.environ.items() if not name.startswith(prefixes)}, **settings}
