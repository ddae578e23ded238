"""The command line: `firewatch up | slack | worker | clock | do | doctor | manifest | sandbox | drill | health`.

Exit 0: done; 1: failed; 2: wrong usage. Errors go to standard error, a line each, and never as a traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bot.running.supervisor import end_with_supervisor

if TYPE_CHECKING:
    from bot.settings.environment import Settings
    from bot.settings.fields import Role
    from bot.wiring import House


class Misused(Exception):
    """A line for standard error, and exit 2: what was asked for cannot be."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """The script's entry. Returns the exit code."""
    parsed = _parser().parse_args(arguments)
    from bot.settings.environment import SettingsError, foreign  # not needed for --help, and not quick

    try:
        os.environ.update(foreign(os.environ, Path.cwd()))
        code = int(parsed.run(parsed) or 0)
        sys.stdout.flush()
        return code
    except SettingsError as wrong:
        print(*wrong.problems, sep="\n", file=sys.stderr)
    except Misused as misused:
        print(f"firewatch: {misused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has had enough; what is left must not be flushed into the broken pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("FIREWATCH_LOG", "").lower() == "debug":
            raise
        print(f"firewatch: {_one_line(error)}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="firewatch", description="The Slack bot that carries the runbook.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int | None], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    command("up", _up, "Run everything on this machine: listener, workers and scheduler.")
    command("slack", _slack, "Run the listener for Slack: Socket Mode or HTTP, with /health, /ready and /metrics.")
    worker = command("worker", _worker, "Run a worker: it answers commands and carries out procedures.")
    lane = worker.add_mutually_exclusive_group()
    lane.add_argument("--calls", action="store_true", help="only commands that people wait for")
    lane.add_argument("--steps", action="store_true", help="only work that nobody waits for")
    command("clock", _clock, "Run the scheduler: it gives what is due to the workers. Any number may run.")
    do = command("do", _do, "Run one command from the terminal, with the permissions of Slack; works without it.")
    do.add_argument("sentence", metavar='"/noun verb …"')
    do.add_argument("--as", dest="actor", required=True, metavar="U…", help="the Slack user id you act as")
    do.add_argument("--channel", required=True, metavar="C…", help="the channel it is run for")
    do.add_argument("--yes", action="store_true", help="confirm it at once, where you may confirm it alone")
    do.add_argument("--wait", action="store_true", help="wait until it has ended")
    command("doctor", _doctor, "Check the settings and everything they point to.")
    command("health", _health, "Exit 0 when this installation lives: for a container's health check.")
    manifest = command("manifest", _manifest, "Print the manifest for Slack's app page.")
    manifest.add_argument("--http", metavar="URL", help="the public address, for HTTP instead of Socket Mode")
    manifest.add_argument("--prefix", default="", metavar="fw-", help="put before every command's name")
    sandbox = command("sandbox", _sandbox, "Open the whole product in a browser page; needs no account.")
    sandbox.add_argument("--port", type=_port, default=8765, help="of the page, on 127.0.0.1; 0 takes a free one")
    sandbox.add_argument("--http", action="store_true", help="Slack speaks to the bot over HTTP instead of Socket Mode")
    sandbox.add_argument("--folder", type=Path, help="where the state of the night lives; otherwise a temporary folder")
    sandbox.add_argument("--keep", action="store_true", help="leave that folder when the sandbox stops")
    sandbox.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    drill = command("drill", _drill, "Play a night on a real Redis and print the conversation.")
    drill.add_argument("name", nargs="?", default="replay", help="which one: replay (the default) or night")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text} is no port, 0 to 65535")
    return int(text)


# ---------------------------------------------------------------- roles


def _up(parsed: argparse.Namespace) -> int:
    from bot.running.supervisor import supervise

    settings = _settings("up")
    if _has_own(settings):
        from bot.wiring import check_own

        check_own(settings)  # once, here, where it is seen; and not by each role again and again
    _logs(settings)
    return supervise([["slack"], ["worker", "--calls"], ["worker"], ["worker", "--steps"], ["clock"]])


def _slack(parsed: argparse.Namespace) -> int:
    from bot.doors.serve import run
    from bot.wiring import gate

    settings = _settings("slack")
    _logs(settings)
    end_with_supervisor()
    run(gate(settings), _stop())
    return 0


