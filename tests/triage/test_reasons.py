"""Failed reasons as people paste them: each is read for whose error it is, and for what may be done about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.triage.causes import CauseTable

TABLE = CauseTable.load(Path(__file__).parents[2] / "templates" / "triage.toml")
REASONS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "reasons.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("said", REASONS, ids=[f"{n}-{each['source']}" for n, each in enumerate(REASONS)])
def test_a_pasted_reason_is_read_rightly(said: dict[str, Any]) -> None:
    cause = TABLE.cause(said["reason"], said["job"])
    assert cause.platform == said["platform"], cause.key
    assert cause.retry in said["retry"], cause.key


@pytest.mark.parametrize(
    ("name", "reason", "key"),
    [
        ("tiktok-repost", "Token expired (190/463)", "instagram-token-expired"),
        ("tiktok-repost", "Graph API said 25/2207050", "instagram-restricted"),
        ("tiktok-repost", '{"error":{"code":403,"errors":[{"reason":"quotaExceeded"}]}}', "youtube-quota"),
        ("tiktok-repost", "403: Status is a duplicate.", "x-duplicate"),
        ("tiktok-repost", '{"error":{"type":"OAuthException","code":4}}', "instagram-rate-limit"),
        ("instagram-upload", "GET https://api.twitter.com/2/tweets: HTTP 503", "x-down"),
        ("youtube", "spam_risk_too_many_posts", "tiktok-daily-cap"),
        ("repost.facebook", "Request failed with status code 503", "far-end-down"),
        ("childIg", "Request failed with status code 503", "far-end-down"),
        ("child-ig", "Request failed with status code 503", "instagram-down"),
    ],
)
def test_what_only_one_platform_says_wins_over_the_jobs_name(name: str, reason: str, key: str) -> None:
    assert TABLE.cause(reason, name).key == key


@pytest.mark.parametrize(
    "reason",
    [
        "Unexpected response code: 200",
        "Step 10/200 did not finish",
        "Upload 17/1000 failed half way",
        "Upload error 4 of 200 chunks",
        "worker returned with code 1",
        "exit code: 2",
        "converter exited with error code 10",
        "12 of 500",
        "404 of 500 items were read",
        "retry 4/100 gave up",
        "error 10 times in a row",
        "frame 190/2000 is dark",
    ],
)
@pytest.mark.parametrize("name", ["instagram", "x", "youtube", "tiktok", "repost"])
def test_ordinary_numbers_are_no_codes(name: str, reason: str) -> None:
    cause = TABLE.cause(reason, name)
    assert (cause.retry, cause.meaning) == ("look", "This error is not in the triage table."), cause.key


@pytest.mark.parametrize("name", ["instagram", "repost"])
def test_a_programs_exit_is_the_programs(name: str) -> None:
    assert TABLE.cause("ffmpeg returned code 1 while muxing", name).key == "media-processing"


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("Access Denied", "media-denied"),
        ("Please reduce your request rate.", "rate-limit"),
        ("The provided token has expired.", "media-denied"),
        ("This operation was aborted", "time-out"),
        ("The operation was aborted due to timeout", "time-out"),
        ("Cannot read property 'id' of undefined", "code-fault"),
        ("Cannot set properties of null (setting 'url')", "code-fault"),
        ("Connection is closed.", "redis-trouble"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "redis-cluster"),
        (
            "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
            "redis-trouble",
        ),
        ("Job 12 has pending dependencies. moveToFinished", "parent-waits"),
    ],
)
def test_a_message_is_known_without_its_errors_name(reason: str, key: str) -> None:
    assert TABLE.cause(reason, "repost").key == key


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("spawn ffmpeg ENOENT", "worker-program"),
        ("/bin/sh: 1: ffprobe: not found; command not found", "worker-program"),
        ("EACCES: permission denied, mkdir '/app/media'", "worker-disk"),
        ("EROFS: read-only file system, open '/tmp/a'", "worker-disk"),
        ("Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "far-end-page"),
        ("Unexpected token < in JSON at position 0", "far-end-page"),
        ("Unexpected token } in config at line 3", "code-fault"),
    ],
)
def test_the_culprit_is_the_right_one(reason: str, key: str) -> None:
    assert TABLE.cause(reason, "repost").key == key


@pytest.mark.parametrize(
    ("name", "reason", "key"),
    [
        ("instagram", "feedback_required", "instagram-restricted"),
        ("instagram", "OAuthException code 368: The action attempted has been deemed abusive", "instagram-restricted"),
        *(("instagram", f'{{"error":{{"error_subcode":{n}}}}}', "instagram-post-refused") for n in (2207010, 2207018)),
        *(("repost", f"upload failed: {n}", "instagram-post-refused") for n in (2207065, 2207081)),
        ("repost", "Media upload has failed with error code 2207076", "instagram-media-refused"),
        (
            "repost",
            "Error validating access token: Session has expired on Friday, 21-Nov-25.",
            "instagram-token-expired",
        ),
        ("repost", "Session expired", "token-refused"),
        ("tiktok", "spam_risk_too_many_pending_share", "tiktok-daily-cap"),
        ("tiktok", "invalid_file_upload", "tiktok-media-refused"),
        ("tiktok-sync", '{"statusCode":10204}', "tiktok-address-blocked"),
        ("tiktok-sync", '{"statusCode":10222,"userInfo":{}}', "tiktok-account-private"),
        ("tiktok-sync", "redirected to https://www.tiktok.com/login?x=1", "tiktok-login-wall"),
        ("x", '{"errors":[{"code":186,"message":"Tweet needs to be a bit shorter."}]}', "x-text-refused"),
        (
            "x",
            '{"errors":[{"code":326,"message":"To protect our users, this account is temporarily locked."}]}',
            "x-account",
        ),
        (
            "x",
            '{"title":"UsageCapExceeded","status":429,"type":"https://api.twitter.com/2/problems/usage-capped"}',
            "x-credits",
        ),
        ("x", "UnsupportedMedia", "x-media-refused"),
        ("x", "POST https://upload.twitter.com/1.1/media/upload.json: HTTP 403", "x-closed-api"),
        ("x", "403 Forbidden: token has no media.write", "x-scope"),
        ("youtube", "unauthorized_client", "youtube-client"),
        ("youtube", '{"status":{"uploadStatus":"rejected","rejectionReason":"duplicate"}}', "youtube-duplicate"),
        (
            "instagram",
            '{"status_code":"PUBLISHED","status":"Published: Media has been successfully published."}',
            "instagram-published",
        ),
        ("instagram", "code 100, error_subcode 33", "instagram-object"),
        (
            "instagram",
            '{"status_code":"EXPIRED","status":"The container was not published within 24 hours"}',
            "instagram-container-gone",
        ),
        ("instagram", "Please wait a few minutes before you try again.", "instagram-rate-limit"),
        ("instagram", "Param video_url is not a valid URI (code 100)", "instagram-request-wrong"),
        ("youtube", 'HttpError 429 "Resource has been exhausted (e.g. check quota)."', "youtube-rate-limit"),
        ("youtube", "accessNotConfigured", "youtube-project"),
        ("x", "invalid_grant", "x-reconnect"),
        ("x", "Could not authenticate you. (code 32)", "x-token-expired"),
        ("tiktok", "Service Unavailable", "tiktok-down"),
        ("repost", "connect ENOENT /var/run/redis.sock", "connection-lost"),
    ],
)
def test_what_the_platforms_say_is_known(name: str, reason: str, key: str) -> None:
    assert TABLE.cause(reason, name).key == key


def test_what_nobody_knows_is_looked_at_first() -> None:
    for reason in ("The flux capacitor sulks", "", "null", "Request failed with status code 400"):
        cause = TABLE.cause(reason, "repost")
        assert (cause.retry, cause.standing) == ("look", "look")


@pytest.mark.parametrize("name", ["instagram", "repost", "tiktok"])
@pytest.mark.parametrize(
    "reason",
    [
        "timeout of 30000ms exceeded",
        "HTTP 504 Gateway Timeout",
        "Request failed with status code 524",
        "socket hang up",
        "read ECONNRESET",
        "This operation was aborted",
        "job stalled more than allowable limit",
        "could not renew lock for job 17",
    ],
)
def test_what_may_be_out_already_is_said_so(name: str, reason: str) -> None:
    cause = TABLE.cause(reason, name)
    assert (cause.retry, cause.standing) == ("now", "maybe_out"), cause.key
    assert "ook first whether the posts went out" in cause.advice
