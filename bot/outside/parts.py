"""Finds the parts: every ``bot/outside/<name>/part.py``, and those of the packages that the catalogue names.

A team's own package is trusted as the program itself is. What it brings has to have names of its own: nothing that is
shipped can be replaced by it.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import bot.outside
from bot.domain.errors import Taken
from bot.outside.part import AnyPart, Part
from bot.settings.catalogue import Catalogue
from bot.settings.environment import Core, Settings, SettingsError, read
from bot.settings.fields import Role, names_of

SHIPPED = ("bot", "handlers", "templates")


def load(environ: Mapping[str, str], cwd: Path, role: Role = "up") -> Settings:
    """The settings of the program and of every part. Raises SettingsError with everything that is wrong."""
    return read(environ, cwd, role, find)


def parts_of(settings: Settings) -> Sequence[AnyPart]:
    """Every part of this installation, the shipped ones first."""
    return find(settings.catalogue.parts.packages, settings.catalogue_file.parent)


def find(packages: Sequence[str] = (), folder: Path | None = None) -> Sequence[AnyPart]:
    """The shipped parts, and those of these packages, which may lie in ``folder``. Raises SettingsError."""
    if packages and folder and str(folder) not in sys.path:
        sys.path.append(str(folder))
    return _found(tuple(packages))


@functools.cache
def _found(packages: tuple[str, ...]) -> tuple[AnyPart, ...]:
    found = list(_declared(bot.outside))
    if shipped := [each for each in packages if each.partition(".")[0] in SHIPPED]:
        raise SettingsError([f"[parts] packages names {each}, which is Firewatch's own" for each in shipped])
    for package in dict.fromkeys(packages):
        team_module(package)
        if find_spec(f"{package}.outside"):
            found += _declared(team_module(f"{package}.outside"))
    if problems := _collisions(found):
        raise SettingsError(problems)
    return tuple(part for part, _ in found)


def team_module(name: str) -> ModuleType:
    """A module of a team's package. Raises SettingsError, with where it broke, when it cannot be imported."""
    try:
        return importlib.import_module(name)
    except SettingsError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, Taken):
            raise SettingsError([said]) from error
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        raise SettingsError(
            [f"[parts] packages names {name}, which cannot be imported{_where(error)}: {kind}{said}"]
        ) from error


def _where(error: BaseException) -> str:
    """The last line of the import that is not Python's own: `` (weather.py line 3)``."""
    lines: list[str] = []
    step = error.__traceback__
    while step:
        file = step.tb_frame.f_code.co_filename
        if "importlib" not in file and file != __file__:
            lines.append(f" ({Path(file).name} line {step.tb_lineno})")
        step = step.tb_next
    return lines[-1] if lines else ""


def _declared(package: ModuleType) -> list[tuple[AnyPart, str]]:
    """Every part of the package's folders, with the module that declares it."""
    found: list[tuple[AnyPart, str]] = []
    for folder in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{folder.name}.part"
        if folder.ispkg and find_spec(name):
            module = team_module(name)
            found += [(each, name) for each in vars(module).values() if isinstance(each, Part)]
    return found


def _collisions(found: Sequence[tuple[AnyPart, str]]) -> list[str]:
    """A sentence for each name that two places claim."""
    problems: list[str] = []
    taken: dict[tuple[str, str], str] = {
        **{("the variable", name): Core.__module__ for name in names_of(Core)},
        **{("the table", name): Catalogue.__module__ for name in Catalogue.model_fields},
    }
    for part, place in found:
        if part.name != place.split(".")[-2]:
            problems.append(f"the part {part.name} has to be called as its folder is: {place}")
        names = [("the part", part.name), *(("the variable", name) for name in names_of(part.settings))]
        names += [("the table", part.name)] if part.table else []
        names += [("the Protocol", f"{part.offers.__module__}.{part.offers.__qualname__}")] if part.offers else []
        for what in names:
            first = taken.setdefault(what, place)
            if first != place:
                problems.append(f"{what[0]} {what[1]} is declared twice: in {first} and in {place}")
    return problems
