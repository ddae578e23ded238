"""Slack's door: whatever Slack delivers, by HTTP or by socket, is verified, turned into a Call, taken and acknowledged.

That is all a door does. Bolt sorts the payloads, with ``process_before_response``: its own way of acknowledging sleeps
10 ms and has 5 threads, which makes 87 commands a second out of 2,600. Bolt is told who the bot is without asking
Slack, because nothing here calls Slack.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from slack_bolt import Ack, App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize

from bot import payloads
from bot.action import Call
from bot.clients.slack_socket import SlackSocket
from bot.clients.slack_wire import webhook_client
from bot.payloads import Wrong

log = logging.getLogger(__name__)
_bolt = logging.getLogger(f"{__name__}.bolt")
_bolt.setLevel(logging.ERROR)

WINDOW: Final = 300
"""Seconds by which the time in a signature may be off, both ways."""

Answer = tuple[int, str, str]
"""Status, content type, body."""

_EMPTY: Final[Answer] = (200, "text/plain", "")
_ANY: Final = re.compile(r"[\s\S]*")
_TEMPLATES: Final = Path(__file__).parent.parent / "templates" / "door"


class Desk(Protocol):
    def take(self, call: Call) -> bool:
        """Remember the call and hand it on; False when it was taken before. Raises when Redis cannot be reached."""
        ...


class SlackDoor:
    """Bolt, with a listener for each kind of payload. ``web`` uses ``receive``, ``SlackSocket`` uses ``envelope``.

    ``prefix``: what stands before the command names in this workspace (``fw-`` for ``/fw-jobs``).
    """

    def __init__(
        self,
        desk: Desk,
        signing_secret: str = "",
        prefix: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._desk = desk
        self._secret = signing_secret.encode()
        self._prefix = prefix
        self._now = now
        # Said when Redis is down, so it is not worth a template engine in this process: one line without marks.
        self._closed = (_TEMPLATES / "closed.j2").read_text(encoding="utf-8").strip()
        self._apologies: ThreadPoolExecutor | None = None
        self.app = self._build()

    def close(self) -> None:
        if self._apologies:
            self._apologies.shutdown(wait=True, cancel_futures=True)

    # ------------------------------------------------------------ the two ways in

    def receive(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """A POST from Slack. ``headers`` have lower case names."""
        if body.startswith(b"ssl_check=1") or b"&ssl_check=1" in body:
            return _EMPTY  # Slack looks at the certificate, unsigned
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not genuine(self._secret, stamp, signature, body, self._now().timestamp()):
            log.info("refused: the signature is not Slack's", extra={"stamp": stamp})
            return 401, "application/json", '{"error": "invalid signature"}'
        try:
            request = BoltRequest(body=body.decode(), headers={"content-type": headers.get("content-type", "")})
        except (ValueError, TypeError, AttributeError, KeyError):
            log.warning("refused: not a payload of Slack's", exc_info=True)
            return 400, "application/json", '{"error": "invalid payload"}'
        return self._dispatch(request)

    def envelope(self, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A payload from the socket → what to acknowledge it with; None when Slack shall deliver it again."""
        try:
            request = BoltRequest(body=dict(payload), mode="socket_mode")
        except (ValueError, TypeError, AttributeError, KeyError):
            log.warning("not a payload of Slack's", exc_info=True)
            return {}
        status, kind, body = self._dispatch(request)
        if status != 200:
            return None
        if kind.startswith("application/json") and body:
            found: dict[str, Any] = json.loads(body)
            return found
        return {"text": body} if body else {}

    def _dispatch(self, request: BoltRequest) -> Answer:
        response = self.app.dispatch(request)
        if response.status == 404:  # no listener: a kind of payload that Slack has invented since
            log.info("nothing to do for this payload", extra={"type": str(request.body.get("type"))})
            return _EMPTY
        kind = response.first_headers().get("content-type", "text/plain")
        return response.status, kind, response.body or ""

    # ------------------------------------------------------------ Bolt

    def _build(self) -> App:
        app = App(
            name="firewatch",
            logger=_bolt,
            signing_secret="",
            process_before_response=True,
            request_verification_enabled=False,  # done before the body is even parsed
            ssl_check_enabled=False,
            ignoring_self_events_enabled=False,  # each event names the bot itself
            attaching_function_token_enabled=False,
            authorize=_Unasked(),
            listener_executor=_Idle(),
        )
        app.command(_ANY)(self._command)
        app.action(_ANY)(self._press)
        app.view_submission(_ANY)(self._submission)
        app.view_closed(_ANY)(_nothing)
        app.shortcut(_ANY)(self._shortcut)
        app.options(_ANY)(_no_options)
        app.event(_ANY)(self._event)
        return app

    def _command(self, ack: Ack, body: dict[str, Any]) -> None:
        if self._take(payloads.command(body, self._now(), self._prefix)):
            ack()
        else:
            ack(text=self._closed, response_type="ephemeral")

    def _press(self, ack: Ack, body: dict[str, Any]) -> None:
        ack()
        self._or_apologise(payloads.press(body, self._now()))

    def _shortcut(self, ack: Ack, body: dict[str, Any]) -> None:
        ack()
        self._or_apologise(payloads.shortcut(body, self._now()))

    def _submission(self, ack: Ack, body: dict[str, Any]) -> None:
        found = payloads.submission(body, self._now())
        if isinstance(found, Wrong):
            ack(response_action="errors", errors=dict(found.errors))
        elif self._take(found):
            ack()
        else:
            # The form stays open with what was written: it can be sent again.
            ack(response_action="errors", errors={payloads.first_block(body): self._closed})

    def _event(self, ack: Ack, body: dict[str, Any]) -> BoltResponse | None:
        call = payloads.event(body, self._now())
        if call is None or self._take(call):
            ack()
            return None
        return BoltResponse(status=503, body="")  # Slack delivers events again: at once, after 1 and after 5 minutes

    # ------------------------------------------------------------ taking

    def _take(self, call: Call) -> bool:
        """False when it could not be taken. Before an acknowledgement, so that nothing acknowledged is lost."""
        try:
            new = self._desk.take(call)
        except Exception:  # whatever the desk's store raises: who spoke must be told
            log.exception("not taken", extra={"ref": call.ref})
            return False
        log.info(
            "taken" if new else "taken before", extra={"ref": call.ref, "actor": call.actor, "channel": call.channel}
        )
        return True

    def _or_apologise(self, call: Call | None) -> None:
        """Of a press's acknowledgement nothing is shown, so who pressed is told through the response_url."""
        if call is None or self._take(call) or not call.response_url:
            return
        if self._apologies is None:
            self._apologies = ThreadPoolExecutor(2, "apology")
        self._apologies.submit(_apologise, call.response_url, self._closed)


