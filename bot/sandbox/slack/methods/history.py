"""conversations.history and .replies"""

from __future__ import annotations

from bot.sandbox.slack import shown
from bot.sandbox.slack.api import HISTORY, ApiCall, method, one_page
from bot.sandbox.slack.blocks import Message
from bot.sandbox.slack.model import Json, SlackError


def _between(call: ApiCall, messages: list[Message]) -> list[Message]:
    """Those after `oldest` and before `latest`; the ends themselves only with `inclusive`."""
    try:
        oldest = float(call.args.text("oldest", "0") or 0)
        latest = float(call.args.text("latest", "inf") or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None
    if call.args.flag("inclusive"):
        return [one for one in messages if oldest <= one.at <= latest]
    return [one for one in messages if oldest < one.at < latest]


@method("conversations.history", *HISTORY.values(), tier=3, form_only=True)
def history(call: ApiCall) -> Json:
    where = call.channel(HISTORY, must_be_in=True)
    said = [one for one in where.history if not one.is_reply or one.broadcast]
    said = _between(call, said)[::-1]
    some, following = one_page(call, said, 999)
    metadata = call.args.flag("include_all_metadata")
    answer: Json = {
        "messages": [shown.message(call.workspace, one, metadata=metadata) for one in some],
        "has_more": bool(following),
        "pin_count": len(where.pins),
    }
    if following:
        answer["response_metadata"] = {"next_cursor": following}
    return answer


@method("conversations.replies", *HISTORY.values(), tier=3, form_only=True)
def replies(call: ApiCall) -> Json:
    where = call.channel(HISTORY, must_be_in=True)
    wanted = where.by_ts.get(call.args.text("ts"))
    if wanted is None:
        raise SlackError("thread_not_found")
    # Asked by a reply's ts, Slack gives that one message and no thread.
    thread = [wanted] if wanted.is_reply else [wanted, *_between(call, where.thread(wanted.ts))]
    some, following = one_page(call, thread, 1000, default=1000)
    metadata = call.args.flag("include_all_metadata")
    answer: Json = {
        "messages": [shown.message(call.workspace, one, metadata=metadata) for one in some],
        "has_more": bool(following),
    }
    if following:
        answer["response_metadata"] = {"next_cursor": following}
    return answer
