"""Acting as a person: typing, pressing, choosing, filling in. What their client would not let them: `NotPossible`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.sandbox.slack import forms, modals
from bot.sandbox.slack.blocks import Message, View
from bot.sandbox.slack.client import Act, Client, Picked, Surface, never_sent
from bot.sandbox.slack.deliver import Deliverer
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.forms import Chosen, Found, NotPossible
from bot.sandbox.slack.limits import KnownFile
from bot.sandbox.slack.limits import view as checked_view
from bot.sandbox.slack.manifest import Command, Manifest
from bot.sandbox.slack.model import Json, SlackError, User
from bot.sandbox.slack.mrkdwn import rich_text
from bot.sandbox.slack.payloads import Payloads, acts
from bot.sandbox.slack.traffic import Delivery
from bot.sandbox.slack.workspace import Channel, Workspace


class Responses(Protocol):
    """What the app's answers, and Slack's own words to one person, become: see `bot.sandbox.slack.responses`."""

    @property
    def known_file(self) -> KnownFile: ...
    def acknowledged(self, channel: str, user: str, said: Json) -> object: ...
    def slackbot(self, channel: str, user: str, text: str) -> object: ...


@dataclass(slots=True)
class Backstage:
    """What all people's clients share: the workspace, the ways to the bot, and what each has chosen but not sent."""

    workspace: Workspace
    manifest: Manifest
    deliverer: Deliverer
    events: Events
    payloads: Payloads
    bot: User
    responses: Responses
    picked: Picked = field(default_factory=dict)


