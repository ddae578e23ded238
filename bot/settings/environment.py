"""Environment, `.env` and `firewatch.toml` → one frozen Settings, or one error that names all that is wrong.

What the parts beside it need is said by their own declarations (``bot.outside.part``), which are handed in.
"""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

from dotenv.parser import parse_stream
from pydantic import BaseModel, BeforeValidator, ValidationError

from bot.domain.errors import Refused
from bot.running.timepiece import Timepiece
from bot.settings.catalogue import Catalogue, Table, packages_of, read_catalogue
from bot.settings.fields import (
    Need,
    Port,
    RedisAddress,
    Role,
    Variables,
    names_of,
    seconds,
    variable,
    written_as,
)
from bot.settings.lines import Problems, broken
from bot.settings.near import near, resembling
from bot.settings.secrets import Address

M = TypeVar("M", bound=BaseModel)
S_co = TypeVar("S_co", bound=BaseModel, covariant=True)
T = TypeVar("T", bound=Table)

LEASE = 5.0


class SettingsError(Exception):
    """`problems`: a sentence for each setting that is missing or wrong. None of them holds a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


# ---------------------------------------------------------------- what there is


class Core(Variables):
    """What the bot itself needs, whatever it is connected to."""

    redis_url: RedisAddress = variable(
        "REDIS_URL", "Redis", "The bot's own data, and the work that waits.", Address("redis://127.0.0.1:6379/0")
    )
    host: str = variable("HOST", "Host of the HTTP door", "Where it listens.", "127.0.0.1")
    port: Port = variable("PORT", "Port of the HTTP door", "0 takes any that is free.", 8080)
    config: str = variable(
        "FIREWATCH_CONFIG", "Catalogue", "The file that holds what is not secret.", "", shown="firewatch.toml"
    )
    log: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lambda text: text.lower())] = variable(
        "FIREWATCH_LOG", "Log", "What is logged at least: debug, info, warning or error.", "info"
    )
    # Less would not outlast one pause of a busy machine; more would leave what a dead process was at lying for long.
    lease: Annotated[float, seconds(0.2, 60.0)] = variable(
        "FIREWATCH_LEASE", "Lease", "Seconds until another process may take up what a dead one was at.", LEASE
    )
    clock: Annotated[
        Timepiece | None,
        written_as(Timepiece.read, "is not of the form 2026-11-23T03:00:00Z@1763866800*60; leave it unset"),
    ] = variable("FIREWATCH_CLOCK", "Moved clock", "A clock that was moved, for drills and tests.")


class Declared(Protocol[S_co]):
    """What is asked of a part here; ``bot.outside.part.Part`` is one."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> type[S_co]: ...

    @property
    def off(self) -> str: ...

    @property
    def table(self) -> type[Table] | None: ...

    def turned_on(self, settings: Any) -> bool: ...

    def needed(self, settings: Any, role: Role) -> Iterable[Need]: ...


Find = Callable[[Sequence[str], Path], Sequence[Declared[BaseModel]]]
"""The packages of `[parts]` and the folder of the catalogue → every part, the shipped ones first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the program is told from outside."""

    redis_url: Address
    host: str
    port: int
    log: str
    lease: float
    """Seconds until another process may take up what a dead one was at."""
    clock: Timepiece | None
    """A clock that was moved, for drills and tests."""
    catalogue: Catalogue
    catalogue_file: Path
    parts: Mapping[str, BaseModel | None] = field(default_factory=dict)
    """A part's name → its settings, None while it is off."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """A part's name → its own table of the catalogue."""

    def find(self, part: Declared[M]) -> M | None:
        """A part's settings, None while it is off."""
        found = self.parts.get(part.name)
        return found if isinstance(found, part.settings) else None

    def need(self, part: Declared[M]) -> M:
        """The same; raises Refused, with how to turn it on, while it is off."""
        found = self.find(part)
        if found is None:
            raise Refused(self.off(part))
        return found

    def table(self, kind: type[T]) -> T:
        """A part's own table of the catalogue, by its model."""
        return next(each for each in self.tables.values() if isinstance(each, kind))

    def off(self, part: Declared[BaseModel]) -> str:
        """How to turn on a part that is off, in a sentence for the person who asked for it."""
        return part.off.replace("{file}", self.catalogue_file.name)

    def beside(self, path: str) -> Path:
        """A path that the catalogue names: where it does not begin at the root, it begins at the catalogue."""
        return self.catalogue_file.parent / Path(path).expanduser()


# ---------------------------------------------------------------- reading it


def foreign(environ: Mapping[str, str], cwd: Path, prefix: str = "AWS_") -> dict[str, str]:
    """What only `cwd/.env` says under names that are a library's own: the library looks into the environment itself.

    What is wrong with the file is left to `read` to say.
    """
    written = Environment({}, cwd / ".env").written
    return {name: text for name, text in written.items() if name.startswith(prefix) and name not in environ}


def named_packages(environ: Mapping[str, str], cwd: Path) -> tuple[Sequence[str], Path]:
    """The packages of `[parts]` and the folder of the catalogue, for what needs no settings.

    What else is wrong is left to `read` to say.
    """
    file, text = _catalogue_text(Environment(environ, cwd / ".env"), cwd)
    try:
        return packages_of(tomllib.loads(text)), file.parent
    except tomllib.TOMLDecodeError:
        return (), file.parent


