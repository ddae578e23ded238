"""Slack's Web API as ``tools.Workspace``: what is said, to whom, and what Slack answered. The only file that calls it.

The SDK's own retries are off: one of them sends ``chat.postMessage`` again after a lost connection, so that a message
can come twice, the other sleeps in the calling thread. Here a 429 or a lost connection is ``Later``, and whoever asks
again gives ``post`` the time of the first try: a message that did go out is found instead of sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from bot.domain.errors import Later
from bot.outside.slack.errors import NOT_INVITED, SlackRefused, refused
from bot.outside.slack.protocol import Postable, Said
from bot.outside.slack.wire import check, loose_json, translated, web_client, webhook_client

log = logging.getLogger(__name__)

UNSHOWABLE = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")
EVENT_TYPE: Final = "firewatch_post"
SKEW: Final = timedelta(minutes=2)
"""How far this machine's clock and Slack's may be apart."""

PAGES: Final = 50
PAGE: Final = 200
TOPIC: Final = 250
CHANNEL_NAME: Final = 80
INVITED_AT_ONCE: Final = 100
PROFILE_SECONDS: Final = 600.0

Json = dict[str, Any]


class SlackWorkspace:
    """``tools.Workspace`` for one bot token. Safe to use from many threads; keeps nothing but names and ids.

    Raises SlackRefused (a Refused with Slack's ``code``) for "no", Later for 429, 5xx and a lost connection. Of a
    "yes" no more is expected than what is asked of it: another vendor's Slack may leave out the rest.
    """

    def __init__(self, token: str, api_url: str = "") -> None:
        self._web = web_client(token, api_url)
        self._lock = threading.Lock()
        self._identity: dict[str, str] = {}
        self._dms: dict[str, str] = {}
        self._profiles: dict[str, tuple[float, Json]] = {}

    # ------------------------------------------------------------ saying

    def post(self, channel: str, message: Postable, key: str, thread: str = "", since: datetime | None = None) -> str:
        """Post and return the ``ts``; with ``since``, first look for what went out under ``key`` since then."""
        channel = self._place(channel)
        if since is not None and (found := self._sent(channel, key, thread, since)):
            return found
        answer = self._shown(
            self._web.chat_postMessage,
            message,
            channel=channel,
            thread_ts=thread or None,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return _word(answer, "ts")

    def _shown(self, send: Callable[..., Any], message: Postable, **arguments: Any) -> Json:
        """Send it with its blocks; where Slack will not have those, its text alone: better plain than silent."""
        try:
            return self._ask(send, text=message.text, blocks=list(message.blocks) or None, **arguments)
        except SlackRefused as no:
            if no.code not in UNSHOWABLE or not message.blocks:
                raise
            log.error("blocks refused (%s %s); said without them", no.code, no.hint)
            return self._ask(send, text=message.text, blocks=[], **arguments)

    def _sent(self, channel: str, key: str, thread: str, since: datetime) -> str:
        """The ``ts`` of the message that carries the key; "" when there is none, or none that I may read."""
        for each in self._messages(channel, thread, since):
            metadata = each.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and (metadata.get("event_payload") or {}).get("key") == key:
                return _word(each, "ts")
        return ""

    def _messages(self, channel: str, thread: str, since: datetime) -> Iterator[Json]:
        """What was said there since then; as much of it as I may read."""
        arguments = {"oldest": f"{(since - SKEW).timestamp():.6f}", "include_all_metadata": True}
        send = self._web.conversations_replies if thread else self._web.conversations_history
        if thread:
            arguments["ts"] = thread
        try:
            for page in self._pages(send, channel=channel, **arguments):
                yield from page.get("messages", ())
        except SlackRefused as no:
            # A message that may come twice is better than one that never comes.
            log.warning("cannot search %s for what was sent before: %s", channel, no.code)

    def _place(self, channel: str) -> str:
        """A user's id stands for the channel of direct messages with them."""
        return self.dm(channel) if channel.startswith(("U", "W")) else channel

    def update(self, channel: str, ts: str, message: Postable) -> None:
        channel = self._place(channel)
        self._shown(self._web.chat_update, message, channel=channel, ts=ts)

    def whisper(self, channel: str, user: str, message: Postable, response_url: str = "", thread: str = "") -> None:
        """To one person alone: through the response_url while it lives, else as an ephemeral message, else directly."""
        if response_url:
            with suppress(SlackRefused, Later):
                self._respond(response_url, message, "ephemeral", thread)
                return
        if channel:
            with suppress(SlackRefused):
                self._ask(
                    self._web.chat_postEphemeral,
                    channel=channel,
                    user=user,
                    text=message.text,
                    blocks=list(message.blocks) or None,
                    thread_ts=thread or None,
                )
                return
        self._ask(
            self._web.chat_postMessage,
            channel=self.dm(user),
            text=message.text,
            blocks=list(message.blocks) or None,
            unfurl_links=False,
            unfurl_media=False,
        )

    def respond(self, response_url: str, message: Postable) -> None:
        """Into the channel through the response_url: for channels in which the bot is not."""
        self._respond(response_url, message, "in_channel")

    def _respond(self, url: str, message: Postable, to: str, thread: str = "") -> None:
        if not url.startswith(("https://", "http://")):
            raise refused("invalid_url", "response_url")
        hook = webhook_client(url)
        body: Json = {
            "text": message.text,
            "response_type": to,
            "replace_original": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if message.blocks:
            body["blocks"] = list(message.blocks)
        if thread:
            body["thread_ts"] = thread
        with translated("response_url"):
            answer = hook.send_dict(body)
        said = loose_json(answer.body)
        check("response_url", "", answer.status_code, answer.headers, {"ok": answer.status_code == 200, **said})

    def upload(
        self,
        channel: str,
        name: str,
        title: str,
        content: bytes,
        thread: str = "",
        since: datetime | None = None,
    ) -> str:
        """Put a file into the channel; returns its id. With ``since``, first look for mine of that name since then."""
        channel = self._place(channel)
        if since is not None:
            me = self.identity()["user_id"]
            for each in self._messages(channel, thread, since):
                for file in each.get("files") or ():
                    if file.get("name") == name and file.get("user") == me:
                        return _word(file, "id")
        try:
            answer = self._ask(
                self._web.files_upload_v2,
                channel=channel,
                file=content,
                filename=name,
                title=title,
                thread_ts=thread or None,
            )
        except (TypeError, ValueError, AttributeError) as unread:
            # The SDK takes it for granted that the answers on the way name an address and the file.
            raise refused("upload_failed", "files.upload") from unread
        return next((_word(file, "id") for file in answer.get("files") or ()), "")

    def canvas(self, channel: str, markdown: str) -> None:
        content = {"type": "markdown", "markdown": markdown}
        self._ask(self._web.conversations_canvases_create, channel_id=channel, document_content=content)

    def open_form(self, trigger: str, view: Mapping[str, Any]) -> None:
        self._ask(self._web.views_open, trigger_id=trigger, view=dict(view))

    def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        self._ask(self._web.views_publish, user_id=user, view=dict(view))

    # ------------------------------------------------------------ reading

    def message(self, channel: str, ts: str) -> Said:
        """A message of the channel or of one of its threads. Raises Refused when it is gone."""
        link = ""
        with suppress(SlackRefused):  # what is gone has no message either
            link = self.link(channel, ts)
        found = self._one(self._web.conversations_history, ts, channel=channel, limit=1)
        if found is None:
            # History holds no replies; their permalink names the thread they are in.
            thread = (parse_qs(urlsplit(link).query).get("thread_ts") or [ts])[0]
            found = self._one(self._web.conversations_replies, ts, channel=channel, ts=thread)
        if found is None:
            raise refused("message_not_found", "conversations.history", channel)
        text = str(found.get("text") or "") or ", ".join(
            str(each.get("title") or each.get("name")) for each in found.get("files", ())
        )
        author = found.get("user") or found.get("username") or found.get("bot_id") or ""
        return Said(str(author), unescape(text), datetime.fromtimestamp(float(ts), UTC), link)

    def _one(self, send: Callable[..., Any], wanted: str, **arguments: Any) -> Json | None:
        answer = self._ask(send, oldest=wanted, latest=wanted, inclusive=True, **arguments)
        return next((each for each in answer.get("messages", ()) if each.get("ts") == wanted), None)

    def link(self, channel: str, ts: str) -> str:
        link = _word(self._ask(self._web.chat_getPermalink, channel=channel, message_ts=ts), "permalink")
        if not link:
            raise refused("message_not_found", "chat.getPermalink", channel)
        return link

    def members(self, group: str) -> Sequence[str]:
        """User ids in a user group, named by handle, name or id."""
        wanted = group.removeprefix("<!subteam^").partition("|")[0].strip("@>").casefold()
        groups = self._ask(self._web.usergroups_list).get("usergroups") or ()
        for each in groups:
            if wanted in (_word(each, name).casefold() for name in ("id", "handle", "name")):
                found = self._ask(self._web.usergroups_users_list, usergroup=_word(each, "id"))
                return [str(user) for user in found.get("users") or ()]
        near = get_close_matches(wanted, [_word(each, "handle") for each in groups], 1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        sentence = f"There is no user group `{group}` in this workspace.{hint}"
        raise SlackRefused("no_such_subteam", "usergroups.list", sentence)

    def name(self, user: str) -> str:
        """What people call this user: the display name, else the full one."""
        info = self._user(user)
        profile = info.get("profile") or {}
        return str(profile.get("display_name") or profile.get("real_name") or info.get("name") or user)

    def email(self, user: str) -> str:
        """The address, or "" when Slack shows none (a bot, or an app without users:read.email)."""
        return str((self._user(user).get("profile") or {}).get("email") or "")

    def user_of(self, email: str) -> str:
        """The user id of whoever has this address, "" when nobody has."""
        if not email:
            return ""
        try:
            return _word(self._ask(self._web.users_lookupByEmail, email=email), "user", "id")
        except SlackRefused as no:
            if no.code == "users_not_found":
                return ""
            raise

    def _user(self, user: str) -> Json:
        at, info = self._profiles.get(user, (0.0, {}))
        if not info or time.monotonic() - at > PROFILE_SECONDS:
            info = self._ask(self._web.users_info, user=user).get("user") or {}
            if len(self._profiles) > 5_000:
                self._profiles.clear()
            self._profiles[user] = (time.monotonic(), info)
        return info

    def channel_name(self, channel: str) -> str:
        return _word(self._ask(self._web.conversations_info, channel=channel), "channel", "name")

    def dm(self, user: str) -> str:
        """The channel of direct messages with this user, opened when there is none."""
        if user not in self._dms:
            # Slack takes a user's id for the channel as well; only an edit needs the channel's own.
            self._dms[user] = _word(self._ask(self._web.conversations_open, users=user), "channel", "id") or user
        return self._dms[user]

    def identity(self) -> Mapping[str, str]:
        """Who this token is, asked once: ``user_id``, ``bot_id``, ``team_id``, ``team``, ``url``, ``scopes``."""
        with self._lock:
            if not self._identity:
                with translated("auth.test"):
                    answer = self._web.auth_test()
                headers = {name.lower(): value for name, value in answer.headers.items()}
                scopes = headers.get("x-oauth-scopes", "")
                named = {name: str(answer.get(name) or "") for name in ("user_id", "bot_id", "team_id", "team", "url")}
                self._identity = named | {"scopes": ",".join(str(scopes).replace(" ", "").split(","))}
            return self._identity

    def ping(self) -> str:
        """The team's name, asked anew: whether Slack is there and still takes this token."""
        return str(self._ask(self._web.auth_test).get("team") or "")

    # ------------------------------------------------------------ channels

    def create_channel(self, name: str, since: datetime) -> str:
        """Create a public channel, or adopt the one of that name which this bot made since ``since``; returns its id.

        Where someone else has that name, ``name-2``, ``name-3``… are tried.
        """
        mine: dict[str, str] | None = None
        for number in range(1, 21):
            ending = "" if number == 1 else f"-{number}"
            wanted = name[: CHANNEL_NAME - len(ending)].rstrip("-") + ending
            try:
                # No is_private: some servers take any value of it, False too, for a yes.
                made = _word(self._ask(self._web.conversations_create, name=wanted), "channel", "id")
            except SlackRefused as no:
                if no.code != "name_taken":
                    raise
            else:
                if not made:
                    raise refused("no_channel", "conversations.create")
                return made
            if mine is None:
                mine = self._created_since(since)
            if wanted in mine:
                return mine[wanted]
        raise refused("name_taken", "conversations.create")

    def _created_since(self, since: datetime) -> dict[str, str]:
        """Name → id of the channels that this bot made; as many of them as I may see."""
        me, earliest = self.identity()["user_id"], (since - SKEW).timestamp()
        found = {}
        try:
            for page in self._pages(self._web.users_conversations, types="public_channel", exclude_archived=True):
                for each in page.get("channels") or ():
                    if each.get("creator") == me and float(each.get("created") or 0) >= earliest:
                        found[_word(each, "name")] = _word(each, "id")
        except SlackRefused as no:
            # A channel that may be made twice is better than none.
            log.warning("cannot look for a channel made before: %s", no.code)
        return found

    def invite(self, channel: str, users: Sequence[str]) -> None:
        """Those already there, and those who cannot be invited, are passed over."""
        wanted = [user for user in dict.fromkeys(users) if user and user != self._identity.get("user_id")]
        for start in range(0, len(wanted), INVITED_AT_ONCE):
            some = wanted[start : start + INVITED_AT_ONCE]
            try:
                self._ask(self._web.conversations_invite, channel=channel, users=some, force=True)
            except SlackRefused as no:
                if no.code not in NOT_INVITED:
                    raise
                # One of them, or all: a server that does not heed "force" invites nobody for the sake of one.
                for user in some if len(some) > 1 else ():
                    self._invite(channel, user)

    def _invite(self, channel: str, user: str) -> None:
        try:
            self._ask(self._web.conversations_invite, channel=channel, users=[user])
        except SlackRefused as no:
            if no.code not in NOT_INVITED:
                raise
            if no.code not in ("already_in_channel", "cant_invite_self"):
                log.warning("%s was not invited to %s: %s", user, channel, no.code)

    def set_topic(self, channel: str, topic: str) -> None:
        self._ask(self._web.conversations_setTopic, channel=channel, topic=topic[:TOPIC])

    def pin(self, channel: str, ts: str) -> None:
        try:
            self._ask(self._web.pins_add, channel=channel, timestamp=ts)
        except SlackRefused as no:
            if no.code != "already_pinned":
                raise

    def bookmark(self, channel: str, title: str, link: str) -> None:
        """Once: a channel that has this link keeps what it has."""
        there: Sequence[Json] = ()
        with suppress(SlackRefused):  # who may not look may still put one there
            there = self._ask(self._web.bookmarks_list, channel_id=channel).get("bookmarks") or ()
        if not any(each.get("link") == link for each in there):
            self._ask(self._web.bookmarks_add, channel_id=channel, title=title, type="link", link=link)

    # ------------------------------------------------------------ asking

    def _ask(self, send: Callable[..., Any], **arguments: Any) -> Json:
        method = send.__name__.replace("_", ".")
        channel = arguments.get("channel") or arguments.get("channel_id") or ""
        with translated(method, str(channel)):
            data = send(**arguments).data
        return data if isinstance(data, dict) else {}

    def _pages(self, send: Callable[..., Any], **arguments: Any) -> Iterator[Json]:
        cursor = ""
        for _ in range(PAGES):
            page = self._ask(send, limit=PAGE, cursor=cursor or None, **arguments)
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return


def _word(answer: Json, *path: str) -> str:
    """What an answer says at that place, "" when it says nothing there."""
    found: Any = answer
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return "" if found is None else str(found)


def unescape(text: str) -> str:
    """Slack's three entities → characters. Mentions and links stay as they are."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