class _Unasked(Authorize):
    """Bolt wants to know for each request who the bot is. The door never calls Slack, so nobody need be asked."""

    def __init__(self) -> None:
        self._result = AuthorizeResult(enterprise_id=None, team_id=None)

    def __call__(self, *, context: BoltContext, **_: Any) -> AuthorizeResult:
        return self._result


class _Idle(ThreadPoolExecutor):
    """For Bolt's background listeners, of which there are none; a pool starts no thread before its first task."""

    def __init__(self) -> None:
        super().__init__(1, "bolt")


def _nothing(ack: Ack) -> None:
    ack()


def _no_options(ack: Ack) -> None:
    ack(options=[])


def _apologise(url: str, text: str) -> None:
    try:
        webhook_client(url).send_dict({"text": text, "response_type": "ephemeral", "replace_original": False})
    except Exception:  # best effort: there is nobody left to tell
        log.warning("an apology did not get through", exc_info=True)


def genuine(secret: bytes, stamp: str, signature: str, body: bytes, now: float) -> bool:
    """Whether Slack signed this body, within five minutes of now. Never, without a secret."""
    if not secret or not re.fullmatch(r"\d{1,12}", stamp) or abs(now - int(stamp)) > WINDOW:
        return False
    mine = "v0=" + hmac.new(secret, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    return hmac.compare_digest(mine.encode(), signature.encode("utf-8", "replace"))


def run_socket(
    door: SlackDoor,
    app_token: str,
    stop: threading.Event,
    api_url: str = "",
    ready: Callable[[SlackSocket], None] = lambda _: None,
) -> None:
    """Socket Mode until ``stop``. ``ready`` is given the socket, for whoever asks whether it is connected."""
    socket = SlackSocket(app_token, door.envelope, api_url)
    ready(socket)
    try:
        socket.run(stop)
    finally:
        door.close()
