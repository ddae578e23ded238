"""Socket Mode: what Slack delivers, over a WebSocket that is renewed before and after it breaks.

slack_sdk brings clients of its own. The built-in one loses a frame that takes more than 3 s to arrive or is an empty
ping, does not know continued frames, and spins when the other end hangs up; here ``websockets`` reads the frames, sends
the pings and notices silence, and this file keeps to what is Slack's: tickets, envelopes, acknowledgements, farewells.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event
from websockets.sync.client import ClientConnection, connect

from bot.outside.slack.errors import SlackRefused
from bot.outside.slack.wire import RateLimited, translated, unproxied, web_client

log = logging.getLogger(__name__)
_frames = logging.getLogger(f"{__name__}.frames")
_frames.setLevel(logging.CRITICAL)  # at its loudest it shows what is said; what goes wrong is logged here

PING: Final = 3.0
"""Seconds between pings, and for which an answer to one is waited for."""

MUTE: Final = 20
"""So many times longer a Slack is waited for that has never answered a ping: some vendors' servers do not."""

QUIET: Final = 5.0
"""Seconds, and three times the longest pause so far, after which a Slack that used to ping counts as silent."""

GRACE: Final = 12.0
"""Seconds for which a connection that was told to go is still read: Slack closes it about 10 s after its warning."""

LAST: Final = 3.0
"""Seconds for what is in hand when the door closes: Slack waits no longer for an acknowledgement anyway."""

WAITS: Final = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each next attempt, when one after the other fails."""

SETTLED: Final = 10.0
"""Seconds after which a connection counts as good, and the next attempt as the first."""

THREADS: Final = 16
LARGEST: Final = 16 * 1024 * 1024

Receive = Callable[[Mapping[str, Any]], "Mapping[str, Any] | None"]
"""A payload → what to acknowledge it with ({}: nothing more), or None: not acknowledged, and so sent again."""


class _Pinged(ClientConnection):
    """A connection that knows when Slack last gave a sign of itself, and when its machine last did."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.heard = time.monotonic()
        self.answered = 0.0
        self.pings = 0
        self.pause = 0.0
        super().__init__(*arguments, **named)

    def process_event(self, event: Event) -> None:
        # Answers to my pings prove that a machine is there, not that Slack still minds this session.
        now = time.monotonic()
        if isinstance(event, Frame) and event.opcode is Opcode.PONG:
            self.answered = now
        elif isinstance(event, Frame):
            if event.opcode is Opcode.PING:
                self.pings += 1
                if self.pings > 1:
                    self.pause = max(self.pause, now - self.heard)
            self.heard = now
        super().process_event(event)

    @property
    def silent(self) -> bool:
        now = time.monotonic()
        lost = now - max(self.answered, self.heard) > 2 * PING * (1 if self.answered else MUTE)
        return lost or (self.pings > 2 and now - self.heard > QUIET + 3 * self.pause)


@dataclass(slots=True, eq=False)
class _Session:
    """One connection, read by a thread of its own until it is over."""

    wire: _Pinged
    began: float
    over: bool = False
    leaving: str = ""
    """Slack's reason for telling it to go."""