def read(environ: Mapping[str, str], cwd: Path, role: Role, find: Find) -> Settings:
    """The settings that `environ`, `cwd/.env` and the catalogue hold; `environ` wins over `.env`.

    Raises SettingsError with everything that is missing for this role, or wrong for any.
    """
    env = Environment(environ, cwd / ".env")
    file, text = _catalogue_text(env, cwd)
    data: dict[str, Any] = {}
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        env.problems.append(broken(error, text, file.name))
    try:
        parts = find(packages_of(data), file.parent)
    except SettingsError as error:
        env.problems.extend(error.problems)
        parts = find((), file.parent)
    problems = Problems(file.name, text)
    catalogue, tables = read_catalogue(data, problems, {each.name: each.table for each in parts if each.table})
    env.problems.extend(problems.sorted())
    core = env.model(Core)
    chosen = {each.name: _chosen(env, each, role) for each in parts}
    if env.problems or core is None:
        raise SettingsError(env.problems)
    return Settings(
        redis_url=core.redis_url,
        host=core.host,
        port=core.port,
        log=core.log,
        lease=core.lease,
        clock=core.clock,
        catalogue=catalogue,
        catalogue_file=file,
        parts=chosen,
        tables=tables,
    )


def _chosen(env: Environment, part: Declared[M], role: Role) -> M | None:
    """A part's settings, None while it is off. What is wrong with them is told in either case."""
    found = env.model(part.settings)
    if found is None:
        return None
    for need in part.needed(found, role):
        env.demand(need)
    return found if part.turned_on(found) else None


def _catalogue_text(env: Environment, cwd: Path) -> tuple[Path, str]:
    named = env.text("FIREWATCH_CONFIG")
    file = cwd / Path(named or "firewatch.toml").expanduser()
    try:
        return file, file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if named:
            env.problems.append(f"FIREWATCH_CONFIG names {named}, and there is no such file in {cwd}")
    except UnicodeDecodeError as error:
        env.problems.append(f"{file.name} is not UTF-8: byte {error.start + 1} cannot be read")
    except OSError as error:
        env.problems.append(f"{file.name} cannot be read: {error.strerror}")
    return file, ""


class Environment:
    """Names and texts, those of the process before those of the file; empty is unset. Collects problems."""

    def __init__(self, environ: Mapping[str, str], file: Path) -> None:
        self.problems: list[str] = []
        self._asked: set[str] = set()
        self.written = self._read(file)
        texts = {**self.written, **environ}
        self._texts = {name: text.strip() for name, text in texts.items() if text.strip()}

    def _read(self, file: Path) -> dict[str, str]:
        """The file as it stands: a `$` in a password is a `$`, whatever a shell would make of it."""
        try:
            with file.open(encoding="utf-8-sig") as stream:
                lines = list(parse_stream(stream))
        except (FileNotFoundError, IsADirectoryError):  # some call their virtual environment .env
            return {}
        except (OSError, UnicodeDecodeError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            self.problems.append(f"{file.name} cannot be read: {why}")
            return {}
        self.problems.extend(
            f"{file.name} line {each.original.line}: not of the form NAME=value"
            for each in lines
            if each.error or (each.key and each.value is None)
        )
        return {each.key: each.value for each in lines if each.key and each.value is not None}

    def has(self, name: str) -> bool:
        self._asked.add(name)
        return name in self._texts

    def text(self, name: str) -> str:
        return self._texts[name] if self.has(name) else ""

    def demand(self, need: Need) -> None:
        """One of these variables has to be set."""
        if any(self.has(name) for name in need.names):
            return
        self.problems.append(need.why if len(need.names) > 1 else self._missing(need.names[0], need.why))

    def _missing(self, name: str, why: str) -> str:
        stem = name.partition("_")[0]
        alike = resembling(name, [each for each in self._texts.keys() - self._asked if each.startswith(stem)])
        return f"{name} is not set: {why}{f'; is {alike} a slip of the pen?' if alike else ''}"

    def model(self, model: type[M]) -> M | None:
        """What these variables say. One that is wrong has its default, and is a problem; None when that is not enough.

        A value is shown only where its field is no secret: those raise sentences of their own.
        """
        fields = names_of(model)
        given = {name: self._texts[name] for name in fields if self.has(name)}
        while True:
            try:
                return model.model_validate(given)
            except ValidationError as error:
                before = dict(given)
                for each in error.errors(include_url=False):
                    name = str(each["loc"][0]) if each["loc"] else ""
                    self.problems.append(self._told(name, each["type"], each.get("ctx", {}), model, fields))
                    given.pop(name, None)
                if given == before:
                    return None

    def _told(
        self, name: str, kind: str, more: Mapping[str, Any], model: type[BaseModel], fields: Mapping[str, str]
    ) -> str:
        described = model.model_fields[fields[name]] if name in fields else None
        if kind == "missing" and described:
            return self._missing(name, (described.description or "it has to be").rstrip("."))
        if kind == "told":
            return f"{name} {more['sentence']}".strip()
        if kind == "literal_error" and described:
            text, known = self._texts[name].lower(), [str(each) for each in typing.get_args(described.annotation)]
            return f"{name} is {text!r}; it is one of {', '.join(known)}{near(text, known)}"
        what = {"int_parsing": "a whole number", "float_parsing": "a number", "bool_parsing": "true or false"}
        return f"{name} is not {what.get(kind, 'of the right form')}"
