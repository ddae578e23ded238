"""Environment, `.env` and `firewatch.toml` → one frozen Settings, or one error that names all that is wrong.

Secrets are `Secret`s: they show themselves as `***` wherever they are printed, logged or formatted.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NoReturn, final
from urllib.parse import urlsplit

from dotenv.parser import parse_stream

from bot.running.timepiece import Timepiece
from bot.settings.catalogue import Catalogue, read_catalogue
from bot.settings.tomlfile import near, resembling

Role = Literal["up", "slack", "worker", "clock", "do", "offline"]
"""What is being started. `up` and `slack` open Slack's door; `worker`, `clock` and `do` only speak to Slack;
`offline` (manifest, health, drill) needs neither."""

Part = Literal["pagerduty", "statuspage", "github", "database", "queues"]
"""What may be off."""

LOG_LEVELS = ("debug", "info", "warning", "error")
LEASE = 5.0
LEASES = (0.2, 60.0)
"""Less would not outlast one pause of a busy machine; more would leave what a dead process was at lying for long."""


class SettingsError(Exception):
    """`problems`: a sentence for each setting that is missing or wrong. None of them holds a secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


# ---------------------------------------------------------------- secrets


class Secret:
    """A text that does not show itself: `str`, `repr` and `format` give `***`; `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the client that sends it, and for nobody else."""
        return self._text

    def __str__(self) -> str:
        return "***"

    @final
    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    @final
    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        # A pickle ends up in Redis, or in a file, for all to read.
        raise TypeError("a Secret is not pickled; read_catalogue the settings again in the other process")


class Address(Secret):
    """A URL that may hold a password: shown without user, password and query."""

    __slots__ = ()

    def __str__(self) -> str:
        parts = urlsplit(self._text)
        host = parts.netloc.rpartition("@")[2]
        hidden = "***@" if "@" in parts.netloc else ""
        return f"{parts.scheme}://{hidden}{host}{parts.path}{'?***' if parts.query else ''}"


# ---------------------------------------------------------------- what there is


@dataclass(frozen=True, slots=True)
class Slack:
    """Slack's side. With an app token the door is Socket Mode, else HTTP with the signing secret."""

    bot_token: Secret
    app_token: Secret | None
    signing_secret: Secret | None
    api_url: str
    """Always ends in a slash."""

    @property
    def door(self) -> Literal["socket", "http"]:
        return "socket" if self.app_token else "http"


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """`from_address`: the e-mail of the PagerDuty user the bot acts as when nobody's own will do; or ""."""

    api_key: Secret
    from_address: str
    api_url: str
    webhook_secret: Secret | None
    routing_key: Secret | None


@dataclass(frozen=True, slots=True)
class StatusPage:
    api_key: Secret
    page_id: str
    api_url: str


