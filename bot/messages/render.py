"""Facts → what people read: Slack messages, forms, Markdown files, a terminal. The only file that knows Jinja2.

How to write a template
=======================
``templates/jobs/failed.j2`` is rendered by ``Renderer(folder).render("jobs/failed", facts)``. Its first line is what
the lock screen shows; after it each line is one block, made by a macro of ``_blocks.j2`` (they need no import)::

    {{ queue }}: {{ total|plural("failed job") }} of {{ groups|length|plural("cause") }}
    {% call section() %}*{{ queue }}* · {{ total|plural("failed job") }} · oldest {{ oldest|ago }}{% endcall %}
    {% for group in groups %}
    {{ section("*" ~ group.title ~ "* ×" ~ group.count, button("Replay these", "/jobs replay " ~ queue|arg)) }}
    {% endfor %}
    {{ context("asked by " ~ actor|user ~ " at " ~ now|when) }}

Whatever is printed is escaped for Slack and masked; a fact cannot ping, forge markup, show a token or begin a line.
So facts are given as they are, never prepared; ``*bold*`` and tokens are written in the template. An undefined name is
an error. Filters: user group channel ping · when utc ago duration · plural number percent signed · code pre quote link
cut · arg (one word of a sentence). Functions: ``progress(done, total)``, ``link(url, text)``.

A form is a template that holds ``{{ form(sentence="/incident update", submit="Post") }}`` and ``input`` lines; its
first line is the title. ``{{ extras(key=value) }}`` puts what is no block into ``Message.extras``. A file is a template
``name.md.j2``, rendered by ``render_text("name.md", facts)``: Markdown, escaped as such, times in UTC.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, Undefined
from markupsafe import Markup

from bot.domain.masking import mask
from bot.domain.tokens import clean
from bot.messages import filters as phrases
from bot.messages import limits as fit
from bot.messages.limits import Block
from bot.messages.mrkdwn import BREAK, admit, escape, plain, settle, shorten, size, straighten, unescape


class RenderError(Exception):
    """A template is wrong, or was given facts that cannot be said: the name of the template and what was wrong."""


@dataclass(frozen=True, slots=True)
class Message:
    """One Slack message: ``text`` for the lock screen and screen readers, ``blocks`` for everyone else."""

    text: str
    blocks: list[Block] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text, "blocks": self.blocks, "extras": self.extras}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Message:
        return cls(stored["text"], list(stored.get("blocks", ())), dict(stored.get("extras", {})))


@dataclass(frozen=True, slots=True)
class View:
    """One form. ``callback_id`` and ``private_metadata`` come back with what was filled in, under each input's name."""

    title: str
    blocks: list[Block]
    submit: str = "Send"
    close: str = "Cancel"
    callback_id: str = "form"
    private_metadata: str = ""

    def to_slack(self) -> dict[str, Any]:
        """As ``views.open`` and ``views.update`` take it."""
        view: dict[str, Any] = {
            "type": "modal",
            "title": _plain_text(self.title),
            "close": _plain_text(self.close),
            "callback_id": self.callback_id,
            "private_metadata": self.private_metadata,
            "blocks": self.blocks,
        }
        # Slack refuses a submit button without inputs to submit: such a view is only read.
        if any(block["type"] == "input" for block in self.blocks):
            view["submit"] = _plain_text(self.submit)
        return view

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> View:
        return cls(**stored)


