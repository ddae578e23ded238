"""A night in one process: the real house and doors, strict far ends, a real Redis, and a clock moved by hand.

    night.pagerduty.trigger("Instagram uploads failing")
    room = night.room(1)
    night.goes(minutes=3)
    night.says(room, "Not acknowledged yet")

Nothing sleeps: time stands still until ``goes`` moves it from one thing that falls due to the next, and attends to it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis

from bot.domain.incident import Incident
from bot.doors import http as web
from bot.doors.pagerduty import PagerDutyDoor
from bot.doors.slack import SlackDoor
from bot.outside.parts import load
from bot.outside.slack.socket import SlackSocket
from bot.road.desk import Desk
from bot.sandbox.github import GitHubSandbox
from bot.sandbox.pagerduty.server import PagerDutySandbox
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.forms import elements
from bot.sandbox.slack.server import SlackSandbox
from bot.sandbox.stage import CATALOGUE
from bot.sandbox.statuspage import StatuspageSandbox
from bot.sandbox.transcript import Transcript
from bot.settings.environment import Settings
from bot.wiring import House, house

THREE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""A Monday, 03:00."""


class Line:
    """``WorkQueue`` without RQ: what was pushed is attended to by ``Night.settle``."""

    def __init__(self) -> None:
        self.members: deque[tuple[str, str]] = deque()

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        self.members.extend(members)

    def room(self) -> tuple[int, int]:
        return 500, 500


