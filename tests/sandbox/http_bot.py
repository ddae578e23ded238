"""A bot behind HTTP for the tests: Bolt on the standard library's server, or a function that answers as it likes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple

from slack_bolt import App, BoltRequest


class Request(NamedTuple):
    headers: dict[str, str]
    body: str


class Answer(NamedTuple):
    status: int = 200
    body: str = ""
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class HttpBot:
    """`url` takes what Slack sends; `requests` keeps it."""

    def __init__(self, bot: App | Callable[[Request], Answer]) -> None:
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = Request({k.lower(): v for k, v in self.headers.items()}, self.rfile.read(length).decode())
                outer.requests.append(request)
                answer = _bolt(bot, request) if isinstance(bot, App) else bot(request)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body.encode())))
                self.end_headers()
                self.wfile.write(answer.body.encode())

            def log_message(self, *_: object) -> None:
                """Not on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/slack/events"

    def __enter__(self) -> HttpBot:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _bolt(app: App, request: Request) -> Answer:
    headers_in: dict[str, str | Sequence[str]] = {**request.headers}
    response = app.dispatch(BoltRequest(body=request.body, headers=headers_in))
    headers = {name: values[0] for name, values in response.headers.items()}
    return Answer(response.status, response.body, headers)
