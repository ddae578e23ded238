"""Slack's error codes → what a person reads, and which of them only mean "ask again"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bot.domain.errors import Gone, Refused

SOON: Final = 3.0
"""Seconds to wait where Slack is in trouble and names no time itself."""

PAUSE: Final = 10.0
"""Seconds to wait where Slack says "rate limited" but not how long."""

RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited", "rate_limit_exceeded"})
TROUBLED: Final = frozenset(
    {
        "fatal_error",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "timeout",
    }
)
"""Slack's own trouble, as far as it says so in an answer; some of the call may have taken effect."""

_TOKEN = "Slack does not accept my token (`{code}`): whoever runs Firewatch must set `SLACK_BOT_TOKEN` anew."
_STALE = "That took longer than the 3 seconds Slack leaves for opening a form. Press or type it once more."
_FORBIDDEN = (
    "A setting of this workspace forbids me that in {place} (`{code}`). An admin of the workspace can allow it."
)
_NAME = "Slack does not take that as a channel's name (`{code}`)."
_SIZE = "That is more than one Slack message holds (`{code}`)."
_SHAPE = "Slack could not read what I sent with `{method}` (`{code}`). That is a fault of mine, not of yours."
_PERSON = "Slack knows no such person here (`{code}`)."
_GONE = "That message is no longer there."
_FIXED = "Slack does not let me change that message any more (`{code}`)."
_GROUP = "There is no such user group in this workspace."
_OUTSIDE = "I am not in {place}. `/invite` me there, then say it again."
_UNSEEN = "I cannot see {place}: it is gone, or it is private and I am not in it. `/invite` me there."
_FILE = "Slack did not take the file (`{code}`)."

SENTENCES: Final[Mapping[str, str]] = {
    # the token
    "account_inactive": _TOKEN,
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_expired": _TOKEN,
    "token_revoked": _TOKEN,
    "not_allowed_token_type": _TOKEN,
    "missing_scope": "My Slack app lacks the scope `{needed}`. An admin can add it and install the app again.",
    "no_permission": _FORBIDDEN,
    "ekm_access_denied": _FORBIDDEN,
    "enterprise_is_restricted": _FORBIDDEN,
    "org_login_required": _FORBIDDEN,
    "team_access_not_granted": _FORBIDDEN,
    "access_denied": _FORBIDDEN,
    "accesslimited": _FORBIDDEN,
    "forbidden_team": _FORBIDDEN,
    "two_factor_setup_required": _FORBIDDEN,
    # channels
    "not_in_channel": _OUTSIDE,
    "channel_not_found": _UNSEEN,
    "is_archived": "{place} is archived. Unarchive it in Slack first.",
    "restricted_action": _FORBIDDEN,
    "restricted_action_non_threadable_channel": _FORBIDDEN,
    "restricted_action_read_only_channel": _FORBIDDEN,
    "restricted_action_thread_locked": _FORBIDDEN,
    "restricted_action_thread_only_channel": _FORBIDDEN,
    "user_is_restricted": _FORBIDDEN,
    "user_is_ultra_restricted": _FORBIDDEN,
    "method_not_supported_for_channel_type": "That cannot be done in this kind of conversation.",
    "channel_type_not_supported": "That cannot be done in this kind of conversation.",
    "name_taken": "A channel of that name exists already.",
    "invalid_name": _NAME,
    "invalid_name_maxlength": _NAME,
    "invalid_name_punctuation": _NAME,
    "invalid_name_required": _NAME,
    "invalid_name_specials": _NAME,
    "no_channel": _UNSEEN,
    "too_long": "That is longer than Slack allows (`{method}`).",
    "too_many_convos_for_team": "This workspace has as many channels as Slack allows.",
    # messages
    "message_not_found": _GONE,
    "thread_not_found": _GONE,
    "no_item_specified": _GONE,
    "bad_timestamp": _GONE,
    "invalid_ts_latest": _GONE,
    "invalid_ts_oldest": _GONE,
    "not_pinnable": "That message cannot be pinned.",
    "too_many_pins": "{place} has as many pins as Slack allows.",
    "too_many_bookmarks": "{place} has as many bookmarks as Slack allows.",
    "cant_update_message": _FIXED,
    "edit_window_closed": _FIXED,
    "is_inactive": _FIXED,
    "message_limit_exceeded": "This workspace has sent as many messages as Slack allows for now.",
    "msg_too_long": _SIZE,
    "msg_blocks_too_long": _SIZE,
    "no_text": _SHAPE,
    "invalid_blocks": _SHAPE,
    "invalid_blocks_format": _SHAPE,
    "invalid_arguments": _SHAPE,
    "invalid_form_data": _SHAPE,
    "invalid_json": _SHAPE,
    "json_not_object": _SHAPE,
    "invalid_post_type": _SHAPE,
    "invalid_metadata_format": _SHAPE,
    "invalid_metadata_schema": _SHAPE,
    "metadata_too_large": _SHAPE,
    "metadata_must_be_sent_from_app": _SHAPE,
    "invalid_cursor": _SHAPE,
    "invalid_link": _SHAPE,
    "missing_post_type": _SHAPE,
    "unknown_method": "The Slack I talk to does not know `{method}`.",
    "method_deprecated": "The Slack I talk to does not know `{method}` any more.",
    # people and groups
    "user_not_found": _PERSON,
    "users_not_found": _PERSON,
    "user_not_visible": _PERSON,
    "user_disabled": "That person has left this workspace.",
    "user_not_in_channel": "That person is not in {place}.",
    "cannot_dm_bot": "Slack does not let one bot write to another.",
    "messages_tab_disabled": "My app does not take direct messages: an admin can switch on its Messages tab.",
    "no_such_subteam": _GROUP,
    "subteam_not_found": _GROUP,
    # forms and the home tab
    "expired_trigger_id": _STALE,
    "trigger_expired": _STALE,
    "exchanged_trigger_id": "That form was opened already. Press or type it once more.",
    "trigger_exchanged": "That form was opened already. Press or type it once more.",
    "invalid_trigger_id": _STALE,
    "invalid_trigger": _STALE,
    "view_too_large": _SIZE,
    "duplicate_external_id": _SHAPE,
    "hash_conflict": "That view has changed meanwhile.",
    "not_enabled": "My app's Home tab is switched off: an admin can switch it on.",
    "push_limit_reached": "There are three forms open already. Close one first.",
    # response URLs
    "expired_url": "Slack takes answers to a command for 30 minutes only.",
    "used_url": "Slack takes five answers to a command only.",
    "invalid_url": "Slack no longer knows where that answer belongs.",
    # files
    "file_not_found": _FILE,
    "file_update_failed": _FILE,
    "file_uploads_disabled": _FILE,
    "file_uploads_except_images_disabled": _FILE,
    "malware_detected": _FILE,
    "posting_to_channel_denied": _FORBIDDEN,
    "storage_limit_reached": _FILE,
    "upload_failed": _FILE,
    "blocked_file_type": _FILE,
}

