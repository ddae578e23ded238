"""Answers through a response URL or in the body of an acknowledgement: ephemeral unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.slack import content
from bot.sandbox.slack.api import Args
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.limits import KnownFile
from bot.sandbox.slack.model import SLACKBOT, Json, SlackError, User
from bot.sandbox.slack.tickets import ResponseUrl
from bot.sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Responder:
    workspace: Workspace
    bot: User
    known_file: KnownFile

    def answer(self, ticket: ResponseUrl, said: Json) -> Message | None:
        """Do what the app asked for through a response URL; answers the message it left, if any."""
        workspace = self.workspace
        args = Args(said)
        original = self._original(ticket)
        with workspace.locked():
            if args.flag("delete_original"):
                if original is None:
                    raise SlackError("message_not_found")
                workspace.delete(original)
                return None
            what = content.from_arguments(args, self.known_file)
            if what.is_empty:
                raise SlackError("no_text")
            # In a thread the original is replaced unless the app says not to.
            replaces = args.flag("replace_original", default="thread_ts" in args and original is not None)
            if replaces and original is not None:
                return workspace.edit(
                    original,
                    text=what.text or "",
                    blocks=what.blocks or (),
                    attachments=what.attachments or (),
                )
            return self._post(ticket.channel, ticket.user, what, args, original)

    def _original(self, ticket: ResponseUrl) -> Message | None:
        if not ticket.message_ts:
            return None
        where = self.workspace.channels[ticket.channel]
        return (where.hidden if ticket.ephemeral else where.by_ts).get(ticket.message_ts)

    def acknowledged(self, channel: str, user: str, said: Json) -> Message | None:
        """The body of a command's acknowledgement, shown as a message if it says anything."""
        args = Args(said)
        what = content.from_arguments(args, self.known_file)
        return None if what.is_empty else self._post(channel, user, what, args, None)

    def _post(self, channel: str, user: str, what: content.Content, args: Args, original: Message | None) -> Message:
        where = self.workspace.channels[channel]
        response_type = args.text("response_type", "ephemeral")
        if response_type not in ("ephemeral", "in_channel"):
            raise SlackError("invalid_response_type")
        thread_ts = args.text("thread_ts", "")
        if thread_ts and original is None and thread_ts not in where.by_ts:
            thread_ts = ""
        return self.workspace.add(
            Message(
                channel,
                self.workspace.new_ts(),
                self.bot.id,
                what.text or "",
                what.blocks or (),
                what.attachments or (),
                thread_ts=thread_ts,
                bot_id=self.bot.bot_id,
                visible_to="" if response_type == "in_channel" else user,
                metadata=content.metadata(args),
            )
        )

    def slackbot(self, channel: str, user: str, text: str) -> Message:
        """What Slack itself tells one person, as when a command failed."""
        return self.workspace.add(
            Message(
                channel,
                self.workspace.new_ts(),
                SLACKBOT,
                text,
                subtype="slackbot_response",
                visible_to=user,
            )
        )