class Night:
    """All of it, from ``with`` to the end of the block."""

    def __init__(self, redis_url: str, folder: Path, catalogue: str = CATALOGUE, *, parts: bool = True) -> None:
        self.at = THREE
        self.redis = Redis.from_url(redis_url, decode_responses=True)
        self.slack = SlackSandbox(rate_limits="off", now=self.seconds)
        self.pagerduty = PagerDutySandbox(now=self.seconds, rate_limits="off", retries=(0.05, 0.05, 0.05))
        self.statuspage = StatuspageSandbox(now=self.seconds, rate_limits="off")
        self.github = GitHubSandbox(now=self.seconds)
        (folder / "firewatch.toml").write_text(catalogue, encoding="utf-8")
        self.settings = self._settings(redis_url, folder, parts)
        self.line = Line()
        self.house = self._house()
        self._stack = ExitStack()

    def seconds(self) -> float:
        return self.at.timestamp()

    def now(self) -> datetime:
        return self.at

    def _settings(self, redis_url: str, folder: Path, parts: bool) -> Settings:
        environment = {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "REDIS_URL": redis_url,
        }
        if parts:
            for each in (self.pagerduty, self.statuspage, self.github):
                environment |= each.environment()
        return load(environment, folder)

    def _house(self) -> House:
        return house(self.settings, self.now, line=self.line)

    def restart(self) -> None:
        """Every process dies and starts anew, on another machine for all it knows: only Redis stays."""
        self.line.members.clear()
        self.house = self._house()

    @property
    def desk(self) -> Desk:
        return self.house.desk

    # ------------------------------------------------------------ running

    def __enter__(self) -> Night:
        for each in (self.slack, self.pagerduty, self.statuspage, self.github):
            each.start()
        self._stack.enter_context(self._doors())
        return self

    def __exit__(self, *_: object) -> None:
        # All at once: each server takes a few tenths of a second to notice.
        ends = [self._stack.close, self.slack.stop, self.pagerduty.stop, self.statuspage.stop, self.github.stop]
        threads = [threading.Thread(target=end) for end in ends]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.redis.close()

    @contextmanager
    def _doors(self) -> Iterator[None]:
        door = SlackDoor(self, now=self.now)
        socket, stop = SlackSocket(self.slack.app_token, door.envelope, self.slack.api_url), threading.Event()
        secrets = ",".join(self.pagerduty.webhooks.secrets)
        pager = PagerDutyDoor(secrets, ["PSERVICE1"], self.now)
        wire = web.listen("127.0.0.1", 0)
        server = web.server(web.build(self, {"/pagerduty/webhook": pager.receive}))
        threads = [
            threading.Thread(target=socket.run, args=(stop,), daemon=True),
            threading.Thread(target=server.run, kwargs={"sockets": [wire]}, daemon=True),
        ]
        for thread in threads:
            thread.start()
        self.webhook = f"http://127.0.0.1:{wire.getsockname()[1]}/pagerduty/webhook"
        self.pagerduty.webhooks.url = self.webhook
        self.slack.wait_for(lambda: self.slack.socket.connections)
        try:
            yield
        finally:
            stop.set()
            server.should_exit = True
            for thread in threads:
                thread.join(10)
            wire.close()
            door.close()

    def take(self, call: object) -> bool:
        """The doors' desk: that of the house that stands now."""
        return self.desk.take(call)  # type: ignore[arg-type]

    def engineers(self, *users: str) -> None:
        """Who is on call by Slack's user group; as the bot asks for it the next time."""
        groups = self.slack.workspace.groups
        groups["SONCALL"] = replace(groups["SONCALL"], users=users)

    # ------------------------------------------------------------ time

    def settle(self) -> None:
        """Attend to everything that is due, until nothing is."""
        for _ in range(500):
            with self.pagerduty.changed:
                self.pagerduty.account.tick()
            self.pagerduty.wait_for(self._told)
            members = [*self.line.members, *self.desk.store.due_now(self.at)]
            self.line.members.clear()
            if not members and self._told():
                return
            for member, mark in members:
                self.desk.attend(member, mark)
        raise AssertionError(f"it never comes to rest: {members}")

    def _told(self) -> bool:
        return all(each.state != "waiting" for each in self.pagerduty.webhooks.deliveries)

    def goes(self, minutes: float = 0, *, hours: float = 0, seconds: float = 0) -> None:
        """Time goes by: from one thing that falls due to the next."""
        until = self.at + timedelta(minutes=minutes, hours=hours, seconds=seconds)
        self.settle()
        for _ in range(5000):
            due = self.desk.store.next_due()
            if due is None or due > until:
                break
            self.at = max(self.at, due)
            self.settle()
        else:
            raise AssertionError("time does not get on")
        self.at = until
        self.settle()

    def polls(self) -> None:
        """Ask PagerDuty now, as is done every 30 s."""
        self.desk.attend("poll:")
        self.redis.zrem(self.desk.store.key("due"), "poll:")

    # ------------------------------------------------------------ looking

    def room(self, number: int = 1) -> str:
        """The name of an incident's channel."""
        self.settle()
        incident = self.incident(number)
        assert incident.channel, f"incident {number} has no channel"
        return self.slack.channel(incident.channel).name

    def incident(self, number: int = 1) -> Incident:
        found = self.desk.store.incident(number)
        assert found is not None, f"there is no incident {number}"
        return found

    def types(self, channel: str, text: str, who: str = "noor") -> None:
        self.slack.as_user(who).types(channel, text).ok()
        self.settle()

    def presses(self, card: Message, label: str, who: str = "noor") -> None:
        self.slack.as_user(who).presses(card, label).ok()
        self.settle()

    def told(self, channel: str, beginning: str) -> list[Message]:
        """The messages of a channel that begin so, oldest first."""
        self.settle()
        return [each for each in self.slack.channel(channel).messages if each.text.startswith(beginning)]

    def says(self, channel: str, beginning: str, times: int | None = None) -> Message:
        """The latest message of the channel that begins so; with ``times``, exactly so many there are."""
        found = self.told(channel, beginning)
        if not found or times not in (None, len(found)):
            raise AssertionError(
                f"{len(found)} messages begin with “{beginning}”, not {times or 'any'}:\n{self.transcript(channel)}"
            )
        return found[-1]

    def silent(self, channel: str, beginning: str) -> None:
        """No message of the channel begins so."""
        assert not self.told(channel, beginning), self.transcript(channel)

    def whispered(self, channel: str, beginning: str, who: str = "noor") -> Message:
        """The latest message that only this person sees."""
        self.settle()
        mine = [each for each in self.slack.seen_by(who, channel) if each.visible_to]
        found = [each for each in mine if each.text.startswith(beginning)]
        assert found, f"{who} was told {[each.text for each in mine]}"
        return found[-1]

    def dms(self, who: str) -> list[Message]:
        """What the bot has said to this person directly."""
        self.settle()
        user = self.slack.user(who).id
        return [
            each
            for channel in self.slack.workspace.channels.values()
            if channel.kind == "im" and user in channel.members
            for each in channel.messages
        ]

    def labels(self, card: Message) -> list[str]:
        """What the buttons on it say, as it stands now."""
        return [each.label for each in elements(self.slack.now_of(card).blocks)]

    def shown(self, card: Message) -> str:
        """A message as it stands now, as people see it."""
        now = card if card.visible_to else self.slack.now_of(card)
        return now.text + "\n" + str(now.blocks)

    def kinds(self, number: int = 1) -> list[str]:
        return [each.kind for each in self.desk.store.timeline(number)]

    def transcript(self, channel: str) -> str:
        return Transcript(self.slack.workspace).channel(channel, acts=self.slack.deliveries)