CHANNEL_GONE: Final = frozenset({"channel_not_found", "is_archived", "not_in_channel"})
"""Why a channel that was there cannot be spoken in: deleted, archived, or private and left by the bot."""

NOT_INVITED: Final = frozenset(
    {
        "already_in_channel",
        "cant_invite",
        "cant_invite_self",
        "external_channel_migrating",
        "failed_for_some_users",
        "invitee_cant_see_channel",
        "no_external_invite_permission",
        "no_user",
        "org_user_not_in_team",
        "ura_max_channels",
        "user_disabled",
        "user_is_restricted",
        "user_is_ultra_restricted",
        "user_not_found",
        "user_team_not_in_channel",
        "users_not_found",
    }
)
"""Why one person cannot be invited; the others still are."""


class SlackRefused(Refused):
    """Slack's "no". ``code`` is its own word for why, ``method`` what was asked."""

    def __init__(self, code: str, method: str, sentence: str, hint: str = "") -> None:
        super().__init__(sentence, hint)
        self.code = code
        self.method = method


class SlackGone(SlackRefused, Gone):
    """There is no speaking in that channel any more."""


def refused(code: str, method: str, channel: str = "", answer: Mapping[str, Any] | None = None) -> SlackRefused:
    """The sentence for a code; for one that Slack has added since, the code itself."""
    answer = answer or {}
    place = f"<#{channel}>" if re.fullmatch(r"[CG][A-Z0-9]+", channel) else "that conversation"
    sentence = SENTENCES.get(code, "Slack refused `{method}`: `{code}`.").format(
        code=code, method=method, place=place, needed=answer.get("needed") or "?"
    )
    kind = SlackGone if code in CHANNEL_GONE else SlackRefused
    return kind(code, method, sentence[0].upper() + sentence[1:], _details(answer))


def _details(answer: Mapping[str, Any]) -> str:
    """What Slack says beside the code: which block is wrong, which argument is missing."""
    said = answer.get("errors") or (answer.get("response_metadata") or {}).get("messages") or ()
    return "; ".join(str(each) for each in said)[:500] if isinstance(said, list) else ""
