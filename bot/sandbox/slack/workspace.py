"""The workspace: people, channels and what was said, behind one lock, with a feed of every change.

Nothing here knows of HTTP, sockets or tokens. Methods raise `SlackError` with Slack's own names.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Literal

from bot.sandbox.slack.blocks import Message, SlackFile, Version, View, pings
from bot.sandbox.slack.feed import Feed
from bot.sandbox.slack.model import SLACKBOT, Bookmark, Json, SlackError, Team, User, UserGroup

Kind = Literal["public", "private", "im", "mpim"]
_NAME = re.compile(r"[\w-]+", re.UNICODE)
_by_ts = attrgetter("ts")  # as text, because all have the same width until the year 2286


@dataclass(slots=True, eq=False)
class Channel:
    """A channel, DM or group DM. Lists are copies; the message values in them never change."""

    id: str
    name: str
    kind: Kind
    creator: str
    created: int
    members: dict[str, None] = field(default_factory=dict)
    topic: str = ""
    topic_by: str = ""
    purpose: str = ""
    purpose_by: str = ""
    archived: bool = False
    former_names: list[str] = field(default_factory=list)
    by_ts: dict[str, Message] = field(default_factory=dict)
    hidden: dict[str, Message] = field(default_factory=dict)
    pins: dict[str, tuple[str, int]] = field(default_factory=dict)
    bookmarks: dict[str, Bookmark] = field(default_factory=dict)

    @property
    def history(self) -> list[Message]:
        """Everything not ephemeral, replies and Slack's own lines ("has joined") included, oldest first."""
        return sorted(self.by_ts.values(), key=_by_ts)

    @property
    def messages(self) -> list[Message]:
        """What people and the bot said, replies included, oldest first; neither ephemerals nor Slack's own lines."""
        return [one for one in self.history if not one.is_system]

    @property
    def ephemerals(self) -> list[Message]:
        return sorted(self.hidden.values(), key=_by_ts)

    @property
    def pinned(self) -> list[Message]:
        return [self.by_ts[ts] for ts in list(self.pins) if ts in self.by_ts]

    def thread(self, ts: str) -> list[Message]:
        """The replies under a message, oldest first, without the message itself."""
        return sorted((one for one in list(self.by_ts.values()) if one.thread_ts == ts and one.ts != ts), key=_by_ts)


