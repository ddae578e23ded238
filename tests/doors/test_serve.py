"""A door says that it is ready only when it can hear."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from bot.doors.serve import checks
from bot.outside.parts import load
from bot.outside.slack.socket import SlackSocket
from bot.sandbox.stage import Stage
from bot.wiring import gate


def test_a_door_without_its_socket_is_not_ready_though_slack_takes_the_bot_token(
    redis_url: str, tmp_path: Path
) -> None:
    with Stage(tmp_path, redis_url=redis_url, roles=[], rate_limits="off") as stage:
        door = gate(load(stage.environment, stage.folder, "slack"))
        socket = SlackSocket(stage.slack.app_token, lambda _: {}, stage.slack.api_url)
        ready = checks(door, socket)["slack"]
        with pytest.raises(LookupError, match="no socket is open"):
            ready()
        stop = threading.Event()
        thread = threading.Thread(target=socket.run, args=(stop,), daemon=True)
        thread.start()
        until = time.monotonic() + 10
        while not socket.connected and time.monotonic() < until:
            time.sleep(0.01)
        assert ready()
        stop.set()
        thread.join(10)
        with pytest.raises(LookupError):
            ready()
        assert checks(door, None)["slack"](), "by HTTP a door hears as long as it is there"
