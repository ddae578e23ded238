"""The settings as files: `.env.example` and `docs/settings.md`, made from the models. `make settings` writes both."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.domain.parameters import duration_words
from bot.settings.catalogue import Catalogue, Named, Table
from bot.settings.environment import Core, Declared
from bot.settings.fields import Variables

HEAD = """\
# Copy to .env and fill in; what is set in the environment wins. docs/settings.md says what each one means.
# No secret belongs into firewatch.toml, and this file's copy belongs into no repository.
# Written by `make settings`.
"""

INTRODUCTION = """\
# Settings

Written by `make settings` from the declarations in the code (`bot/outside/*/part.py`, `bot/settings`). Change it there.

Secrets and addresses are variables of the environment; a `.env` file in the working folder is read too, and the
environment wins over it. Names that begin with `AWS_` are boto3's own. What is not secret stands in `firewatch.toml`
(or the file that `FIREWATCH_CONFIG` names). What is wrong in either stops the start: all of it is named at once, each
with its line.

A part that is off says, when it is asked for, how to turn it on; `firewatch doctor` lists those too.
"""

TEAM = """\
## A team's own package

`[parts] packages = ["acme_firewatch"]` adds a package of your own: installed beside Firewatch, or a folder beside
`firewatch.toml`. **It is trusted as the program itself is**: its code runs in the same process, with the same secrets.

| in the package | is |
| --- | --- |
| `outside/<name>/part.py` | an outside system: its settings, how it is built, what `firewatch doctor` asks of it |
| `handlers/*.py` | commands, procedures and what falls due, registered as they are imported |
| `templates/` | what they say, looked up beside the shipped templates |

Everything in it needs a name of its own. A part, a variable, a table, a command, a procedure or a template that has a
name already stops the start with a sentence that names both places: nothing that is shipped can be replaced, and
neither can the policy or the template of a plan.

`[runbook] folder` names a folder with your own sections of the runbook, `[triage] table` a file with your own causes of
failures; the shipped ones under `templates/` show the form. Yours are tried before those shipped: to change what a
shipped cause or section says, write one with another key that matches first. A pattern of yours that takes longer than
50 ms of a text that is hard for it is refused at the start.
"""


def write(parts: Sequence[Declared[Variables]], folder: Path) -> None:
    """Both files, anew."""
    (folder / ".env.example").write_text(env(parts), encoding="utf-8")
    (folder / "docs" / "settings.md").write_text(markdown(parts), encoding="utf-8")


def env(parts: Sequence[Declared[Variables]]) -> str:
    """`.env.example`: each variable with its meaning, in comments but for what has to be filled in."""
    return "\n".join([HEAD, *("\n".join(_env(model)) for model in _models(parts))])


def markdown(parts: Sequence[Declared[Variables]]) -> str:
    """`docs/settings.md`."""
    variables = [line for model in _models(parts) for line in (*_table_of(model), "")]
    keys = [line for name, model, form in _tables(parts) for line in (*_keys_of(name, model, form), "")]
    return "\n".join([INTRODUCTION, "## Environment", "", *variables, "## firewatch.toml", "", *keys, TEAM])


# ---------------------------------------------------------------- the environment


def _models(parts: Sequence[Declared[Variables]]) -> list[type[Variables]]:
    """Those of which something has to be filled in first, then the program's own, then the others."""
    models = [each.settings for each in parts]
    first = [each for each in models if any(_listed(field)["filled"] for field in each.model_fields.values())]
    return [*first, Core, *(each for each in models if each not in first)]


def _env(model: type[Variables]) -> Iterator[str]:
    yield f"# {_doc(model)}"
    for field in model.model_fields.values():
        listed = _listed(field)
        yield f"# {field.title}: {field.description}"
        value = listed["example"] or (listed["shown"] and "") or _plain(field.default)
        yield f"{'' if listed['filled'] else '#'}{field.validation_alias}={value}"
    yield ""


def _table_of(model: type[Variables]) -> Iterator[str]:
    yield f"### {_doc(model)}"
    yield ""
    yield "| name | what | meaning | default |"
    yield "| --- | --- | --- | --- |"
    for field in model.model_fields.values():
        default = _listed(field)["shown"] or _plain(field.default)
        shown = default if default == "required" else f"`{default}`" if default else "–"
        yield f"| `{field.validation_alias}` | {field.title} | {_cell(field.description)} | {shown} |"


def _listed(field: FieldInfo) -> dict[str, Any]:
    return typing.cast("dict[str, Any]", field.json_schema_extra)


# ---------------------------------------------------------------- the catalogue


def _tables(parts: Sequence[Declared[Variables]]) -> Iterator[tuple[str, type[Table], str]]:
    """Each table of the file: its name, its model, and how its header is written."""
    for name, field in Catalogue.model_fields.items():
        held = [each for each in (field.annotation, *typing.get_args(field.annotation)) if _is_table(each)]
        [model] = held
        form = f"[{name}.NAME]" if issubclass(model, Named) else f"[{name}]"
        yield name, model, f"[{form}]" if field.annotation is not model and "NAME" not in form else form
    for part in parts:
        if part.table:
            yield part.name, part.table, f"[{part.name}]"


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Table)


def _keys_of(name: str, model: type[Table], form: str) -> Iterator[str]:
    yield f"### `{form}`"
    yield ""
    yield _doc(model)
    yield ""
    yield "| key | meaning | default |"
    yield "| --- | --- | --- |"
    for key, field in model.model_fields.items():
        if isinstance(field.validation_alias, str):
            continue  # the name that stands in the header
        default = "required" if field.default is PydanticUndefined else f"`{_toml(field.default)}`"
        yield f"| `{key}` | {_cell(field.description)} | {'–' if default == '``' else default} |"


# ---------------------------------------------------------------- words


def _doc(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or model.__name__).split())


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _plain(value: object) -> str:
    return "" if value is None or str(value) == "***" else f"{value:g}" if isinstance(value, float) else str(value)


def _toml(value: object) -> str:
    if isinstance(value, timedelta):
        return f'"{duration_words(value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    if isinstance(value, str):
        return f'"{value}"' if value else ""
    return "" if value is None or isinstance(value, BaseModel) else str(value).lower()
