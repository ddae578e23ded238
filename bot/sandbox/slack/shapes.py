"""A small language for saying what a piece of Block Kit must look like.

A check is a function of `(value, path, report)`. Problems are collected, not raised, and worded and placed as Slack
words and places them: `must be less than 76 characters [json-pointer:/blocks/0/elements/1/text/text]`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

#: The most a text object of any kind may hold. Source: Slack's reference for composition objects.
TEXT = 3000


@dataclass(slots=True)
class Report:
    """What was found wrong, and what has to be unique across the whole surface."""

    surface: str
    problems: list[str] = field(default_factory=list)
    action_ids: set[str] = field(default_factory=set)
    block_ids: set[str] = field(default_factory=set)
    focused: int = 0
    files: Callable[[str], bool] = lambda _: True

    def add(self, path: str, problem: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{path}]")


Check = Callable[[Any, str, Report], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """An object: its fields, those it cannot do without, and, where these are sound, what has to hold between them."""

    fields: Mapping[str, Check]
    required: Collection[str] = ()
    also: Callable[[Json, str, Report], None] | None = None

    def __call__(self, value: Any, path: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must provide an object")
            return
        before = len(report.problems)
        for name in self.required:
            if value.get(name) is None:
                report.add(path, f"missing required field: {name}")
        for name, one in value.items():
            if name == "type":
                continue
            check = self.fields.get(name)
            if check is None:
                report.add(path, f"invalid additional property: {name}")
            elif one is not None:
                check(one, f"{path}/{name}", report)
            elif name not in self.required:
                report.add(f"{path}/{name}", "must not be null")
        if self.also is not None and len(report.problems) == before:
            self.also(value, path, report)


def string(most: int = 0, least: int = 1) -> Check:
    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(path, "must provide a string")
        elif len(value) < least:
            report.add(path, f"must be more than {least - 1} characters")
        elif most and len(value) > most:
            report.add(path, f"must be less than {most + 1} characters")

    return check


def boolean(value: Any, path: str, report: Report) -> None:
    if not isinstance(value, bool):
        report.add(path, "must provide a boolean")


def whole(least: int, most: int) -> Check:
    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            report.add(path, "must provide an integer")
        elif value < least:
            report.add(path, f"must be more than {least - 1}")
        elif value > most:
            report.add(path, f"must be less than {most + 1}")

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, path: str, report: Report) -> None:
        if value not in allowed:
            report.add(path, f"must be one of: {', '.join(allowed)}")

    return check


def matching(test: Callable[[str], bool], wanted: str) -> Check:
    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, str) or not test(value):
            report.add(path, f"must match format: {wanted}")

    return check


def url(most: int = 3000) -> Check:
    length = string(most)

    def check(value: Any, path: str, report: Report) -> None:
        length(value, path, report)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:", "slack://")):
            report.add(path, "must be a valid URL")

    return check


def many(of: Check, least: int = 1, most: int = 0, most_said: str = "") -> Check:
    """A list of `least` to `most` things (0: no end)."""

    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(path, "must provide an array")
            return
        if len(value) < least:
            report.add(path, f"no less than {least} items allowed" if least > 1 else "must not be empty")
        if most and len(value) > most:
            report.add(path, most_said or f"no more than {most} items allowed")
        for index, one in enumerate(value):
            of(one, f"{path}/{index}", report)

    return check


def text(most: int = TEXT, least: int = 1, *, plain: bool = False) -> Check:
    """A text object. `plain`: only `plain_text` is taken here, as in headers, buttons and labels."""
    body = string(most, least)

    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must provide an object")
            return
        kind = value.get("type")
        if kind not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
            report.add(f"{path}/type", f"unsupported type: {kind}" if kind else "missing required field: type")
            return
        fields = {"text": body, ("emoji" if kind == "plain_text" else "verbatim"): boolean}
        Shape(fields, ("text",))(value, path, report)

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of several shapes it has."""

    def check(value: Any, path: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(path, "must provide an object")
            return
        kind = value.get("type")
        if not isinstance(kind, str) or not kind:
            report.add(path, "missing required field: type")
        elif kind not in kinds:
            report.add(f"{path}/type", f"unsupported type: {kind}")
        else:
            kinds[kind](value, path, report)

    return check


confirm = Shape(
    {
        "title": text(100, plain=True),
        "text": text(300),
        "confirm": text(30, plain=True),
        "deny": text(30, plain=True),
        "style": one_of("primary", "danger"),
    },
    ("title", "text", "confirm", "deny"),
)


def option(*, plain: bool, with_url: bool = False, value_most: int = 150) -> Check:
    """One choice. Selects and overflow menus take plain text only; radio buttons and checkboxes mrkdwn too."""
    fields: dict[str, Check] = {
        "text": text(75, plain=plain),
        "value": string(value_most),
        "description": text(75, plain=plain),
    }
    if with_url:
        fields["url"] = url()
    return Shape(fields, ("text", "value"))


def options(one: Check, most: int, least: int = 1) -> Check:
    """A list of options whose values differ: two with one value cannot be told apart when chosen."""
    listed = many(one, least, most)

    def check(value: Any, path: str, report: Report) -> None:
        listed(value, path, report)
        if isinstance(value, list):
            values = [each.get("value") for each in value if isinstance(each, dict)]
            if len(values) != len(set(map(str, values))):
                report.add(path, "options must have unique values")

    return check
