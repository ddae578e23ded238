"""What a handler answers with: a Reply or a Plan, the files below it, the procedures that it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class File:
    """Something too long for a message: ``text`` as it stands, or a ``picture`` (by name) of facts.

    ``canvas``: it becomes the channel's canvas as well, where the workspace's plan has canvases.
    """

    name: str
    title: str
    text: str = ""
    picture: str = ""
    template: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    canvas: bool = False


@dataclass(frozen=True, slots=True)
class Begin:
    """A Procedure to start: its kind, first facts, and the rows (jobs) it will work through, if any."""

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """A template's name and the facts it needs (JSON values only), and what goes on record with it.

    ``to``: the channel, the asker alone, the asker's home tab, or nobody (a procedure will speak). ``channel``: another
    channel than the call's. ``key``: a name for the message, under which ``Tools.posted`` finds it; with ``edit`` the
    message of that key (without one: the message that was pressed) is changed, and posted only if it never was.
    ``incident``: the new state of the incident, saved together with an Event made of what the message says. ``about``:
    the number of the incident that the message shows, where that is another than the call's; every button of the
    message carries it. ``note`` puts the message on the timeline without a new state. ``event`` overrides fields of
    that Event (``at``, ``actor``, ``kind``, ``text``, ``by``, ``link``). ``jobs``: the ids of those that were touched.
    """

    template: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    to: Literal["channel", "asker", "home", "nobody"] = "channel"
    channel: str = ""
    key: str = ""
    edit: bool = False
    incident: Incident | None = None
    about: int | None = None
    note: bool = False
    event: Mapping[str, Any] = field(default_factory=dict)
    jobs: Sequence[str] = ()
    files: Sequence[File] = ()
    begins: Sequence[Begin] = ()

    @property
    def number(self) -> int | None:
        """Of the incident that it is about; None leaves that to the call."""
        return self.incident.number if self.incident else self.about


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, for someone to confirm. ``revision``: what the target looked like; a change kills the plan.

    An empty ``revision`` says that the procedure checks each thing itself as it touches it.
    """

    template: str
    begins: Begin
    facts: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    files: Sequence[File] = ()


Answer = Reply | Plan
