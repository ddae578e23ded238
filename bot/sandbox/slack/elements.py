"""The elements of Block Kit: what each may hold, and where each may stand.

Figures from facts of Slack's block kit reference: button text 75 and value 2,000, options 100, option text 75 and
value 150, action_id 255, placeholders 150, checkboxes and radio buttons 10, overflow 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bot.sandbox.slack.shapes import (
    Check,
    Json,
    Report,
    Shape,
    boolean,
    confirm,
    many,
    one_of,
    option,
    options,
    string,
    text,
    typed,
    url,
    whole,
)
from bot.sandbox.slack.shapes import matching as matching_format

_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

date = matching_format(lambda said: bool(_DATE.fullmatch(said)), "YYYY-MM-DD")
hour = matching_format(lambda said: bool(_TIME.fullmatch(said)), "HH:mm")
number = matching_format(lambda said: bool(_NUMBER.fullmatch(said)), "a number in a string")
placeholder = text(150, plain=True)
plain_option = option(plain=True)
rich_option = option(plain=False)


def _action_id(value: Any, path: str, report: Report) -> None:
    string(255)(value, path, report)
    if isinstance(value, str) and value:
        if value in report.action_ids:
            report.add(path, f"action_id already exists: {value}")
        report.action_ids.add(value)


def _focus(value: Any, path: str, report: Report) -> None:
    boolean(value, path, report)
    report.focused += value is True
    if report.focused > 1:
        report.add(path, "only one element may have focus_on_load")


def element(
    fields: dict[str, Check],
    required: tuple[str, ...] = (),
    *,
    confirms: bool = True,
    focus: bool = True,
    also: Callable[[Json, str, Report], None] | None = None,
) -> Shape:
    common: dict[str, Check] = {"action_id": _action_id}
    if confirms:
        common["confirm"] = confirm
    if focus:
        common["focus_on_load"] = _focus
    return Shape({**common, **fields}, required, also)


group = Shape(
    {"label": text(75, plain=True), "options": options(plain_option, 100)},
    ("label", "options"),
)


def _either_options_or_groups(value: Json, path: str, report: Report) -> None:
    if bool(value.get("options")) == bool(value.get("option_groups")):
        report.add(path, "must provide exactly one of: options, option_groups")
        return
    offered = [
        each
        for each in [
            *(value.get("options") or []),
            *(one for part in value.get("option_groups") or [] for one in part.get("options") or []),
        ]
        if isinstance(each, dict)
    ]
    _initial_among(offered, value, path, report)


def _initial_among(offered: list[Json], value: Json, path: str, report: Report) -> None:
    """An initial choice has to be one of those offered, to the letter."""
    chosen = [value["initial_option"]] if "initial_option" in value else []
    for one in [*chosen, *(value.get("initial_options") or [])]:
        same = [each for each in offered if isinstance(one, dict) and each.get("value") == one.get("value")]
        if not same:
            where = "initial_option" if "initial_option" in value else "initial_options"
            report.add(f"{path}/{where}", "initial option not found in options")


def _listed(value: Json, path: str, report: Report) -> None:
    _initial_among([one for one in value.get("options") or [] if isinstance(one, dict)], value, path, report)


def _range(low: str, high: str) -> Callable[[Json, str, Report], None]:
    def check(value: Json, path: str, report: Report) -> None:
        least, most = value.get(low), value.get(high)
        if least is None or most is None:
            return
        try:
            if float(least) > float(most):
                report.add(path, f"{low} must not be greater than {high}")
        except (TypeError, ValueError):
            return  # named already as not being numbers

    return check


_select: dict[str, Check] = {"placeholder": placeholder}
_multi: dict[str, Check] = {"placeholder": placeholder, "max_selected_items": whole(1, 100)}
_static: dict[str, Check] = {
    "options": options(plain_option, 100),
    "option_groups": many(group, 1, 100),
}
_filter = Shape(
    {
        "include": many(one_of("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    }
)
_conversations: dict[str, Check] = {"default_to_current_conversation": boolean, "filter": _filter}
_dispatch = Shape(
    {"trigger_actions_on": many(one_of("on_enter_pressed", "on_character_entered"), 1, 2)},
)
_typing: dict[str, Check] = {"placeholder": placeholder, "dispatch_action_config": _dispatch}
_id = string(255)


def _image(value: Json, path: str, report: Report) -> None:
    if bool(value.get("image_url")) == bool(value.get("slack_file")):
        report.add(path, "must provide exactly one of: image_url, slack_file")


def slack_file(value: Any, path: str, report: Report) -> None:
    Shape({"id": string(), "url": url()})(value, path, report)
    if isinstance(value, dict):
        known = [one for key in ("id", "url") if (one := value.get(key)) is not None]
        if len(known) != 1:
            report.add(path, "must provide exactly one of: id, url")
        elif not report.files(str(known[0])):
            report.add(path, "invalid slack file")


#: type → shape. Everything a block may hold that answers or shows something.
ELEMENTS: dict[str, Check] = {
    "button": element(
        {
            "text": text(75, plain=True),
            "value": string(2000),
            "url": url(),
            "style": one_of("primary", "danger"),
            "accessibility_label": string(75),
        },
        ("text",),
        focus=False,
    ),
    "static_select": element({**_select, **_static, "initial_option": plain_option}, also=_either_options_or_groups),
    "external_select": element({**_select, "initial_option": plain_option, "min_query_length": whole(0, 100)}),
    "users_select": element({**_select, "initial_user": _id}),
    "conversations_select": element(
        {**_select, **_conversations, "initial_conversation": _id, "response_url_enabled": boolean}
    ),
    "channels_select": element({**_select, "initial_channel": _id, "response_url_enabled": boolean}),
    "multi_static_select": element(
        {**_multi, **_static, "initial_options": options(plain_option, 100)}, also=_either_options_or_groups
    ),
    "multi_external_select": element(
        {**_multi, "initial_options": options(plain_option, 100), "min_query_length": whole(0, 100)}
    ),
    "multi_users_select": element({**_multi, "initial_users": many(_id)}),
    "multi_conversations_select": element(
        {**_multi, **_conversations, "initial_conversations": many(_id)},
    ),
    "multi_channels_select": element({**_multi, "initial_channels": many(_id)}),
    "overflow": element({"options": options(option(plain=True, with_url=True), 5)}, ("options",), focus=False),
    "datepicker": element({"placeholder": placeholder, "initial_date": date}),
    "timepicker": element({"placeholder": placeholder, "initial_time": hour, "timezone": string(100)}),
    "datetimepicker": element({"initial_date_time": whole(1_000_000_000, 9_999_999_999)}),
    "radio_buttons": element(
        {"options": options(rich_option, 10), "initial_option": rich_option}, ("options",), also=_listed
    ),
    "checkboxes": element(
        {"options": options(rich_option, 10), "initial_options": options(rich_option, 10)},
        ("options",),
        also=_listed,
    ),
    "plain_text_input": element(
        {
            **_typing,
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": whole(0, 3000),
            "max_length": whole(1, 3000),
        },
        confirms=False,
        also=_range("min_length", "max_length"),
    ),
    "number_input": element(
        {
            **_typing,
            "is_decimal_allowed": boolean,
            "initial_value": number,
            "min_value": number,
            "max_value": number,
        },
        ("is_decimal_allowed",),
        confirms=False,
        also=_range("min_value", "max_value"),
    ),
    "email_text_input": element({**_typing, "initial_value": string(3000)}, confirms=False),
    "url_text_input": element({**_typing, "initial_value": url()}, confirms=False),
    "file_input": element({"filetypes": many(string(20)), "max_files": whole(1, 10)}, confirms=False, focus=False),
    "image": Shape({"image_url": url(), "slack_file": slack_file, "alt_text": string(2000)}, ("alt_text",), _image),
}

_SELECTS = ("static", "external", "users", "conversations", "channels")
_SINGLE = tuple(f"{one}_select" for one in _SELECTS)
_MULTI = tuple(f"multi_{one}_select" for one in _SELECTS)
_PICKERS = ("datepicker", "timepicker")
_CHOICES = ("radio_buttons", "checkboxes")


def among(*names: str) -> Check:
    return typed({name: ELEMENTS[name] for name in names})


#: Where each may stand. Multi-selects are not for action rows, nor inputs for typing; buttons are not inputs.
accessory = among("button", "image", "overflow", *_SINGLE, *_MULTI, *_PICKERS, *_CHOICES)
in_actions = among("button", "overflow", *_SINGLE, *_PICKERS, "datetimepicker", *_CHOICES)
in_input = among(
    *_SINGLE,
    *_MULTI,
    *_PICKERS,
    "datetimepicker",
    *_CHOICES,
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "file_input",
)