class Renderer:
    """The templates of some folders, the first that has a name counting. Made once a process; any thread may use it."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._forge = _Forge()
        self._files = _environment(folders, _finalize_file, phrases.MARKDOWN)

    @functools.cached_property
    def _slack(self) -> Environment:
        """Made when something is first said: reading the macros takes 40 ms, and a door or a clock says nothing."""
        environment = _environment(self._folders, _finalize, phrases.SLACK)
        environment.filters.update(
            json=self._forge.dump,
            tojson=_tojson,
            elements=self._forge.elements,
            lines=_lines,
            mrkdwn=_mrkdwn,
        )
        environment.globals.update(mrkdwn=_mrkdwn, plain=_plain_text, words=_words)
        environment.globals.update(_macros(environment))
        return environment

    def names(self) -> list[str]:
        """Every template there is, as ``render`` and ``render_text`` take it; the macros' own files are none."""
        found = {path.relative_to(folder) for folder in self._folders for path in folder.rglob("*.j2")}
        return sorted(path.as_posix().removesuffix(".j2") for path in found if not path.name.startswith("_"))

    def render(self, template: str, facts: Mapping[str, Any]) -> Message:
        """Raises RenderError when the template is wrong; never for the sake of what a fact contains."""
        text, made = self._run(template, facts)
        blocks, extras = [], {}
        for block in made:
            if block["type"] == "extras":
                extras.update(block["values"])
            elif block["type"] == "form":
                raise RenderError(f"{template} is a form: it is opened (view), not posted")
            else:
                blocks.append(block)
        fitted = self._fitted(template, blocks, fit.BLOCKS, fit.TOTAL)
        return Message(shorten(text or _summary(fitted), fit.TEXT), _numbered(fitted), extras)

    def view(self, template: str, facts: Mapping[str, Any]) -> View:
        """The form of a template that says ``form(…)``; raises RenderError like ``render``."""
        title, made = self._run(template, facts)
        forms = [block for block in made if block["type"] == "form"]
        if len(forms) != 1:
            raise RenderError(f"{template} must say form(…) exactly once; it says it {len(forms)} times")
        if size(forms[0]["sentence"]) > fit.METADATA:
            raise RenderError(f"{template}: what a form remembers may be {fit.METADATA:,} characters long")
        blocks = [block for block in made if block["type"] not in ("form", "extras")]
        return View(
            title=shorten(title or "Firewatch", fit.VIEW_TITLE),
            blocks=_numbered(self._fitted(template, blocks, fit.VIEW_BLOCKS, None)),
            submit=shorten(forms[0]["submit"], fit.VIEW_TITLE),
            close=shorten(forms[0]["close"], fit.VIEW_TITLE),
            callback_id=forms[0]["callback"],
            private_metadata=forms[0]["sentence"],
        )

    def render_text(self, template: str, facts: Mapping[str, Any]) -> str:
        """A file: Markdown by the template ``<template>.j2``, masked; one line break at its end."""
        text = mask(clean(straighten(self._output(self._files, template, facts))))
        return "\n".join(line.rstrip() for line in text.strip("\n").split("\n")) + "\n"

    def _run(self, template: str, facts: Mapping[str, Any]) -> tuple[str, list[Block]]:
        """The first line, and what the macros made. Only real line breaks cut lines: values hold ``BREAK`` instead."""
        text, made, blanks = None, [], f" \t\r{BREAK}"
        for line in self._output(self._slack, template, facts).split("\n"):
            words, *blocks = line.split(self._forge.mark)
            made += [json.loads(block.strip(blanks)) for block in blocks]
            if words.strip(blanks) and text is not None:
                raise RenderError(f"{template}: after the first line each line is a block, but one says {words[:80]!r}")
            if text is None and not blocks:
                text = words if words.strip(" \t\r") else None
        return " ".join(settle(text or "", " ").split()), made

    def _output(self, environment: Environment, template: str, facts: Mapping[str, Any]) -> str:
        try:
            return environment.get_template(f"{template}.j2").render({"now": datetime.now(UTC), **facts})
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            raise RenderError(f"{template}: {type(error).__name__}: {error}") from error

    def _fitted(self, template: str, blocks: list[Block], most: int, total: int | None) -> list[Block]:
        try:
            return fit.fit(blocks, most, total)
        except fit.Unfit as error:
            raise RenderError(f"{template}: {error}") from error


def to_terminal(message: Message, names: Mapping[str, str] | None = None) -> str:
    """The message for a terminal: what Slack would show, in plain lines. ``names``: ids of users, channels → names."""
    lines: list[str] = [plain(message.text, names)]
    for block in message.blocks:
        lines += [plain(line, names) for line in _as_lines(block)]
    if len(lines) > 1 and lines[1].strip().startswith(lines[0].strip()):
        del lines[0]
    return "\n".join(lines).rstrip() + "\n"


def _as_lines(block: Block) -> Iterable[str]:
    match block["type"]:
        case "section":
            if "text" in block:
                yield block["text"]["text"]
            yield from (f"  {part['text']}" for part in block.get("fields", ()))
            if "accessory" in block:
                yield from _said([block["accessory"]])
        case "header":
            yield from ("", block["text"]["text"], "=" * min(len(unescape(block["text"]["text"])), 72))
        case "context":
            yield "  ".join(e["text"] if "text" in e else e["alt_text"] for e in block["elements"])
        case "actions":
            yield from _said(block["elements"])
        case "divider":
            yield "-" * 40
        case "image":
            yield f"({block['alt_text']})"
        case "markdown":
            yield block["text"]
        case "input":
            yield f"{block['label']['text']}: …"


def _said(elements: Iterable[Block]) -> Iterable[str]:
    # Values are no markup: escaped here because everything is unescaped once at the end.
    for element in elements:
        label = element["text"]["text"] if "text" in element else element.get("placeholder", {}).get("text", "")
        if "options" in element:
            yield f"  {label}:"
            yield from (f"    [{o['text']['text']}] → {escape(o['value'])}" for o in element["options"])
        elif target := element.get("value") or element.get("url"):
            yield f"  [{label}] → {escape(target)}"


# --- what stands between Jinja2 and a message -----------------------------------------------------------------------

