"""The road without processes: the real desk on a real Redis, a Slack in memory, and a clock that moves when told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from bot.domain.call import Call
from bot.domain.errors import Gone, Refused
from bot.outside.parts import load
from bot.outside.queues.part import QUEUES
from bot.outside.queues.protocol import Bucket, QueueStatus
from bot.outside.slack.part import SLACK
from bot.outside.slack.protocol import Postable, Said
from bot.road.posting import Posting
from bot.road.reception import WorkQueue
from bot.settings.environment import Settings
from bot.wiring import House, house

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

ACCESS = """\
[access]
channels = ["ops", "COPS", "inc-*"]
oncall = ["UONCALL", "USECOND"]
leads = ["ULEAD"]

[queues.reposts]
backend = "bullmq"
"""


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass(slots=True)
class Shown:
    """A message as it stands in the channel now."""

    channel: str
    ts: str
    text: str
    blocks: Sequence[Mapping[str, Any]]
    key: str = ""
    thread: str = ""
    to: str = ""
    edits: int = 0

    def button(self, label: str) -> str:
        """What the button of that label says."""
        for block in self.blocks:
            for element in [*block.get("elements", ()), block.get("accessory") or {}]:
                if element.get("type") == "button" and element["text"]["text"] == label:
                    return str(element["value"])
        raise AssertionError(f"there is no button “{label}” on “{self.text}”")

    @property
    def all(self) -> str:
        """Everything that is written on it."""
        return f"{self.text} {self.blocks}"


class Slack:
    """``Workspace`` in memory. ``trouble``: method → what its next calls raise, None for a call that works."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.whispers: list[Shown] = []
        self.responded: list[Shown] = []
        self.homes: dict[str, Any] = {}
        self.forms: list[Mapping[str, Any]] = []
        self.uploads: list[tuple[str, str, bytes, str]] = []
        self.channels: dict[str, str] = {}
        self.invited: list[tuple[str, tuple[str, ...]]] = []
        self.pins: list[tuple[str, str]] = []
        self.topics: dict[str, str] = {}
        self.groups: dict[str, list[str]] = {}
        self.named: dict[str, str] = {}
        self.said: dict[tuple[str, str], Said] = {}
        self.trouble: dict[str, deque[BaseException | None]] = {}
        self.calls: list[str] = []
        self.gone: set[str] = set()
        """Channels that were archived or deleted, or that the bot was taken out of."""
        self.after: Callable[[str], None] = lambda method: None
        """Called when a method has had its effect: where a test lets the sender die."""
        self._ts = count(1)

    def fails(self, method: str, *errors: BaseException | None) -> None:
        self.trouble.setdefault(method, deque()).extend(errors)

    def texts(self, channel: str = "") -> list[str]:
        return [each.text for each in self.shown if channel in ("", each.channel)]

    def _spoken_in(self, channel: str) -> None:
        if channel in self.gone:
            raise Gone(f"<#{channel}> is archived. Unarchive it in Slack first.")

    def _called(self, method: str) -> None:
        self.calls.append(method)
        waiting = self.trouble.get(method)
        if waiting and (error := waiting.popleft()):
            raise error

    def post(self, channel: str, message: Postable, key: str, thread: str = "", since: datetime | None = None) -> str:
        self._called("post")
        self._spoken_in(channel)
        if since is not None:
            for each in self.shown:
                if each.key == key and each.channel == channel:
                    return each.ts
        ts = f"1700000000.{next(self._ts):06d}"
        self.shown.append(Shown(channel, ts, message.text, message.blocks, key, thread))
        self.after("post")
        return ts

    def find(self, ts: str) -> Shown:
        return next(each for each in self.shown if each.ts == ts)

    def update(self, channel: str, ts: str, message: Postable) -> None:
        self._called("update")
        self._spoken_in(channel)
        found = [each for each in self.shown if (each.channel, each.ts) == (channel, ts)]
        if not found:
            raise Refused("That message is no longer there.")
        found[0].text, found[0].blocks = message.text, message.blocks
        found[0].edits += 1
        self.after("update")

    def whisper(self, channel: str, user: str, message: Postable, response_url: str = "", thread: str = "") -> None:
        self._called("whisper")
        self.whispers.append(Shown(channel, "", message.text, message.blocks, thread=thread, to=user))
        self.after("whisper")

    def respond(self, response_url: str, message: Postable) -> None:
        self._called("respond")
        self.responded.append(Shown(response_url, "", message.text, message.blocks))
        self.after("respond")

    def upload(
        self, channel: str, name: str, title: str, content: bytes, thread: str = "", since: datetime | None = None
    ) -> str:
        self._called("upload")
        if since is not None and any(each[:2] == (channel, name) and each[3] == thread for each in self.uploads):
            return "F1"
        self.uploads.append((channel, name, content, thread))
        self.after("upload")
        return f"F{len(self.uploads)}"

    def canvas(self, channel: str, markdown: str) -> None:
        self._called("canvas")
        self.after("canvas")

    def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        self._called("open_form")
        self.forms.append(view)

    def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        self._called("publish_home")
        self.homes[user] = view

    def members(self, group: str) -> Sequence[str]:
        self._called("members")
        if group not in self.groups:
            raise Refused(f"There is no user group `{group}` in this workspace.")
        return self.groups[group]

    def ping(self) -> str:
        return self.identity()["team"]

    def identity(self) -> Mapping[str, str]:
        self._called("identity")
        return {"user_id": "UBOT", "team": "Reposters", "scopes": ""}

    def message(self, channel: str, ts: str) -> Said:
        self._called("message")
        if (channel, ts) not in self.said:
            raise Refused("That message is no longer there.")
        return self.said[channel, ts]

    def create_channel(self, name: str, since: datetime) -> str:
        self._called("create_channel")
        id = self.channels.setdefault(name, f"CNEW{len(self.channels) + 1}")
        self.after("create_channel")
        return id

    def invite(self, channel: str, users: Sequence[str]) -> None:
        self._called("invite")
        self.invited.append((channel, tuple(users)))

    def set_topic(self, channel: str, topic: str) -> None:
        self._called("set_topic")
        self.topics[channel] = topic

    def pin(self, channel: str, ts: str) -> None:
        self._called("pin")
        if (channel, ts) not in self.pins:
            self.pins.append((channel, ts))

    def bookmark(self, channel: str, title: str, link: str) -> None:
        self._called("bookmark")

    def link(self, channel: str, ts: str) -> str:
        return f"https://slack.example/archives/{channel}/p{ts}"

    def name(self, user: str) -> str:
        return user.lower()

    def email(self, user: str) -> str:
        return f"{user.lower()}@reposter.example"

    def user_of(self, email: str) -> str:
        return email.partition("@")[0].upper()

    def channel_name(self, channel: str) -> str:
        self._called("channel_name")
        return self.named.get(channel, "")

    def dm(self, user: str) -> str:
        return f"D{user}"


