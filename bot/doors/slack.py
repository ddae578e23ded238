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
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from slack_bolt import Ack, App, BoltContext, BoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.authorize import Authorize

from bot.domain.call import Call
from bot.doors import payloads
from bot.doors.payloads import Wrong
from bot.outside.slack.wire import webhook_client
from bot.road.intake import CallTaker, Heard, WireAnswer, take_and_answer

log = logging.getLogger(__name__)
_bolt = logging.getLogger(f"{__name__}.bolt")
_bolt.setLevel(logging.ERROR)

WINDOW: Final = 300
"""Seconds by which the time in a signature may be off, both ways."""

_HEARD: Final = "firewatch.heard"
_JSON: Final = "application/json"
_ANY: Final = re.compile(r"[\s\S]*")
_TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "door"


class SlackDoor:
    """Bolt, with a listener for each kind of payload. ``web`` uses ``receive``, ``SlackSocket`` uses ``envelope``."""

    def __init__(
        self,
        desk: CallTaker,
        signing_secret: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._desk = desk
        self._secret = signing_secret.encode()
        self._now = now
        # Said when Redis is down, so it is not worth a template engine in this process: one line without marks.
        self._closed = (_TEMPLATES / "closed.j2").read_text(encoding="utf-8").strip()
        self._apologies: ThreadPoolExecutor | None = None
        self.app = self._build()

    def close(self) -> None:
        if self._apologies:
            self._apologies.shutdown(wait=True, cancel_futures=True)

    # ------------------------------------------------------------ the two ways in

    def receive(self, headers: Mapping[str, str], body: bytes) -> Heard:
        """A POST from Slack: a ``Receiver``."""
        if body.startswith(b"ssl_check=1") or b"&ssl_check=1" in body:
            return Heard()  # Slack looks at the certificate, unsigned
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not signed_by_slack(self._secret, stamp, signature, body, self._now().timestamp()):
            log.info("refused: the signature is not Slack's", extra={"stamp": stamp})
            return Heard(answer=WireAnswer(401, '{"error": "invalid signature"}', _JSON))
        try:
            request = BoltRequest(body=body.decode(), headers={"content-type": headers.get("content-type", "")})
        except (ValueError, TypeError, AttributeError, KeyError):
            log.warning("refused: not a payload of Slack's", exc_info=True)
            return Heard(answer=WireAnswer(400, '{"error": "invalid payload"}', _JSON))
        return self._hear(request)

    def envelope(self, payload: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """A payload from the socket → what to acknowledge it with; None when Slack shall deliver it again."""
        try:
            request = BoltRequest(body=dict(payload), mode="socket_mode")
        except (ValueError, TypeError, AttributeError, KeyError):
            log.warning("not a payload of Slack's", exc_info=True)
            return {}
        answer = take_and_answer(self._desk, self._hear(request))
        if answer.status != 200:
            return None
        if answer.kind.startswith(_JSON) and answer.body:
            found: dict[str, Any] = json.loads(answer.body)
            return found
        return {"text": answer.body} if answer.body else {}

    def _hear(self, request: BoltRequest) -> Heard:
        response = self.app.dispatch(request)
        if response.status == 404:  # no listener: a kind of payload that Slack has invented since
            log.info("nothing to do for this payload", extra={"type": str(request.body.get("type"))})
            return Heard()
        heard: Heard = (request.context.get(_HEARD) if response.status == 200 else None) or Heard()
        kind = response.first_headers().get("content-type", "text/plain")
        return replace(heard, answer=WireAnswer(response.status, response.body or "", kind))

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

    # Each listener acknowledges and leaves the Call in the context: it is taken before the acknowledgement goes out.

    def _command(self, ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        said = json.dumps({"text": self._closed, "response_type": "ephemeral"})
        context[_HEARD] = Heard(payloads.command(body, self._now()), otherwise=WireAnswer(200, said, _JSON))
        ack()

    def _press(self, ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        context[_HEARD] = self._pressed(payloads.press(body, self._now()))
        ack()

    def _shortcut(self, ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        context[_HEARD] = self._pressed(payloads.shortcut(body, self._now()))
        ack()

    def _pressed(self, call: Call | None) -> Heard:
        """Of a press's acknowledgement nothing is shown: bad news goes through the response_url."""
        url = call.response_url if call else ""
        return Heard(call, otherwise=WireAnswer(200), lost=(lambda: self._apologise(url)) if url else None)

    def _submission(self, ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        found = payloads.submission(body, self._now())
        if isinstance(found, Wrong):
            ack(response_action="errors", errors=dict(found.errors))
            return
        # The form stays open with what was written: it can be sent again.
        errors = {"response_action": "errors", "errors": {payloads.first_block(body): self._closed}}
        context[_HEARD] = Heard(found, otherwise=WireAnswer(200, json.dumps(errors), _JSON))
        ack()

    def _event(self, ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        # Slack delivers an event again that was not taken: at once, after one minute and after five.
        context[_HEARD] = Heard(payloads.event(body, self._now()), otherwise=WireAnswer(503))
        ack()

    def _apologise(self, url: str) -> None:
        if self._apologies is None:
            self._apologies = ThreadPoolExecutor(2, "apology")
        self._apologies.submit(_apologise, url, self._closed)


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


def signed_by_slack(secret: bytes, stamp: str, signature: str, body: bytes, now: float) -> bool:
    """Whether Slack signed this body, within five minutes of now. Never, without a secret."""
    if not secret or not re.fullmatch(r"\d{1,12}", stamp) or abs(now - int(stamp)) > WINDOW:
        return False
    mine = "v0=" + hmac.new(secret, b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256).hexdigest()
    return hmac.compare_digest(mine.encode(), signature.encode("utf-8", "replace"))
