"""Slack's Web API as ``Workspace``: what is said, to whom, and what was said there.

Whoever asks again gives ``post`` the time of the first try: a message that did go out is found instead of sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from bot.domain.errors import Later
from bot.domain.tokens import delivered
from bot.outside.slack.api import SKEW, Json, word_at
from bot.outside.slack.channels import SlackChannels
from bot.outside.slack.errors import SlackRefused, refused
from bot.outside.slack.people import SlackPeople
from bot.outside.slack.protocol import Postable, Said
from bot.outside.slack.wire import check, loose_json, translated, webhook_client
from bot.outside.slack.written import written

log = logging.getLogger(__name__)

UNSHOWABLE = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long")
EVENT_TYPE: Final = "firewatch_post"


class SlackWorkspace(SlackPeople, SlackChannels):
    """``tools.Workspace`` for one bot token. Safe to use from many threads; keeps nothing but names and ids.

    Raises SlackRefused (a Refused with Slack's ``code``) for "no", Later for 429, 5xx and a lost connection. Of a
    "yes" no more is expected than what is asked of it: another vendor's Slack may leave out the rest.
    """

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
        return word_at(answer, "ts")

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
        mine = self.identity().get("bot_id")
        for each in self._messages(channel, thread, since):
            if mine and each.get("bot_id") not in (None, "", mine):
                continue  # another bot of ours, with a Redis of its own, gives its messages keys of the same kind
            metadata = each.get("metadata") or {}
            if metadata.get("event_type") == EVENT_TYPE and (metadata.get("event_payload") or {}).get("key") == key:
                return word_at(each, "ts")
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
                        return word_at(file, "id")
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
        return next((word_at(file, "id") for file in answer.get("files") or ()), "")

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
        author = word_at(found, "user") or word_at(found, "bot_id")  # its "username" is whatever its sender likes
        return Said(author, delivered(written(found)), datetime.fromtimestamp(float(ts), UTC), link)

    def _one(self, send: Callable[..., Any], wanted: str, **arguments: Any) -> Json | None:
        answer = self._ask(send, oldest=wanted, latest=wanted, inclusive=True, **arguments)
        return next((each for each in answer.get("messages", ()) if each.get("ts") == wanted), None)

    def link(self, channel: str, ts: str) -> str:
        link = word_at(self._ask(self._web.chat_getPermalink, channel=channel, message_ts=ts), "permalink")
        if not link:
            raise refused("message_not_found", "chat.getPermalink", channel)
        return link