@dataclass(frozen=True, slots=True)
class GitHub:
    """`repository` is OWNER/NAME."""

    token: Secret
    repository: str
    api_url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the program is told from outside. A part that is off is None; `off` says how to turn it on."""

    slack: Slack
    redis_url: Address
    queue_redis_url: Address
    host: str = "127.0.0.1"
    port: int = 8080
    queue_prefix: str = "bull"
    pagerduty: PagerDuty | None = None
    statuspage: StatusPage | None = None
    github: GitHub | None = None
    database: Address | None = None
    log: str = "info"
    lease: float = LEASE
    """Seconds until another process may take up what a dead one was at."""
    clock: Timepiece | None = None
    """A clock that was moved, for drills and tests."""
    catalogue: Catalogue = field(default_factory=Catalogue)
    catalogue_file: Path = Path("firewatch.toml")

    def off(self, part: Part) -> str:
        """How to turn on a part that is off, in a sentence for the person who asked for it."""
        return _OFF[part].format(file=self.catalogue_file.name)


_OFF: Mapping[Part, str] = {
    "pagerduty": "PagerDuty is off: set PAGERDUTY_API_KEY, and PAGERDUTY_FROM to the e-mail of one of its "
    "users, then restart Firewatch.",
    "statuspage": "The status page is off: set STATUSPAGE_API_KEY and STATUSPAGE_PAGE_ID, then restart Firewatch.",
    "github": "GitHub is off: set GITHUB_TOKEN, and GITHUB_REPOSITORY to OWNER/NAME, then restart Firewatch.",
    "database": "The reposting system's database is off: set DATABASE_URL to its PostgreSQL (with a role "
    "that may only read_catalogue), then restart Firewatch.",
    "queues": "No queue is known: add [queues.NAME] with a backend to {file}, then restart Firewatch.",
}


# ---------------------------------------------------------------- reading it


def foreign(environ: Mapping[str, str], cwd: Path, prefix: str = "AWS_") -> dict[str, str]:
    """What only `cwd/.env` says under names that are a library's own: the library looks into the environment itself.

    What is wrong with the file is left to `load` to say.
    """
    written = _Environment({}, cwd / ".env").written
    return {name: text for name, text in written.items() if name.startswith(prefix) and name not in environ}


def load(environ: Mapping[str, str], cwd: Path, role: Role = "up") -> Settings:
    """The settings that `environ`, `cwd/.env` and the catalogue hold; `environ` wins over `.env`.

    Raises SettingsError with everything that is missing for this role, or wrong for any.
    """
    env = _Environment(environ, cwd / ".env")
    catalogue, file = _catalogue(env, cwd)
    slack = _slack(env, role)
    redis_url = env.address("REDIS_URL", _REDIS) or Address("redis://127.0.0.1:6379/0")
    settings = Settings(
        slack=slack,
        redis_url=redis_url,
        queue_redis_url=env.address("QUEUE_REDIS_URL", _REDIS) or redis_url,
        host=env.text("HOST", "127.0.0.1"),
        port=env.port("PORT", 8080),
        queue_prefix=env.text("QUEUE_PREFIX", "bull"),
        pagerduty=_pagerduty(env),
        statuspage=_statuspage(env),
        github=_github(env),
        database=env.address("DATABASE_URL", ("postgresql", "postgres")),
        log=env.choice("FIREWATCH_LOG", LOG_LEVELS, "info"),
        lease=env.seconds("FIREWATCH_LEASE", LEASE, *LEASES),
        clock=env.clock("FIREWATCH_CLOCK"),
        catalogue=catalogue,
        catalogue_file=file,
    )
    if env.problems:
        raise SettingsError(env.problems)
    return settings


_REDIS = ("redis", "rediss", "unix")


def _slack(env: _Environment, role: Role) -> Slack:
    bot = env.token("SLACK_BOT_TOKEN", "xoxb-", "the bot token of the app's page OAuth & Permissions")
    app = env.token("SLACK_APP_TOKEN", "xapp-", "an app-level token with the scope connections:write")
    signing = env.secret("SLACK_SIGNING_SECRET")
    api_url = env.base("SLACK_API_URL", "https://slack.com/api")
    if role != "offline" and not env.has("SLACK_BOT_TOKEN"):
        env.missing("SLACK_BOT_TOKEN", "it begins with xoxb- and stands on the app's page OAuth & Permissions")
    if role in ("up", "slack") and not env.has("SLACK_APP_TOKEN") and not signing:
        env.problems.append(
            "Slack cannot reach the bot: set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which needs no public "
            "address, or SLACK_SIGNING_SECRET for HTTP"
        )
    return Slack(bot or Secret(""), app, signing, f"{api_url}/")


def _pagerduty(env: _Environment) -> PagerDuty | None:
    key = env.secret("PAGERDUTY_API_KEY")
    sender = env.text("PAGERDUTY_FROM", "")
    if sender and not re.fullmatch(r"[^@\s]+@[^@\s]+", sender):
        env.problems.append("PAGERDUTY_FROM is no e-mail address; it is that of a PagerDuty user")
    part = (
        env.base("PAGERDUTY_API_URL", "https://api.pagerduty.com"),
        env.secret("PAGERDUTY_WEBHOOK_SECRET"),
        env.secret("PAGERDUTY_ROUTING_KEY"),
    )
    return PagerDuty(key, sender, *part) if key else None


def _statuspage(env: _Environment) -> StatusPage | None:
    key = env.secret("STATUSPAGE_API_KEY")
    page = env.text("STATUSPAGE_PAGE_ID", "")
    url = env.base("STATUSPAGE_API_URL", "https://api.statuspage.io")
    if not key:
        return None
    if not page:
        env.missing("STATUSPAGE_PAGE_ID", "STATUSPAGE_API_KEY is set, and needs to know the page")
    return StatusPage(key, page, url)


def _github(env: _Environment) -> GitHub | None:
    token = env.secret("GITHUB_TOKEN")
    repository = env.text("GITHUB_REPOSITORY", "")
    if repository and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        env.problems.append("GITHUB_REPOSITORY is not of the form OWNER/NAME")
    url = env.base("GITHUB_API_URL", "https://api.github.com")
    # A token alone is no mistake: it stands in many environments that have nothing to do with this bot.
    return GitHub(token, repository, url) if token and repository else None


def _catalogue(env: _Environment, cwd: Path) -> tuple[Catalogue, Path]:
    named = env.text("FIREWATCH_CONFIG", "")
    file = cwd / Path(named or "firewatch.toml").expanduser()
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if named:
            env.problems.append(f"FIREWATCH_CONFIG names {named}, and there is no such file in {cwd}")
        return Catalogue(), file
    except UnicodeDecodeError as error:
        env.problems.append(f"{file.name} is not UTF-8: byte {error.start + 1} cannot be read")
        return Catalogue(), file
    except OSError as error:
        env.problems.append(f"{file.name} cannot be read: {error.strerror}")
        return Catalogue(), file
    catalogue, problems = read_catalogue(text, file.name)
    env.problems.extend(problems)
    return catalogue, file


class _Environment:
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

    def missing(self, name: str, why: str) -> None:
        stem = name.partition("_")[0]
        alike = resembling(name, [each for each in self._texts.keys() - self._asked if each.startswith(stem)])
        self.problems.append(f"{name} is not set: {why}{f'; is {alike} a slip of the pen?' if alike else ''}")

    def text(self, name: str, default: str) -> str:
        return self._texts[name] if self.has(name) else default

    def secret(self, name: str) -> Secret | None:
        return Secret(self._texts[name]) if self.has(name) else None

    def token(self, name: str, begins: str, what: str) -> Secret | None:
        secret = self.secret(name)
        if secret is None:
            return None
        text = secret.reveal()
        if re.fullmatch(rf"{begins}\S+", text):
            return secret
        # What kind of thing it is may be told, but never a part of it.
        kind = next(
            (f"; this is {kind}" for start, kind in _KINDS.items() if text.startswith(start) and start != begins), ""
        )
        self.problems.append(f"{name} is not of the form {begins}…: it is {what}{kind}")
        return None

    def port(self, name: str, default: int) -> int:
        text = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 65535:
            return int(text)
        self.problems.append(f"{name} is {text!r}; it is a port, 0 to 65535 (0: any that is free)")
        return default

    def seconds(self, name: str, default: float, least: float, most: float) -> float:
        text = self.text(name, f"{default:g}")
        if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) and least <= float(text) <= most:
            return float(text)
        self.problems.append(f"{name} is {text!r}; it is a number of seconds, {least:g} to {most:g}")
        return default

    def clock(self, name: str) -> Timepiece | None:
        try:
            return Timepiece.read(self._texts[name]) if self.has(name) else None
        except ValueError:
            self.problems.append(f"{name} is not of the form 2026-11-23T03:00:00Z@1763866800*60; leave it unset")
            return None

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        text = self.text(name, default).lower()
        if text in allowed:
            return text
        self.problems.append(f"{name} is {text!r}; it is one of {', '.join(allowed)}{near(text, allowed)}")
        return default

    def base(self, name: str, default: str) -> str:
        """The base of an HTTP API, without a slash at its end."""
        text = self.text(name, default)
        return text.rstrip("/") if self._is_address(name, text, ("https", "http")) else default

    def address(self, name: str, schemes: tuple[str, ...]) -> Address | None:
        text = self.text(name, "")
        return Address(text) if text and self._is_address(name, text, schemes) else None

    def _is_address(self, name: str, text: str, schemes: tuple[str, ...]) -> bool:
        try:
            parts = urlsplit(text)
            place = parts.path if parts.scheme == "unix" else parts.hostname
            if parts.scheme in schemes and place and parts.port != 0:
                return True
        except ValueError:  # a port that is no number, a bracket left open
            pass
        allowed = " or ".join(f"{scheme}://" for scheme in schemes)
        self.problems.append(f"{name} is not an address of the form {allowed}HOST[:PORT]")
        return False


_KINDS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token", '"': "in quotes"}