class SlackSocket:
    """Keeps one connection open while ``run`` runs and hands every envelope to ``receive``, on threads of its own.

    Never gives up: whatever goes wrong is logged and tried again, each time later, at most 15 s or what Slack asks.
    """

    def __init__(self, app_token: str, receive: Receive, api_url: str = "", threads: int = THREADS) -> None:
        self._token = app_token
        self._web = web_client("", api_url)
        self._receive = receive
        self._threads = threads
        self._news = threading.Condition()
        self._session: _Session | None = None
        self._in_hand = 0
        self._attempts = 0

    @property
    def connected(self) -> bool:
        """Whether Slack can deliver at this moment."""
        session = self._session
        return session is not None and not session.over and not session.wire.silent

    def ticket(self) -> str:
        """Where Slack wants the next connection to be made. Raises SlackRefused for a token that it does not take."""
        try:
            with translated("apps.connections.open"):
                answer = self._web.apps_connections_open(app_token=self._token)
        except SlackRefused as no:
            sentence = f"Slack opens no socket (`{no.code}`): `SLACK_APP_TOKEN` has to be one with `connections:write`."
            raise SlackRefused(no.code, no.method, sentence) from no
        return str(answer.get("url") or "")

    def run(self, stop: threading.Event) -> None:
        """Connected until ``stop``, which is noticed within a quarter of a second; then what is in hand is finished."""
        with ThreadPoolExecutor(self._threads, "slack") as pool:
            while not stop.is_set():
                session = self._session
                if session is None or session.over or session.leaving or session.wire.silent:
                    self._renew(pool, stop)
                elif time.monotonic() - session.began > SETTLED:
                    self._attempts = 0
                with self._news:
                    self._news.wait(0.25)
            self._finish()

    # ------------------------------------------------------------ connections

    def _renew(self, pool: ThreadPoolExecutor, stop: threading.Event) -> None:
        """Connect anew. The old connection is read on until it is over, so that nothing falls in between."""
        old = self._session
        if self._attempts and stop.wait(WAITS[min(self._attempts, len(WAITS)) - 1] * random.uniform(0.8, 1.2)):
            return
        self._attempts += 1
        if old and old.wire.silent:
            log.warning("slack fell silent: connecting anew")
        try:
            wire = self._connect()
        except RateLimited as limited:
            self._failed(limited.why)
            stop.wait(min(limited.seconds, 60.0))
            return
        except Exception as no:  # whatever it is: without this thread nothing is heard any more
            self._failed(str(no) or type(no).__name__)
            return
        session = _Session(wire, time.monotonic())
        self._session = session
        threading.Thread(target=self._read, args=(session, pool), name="slack-socket", daemon=True).start()
        if old and not old.over:
            closing = threading.Timer(GRACE if old.leaving else 0, old.wire.close)
            closing.daemon = True
            closing.start()

    def _failed(self, why: str) -> None:
        log.warning("slack cannot be reached by socket; trying again", extra={"why": why, "attempt": self._attempts})

    def _connect(self) -> _Pinged:
        url = self.ticket()
        wire = connect(
            url,
            proxy=None if unproxied(url) else True,
            open_timeout=10,
            ping_interval=PING,
            ping_timeout=None,  # see ``_Pinged.silent``
            close_timeout=1,
            max_size=LARGEST,
            max_queue=None,
            logger=_frames,
            create_connection=_Pinged,
            legacy=True,
        )
        assert isinstance(wire, _Pinged)
        wire.ping()
        return wire

    # ------------------------------------------------------------ envelopes

    def _read(self, session: _Session, pool: ThreadPoolExecutor) -> None:
        try:
            for frame in session.wire:
                self._frame(session, frame, pool)
        except (WebSocketException, OSError) as lost:
            log.info("socket lost", extra={"why": str(lost) or type(lost).__name__})
        except RuntimeError:  # the pool is closed: so is the door
            pass
        finally:
            with self._news:
                session.over = True
                self._news.notify_all()

    def _frame(self, session: _Session, frame: str | bytes, pool: ThreadPoolExecutor) -> None:
        try:
            said = json.loads(frame)
        except ValueError:
            return
        if not isinstance(said, dict):
            return
        if said.get("type") == "hello":
            log.info("connected to slack by socket")
        elif said.get("type") == "disconnect":
            log.info("slack says farewell", extra={"reason": said.get("reason")})
            with self._news:
                session.leaving = str(said.get("reason") or "disconnect")
                self._news.notify_all()
        elif isinstance(envelope := said.get("envelope_id"), str) and isinstance(said.get("payload"), dict):
            with self._news:
                self._in_hand += 1
            try:
                pool.submit(self._answer, session, envelope, said)
            except RuntimeError:
                self._done()
                raise

    def _answer(self, session: _Session, envelope: str, said: Mapping[str, Any]) -> None:
        try:
            body = self._receive(said["payload"])
            if body is None:
                return
            answer: dict[str, Any] = {"envelope_id": envelope}
            if body and said.get("accepts_response_payload"):
                answer["payload"] = dict(body)
            session.wire.send(json.dumps(answer))
        except (WebSocketException, OSError) as lost:
            # It was taken. Slack will deliver it once more, and it will be known by its id.
            log.info("acknowledgement lost", extra={"why": str(lost) or type(lost).__name__})
        except Exception:
            log.exception("an envelope was not answered")
        finally:
            self._done()

    def _done(self) -> None:
        with self._news:
            self._in_hand -= 1
            self._news.notify_all()

    def _finish(self) -> None:
        """Acknowledge what is in hand, then close: Slack gives what comes now to another connection."""
        with self._news:
            self._news.wait_for(lambda: not self._in_hand, LAST)
        session, self._session = self._session, None
        if session and not session.over:
            session.wire.close()
