"""What a handler answers with: a Reply or a Plan, the files below it, the procedures that it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

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


class Work(Protocol):
    """A frozen dataclass with ``@procedure`` on it (see ``procedure``): what it knows, and how it takes one step."""

    def step(self, under_way: Any, tools: Any, ledger: Any, /) -> Any:
        """The step that is due → what comes Next."""
        ...


@dataclass(frozen=True, slots=True)
class Begin:
    """A Procedure to start: what it knows at first, and the rows it will work through, if any.

    ``incident``: the one it is about, where that is not the one of the sentence that begins it.
    """

    work: Work
    rows: Sequence[Any] = ()
    incident: int | None = None


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
    ``receipt``: it tells of something that was done through Firewatch, and belongs into the postmortem as that.
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
    receipt: bool = False
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