class Queue:
    """A queue that can be looked at, paused and resumed."""

    name = "reposts"
    max_replay = 100

    def __init__(self) -> None:
        self.paused = False
        self.down: Refused | None = None
        self.switched: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        """Called whenever it is looked at: where a test lets somebody else be quicker."""

    def status(self) -> QueueStatus:
        if self.down:
            raise self.down
        self.meanwhile()
        return QueueStatus(self.name, "bullmq", "bullmq:6.7.0", self.paused, 9, 1, 0, 3, 5, 9, None, 2.0, 1)

    def history(self, since: datetime, until: datetime, step: timedelta) -> Sequence[Bucket]:
        return []

    def switchable(self, *, paused: bool) -> None: ...

    def pause(self) -> None:
        self.paused = True
        self.switched.append("pause")

    def resume(self) -> None:
        self.paused = False
        self.switched.append("resume")


@dataclass(slots=True)
class QueuesOfOne:
    """``Queues`` with one queue."""

    queue: Queue

    def names(self) -> Sequence[str]:
        return [self.queue.name]

    def get(self, name: str) -> Any:
        if name != self.queue.name:
            raise Refused(f"The catalogue has no queue `{name}`.", f"Did you mean `{self.queue.name}`?")
        return self.queue


@dataclass(slots=True)
class Line:
    """``WorkQueue`` in memory."""

    waiting: deque[tuple[str, str]] = field(default_factory=deque)
    space: tuple[int, int] = (500, 500)

    def push(self, members: Sequence[tuple[str, str]]) -> None:
        self.waiting.extend(members)

    def room(self) -> tuple[int, int]:
        return self.space