def _worker(parsed: argparse.Namespace) -> int:
    from bot.doors.worker import CALLS, STEPS, work

    house = _house("worker")
    end_with_supervisor()
    work(house.desk, house.line_redis, [CALLS] if parsed.calls else [STEPS] if parsed.steps else [CALLS, STEPS])
    return 0


def _clock(parsed: argparse.Namespace) -> int:
    from bot.doors.clock import run

    house = _house("clock")
    end_with_supervisor()
    run(house.desk, _stop())
    return 0


# ---------------------------------------------------------------- one sentence


def _do(parsed: argparse.Namespace) -> int:
    from bot.doors.terminal import say

    return say(_quiet_house("do").desk, parsed.sentence, parsed.actor, parsed.channel, yes=parsed.yes, wait=parsed.wait)


# ---------------------------------------------------------------- looking after it


def _doctor(parsed: argparse.Namespace) -> int:
    from bot.doctor import examine

    return examine(_quiet_house("up"))


def _health(parsed: argparse.Namespace) -> int:
    from bot.doctor import alive
    from bot.wiring import gate

    _quiet()
    settings = _settings("offline")
    _logs(settings)
    return alive(gate(settings))


def _manifest(parsed: argparse.Namespace) -> int:
    import handlers  # noqa: F401  makes every sentence known
    from bot.domain.action import nouns
    from bot.domain.errors import Refused
    from bot.outside.slack.manifest import manifest, to_yaml
    from bot.running.packages import register

    register(_packages())
    try:
        described = manifest(nouns(), http=parsed.http, prefix=parsed.prefix)
    except Refused as no:
        raise Misused(no.sentence) from no
    print(to_yaml(described), end="")
    return 0


def _sandbox(parsed: argparse.Namespace) -> int:
    import handlers  # noqa: F401  makes every sentence known, for the manifest and the composer
    from bot.running.packages import register
    from bot.sandbox.far_ends import SHIPPED
    from bot.sandbox.page.run import run

    register(own := _packages())
    browser, packages = not parsed.no_browser, (*SHIPPED, *own)
    return run(
        parsed.port, http=parsed.http, folder=parsed.folder, keep=parsed.keep, browser=browser, packages=packages
    )


def _drill(parsed: argparse.Namespace) -> int:
    from bot.sandbox.drill import DRILLS, play

    if parsed.name not in DRILLS:
        raise Misused(f"there is no drill {parsed.name}; there is: {', '.join(DRILLS)}")
    return play(parsed.name)


# ---------------------------------------------------------------- shared


def _settings(role: Role) -> Settings:
    from bot.outside.parts import load

    return load(os.environ, Path.cwd(), role)


def _packages() -> Sequence[str]:
    """A team's own packages, by the catalogue here; nothing else is read."""
    from bot.outside.parts import find
    from bot.settings.environment import named_packages

    packages, folder = named_packages(os.environ, Path.cwd())
    find(packages, folder)
    return packages


def _has_own(settings: Settings) -> bool:
    """Whether a team has brought commands, causes or sections of its own."""
    catalogue = settings.catalogue
    return bool(catalogue.parts.packages or catalogue.triage.table or catalogue.runbook.folder)


def _logs(settings: Settings) -> None:
    from bot.running.logs import to_stderr

    to_stderr(settings.log)


def _house(role: Role) -> House:
    from bot.wiring import house

    settings = _settings(role)
    _logs(settings)
    return house(settings)


def _quiet_house(role: Role) -> House:
    _quiet()
    return _house(role)


def _quiet() -> None:
    """For a person at a terminal, who has not asked for a log."""
    if not os.environ.get("FIREWATCH_LOG"):
        os.environ["FIREWATCH_LOG"] = "error"


def _stop() -> threading.Event:
    from bot.doors.worker import on_stop

    stop = threading.Event()
    on_stop(stop)
    return stop


def _one_line(error: Exception) -> str:
    from bot.domain.errors import FirewatchError, Refused
    from bot.domain.masking import mask

    said = f"{error.sentence} {error.hint}" if isinstance(error, Refused) else str(error)
    line = mask(" ".join(said.split()) or type(error).__name__)[:500]
    return line if isinstance(error, FirewatchError) else f"{line} (FIREWATCH_LOG=debug shows where)"


if __name__ == "__main__":
    sys.exit(main())
