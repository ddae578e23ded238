"""Posting: one thing to be said, kept until Slack has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol, Self

from bot.domain.call import Call
from bot.domain.masking import mask
from bot.domain.reply import File
from bot.messages.render import Message, Renderer

Mode = Literal["post", "edit", "whisper", "home"]


ELSEWHERE = "0"
"""In the place of a ``ts``: it was said where the bot cannot edit it, or under one that it was not told."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One thing to be said. ``key`` is its name for ever; an edit carries the key of the message that it edits."""

    mode: Mode
    key: str
    channel: str
    message: Mapping[str, Any] = field(default_factory=dict)
    user: str = ""
    thread: str = ""
    response_url: str = ""
    files: Sequence[Mapping[str, Any]] = ()
    """``reply.File`` as JSON; pictures are drawn when they are sent, after the message, so that it need not wait."""
    also: Sequence[Mapping[str, Any]] = ()
    """Further postings as JSON, sent after it: what the asker alone is told of what was posted elsewhere."""
    label: Mapping[str, Any] = field(default_factory=dict)
    """What names its incident (see ``about.label_of``), should it have to be posted in another channel."""

    @classmethod
    def of(
        cls, call: Call, message: Message, mode: Mode = "post", key: str = "", files: Sequence[Mapping[str, Any]] = ()
    ) -> Self:
        """What answers a call, where it was said."""
        return cls(
            mode,
            key or f"call:{call.id}",
            call.channel or call.actor,
            message.to_dict(),
            user=call.actor,
            thread=call.thread,
            response_url=call.response_url,
            files=files,
        )

    def to_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**data)


def packed(file: File, renderer: Renderer) -> Mapping[str, Any]:
    """A File as JSON, with the text of its template."""
    text = renderer.render_text(file.template, file.facts) if file.template else mask(file.text)
    return {
        "name": file.name,
        "title": file.title,
        "text": text,
        "picture": file.picture,
        "canvas": file.canvas,
        "facts": file.facts if file.picture else {},
    }


class Delivers(Protocol):
    """What sends postings."""

    def deliver(self, posting: Posting) -> None:
        """Raises Later when Slack asks to be asked again; what Slack will never take is logged and let go."""
        ...
