"""`python -m bot.sandbox.slack`: a Slack in a process of its own, until stopped. Prints the settings a bot needs."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from bot.sandbox.slack.server import SlackSandbox


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.slack", description="A Slack on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--manifest", help="path of the app's manifest (default: the repository's own)")
    parser.add_argument("--rate-limits", choices=("real", "off"), default="real")
    parser.add_argument("--request-url", default="", help="where signed requests go while no socket is connected")
    given = parser.parse_args(arguments)
    over = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: over.set())
    try:
        slack = SlackSandbox(manifest=given.manifest, rate_limits=given.rate_limits, port=given.port)
    except OSError as taken:
        print(f"Port {given.port} cannot be used: {taken.strerror}.", file=sys.stderr)
        return 1
    slack.request_url = given.request_url
    with slack:
        print(f"SLACK_API_URL={slack.api_url}")
        print(f"SLACK_BOT_TOKEN={slack.bot_token}")
        print(f"SLACK_APP_TOKEN={slack.app_token}")
        print(f"SLACK_SIGNING_SECRET={slack.signing_secret}", flush=True)
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