class Night:
    """A whole installation in one process. ``again`` gives another process of the same installation."""

    def __init__(self, redis_url: str, folder: Path, catalogue: str = ACCESS, lease: float = 5.0) -> None:
        # A Slack that nobody can reach: whatever goes around the one in memory fails.
        environment = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": "http://127.0.0.1:9/api/", "REDIS_URL": redis_url}
        environment["FIREWATCH_LEASE"] = f"{lease:g}"
        self._environment, self._folder = environment, folder
        self.settings = self._settings(catalogue)
        self.clock = Clock()
        self.slack = Slack()
        self.queue = Queue()
        self.line = Line()
        self._ids = count(1)
        self.parts = (
            replace(SLACK, build=lambda settings, around: self.slack),
            replace(QUEUES, build=lambda settings, around: QueuesOfOne(self.queue)),
        )
        self.house = self.again()

    def _settings(self, catalogue: str) -> Settings:
        (self._folder / "firewatch.toml").write_text(catalogue, encoding="utf-8")
        return load(self._environment, self._folder, "do")

    def catalogued(self, catalogue: str) -> House:
        """A fresh process, after somebody has changed the catalogue."""
        self.settings = self._settings(catalogue)
        return self.again()

    def fresh(self) -> None:
        """Everything as at the beginning, but for what is in Redis."""
        self.clock.at = NOON
        self.slack.__init__()  # type: ignore[misc]
        self.queue.__init__()  # type: ignore[misc]
        self.line.waiting.clear()

    def again(self, line: WorkQueue | None = None) -> House:
        """The desk of a fresh process, knowing nothing but what is on record."""
        line = line or self.line
        self.house = house(self.settings, self.clock, parts=self.parts, line=line, draw=lambda picture, facts: b"PNG")
        return self.house

    def call(self, text: str, actor: str = "UONCALL", channel: str = "COPS", **more: Any) -> Call:
        id = more.pop("id", f"call{next(self._ids):012d}")
        return Call(id, actor, channel, text, self.clock(), **more)

    def says(self, text: str, actor: str = "UONCALL", channel: str = "COPS", **more: Any) -> Call:
        """Take a sentence and let the workers come to rest."""
        call = self.call(text, actor, channel, **more)
        self.house.desk.take(call)
        self.rests()
        return call

    def presses(self, shown: Shown, label: str, actor: str = "UONCALL", **more: Any) -> Call:
        return self.says(shown.button(label), actor, shown.channel, message=shown.ts, **more)

    def rests(self, within: float = 5.0) -> None:
        """Let everything happen that is due now or falls due within so many seconds, as the clock and workers would."""
        desk, until = self.house.desk, self.clock.at + timedelta(seconds=within)
        for _ in range(1000):
            while self.line.waiting:
                desk.attend(*self.line.waiting.popleft())
            following = desk.store.next_due()
            if following is None or following > until:
                return
            self.clock.at = max(self.clock.at, following)
            self.line.push(desk.store.due_now(self.clock()))
        raise AssertionError(f"never at rest: {desk.store.next_due()}, {self.slack.texts()[-5:]}")

    @property
    def last(self) -> Shown:
        """The latest message in a channel."""
        return self.slack.shown[-1]

    @property
    def told(self) -> Shown:
        """The latest that one person alone was told."""
        return self.slack.whispers[-1]

    def opens(self, title: str = "Uploads fail") -> str:
        """Open an incident and give its channel."""
        self.says(f"/incident open {title}")
        incident = self.house.store.incidents("all", 1)[0]
        return incident.channel


def posting(key: str = "k", **more: Any) -> Posting:
    """A message to #ops."""
    message = {"text": "hello", "blocks": [], "extras": {}}
    return Posting(**{"mode": "post", "key": key, "channel": "COPS", "message": message, **more})
