"""The workspace as HTML: what a person sees of a channel, a message, a form, and of the wire."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from bot.sandbox.page import markup
from bot.sandbox.page.markdown import markdown
from bot.sandbox.page.surface import Surface, dom, picture
from bot.sandbox.slack.blocks import Message, SlackFile, View
from bot.sandbox.slack.model import SLACKBOT, User
from bot.sandbox.slack.workspace import Channel, Workspace

Json = dict[str, Any]
HERE: Final = Path(__file__).resolve().parent

SHOWN: Final = 60
"""Messages a channel opens with; earlier ones come when they are scrolled to."""

REPLIES: Final = 50
DRAWN: Final = 4_000
"""Messages kept as they were last drawn, some 5 kB each."""

Drawn = tuple[str, str, str, bool, tuple[str, ...]]
"""Who looks, at which message of which channel, may they write, and who pinned it and its replies."""

TEXT_LINES: Final = 12
ROLES: Final = {"oncall": "on call", "leads": "lead"}


class Views:
    """Renders for one sandbox; safe to call from any thread."""

    def __init__(self, workspace: Workspace, shortcuts: Mapping[str, str] | None = None) -> None:
        self.workspace = workspace
        self.shortcuts = dict(shortcuts or {})
        self._drawn: dict[Drawn, tuple[tuple[Message, ...], Markup]] = {}
        self.env = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.env.filters |= {
            "said": markup.text,
            "rich": markup.rich,
            "markdown": markdown,
            "dom": dom,
            "clock": markup.time_tag,
            "size": size,
            "asset": asset,
        }
        self.env.globals |= {"team": workspace.team.name}

    def render(self, template: str, **facts: Any) -> Markup:
        return Markup(self.env.get_template(template).render(**facts))

    # ------------------------------------------------------------ people and names

    def people(self) -> list[Json]:
        """Those one can act as, with what they are to the bot."""
        return [
            {"id": one.id, "name": one.name, "real_name": one.real_name, "role": self.role(one)}
            for one in self.workspace.users.values()
            if not one.is_bot and one.id != SLACKBOT and not one.deleted
        ]

    def role(self, user: User) -> str:
        held = [ROLES.get(one.handle, "") for one in self.workspace.groups.values() if user.id in one.users]
        return next((one for one in held if one), "no rights")

    def base(self, me: User) -> str:
        return f"/as/{me.name}"

    def words(self, me: User) -> markup.PageNames:
        workspace = self.workspace
        base = self.base(me)

        def name(id: str) -> str:
            return workspace.users[id].real_name if id in workspace.users else id

        def group(id: str) -> str:
            return workspace.groups[id].handle if id in workspace.groups else id

        def channel(id: str) -> str:
            return workspace.channels[id].name if id in workspace.channels else id

        def link(url: str) -> str:
            return here(url, base, workspace.team.domain)

        mine = frozenset(one.id for one in workspace.groups.values() if me.id in one.users)
        return markup.PageNames(name, group, channel, lambda id: f"{base}/in/{id}", link, me.id, mine)

    def surface(self, me: User, where: Message | View) -> Surface:
        if isinstance(where, View):
            # A modal's title is the h2 above its blocks; the home tab has only the page's h1.
            level = "h2" if where.type == "home" else "h3"
            return Surface(f"v-{dom(where.id)}", self.base(me), self.words(me), self.workspace, {}, where.errors, level)
        return Surface(f"m-{dom(where.channel)}-{dom(where.ts)}", self.base(me), self.words(me), self.workspace)

    # ------------------------------------------------------------ channels

    def nav(self, me: User, now: str, last_seen: Mapping[tuple[str, str], str]) -> list[Json]:
        """The channels this person can look into; `last_seen`: (person, channel) → the last ts they saw."""
        workspace = self.workspace
        with workspace.locked():
            rooms = [
                one
                for one in workspace.channels.values()
                if one.kind == "public" or (me.id in one.members and (one.by_ts or one.hidden))
            ]
            return [
                {
                    "id": one.id,
                    "kind": one.kind,
                    "name": self.title(one, me),
                    "url": f"{self.base(me)}/in/{one.name or one.id}",
                    "here": one.id == now,
                    "member": me.id in one.members,
                    "archived": one.archived,
                    "unread": one.id != now and me.id in one.members and self._unread(one, me, last_seen),
                }
                for one in sorted(rooms, key=lambda one: (one.kind == "im", not one.name.startswith("inc-"), one.name))
            ]

    def _unread(self, one: Channel, me: User, last_seen: Mapping[tuple[str, str], str]) -> bool:
        seen = last_seen.get((me.id, one.id), "")
        latest = next((said for said in reversed(one.by_ts.values()) if not said.is_system), None)
        return latest is not None and latest.ts > seen and latest.user != me.id

    def title(self, channel: Channel, me: User) -> str:
        if channel.name:
            return channel.name
        others = [one for one in channel.members if one != me.id] or [me.id]
        return ", ".join(self.workspace.users[one].real_name for one in others)

    def head(self, me: User, channel: Channel) -> Json:
        words, base = self.words(me), self.base(me)
        with self.workspace.locked():
            pinned, bookmarks = channel.pinned, list(channel.bookmarks.values())
            return {
                "id": channel.id,
                "title": self.title(channel, me),
                "kind": channel.kind,
                "topic": markup.mrkdwn(channel.topic, words),
                "members": [self.workspace.users[one].real_name for one in channel.members],
                "archived": channel.archived,
                "bookmarks": [
                    {
                        "title": one.title,
                        "url": here(one.link, base, self.workspace.team.domain),
                        "emoji": markup.plain(one.emoji),
                    }
                    for one in bookmarks
                ],
                "pins": [
                    {
                        "url": f"#m-{dom(channel.id)}-{dom(one.ts)}",
                        "text": str(markup.mrkdwn(one.text, words).striptags())[:160],
                    }
                    for one in pinned
                ],
            }

    def page_of(
        self, me: User, channel: Channel, before: str = ""
    ) -> tuple[list[Message], dict[str, list[Message]], bool]:
        """The last messages before a ts, the replies under each, and whether there are earlier ones."""
        with self.workspace.locked():
            mine = [one for one in channel.hidden.values() if one.visible_to == me.id]
            everything = [*channel.by_ts.values(), *mine]
        heads: list[Message] = []
        replies: dict[str, list[Message]] = {}
        known = {one.ts for one in everything}
        for one in everything:
            if one.is_reply and one.thread_ts in known:
                replies.setdefault(one.thread_ts, []).append(one)
            if not one.is_reply or one.broadcast or one.thread_ts not in known:
                heads.append(one)
        heads.sort(key=lambda one: one.at)
        if before:
            heads = [one for one in heads if one.ts < before]
        for each in replies.values():
            each.sort(key=lambda one: one.at)
        return heads[-SHOWN:], replies, len(heads) > SHOWN

    # ------------------------------------------------------------ messages

    def messages(self, me: User, channel: Channel, before: str = "") -> Markup:
        heads, replies, more = self.page_of(me, channel, before)
        earlier = f"{self.base(me)}/in/{channel.id}/earlier?before={heads[0].ts}" if more else ""
        drawn = [self.message(me, channel, one, replies.get(one.ts, [])) for one in heads]
        return self.render("messages.html", earlier=earlier, messages=drawn)

    def head_of(self, me: User, channel: Channel, ts: str) -> tuple[Message, list[Message]] | None:
        """The message under which a ts is shown (its thread's head, or itself) with the replies, as things stand."""
        with self.workspace.locked():
            found = channel.by_ts.get(ts) or channel.hidden.get(ts)
            if found is None or (found.visible_to and found.visible_to != me.id):
                return None
            if found.is_reply and found.thread_ts in channel.by_ts:
                found = channel.by_ts[found.thread_ts]
            every = [*channel.by_ts.values(), *channel.hidden.values()]
            replies = [
                one for one in every if one.thread_ts == found.ts and one.is_reply and one.visible_to in ("", me.id)
            ]
        return found, sorted(replies, key=lambda one: one.at)

    def message(self, me: User, channel: Channel, said: Message, replies: Sequence[Message] = ()) -> Markup:
        writes = me.id in channel.members and not channel.archived
        pins = tuple(channel.pins.get(one.ts, ("", 0))[0] for one in (said, *replies))
        drawn = self._drawn.get((me.id, said.channel, said.ts, writes, pins))
        # Messages never change, they are replaced: what was drawn of the very same ones is still right.
        if drawn is not None and _same(drawn[0], (said, *replies)):
            return drawn[1]
        shown = replies[-REPLIES:]
        html = self.render(
            "message.html",
            m=self._facts(me, channel, said),
            replies=[self._facts(me, channel, one) for one in shown],
            hidden_replies=len(replies) - len(shown),
            reply_to=said.ts if writes and not said.is_ephemeral else "",
        )
        if len(self._drawn) >= DRAWN:
            self._drawn.clear()
        self._drawn[me.id, said.channel, said.ts, writes, pins] = (said, *replies), html
        return html

    def _facts(self, me: User, channel: Channel, said: Message) -> Json:
        workspace = self.workspace
        author = workspace.users.get(said.user)
        surface = self.surface(me, said)
        words = surface.words
        attachments = [
            {
                "text": markup.mrkdwn(
                    str(one.get("text") or (one.get("fallback") or "" if "blocks" not in one else "")), words
                ),
                "blocks": one.get("blocks") or (),
            }
            for one in said.attachments
        ]
        return {
            "id": surface.id,
            "s": surface,
            "channel": said.channel,
            "ts": said.ts,
            "at": said.at,
            "url": f"{surface.base}/in/{channel.name or channel.id}#{surface.id}",
            "author": said.username or (author.real_name if author else said.user),
            "initials": initials(said.username or (author.real_name if author else said.user)),
            "author_id": said.user,
            "is_app": bool(said.bot_id) or said.user == SLACKBOT,
            "is_bot": bool(said.bot_id),
            "is_mine": said.user == me.id and not said.is_system,
            "is_system": said.is_system,
            "is_ephemeral": said.is_ephemeral,
            "is_reply": said.is_reply,
            "edited": bool(said.edited_at),
            "pinned_by": words.user(channel.pins[said.ts][0]) if said.ts in channel.pins else "",
            "pings_me": me.id in said.pings or any(f"group:{one}" in said.pings for one in words.my_groups),
            "blocks": said.blocks,
            "text": markup.mrkdwn(said.text, words),
            "plain": str(markup.mrkdwn(said.text, words).striptags()),
            "attachments": attachments,
            "files": [self._file(one) for one in said.files],
            "reactions": [
                {
                    "name": name,
                    "sign": markup.plain(f":{name}:"),
                    "count": len(who),
                    "mine": me.id in who,
                    "who": ", ".join(words.user(one) for one in who),
                }
                for name, who in said.reactions.items()
            ],
            "can_mark": me.id in channel.members and not said.is_ephemeral and not said.is_system,
            "shortcuts": [{"id": id, "name": name} for id, name in self.shortcuts.items()],
        }

    def _file(self, file: SlackFile) -> Json:
        is_text = file.mimetype.startswith(("text/", "application/json")) or file.filetype in ("tsv", "csv", "log")
        lines = file.text.splitlines() if is_text else []
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "alt": file.alt_text or file.title,
            "bytes": len(file.content),
            "is_picture": file.mimetype.startswith("image/"),
            "is_text": is_text,
            "lines": lines[:TEXT_LINES],
            "more": max(0, len(lines) - TEXT_LINES),
            **picture(file),
        }

    # ------------------------------------------------------------ forms and the home tab

    def modal(self, me: User, view: View | None) -> Markup:
        return self.render("modal.html", view=view, s=self.surface(me, view) if view else None)

    def home(self, me: User, view: View | None) -> Markup:
        return self.render("home.html", view=view, s=self.surface(me, view) if view else None)


def here(url: str, base: str, domain: str) -> str:
    """A permalink of the workspace leads to the message on this page; every other address stays as it is."""
    parts = urlsplit(url)
    found = re.fullmatch(r"/archives/([A-Z0-9]+)(?:/p(\d{10})(\d{6}))?", parts.path)
    if parts.hostname != f"{domain}.slack.com" or not found:
        return url
    if not found[2]:
        return f"{base}/in/{found[1]}"
    head = parse_qs(parts.query).get("thread_ts", [""])[0]
    at = f"m-{found[1]}-{found[2]}-{found[3]}"
    return f"{base}/in/{found[1]}{f'?thread={head}' if head else ''}#{at}"


def _same(one: Sequence[Message], other: Sequence[Message]) -> bool:
    return len(one) == len(other) and all(left is right for left, right in zip(one, other, strict=True))


def initials(name: str) -> str:
    words = re.findall(r"\w+", name)
    return "".join(one[0] for one in words[:2]).upper() or "?"


def size(count: int) -> str:
    """A file's size as people say it."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


@cache
def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?{digest}"
