"""The HTTP side: `/api/<method>`, response URLs, uploads and files, with everything checked that Slack checks."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from bot.sandbox.slack.api import ApiCall, Args, Host, Method
from bot.sandbox.slack.faults import Fault, Faults
from bot.sandbox.slack.model import Json, SlackError
from bot.sandbox.slack.ratelimits import RateLimits
from bot.sandbox.slack.tickets import ResponseUrl
from bot.sandbox.slack.traffic import LoggedCall, Traffic

Answered = Callable[[ResponseUrl, Json], object]
"""What is done with an answer that comes through a response URL; raises `SlackError`."""


class WebApi:
    def __init__(
        self,
        host: Host,
        wire: Traffic,
        faults: Faults,
        limits: RateLimits,
        methods: Mapping[str, Method],
        answered: Answered,
        *,
        bot_token: str,
        app_token: str,
    ) -> None:
        self._host, self._wire, self._faults, self._limits = host, wire, faults, limits
        self._methods, self._answer_through = methods, answered
        self._bot_token, self._app_token = bot_token, app_token
        #: Set to `token_revoked`, `account_inactive`, … to refuse the bot's token from now on.
        self.token_refused = ""

    # -- /api/<method>

    async def api(self, request: Request) -> Response:
        name = request.path_params["method"]
        started = time.perf_counter()
        fault = self._faults.take(name)
        try:
            args, token, as_json = await _arguments(request)
        except SlackError as refused:
            return self._answered(name, {}, refused.as_json(), started)
        if fault is not None and (answer := await self._before(request.scope, fault)) is not None:
            self._log(name, args, {"ok": False, "error": f"fault: {fault}"}, answer.status_code, started)
            return answer
        rules = self._methods.get(name)
        wait = 0
        try:
            self._authenticate(rules, token)
            if rules is None:
                raise SlackError("unknown_method", req_method=name)
            wait = self._limits.wait(name, rules.tier, str(args.get("channel", "")))
            if wait:
                raise SlackError("ratelimited")
            answer_json = self._run(rules, args if not (as_json and rules.form_only) else {})
        except SlackError as refused:
            answer_json = refused.as_json()
        response = self._answered(name, args, answer_json, started, rules=rules, retry_after=wait)
        if fault is not None and fault.reset == "after":
            _tear_down(request.scope)
        return response

    def _run(self, rules: Method, args: Mapping[str, Any]) -> Json:
        call = ApiCall(rules.name, Args(args), self._host)
        with self._host.workspace.locked():
            call.need(*rules.scopes)
            answer = rules.run(call)
        return {"ok": True, **answer}

    def _authenticate(self, rules: Method | None, token: str) -> None:
        wanted = rules.token if rules is not None else "any"
        if not token:
            if rules is not None and rules.name == "api.test":
                return
            raise SlackError("not_authed")
        bot, app = secrets.compare_digest(token, self._bot_token), secrets.compare_digest(token, self._app_token)
        if not bot and not app:
            raise SlackError("invalid_auth")
        if bot and self.token_refused:
            raise SlackError(self.token_refused)
        if (wanted == "app" and not app) or (wanted == "bot" and not bot):
            raise SlackError("not_allowed_token_type")

    async def _before(self, scope: Scope, fault: Fault) -> Response | None:
        """The part of a fault that comes before the method would run; None lets it run."""
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.reset == "before":
            _tear_down(scope)
            return PlainTextResponse("", status_code=500)
        if fault.status == 429:
            headers = {"Retry-After": str(fault.retry_after)}
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers)
        if fault.status:
            return PlainTextResponse("<html><body>Server Error</body></html>", status_code=fault.status)
        if fault.error:
            return JSONResponse({"ok": False, "error": fault.error})
        return None

    def _answered(
        self,
        name: str,
        args: Mapping[str, Any],
        answer: Json,
        started: float,
        *,
        rules: Method | None = None,
        retry_after: int = 0,
    ) -> Response:
        status = 429 if answer.get("error") == "ratelimited" else 200
        self._log(name, args, answer, status, started)
        headers = {
            "x-oauth-scopes": ",".join(sorted(self._host.manifest.scopes)),
            "x-slack-req-id": secrets.token_hex(16),
        }
        if rules is not None and rules.scopes:
            headers["x-accepted-oauth-scopes"] = ",".join(rules.scopes)
        if retry_after:
            headers["Retry-After"] = str(retry_after)
        return JSONResponse(answer, status, headers)

    def _log(self, name: str, args: Mapping[str, Any], answer: Mapping[str, Any], status: int, started: float) -> None:
        ms = (time.perf_counter() - started) * 1000
        kept = {key: value for key, value in args.items() if key != "token"}
        self._wire.called(LoggedCall(name, kept, answer, status, ms, self._host.workspace.now()))

    # -- response URLs

    async def respond(self, request: Request) -> Response:
        started = time.perf_counter()
        fault = self._faults.take("response_url")
        raw = await request.body()
        if fault is not None and (answer := await self._before(request.scope, fault)) is not None:
            self._log("response_url", {}, {"ok": False, "error": f"fault: {fault}"}, answer.status_code, started)
            return answer
        said: Json = {}
        try:
            said = _response_body(raw, request.headers.get("content-type", ""))
            with self._host.workspace.locked():
                ticket = self._host.tickets.respond(request.path_params["token"])
                self._answer_through(ticket, said)
                ticket.uses += 1
        except SlackError as refused:
            status = 404 if refused.error in ("invalid_url", "expired_url", "used_url") else 500
            self._log("response_url", said, refused.as_json(), status, started)
            return JSONResponse(refused.as_json(), status)
        self._log("response_url", said, {"ok": True}, 200, started)
        if fault is not None and fault.reset == "after":
            _tear_down(request.scope)
        return PlainTextResponse("ok")

    # -- files

    async def upload(self, request: Request) -> Response:
        started = time.perf_counter()
        ticket = request.path_params["ticket"]
        fault = self._faults.take("upload")
        if fault is not None and (answer := await self._before(request.scope, fault)) is not None:
            return answer
        workspace = self._host.workspace
        content = await request.body()
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            content = _only_part(content)
        with workspace.locked():
            waiting = workspace.uploads.get(ticket)
            if waiting is None:
                return PlainTextResponse("not found", status_code=404)
            file, length = waiting
            if len(content) != length:
                return PlainTextResponse("length mismatch", status_code=400)
            del workspace.uploads[ticket]
            workspace.files[file.id] = replace(file, content=content)
        self._log("upload", {"file": file.id, "bytes": len(content)}, {"ok": True}, 200, started)
        return PlainTextResponse(f"OK - {len(content)}")

    async def download(self, request: Request) -> Response:
        """A file's bytes, for whoever brings the bot's token, as `url_private` asks."""
        found = self._host.workspace.files.get(request.path_params["file"])
        if found is None:
            return PlainTextResponse("not found", status_code=404)
        if not secrets.compare_digest(_bearer(request), self._bot_token):
            return PlainTextResponse("login", status_code=403)
        return Response(found.content, media_type=found.mimetype)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def _arguments(request: Request) -> tuple[Json, str, bool]:
    """What was passed, the token, and whether it came as JSON. A token in a JSON body is not read, as at Slack."""
    token = _bearer(request)
    args: Json = dict(parse_qsl(request.url.query, keep_blank_values=True))
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        if raw:
            try:
                given = json.loads(raw)
            except ValueError:
                raise SlackError("invalid_json") from None
            if not isinstance(given, dict):
                raise SlackError("json_not_object")
            args |= {key: value for key, value in given.items() if key != "token"}
        return args, token or str(args.pop("token", "")), True
    if kind == "application/x-www-form-urlencoded":
        try:
            args |= dict(parse_qsl(raw.decode(), keep_blank_values=True))
        except UnicodeDecodeError:
            raise SlackError("invalid_form_data") from None
    elif raw:
        raise SlackError("invalid_post_type")
    return args, token or str(args.pop("token", "")), False


def _response_body(raw: bytes, kind: str) -> Json:
    """JSON, or JSON in the form field `payload`."""
    try:
        text = raw.decode()
        if kind.startswith("application/x-www-form-urlencoded"):
            text = dict(parse_qsl(text)).get("payload", "")
        said = json.loads(text)
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(said, dict):
        raise SlackError("invalid_payload")
    return said


def _only_part(body: bytes) -> bytes:
    """The content of the one part of a multipart body."""
    boundary, _, rest = body.partition(b"\r\n")
    return rest.partition(b"\r\n\r\n")[2].rpartition(b"\r\n" + boundary)[0]


def _tear_down(scope: Scope) -> None:
    """Reset the TCP connection under the request: the client gets no answer, only an error."""
    transport = scope["sandbox.wire"].transport
    # Lingering zero seconds makes the kernel send RST instead of FIN.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
