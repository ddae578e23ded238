"""Call: one sentence, said by someone (or by the clock) somewhere at some time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Door = Literal["slack", "terminal", "pagerduty", "clock"]


@dataclass(frozen=True, slots=True)
class Call:
    """One sentence, said by someone (or by the clock) somewhere at some time.

    ``id`` is the same for every delivery of the same press or command, and so names the one answer to it. ``at`` is
    when it was said. ``trigger`` opens a form within 3 s of the press; ``response_url`` answers the asker alone.
    ``incident``: the number of the one it is about, None for none. It is what the pressed button or the form carries,
    or what stands as ``#12`` in the text; else it is filled in from the channel when the call is taken up, and
    ``concluded`` says so. ``pressed``: a button said it. ``quiet``: said in passing (a reaction), so that outside of
    incidents it means nothing and is not answered.
    """

    id: str
    actor: str
    channel: str
    text: str
    at: datetime
    channel_name: str = ""
    incident: int | None = None
    door: Door = "slack"
    thread: str = ""
    message: str = ""
    trigger: str = ""
    response_url: str = ""
    quiet: bool = False
    pressed: bool = False
    concluded: bool = False

    def __post_init__(self) -> None:
        """Half of a pair of surrogates, which JSON can hold, could be neither stored nor answered."""
        for name in ("actor", "channel", "text", "channel_name", "thread", "message", "trigger", "response_url"):
            if not (value := getattr(self, name)).isascii():
                object.__setattr__(self, name, value.encode("utf-8", "replace").decode())

    @property
    def ref(self) -> str:
        """The reference under every log line and failure of this call; short enough to read out loud."""
        return self.id[-8:]

    @property
    def begins(self) -> str:
        """The id of the plan or procedure that it begins."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]

    def facts(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """What a template that answers it may use: these facts, and those that every answer has."""
        return {"actor": self.actor, "channel": self.channel, "now": self.at, "said": self.text, **more}

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"at": self.at.isoformat()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Call:
        """What another version of this program has added is passed over."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        return cls(**{**known, "at": datetime.fromisoformat(data["at"])})


def digest(*parts: object) -> str:
    """16 characters of a-z and 2-7: the same for the same parts, different for others (80 bits)."""
    whole = "\x1f".join(str(part) for part in parts)
    return base64.b32encode(hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()[:10]).decode().lower()
