"""A channel of the sandbox's Slack as text, as a person would see it: for `firewatch drill` and for failing tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.sandbox.blocktext import Names, element_as_text, lines, mrkdwn_as_text, wrapped
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.model import SLACKBOT, SlackError, User
from bot.sandbox.slack.traffic import Delivery
from bot.sandbox.slack.workspace import Channel, Workspace


@dataclass(frozen=True, slots=True)
class Transcript:
    """Renders what stands in the workspace now, with every edit applied. Times are UTC, lines at most `width` wide."""

    workspace: Workspace
    width: int = 96

    @property
    def names(self) -> Names:
        users, groups = self.workspace.users, self.workspace.groups
        return Names(
            user=lambda one: users[one].real_name if one in users else one,
            channel=lambda one: found.name if (found := self.workspace.channels.get(one)) else one,
            group=lambda one: groups[one].handle if one in groups else one,
        )

    def channel(self, name: str, seen_by: str = "", acts: Iterable[Delivery] = ()) -> str:
        """The whole channel, threads under their messages.

        `seen_by`: as this person sees it; without, everything, each ephemeral marked with whose it is. `acts`: what
        people did (`slack.deliveries`), told between the messages where it happened.
        """
        workspace = self.workspace
        with workspace.locked():
            where = workspace.channel(name)
            hidden = where.ephemerals
            if seen_by:
                who = workspace.user(seen_by).id
                hidden = [one for one in hidden if one.visible_to == who]
            messages = sorted([*where.history, *hidden], key=lambda one: one.at)
            heads = {one.ts for one in messages if not one.is_reply}
            told: list[tuple[tuple[int, bool], list[str]]] = []
            for message in messages:
                if message.is_reply and message.thread_ts in heads:
                    continue
                said = self.message(message)
                for reply in messages:
                    if reply.is_reply and reply.thread_ts == message.ts:
                        said += self.message(reply, indent="    │ ")
                told.append((_order(message.at, act=False), said))
            told += [
                (_order(one.at, act=True), [line])
                for one in acts
                if _channel_of(one) in ("", where.id) and (line := self.act(one))
            ]
            told.sort(key=lambda one: one[0])
            out = [*self._head(where), *(line for _, said in told for line in said)]
        return "\n".join(out) + "\n"

    def _head(self, where: Channel) -> Iterator[str]:
        title = f"#{where.name}" if where.name else " and ".join(self.names.user(one) for one in where.members)
        yield f"{title}{' (archived)' if where.archived else ''}"
        if where.topic:
            yield from wrapped(mrkdwn_as_text(where.topic, self.names), self.width)
        if where.bookmarks:
            yield " · ".join(f"🔖 {one.title} ({one.link})" for one in where.bookmarks.values())
        if where.pinned:
            yield f"📌 {len(where.pinned)} pinned"
        yield "─" * self.width

    def message(self, message: Message, indent: str = "") -> list[str]:
        """One message: a line of who and when, then what it says."""
        body_indent, width = f"{indent}       ", self.width - len(indent) - 7
        body = list(self._body(message, width))
        if message.is_system:
            said = mrkdwn_as_text(message.text, self.names)
            if not said.startswith("@"):
                said = f"{self.names.user(message.user)} {said}"
            return [f"{indent}{time_of_day(message.at)}  — {said.removeprefix('@')}"]
        return [
            f"{indent}{time_of_day(message.at)}  {self._who(message)}",
            *(f"{body_indent}{one}".rstrip() for one in body),
        ]

    def _who(self, message: Message) -> str:
        user = self.workspace.users.get(message.user)
        name = message.username or (user.real_name if user else message.user)
        marks = []
        if message.user == SLACKBOT or (user is not None and user.is_bot):
            marks.append("APP")
        if message.visible_to:
            marks.append(f"(only {self.names.user(message.visible_to)} sees this)")
        if message.edited_at:
            marks.append("(edited)")
        where = self.workspace.channels.get(message.channel)
        if where is not None and message.ts in where.pins:
            marks.append(f"📌 {self.names.user(where.pins[message.ts][0])}")
        return "  ".join([name, *marks])

    def _body(self, message: Message, width: int) -> Iterator[str]:
        shows_blocks = message.blocks and message.bot_id
        if shows_blocks:
            yield from lines(message.blocks, self.names, width)
        elif message.text:
            yield from wrapped(mrkdwn_as_text(message.text, self.names), width)
        for attachment in message.attachments:
            said = attachment.get("text") or attachment.get("fallback") or ""
            inner = [*wrapped(mrkdwn_as_text(said, self.names), width - 2)] if said else []
            inner += lines(attachment.get("blocks") or (), self.names, width - 2)
            yield from (f"▎ {one}" for one in inner)
        for file in message.files:
            title = f" · {file.title}" if file.title != file.name else ""
            yield f"(file: {file.name}{title}, {size(len(file.content))})"
        if message.reactions:
            yield "  ".join(
                mrkdwn_as_text(f":{name}: {len(users)}", self.names) for name, users in message.reactions.items()
            )

    def view(self, view: View) -> str:
        """A modal or home tab, with the sentences of the app's last validation beside their inputs."""
        out = [f"┌ {view.title or 'Home'}"]
        for block in view.blocks:
            out += [f"│ {one}".rstrip() for one in lines([block], self.names, self.width - 2)]
            if wrong := view.errors.get(block["block_id"]):
                out.append(f"│   ! {wrong}")
        buttons = [
            element_as_text({"type": "button", "text": one}, self.names)
            for one in (view.body.get("close"), view.body.get("submit"))
            if one
        ]
        return "\n".join([*out, f"└ {'  '.join(buttons)}".rstrip()]) + "\n"

    def act(self, delivery: Delivery) -> str:
        """What a person did that leaves no message behind: a command typed, a button pressed, a form sent.

        '' for what the transcript of the channel shows anyway.
        """
        try:
            who = self.workspace.user(delivery.user)
        except SlackError:
            return ""
        done = self._done(who, delivery)
        if not done:
            return ""
        ack = f"{delivery.latency * 1000:.0f} ms" if delivery.latency is not None else delivery.error or "…"
        return f"{time_of_day(delivery.at)}  ▸ {done}  ({ack})"

    def _done(self, who: User, delivery: Delivery) -> str:
        said = delivery.payload
        if delivery.kind == "command":
            return f"{who.real_name} types {said['command']} {said['text']}".rstrip()
        match said.get("type"):
            case "block_actions":
                action = said["actions"][0]
                if action["type"] == "button":
                    return f"{who.real_name} presses [{action['text']['text']}]"
                return f"{who.real_name} chooses in {action['action_id']}"
            case "view_submission":
                return f"{who.real_name} sends the form “{said['view']['title']['text']}”"
            case "message_action" | "shortcut":
                return f"{who.real_name} uses the shortcut {said['callback_id']}"
            case _:
                return ""


def _channel_of(delivery: Delivery) -> str:
    """Where it happened; '' for a form, which hangs over no channel."""
    said = delivery.payload
    return str(said.get("channel_id") or (said.get("channel") or {}).get("id", "")) if "event" not in said else "event"


def _order(at: float, *, act: bool) -> tuple[int, bool]:
    """By microsecond, as ts are; what a person did comes before what came of it."""
    return int(at * 1_000_000), not act


def time_of_day(at: float) -> str:
    """Hours and minutes in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")


def size(count: int) -> str:
    """A file's size as people say it."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