_RAW = frozenset(
    [
        "type",
        "style",
        "value",
        "url",
        "image_url",
        "id",
        "action_id",
        "block_id",
        "initial_value",
        "initial_user",
        "callback",
        "sentence",
    ]
)
"""Keys whose strings Slack does not read as markup: given as they are. ``initial_value`` is shown, so it is masked."""


class _Ready(dict[str, Any]):
    """A dict that has been through ``dump`` once: its strings are settled."""


class _Forge:
    """Makes blocks and knows its own work again: each is marked with a word that no fact can contain."""

    def __init__(self) -> None:
        self.mark = f"\x1e{secrets.token_hex(8)}:"

    def dump(self, value: Any) -> Markup:
        """The Jinja filter ``json``: settled, on one line, ready to be a line or a part of another block."""
        # No bare & in it: finalize would take "&#34;" in a value for markupsafe's work and undo it, breaking the JSON.
        return Markup(self.mark + json.dumps(self._settled(value)).replace("&", "\\u0026"))

    def elements(self, markup: str) -> list[_Ready]:
        """The Jinja filter ``elements``: what a ``call`` block has made, as a list."""
        before, *made = markup.split(self.mark)
        if before.strip() or not isinstance(markup, Markup):
            raise ValueError(f"only elements made by macros can stand in a row, not {before.strip()[:80]!r}")
        return [_Ready(json.loads(one)) for one in made]

    def _settled(self, value: Any, key: str = "") -> Any:
        if isinstance(value, _Ready):
            return value
        if isinstance(value, Undefined):
            return str(value)  # raises, and names what is missing
        if key == "values":
            return json.loads(json.dumps(value, default=str))
        if isinstance(value, Mapping):
            return {str(k): self._settled(v, k) for k, v in value.items() if v is not None}
        if isinstance(value, list | tuple):
            return [self._settled(v, key) for v in value if v is not None]
        if isinstance(value, bool):
            return value
        if isinstance(value, Markup) and value.startswith(self.mark):
            return self.elements(value)[0]
        if key in _RAW:
            return _raw(value, key)
        return settle(_finalize(value))


def _raw(value: Any, key: str) -> str:
    text = unescape(straighten(value).replace(BREAK, "\n")) if isinstance(value, Markup) else str(value)
    return mask(clean(text)) if key == "initial_value" else clean(text)


def _finalize(value: Any) -> Markup:
    """What ``{{ }}`` prints. Plain values are escaped and masked; Markup (a filter's, a macro's) keeps its own."""
    if isinstance(value, Undefined):
        return Markup(str(value))  # raises, and names what is missing
    if not isinstance(value, Markup):
        value = phrases.spoken(value)
    if isinstance(value, Markup):
        return Markup(straighten(value).replace("\n", BREAK))
    return Markup(admit(value))


def _finalize_file(value: Any) -> Markup:
    if isinstance(value, Undefined):
        return Markup(str(value))
    if not isinstance(value, Markup):
        value = phrases.spoken(value, files=True)
    if isinstance(value, Markup):
        return Markup(straighten(value))
    return Markup(phrases.escape_markdown(mask(clean(value))))


def _environment(folders: Sequence[Path], finalize: Any, words: phrases.Words) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(words.filters)
    environment.globals.update(words.functions)
    return environment


def _macros(environment: Environment) -> dict[str, Any]:
    module = environment.get_template("_blocks.j2").module
    return {name: macro for name, macro in vars(module).items() if not name.startswith("_")}


def _tojson(value: Any) -> str:
    # Jinja's own writes \\u003c for <, which would be a bracket again once the block's JSON is read.
    return json.dumps(value, ensure_ascii=False, default=str)


def _lines(markup: Markup) -> list[Markup]:
    return [line.strip() for line in markup.split("\n") if line.strip()]


def _words(text: Any) -> str:
    """Whatever is to be a text, as one: never a number, a list or an object in the block's JSON."""
    return str(text) if isinstance(text, Undefined) else phrases.spoken(text)


def _mrkdwn(text: Any) -> Block:
    # verbatim: else Slack makes mentions and links of bare words such as @channel and #general.
    return {"type": "mrkdwn", "text": _words(text), "verbatim": True}


def _plain_text(text: Any) -> Block:
    return {"type": "plain_text", "text": _words(text), "emoji": True}


def _numbered(blocks: list[Block]) -> list[Block]:
    for number, element in enumerate(fit.elements(blocks)):
        element["action_id"] = f"say:{number}"
    return blocks


def _summary(blocks: list[Block]) -> str:
    """The lock screen of a template whose first line came out empty: the first words of its blocks."""
    for block in blocks:
        for line in _as_lines(block):
            if line.strip():
                return shorten(" ".join(line.split()), 150)
    return "–"
