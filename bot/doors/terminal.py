"""`firewatch do`: the terminal's door. The same road and the same policy, also when Slack is down."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from bot.domain.action import ACTIONS
from bot.domain.call import Call
from bot.domain.errors import Later
from bot.domain.policy import RULES
from bot.domain.procedure import Procedure
from bot.messages.render import Message, to_terminal
from bot.road.desk import Desk
from bot.road.posting import Posting

POLL = 0.1


def say(desk: Desk, sentence: str, actor: str, channel: str, *, yes: bool, wait: bool) -> int:
    """Say one sentence and print its answer. Returns the exit code: 1 when it was refused or failed, 2 when it
    was worded wrongly.

    It is answered here and now, and never taken: nothing of it is left to a worker but what it has begun.
    """
    call = Call(_id(), actor, channel, sentence, desk.now(), door="terminal")
    posting = desk.answer(call)
    code = _printed(posting)
    if posting and posting.mode == "post" and posting.key.startswith("plan:"):
        plan = posting.key.removeprefix("plan:")
        if not (yes and _alone(desk, plan)):
            _how(desk, posting, plan, call)
            return code
        posting = desk.answer(replace(call, id=_id(), text=f"/plan confirm {plan}"))
        code = _printed(posting)
    if code == 0:
        for begun in _begun(desk, call, posting):
            code = max(code, _followed(desk, begun) if wait else _left(desk, begun))
    return code


def _id() -> str:
    return f"do{secrets.token_hex(8)}"


def _printed(posting: Posting | None) -> int:
    """To standard output; what was refused or failed, to standard error. Returns the exit code."""
    if posting is None:
        return 0
    message = Message.from_dict(posting.message)
    refused = bool(message.extras.get("refused"))
    print(to_terminal(message), end="", file=sys.stderr if refused else sys.stdout)
    return 2 if message.extras.get("misworded") else 1 if refused else 0


def _alone(desk: Desk, plan: str) -> bool:
    """Whether the one who asked may confirm it without anybody else."""
    found = desk.store.get("plan", plan)
    return found is not None and RULES[ACTIONS[found[0]["action"]].risk].confirmer == "asker"


def _how(desk: Desk, posting: Posting, plan: str, call: Call) -> None:
    """Say how the plan is confirmed. Where somebody else has to, it is put before them in Slack as well."""
    if _alone(desk, plan):
        who, by = "Confirm with", call.actor
    else:
        who, by = "A lead who is someone else confirms it in the channel, or with", "U…"
        with suppress(Later):
            desk.outbox.deliver(posting)
    print(
        f'Nothing has been changed yet. {who}: firewatch do "/plan confirm {plan}" --as {by} --channel {call.channel}'
    )


def _begun(desk: Desk, call: Call, posting: Posting | None) -> Iterator[str]:
    """The procedures that this call has begun."""
    if posting and posting.mode == "edit" and posting.key.startswith("plan:"):
        first = posting.key.removeprefix("plan:")
    else:
        first = call.begins
    place = 0
    while desk.store.get("procedure", id := f"{first}-{place}" if place else first):
        yield id
        place += 1


def _left(desk: Desk, id: str) -> int:
    """Leave it to a worker, from now on."""
    desk.store.remind(f"procedure:{id}", desk.now())
    print("Begun; a worker carries it on. --wait stays until it has ended.")
    return 0


def _followed(desk: Desk, id: str) -> int:
    """Take the steps here when no worker does; print what is said until all is over."""
    heard = 0
    while True:
        desk.attend(f"procedure:{id}")
        found = desk.store.get("procedure", id)
        body = found[0] if found else {}
        kept, told = body.get("said", []), body.get("told", 0)
        for message in kept[len(kept) - min(told - heard, len(kept)) :]:
            print(to_terminal(Message.from_dict(message)), end="", flush=True)
        heard = told
        if not body or Procedure.from_json(body["procedure"]).ended:
            return 1 if body.get("broken") or body.get("refused") else 0
        due = desk.store.due_at(f"procedure:{id}")
        pause = (due - desk.now()).total_seconds() if due else 0.0
        time.sleep(min(max(pause, POLL), 2.0))
