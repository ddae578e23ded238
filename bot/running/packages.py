"""A team's own package: its commands are registered, its templates found. Trusted code; it replaces nothing shipped."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from bot.outside.parts import team_module
from bot.settings.environment import SettingsError


def register(packages: Sequence[str]) -> None:
    """Import every file of their ``handlers``, which registers what it declares. Raises SettingsError.

    A command, a procedure or anything else that is registered under a name that is taken stops the start.
    """
    for package in packages:
        name = f"{team_module(package).__name__}.handlers"
        if find_spec(name):
            for found in pkgutil.iter_modules(team_module(name).__path__):
                team_module(f"{name}.{found.name}")


def template_folders(packages: Sequence[str], shipped: Path) -> list[Path]:
    """Where templates are looked up: the shipped folder first. Raises SettingsError when a name is there twice."""
    folders = [shipped]
    taken = dict(_templates(shipped))
    problems: list[str] = []
    for package in packages:
        for root in team_module(package).__path__:
            folder = Path(root) / "templates"
            for name, file in _templates(folder):
                if name in taken:
                    problems.append(f"the template {name} is there twice: as {taken[name]} and as {file}")
                taken.setdefault(name, file)
            folders += [folder] if folder.is_dir() else []
    if problems:
        raise SettingsError(problems)
    return folders


def _templates(folder: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(folder.rglob("*.j2")):
        yield file.relative_to(folder).as_posix(), file
