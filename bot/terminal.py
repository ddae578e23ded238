"""`firewatch do`: the terminal's door. The same road and the same policy, also when Slack is down."""

from __future__ import annotations

import secrets
import sys
import time
from dataclasses import replace

from bot.action import Call
from bot.outbox import Posting
from bot.procedure import Procedure
from bot.render import Message, to_terminal
from bot.store import Commit
from bot.wiring import House

POLL = 0.1


def say(house: House, sentence: str, actor: str, channel: str, *, yes: bool, wait: bool) -> int:
    """Say one sentence and print its answer. Returns the exit code: 1 when it was refused or failed."""
    call = Call(f"do{secrets.token_hex(8)}", actor, channel, sentence, house.desk.now(), door="terminal")
    posting = _said(house, call)
    if posting is None:
        code = 0
    else:
        code = _printed(posting)
    if posting and posting.key.startswith("plan:") and posting.mode == "post":
        plan = posting.key.removeprefix("plan:")
        if not yes:
            print(f'Nothing has been changed yet. Confirm with: firewatch do "/plan confirm {plan}" --as {actor} …')
            return code
        confirm = replace(call, id=f"do{secrets.token_hex(8)}", text=f"/plan confirm {plan}")
        confirmed = _said(house, confirm)
        code = _printed(confirmed) if confirmed else 0
        begun = plan
    else:
        begun = house.desk.begun(call)
        if posting and posting.mode == "edit":
            begun = posting.key.removeprefix("plan:")
    if code == 0 and begun and (found := house.store.get("procedure", begun)):
        return _followed(house, begun) if wait else _waiting(found[0])
    return code


def _said(house: House, call: Call) -> Posting | None:
    """Answered here and now; nothing of it is left for a worker but what it has begun."""
    house.store.take([call], house.desk.now())
    try:
        return house.desk.answer(call)
    finally:
        house.store.commit(Commit(due={f"call:{call.id}": None}))


def _printed(posting: Posting) -> int:
    """To standard output; what was refused or failed, to standard error."""
    message = Message.from_dict(posting.message)
    refused = bool(message.extras.get("refused"))
    print(to_terminal(message), end="", file=sys.stderr if refused else sys.stdout)
    return 1 if refused else 0


def _waiting(body: dict[str, object]) -> int:
    print("Begun; a worker carries it on. --wait stays until it has ended.")
    return 0


def _followed(house: House, id: str) -> int:
    """Take the steps here when no worker does; print what is said until all is over."""
    said = 0
    while True:
        house.desk.attend(f"procedure:{id}")
        found = house.store.get("procedure", id)
        body = found[0] if found else {}
        messages = body.get("said", [])
        for message in messages[said:]:
            print(to_terminal(Message.from_dict(message)), end="")
        said = len(messages)
        if not body or Procedure.from_json(body["procedure"]).ended:
            return 1 if body.get("broken") else 0
        due = house.store.redis.zscore(house.store.key("due"), f"procedure:{id}")
        pause = float(due) - house.desk.now().timestamp() if due is not None else POLL
        time.sleep(min(max(pause, 0.0), 2.0) or POLL)