class Workspace(Feed):
    """State, and the ways it may change. Every method is safe to call from any thread."""

    def __init__(self, team: Team, now: Callable[[], float]) -> None:
        super().__init__(now)
        self.team = team
        self.users: dict[str, User] = {}
        self.groups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, SlackFile] = {}
        #: Modals open before each person, the topmost last.
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        #: canvas id → its title, content and channel.
        self.canvases: dict[str, Json] = {}
        #: upload ticket → the file to come and its announced length in bytes.
        self.uploads: dict[str, tuple[SlackFile, int]] = {}
        self._ids = itertools.count(1)
        self._last_micros = 0

    # -- names and ids

    def new_id(self, prefix: str) -> str:
        """An id of Slack's look: a letter and capitals, never used before."""
        with self.changed:
            return f"{prefix}0{next(self._ids):07X}"

    def new_ts(self) -> str:
        """A message's ts: now, and later than every ts before, because it is the message's name as well."""
        with self.changed:
            micros = max(int(self.now() * 1_000_000), self._last_micros + 1)
            self._last_micros = micros
            return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def user(self, id_or_name: str) -> User:
        with self.changed:
            wanted = id_or_name.removeprefix("@")
            found = self.users.get(wanted)
            if found is None:
                found = next((one for one in self.users.values() if one.name == wanted), None)
            if found is None:
                raise SlackError("user_not_found")
            return found

    def channel(self, id_or_name: str) -> Channel:
        with self.changed:
            wanted = id_or_name.removeprefix("#")
            found = self.channels.get(wanted)
            if found is None:
                found = next((one for one in self.channels.values() if one.name == wanted != ""), None)
            if found is None:
                raise SlackError("channel_not_found")
            return found

    def message(self, channel: str, ts: str) -> Message:
        """A message that is not ephemeral."""
        with self.changed:
            found = self.channel(channel).by_ts.get(ts)
            if found is None:
                raise SlackError("message_not_found")
            return found

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """What this person sees in the channel: everything said, and the ephemerals meant for them."""
        with self.changed:
            where, who = self.channel(channel), self.user(user).id
            mine = [one for one in where.hidden.values() if one.visible_to == who]
            return sorted([*where.by_ts.values(), *mine], key=_by_ts)

    # -- channels

    def add_channel(
        self, name: str, creator: str, *, kind: Kind = "public", id: str = "", members: Iterable[str] = ()
    ) -> Channel:
        with self.changed:
            if kind in ("public", "private"):
                self._check_name(name)
            prefix = "D" if kind == "im" else "C"
            made = Channel(id or self.new_id(prefix), name, kind, creator, int(self.now()))
            made.members.update(dict.fromkeys([*([creator] if creator else []), *members]))
            self.channels[made.id] = made
            self.tell("channel_created", made.id, user=creator, name=name)
            return made

    def _check_name(self, name: str, but: Channel | None = None) -> None:
        if not name.strip():
            raise SlackError("invalid_name_required")
        if len(name) > 80:
            raise SlackError("invalid_name_maxlength")
        if name != name.lower() or not _NAME.fullmatch(name):
            raise SlackError("invalid_name_specials")
        if not any(one.isalnum() for one in name):
            raise SlackError("invalid_name_punctuation")
        if any(one.name == name and one is not but for one in self.channels.values()):
            raise SlackError("name_taken")

    def direct(self, *users: str) -> Channel:
        """The DM (or group DM) of exactly these people, opened when there is none."""
        with self.changed:
            wanted = {self.user(one).id for one in users}
            kind: Kind = "im" if len(wanted) <= 2 else "mpim"
            for one in self.channels.values():
                if one.kind == kind and set(one.members) == wanted:
                    return one
            name = "" if kind == "im" else "mpdm-" + "--".join(self.users[one].name for one in users) + "-1"
            return self.add_channel(name, users[0], kind=kind, members=users)

    def rename(self, channel: Channel, name: str, by: str) -> None:
        with self.changed:
            self._check_name(name, but=channel)
            old, channel.name = channel.name, name
            channel.former_names.append(old)
            self._line(channel, by, "channel_name", f"has renamed the channel from “{old}” to “{name}”", name=name)
            self.tell("channel_rename", channel.id, user=by, name=name, old_name=old)

    def archive(self, channel: Channel, by: str, *, archived: bool = True) -> None:
        with self.changed:
            verb = "archive" if archived else "unarchive"
            if not archived:
                channel.archived = False
            said = f"{verb}d the channel"
            self._line(channel, by, f"channel_{verb}", said)
            channel.archived = archived
            self.tell(f"channel_{verb}", channel.id, user=by)

    def describe(self, channel: Channel, what: Literal["topic", "purpose"], text: str, by: str) -> None:
        with self.changed:
            if getattr(channel, what) == text:
                return
            setattr(channel, what, text)
            setattr(channel, f"{what}_by", by)
            self._line(channel, by, f"channel_{what}", f"set the channel {what}: {text}", **{what: text})
            self.tell(f"channel_{what}", channel.id, user=by, text=text)

    def join(self, channel: Channel, user: str, inviter: str = "") -> None:
        with self.changed:
            if user in channel.members:
                return
            channel.members[user] = None
            if channel.kind in ("public", "private"):
                more = {"inviter": inviter} if inviter else {}
                self._line(channel, user, "channel_join", f"<@{user}> has joined the channel", **more)
            self.tell("member_joined_channel", channel.id, user=user, inviter=inviter)

    def leave(self, channel: Channel, user: str) -> None:
        with self.changed:
            if channel.members.pop(user, "out") == "out":
                return
            self._line(channel, user, "channel_leave", f"<@{user}> has left the channel")
            self.tell("member_left_channel", channel.id, user=user)

    def _line(self, channel: Channel, user: str, subtype: str, text: str, **extra: Any) -> None:
        if channel.kind in ("public", "private"):
            self.add(Message(channel.id, self.new_ts(), user, text, subtype=subtype, extra=extra))

    # -- messages

    def add(self, message: Message) -> Message:
        """Put a message into its channel, ephemeral when `visible_to` is set, and work out whom it pings."""
        with self.changed:
            where = self.channel(message.channel)
            if where.archived:
                raise SlackError("is_archived")
            if message.subtype not in ("channel_join", "channel_leave"):
                message = replace(message, pings=pings(message.text, message.blocks, message.attachments))
            if message.thread_ts and (parent := where.by_ts.get(message.thread_ts)) and not parent.thread_ts:
                where.by_ts[parent.ts] = replace(parent, thread_ts=parent.ts)
            kept = where.hidden if message.visible_to else where.by_ts
            kept[message.ts] = message
            kind = "ephemeral" if message.visible_to else "message"
            self.tell(kind, where.id, message.ts, message.user, message=message)
            return message

    def edit(self, message: Message, **changes: Any) -> Message:
        """The message with other words; what it said before is kept in `versions`."""
        with self.changed:
            where = self.channel(message.channel)
            kept = where.hidden if message.visible_to else where.by_ts
            old = kept.get(message.ts)
            if old is None:
                raise SlackError("message_not_found")
            new = replace(old, **changes, versions=(*old.versions, Version(self.now(), old.text, old.blocks)))
            new = replace(new, pings=pings(new.text, new.blocks, new.attachments))
            kept[message.ts] = new
            kind = "ephemeral_changed" if message.visible_to else "message_changed"
            self.tell(kind, where.id, new.ts, new.user, message=new, previous=old)
            return new

    def delete(self, message: Message) -> None:
        with self.changed:
            where = self.channel(message.channel)
            kept = where.hidden if message.visible_to else where.by_ts
            old = kept.pop(message.ts, None)
            if old is None:
                raise SlackError("message_not_found")
            where.pins.pop(old.ts, None)
            if not old.visible_to and where.thread(old.ts):
                # A thread keeps its head: Slack leaves a stone where the parent stood.
                kept[old.ts] = Message(
                    where.id,
                    old.ts,
                    SLACKBOT,
                    "This message was deleted.",
                    thread_ts=old.ts,
                    subtype="tombstone",
                )
            kind = "ephemeral_deleted" if old.visible_to else "message_deleted"
            self.tell(kind, where.id, old.ts, old.user, previous=old)

    def forget_ephemerals(self, user: str) -> None:
        """A reload of the client: what only this person saw is gone."""
        with self.changed:
            who = self.user(user).id
            for where in self.channels.values():
                for message in [one for one in where.hidden.values() if one.visible_to == who]:
                    self.delete(message)

    # -- marks

    def react(self, message: Message, name: str, user: str) -> None:
        with self.changed:
            now = self.message(message.channel, message.ts)
            users = now.reactions.get(name, ())
            if user in users:
                raise SlackError("already_reacted")
            if name not in now.reactions and len(now.reactions) >= 23:
                raise SlackError("too_many_emoji")
            self._set_reactions(now, {**now.reactions, name: (*users, user)})
            self.tell("reaction_added", now.channel, now.ts, user, name=name, item_user=now.user)

    def unreact(self, message: Message, name: str, user: str) -> None:
        with self.changed:
            now = self.message(message.channel, message.ts)
            users = now.reactions.get(name, ())
            if user not in users:
                raise SlackError("no_reaction")
            left = {**now.reactions, name: tuple(one for one in users if one != user)}
            self._set_reactions(now, {key: who for key, who in left.items() if who})
            self.tell("reaction_removed", now.channel, now.ts, user, name=name, item_user=now.user)

    def _set_reactions(self, message: Message, reactions: Mapping[str, tuple[str, ...]]) -> None:
        self.channel(message.channel).by_ts[message.ts] = replace(message, reactions=reactions)

    def pin(self, message: Message, user: str) -> None:
        with self.changed:
            where = self.channel(message.channel)
            if message.ts in where.pins:
                raise SlackError("already_pinned")
            if len(where.pins) >= 100:
                raise SlackError("too_many_pins")
            where.pins[message.ts] = (user, int(self.now()))
            self.tell("pin_added", where.id, message.ts, user)

    def unpin(self, message: Message, user: str) -> None:
        with self.changed:
            where = self.channel(message.channel)
            if where.pins.pop(message.ts, None) is None:
                raise SlackError("no_pin")
            self.tell("pin_removed", where.id, message.ts, user)