class Person(Client):
    """One person before their client. Channels and people may be named by id or name."""

    def __init__(self, backstage: Backstage, user: User) -> None:
        super().__init__(backstage.workspace, backstage.picked, user)
        self._backstage = backstage

    # -- saying

    def types(self, channel: str, text: str, *, thread_ts: str = "") -> Delivery:
        """A slash command, as typed: `/jobs status repost-dispatch`."""
        where = self._composer(channel)
        command, _, rest = text.strip().partition(" ")
        if not command.startswith("/"):
            raise NotPossible(f"{text!r} is no command; say it instead")
        declared = Command(command) if self._backstage.manifest.commands is None else None
        known = declared or (self._backstage.manifest.commands or {}).get(command)
        refusal = ""
        if thread_ts:
            refusal = f"{command} is not supported in threads. Sorry!"
        elif known is None:
            refusal = f"{command} is not a valid command."
        if known is None or refusal:
            self._backstage.responses.slackbot(where.id, self.id, refusal)
            return never_sent("command", self.id, "invalid_command")
        rest = rest.strip()
        rest = self._linked(rest, labels=True) if known.should_escape else rest
        payload = self._backstage.payloads.command(self.user, where, command, rest)
        return self._backstage.deliverer.send(Delivery("command", payload, self.id), self._command_done)

    def _command_done(self, delivery: Delivery) -> None:
        channel, command = delivery.payload["channel_id"], delivery.payload["command"]
        if not delivery.error and delivery.answer:
            try:
                self._backstage.responses.acknowledged(channel, self.id, delivery.answer)
            except SlackError:
                delivery.error = "invalid_command_response"
        if delivery.error:
            text = f"{command} failed with the error “{delivery.error}”"
            self._backstage.responses.slackbot(channel, self.id, text)

    def says(self, channel: str, text: str, *, thread_ts: str = "", broadcast: bool = False) -> Act:
        """A message, with `@names` and `#channels` linked as the client links them."""
        where = self._composer(channel)
        if not text.strip():
            raise NotPossible("there is nothing to say")
        said = self._linked(text)
        workspace = self._workspace
        with self._backstage.events.caught() as caught, workspace.locked():
            parent = where.by_ts.get(thread_ts) if thread_ts else None
            if thread_ts and parent is None:
                raise NotPossible("that thread is gone")
            message = workspace.add(
                Message(
                    where.id,
                    workspace.new_ts(),
                    self.id,
                    said,
                    ({**rich_text(said), "block_id": workspace.new_id("b")},),
                    thread_ts=(parent.thread_ts or parent.ts) if parent else "",
                    broadcast=broadcast,
                    subtype="thread_broadcast" if broadcast and parent else "",
                )
            )
        return Act(tuple(caught), message)

    def edits(self, message: Message, text: str) -> Act:
        self._own(message)
        said = self._linked(text)
        workspace = self._workspace
        with self._backstage.events.caught() as caught, workspace.locked():
            blocks = ({**rich_text(said), "block_id": workspace.new_id("b")},)
            new = workspace.edit(message, text=said, blocks=blocks, edited_at=workspace.new_ts())
        return Act(tuple(caught), new)

    def deletes(self, message: Message) -> Act:
        """Their own message, or what only they see."""
        if message.visible_to != self.id:
            self._own(message)
        with self._backstage.events.caught() as caught:
            self._workspace.delete(message)
        return Act(tuple(caught))

    # -- pressing and choosing

    def presses(self, where: Surface, what: str, *, value: str | None = None, confirmed: bool = True) -> Delivery:
        """A button, by action_id or by what is written on it.

        A button that asks first is answered with `confirmed`; told no, nothing is sent. `asked` shows its question.
        """
        now = self._before_me(where)
        found = forms.find(now.blocks, what, value, kinds=("button",))
        if "confirm" in found.element and not confirmed:
            return never_sent("interactive", self.id, "")
        return self._acts(now, found, {})

    def asked(self, where: Surface, what: str, *, value: str | None = None) -> Json | None:
        """The dialog that a press or choice would open first: title, text, confirm, deny; None when there is none."""
        found = forms.find(self._before_me(where).blocks, what, value)
        confirm: Json | None = found.element.get("confirm")
        return confirm

    def selects(self, where: Surface, what: str, choice: Any) -> Delivery:
        """Choose in a select, menu, picker, radio buttons or checkboxes (a list), or fill in a field.

        What stands in an input waits for `submits`, unless it asks to be told at once.
        """
        now = self._before_me(where)
        found = forms.find(now.blocks, what)
        if found.element["type"] == "button":
            raise NotPossible(f"{what!r} is a button: press it")
        state = self._choose(found, choice)
        if found.element["type"] not in forms.STATELESS:
            self._picked(now)[found.key] = state
        if not acts(found):
            return never_sent("interactive", self.id, "")
        return self._acts(now, found, state)

    def _choose(self, found: Found, choice: Any) -> Json:
        workspace = self._workspace
        try:
            return forms.chosen(
                found.element,
                choice,
                user=lambda name: workspace.user(name).id,
                channel=lambda name: workspace.channel(name).id,
            )
        except SlackError as unknown:
            raise NotPossible(f"{choice!r}: {unknown.error}") from None

    def _acts(self, where: Surface, found: Found, state: Json) -> Delivery:
        payload = self._backstage.payloads.actions(self.user, where, found, state, self._picked(where))
        return self._backstage.deliverer.send(Delivery("interactive", payload, self.id))

    def shortcut(self, callback_id: str, message: Message | None = None) -> Delivery:
        """A message shortcut from a message's menu, or a global one."""
        declared = self._backstage.manifest.shortcuts
        kind = "global" if message is None else "message"
        if declared is not None and declared.get(callback_id) != kind:
            raise NotPossible(f"the app has no {kind} shortcut {callback_id!r}")
        if message is None:
            payload = self._backstage.payloads.global_shortcut(self.user, callback_id)
        else:
            now = self._before_me(message)
            if isinstance(now, View) or now.is_ephemeral:
                raise NotPossible("that message has no menu")
            payload = self._backstage.payloads.message_shortcut(self.user, now, callback_id)
        return self._backstage.deliverer.send(Delivery("interactive", payload, self.id))

    # -- forms

    def submits(self, view: View, values: Mapping[str, Any] | None = None) -> Delivery:
        """Fill in `values` (by block_id, action_id or label) and submit; what is missing or wrong is `NotPossible`."""
        now = self._before_me(view)
        if not isinstance(now, View) or not now.body.get("submit"):
            raise NotPossible("there is nothing to submit here")
        picked = self._picked(now)
        for what, choice in (values or {}).items():
            found = forms.find(now.blocks, what)
            picked[found.key] = self._choose(found, choice)
        forms.refuse_incomplete(now.blocks, picked)
        payload = self._backstage.payloads.submission(self.user, now, picked)
        return self._backstage.deliverer.send(
            Delivery("interactive", payload, self.id), lambda delivery: self._submitted(delivery, now)
        )

    def _submitted(self, delivery: Delivery, view: View) -> None:
        """Do what the acknowledgement of a submission says; a bad one shows the person an error, and the form stays."""
        workspace, said = self._workspace, delivery.answer
        if delivery.error:
            return
        try:
            with workspace.locked():
                self._obey(said, view)
        except SlackError as refused:
            delivery.error = f"invalid_response_action: {refused}"

    def _obey(self, said: Json, view: View) -> None:
        workspace, known_file = self._workspace, self._backstage.responses.known_file
        match said.get("response_action"):
            case None:
                modals.remove(workspace, view)
            case "clear":
                self._closed(modals.close(workspace, self.id, everything=True), cleared=True)
            case "errors":
                errors = said.get("errors")
                inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
                if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
                    raise SlackError("errors must name input blocks")
                modals.show_errors(workspace, view, {str(key): str(text) for key, text in errors.items()})
            case "update":
                body = checked_view(said.get("view"), ("modal",), known_file)
                now = modals.find(workspace, view.id)
                if now is not None:
                    modals.update(workspace, now, body)
            case "push":
                modals.push(workspace, self.id, checked_view(said.get("view"), ("modal",), known_file))
            case other:
                raise SlackError(f"unknown response_action {other!r}")

    def closes(self, view: View, *, everything: bool = False) -> Act:
        """The X or “Cancel”; the app hears of it only where it asked to."""
        self._before_me(view)
        gone = modals.close(self._workspace, self.id, everything=everything)
        return Act(tuple(self._closed(gone, cleared=everything)))

    def _closed(self, gone: list[View], *, cleared: bool) -> list[Delivery]:
        told = []
        for one in gone:
            if one.body.get("notify_on_close"):
                picked: Chosen = self._picked(one)
                payload = self._backstage.payloads.closed(self.user, one, picked, cleared=cleared)
                told.append(self._backstage.deliverer.send(Delivery("interactive", payload, self.id)))
        return told

    @property
    def modal(self) -> View | None:
        """The modal before this person."""
        return modals.top(self._workspace, self.id)

    @property
    def home(self) -> View | None:
        return self._workspace.homes.get(self.id)

    def opens_home(self) -> Act:
        """The app's home tab."""
        workspace, events = self._workspace, self._backstage.events
        if not self._backstage.manifest.home_tab or not events.wants("app_home_opened"):
            return Act(())
        with events.caught() as caught, workspace.locked():
            direct = workspace.direct(self._backstage.bot.id, self.id)
            event: Json = {
                "type": "app_home_opened",
                "user": self.id,
                "channel": direct.id,
                "tab": "home",
                "event_ts": f"{workspace.now():.6f}",
            }
            if self.home is not None:
                event["view"] = self.home.as_json(
                    workspace.team.id, workspace.team.app_id, self._backstage.payloads.bot_id
                )
            events.emit(event)
        return Act(tuple(caught))

    # -- channels and marks

    def reacts(self, message: Message, emoji: str) -> Act:
        now = self._marked(message)
        with self._backstage.events.caught() as caught:
            self._workspace.react(now, emoji.strip(":"), self.id)
        return Act(tuple(caught), now)

    def unreacts(self, message: Message, emoji: str) -> Act:
        now = self._marked(message)
        with self._backstage.events.caught() as caught:
            self._workspace.unreact(now, emoji.strip(":"), self.id)
        return Act(tuple(caught), now)

    def pins(self, message: Message) -> Act:
        now = self._marked(message)
        with self._backstage.events.caught() as caught:
            self._workspace.pin(now, self.id)
        return Act(tuple(caught), now)

    def joins(self, channel: str) -> Act:
        where = self._workspace.channel(channel)
        if where.kind != "public":
            raise NotPossible("a private channel is joined by invitation")
        with self._backstage.events.caught() as caught:
            self._workspace.join(where, self.id)
        return Act(tuple(caught))

    def invites(self, channel: str, user: str) -> Act:
        """Somebody (the bot too) into a channel this person is in."""
        where = self._composer(channel)
        with self._backstage.events.caught() as caught:
            self._workspace.join(where, self._workspace.user(user).id, inviter=self.id)
        return Act(tuple(caught))

    def leaves(self, channel: str) -> Act:
        with self._backstage.events.caught() as caught:
            self._workspace.leave(self._workspace.channel(channel), self.id)
        return Act(tuple(caught))

    def archives(self, channel: str) -> Act:
        where = self._composer(channel)
        with self._backstage.events.caught() as caught:
            self._workspace.archive(where, self.id)
        return Act(tuple(caught))

    def creates(self, name: str, *, private: bool = False) -> Channel:
        return self._workspace.add_channel(name, self.id, kind="private" if private else "public")

    def direct(self, user: str = "") -> Channel:
        """The DM with somebody; with the bot, when nobody is named."""
        other = self._workspace.user(user).id if user else self._backstage.bot.id
        return self._workspace.direct(other, self.id)

    def sees(self, channel: str) -> list[Message]:
        """What stands in the channel for this person, their own ephemerals among it."""
        self._inside(self._workspace.channel(channel))
        return self._workspace.seen_by(self.id, channel)

    def reloads(self) -> None:
        """A fresh start of the client: ephemerals are gone, and so is every open modal."""
        self._workspace.forget_ephemerals(self.id)
        modals.close(self._workspace, self.id, everything=True)


class VisibleSlack(Protocol):
    """What a page or a drill sees and does in the sandbox's Slack. `SlackSandbox` is one, with its servers beside."""

    workspace: Workspace
    request_url: str

    @property
    def base_url(self) -> str: ...
    @property
    def oncall(self) -> Person: ...
    @property
    def lead(self) -> Person: ...
    @property
    def guest(self) -> Person: ...
    @property
    def deliveries(self) -> list[Delivery]: ...
    def as_user(self, id_or_name: str) -> Person: ...
    def user(self, id_or_name: str) -> User: ...
    def channel(self, id_or_name: str) -> Channel: ...
    def now_of(self, message: Message) -> Message: ...
    def seen_by(self, user: str, channel: str) -> list[Message]: ...
    def open_view(self, user: str) -> View | None: ...
    def home_of(self, user: str) -> View | None: ...
    def wait_for(self, happened: Callable[[], Any], timeout: float = 5.0) -> Any: ...
