"""Secrets never survive, what an engineer works with does, and neither takes long."""

from __future__ import annotations

import json
import string
import time
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.masking import is_secret, mask, mask_data
from bot.domain.secret_shapes import MARK

ALNUM = string.ascii_letters + string.digits


def words(text: str) -> list[str]:
    return text.split()


def letters(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=least, max_size=most)


def shaped(prefix: str, alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return letters(alphabet, least, most).map(lambda rest: prefix + rest)


URLSAFE = ALNUM + "-_"
SHAPED = st.one_of(
    shaped("xoxb-", ALNUM + "-", 20, 60),
    shaped("xoxe.xoxp-1-", ALNUM, 20, 60),
    shaped("xapp-1-A0123-", ALNUM, 20, 60),
    shaped("AKIA", string.ascii_uppercase + string.digits, 16, 16),
    shaped("ASIA", string.ascii_uppercase + string.digits, 16, 16),
    shaped("ya29.a0", URLSAFE, 20, 80),
    shaped("1//0g", URLSAFE, 30, 60),
    shaped("AIza", URLSAFE, 35, 35),
    shaped("GOCSPX-", URLSAFE, 28, 28),
    shaped("ghp_", ALNUM, 36, 36),
    shaped("ghs_", ALNUM, 36, 36),
    shaped("github_pat_", ALNUM + "_", 40, 82),
    shaped("EAAGz", ALNUM, 60, 180),
    shaped("IGQVJ", URLSAFE, 60, 150),
    shaped("A" * 22, ALNUM + "%", 40, 90),
    shaped("eyJhbGciOi", URLSAFE, 10, 20).flatmap(
        lambda head: letters(URLSAFE, 10, 60).flatmap(
            lambda body: letters(URLSAFE, 20, 43).map(lambda sig: f"{head}.{body}.{sig}")
        )
    ),
    letters(ALNUM + "+/", 64, 200).map(
        lambda body: f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    ),
)
AROUND = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@given(AROUND, SHAPED, AROUND)
@settings(max_examples=400, deadline=None)
def test_a_secret_of_a_known_shape_never_survives_whatever_stands_around_it(
    before: str, secret: str, after: str
) -> None:
    assume(secret[12:] not in before + after)
    masked = mask(before + secret + after)
    assert secret not in masked
    assert secret[12:] not in masked


NAMES = st.sampled_from(
    words(
        "access_token refresh_token token client_secret clientSecret SLACK_SIGNING_SECRET password PASSWORD db.passwd"
        " api_key apiKey x-api-key sessionid session_id Authorization Cookie Set-Cookie signature X-Amz-Signature"
        " X-Amz-Security-Token X-Amz-Credential aws_secret_access_key PAGERDUTY_ROUTING_KEY TOKEN_ENCRYPTION_KEY"
        " msToken sid_tt consumer_key"
    )
)
FORMS = st.sampled_from(
    [
        "{name}={value}",
        "{name}: {value}",
        "{name} = '{value}'",
        '{name}="{value}"',
        '{{"{name}":"{value}"}}',
        '{{"{name}": "{value}", "id": 7}}',
        "{{'{name}': '{value}'}}",
        '"{{\\"{name}\\":\\"{value}\\"}}"',
        "https://host.example/path?a=1&{name}={value}&b=2",
        ":{name} => '{value}'",
        "<{name}>{value}</{name}>",
    ]
)
VALUES = letters(ALNUM, 1, 40).flatmap(lambda a: st.integers(10_000, 99_999).map(lambda n: f"{a}{n}"))


@given(AROUND.map(lambda s: s + " "), FORMS, NAMES, VALUES, AROUND.map(lambda s: " " + s))
@settings(max_examples=400, deadline=None)
def test_a_value_after_the_name_of_a_secret_never_survives(
    before: str, form: str, name: str, value: str, after: str
) -> None:
    # Quotes and brackets around would open or close what the form opens and closes.
    around = str.maketrans(dict.fromkeys("\"'`\\[]{}()<>", " "))
    masked = mask(before.translate(around) + form.format(name=name, value=value) + after.translate(around))
    assert value not in masked


@given(st.text(alphabet=string.ascii_letters + string.digits + " .,:;=/-_\"'{}[]@&?%#\n•\\", max_size=300))
@settings(max_examples=500, deadline=None)
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


PIECES = st.sampled_from(
    [
        "\n",
        "",
        *words(
            "token token= secret: password=' \" ' cookie: ; , { } [ ] & ? = : // https://u:p@h @"
            " a@b.cc eyJab.cdef.ghij <b> Bearer xoxb-123456-abc"
            ' authorization: api_key -- --token \\ \\" sig= abc123 Session has'
        ),
    ]
)


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=800, deadline=None)
def test_masking_twice_is_masking_once_amid_the_words_it_looks_for(text: str) -> None:
    assert mask(mask(text)) == mask(text)


INNOCENT = [
    "repost-dispatch",
    "job 550e8400-e29b-41d4-a716-446655440000 of <@U012ABC> in <#C0FFEE|ops>",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709, tag v1.2.3, DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
    "repeat:token-refresh:1700000000000 waits behind token-refresh:17",
    "Error validating access token: Session has expired on Friday, 21-Nov-25 03:00:00 PST.",
    "Error validating access token: The session has been invalidated because the user changed their password",
    "Error validating access token: code 190 subcode 463; access token: HTTP 401; token: 401",
    "invalid_grant: Token has been expired or revoked.",
    "token expired; cookies rotated; password missing",
    "Refresh token, then replay. Token: expired",
    "max_tokens=512 token_type=bearer token_expires_in: 3600",
    "Basic authentication failed; bearer authentication required",
    "bullmq@6.7.0 at Worker.processJob (/app/node_modules/bullmq/dist/worker.js:512:28)",
    "http://host:8080/path?limit=5&cursor=abc s3://bucket/media/2025/11/clip.mp4 Key: media/2025/clip.mp4",
    "<!date^1763863140^{time}|01:59 UTC> depth 412 → 9",
    "PWD=/srv/app HOME=/root",
    '{"type":"section","text":{"type":"mrkdwn","text":"ok"}}',
    "token=${TOKEN} password=$PASSWORD api_key=<your key>",
    "assassin passed the passive author's signature dish",
    "design: compass, residence, insignia",
    "18000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_holds_no_secret_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


@given(st.lists(st.sampled_from(words("depth queue 412 jobs of the worker 3 at 02:14 is failed – done")), max_size=30))
def test_plain_words_are_left_as_they_are(said: list[str]) -> None:
    assert mask(" ".join(said)) == " ".join(said)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://:hunter2@cache:6379/0", f"redis://:{MARK}@cache:6379/0"),
        ("postgres://app:p@ss/w0rd@db.internal:5432/posts", f"postgres://app:{MARK}@db.internal:5432/posts"),
        ("redis://:12345@h", f"redis://:{MARK}@h"),
        ("ana.b@example.com wrote", f"a{MARK}@example.com wrote"),
        ("Authorization: Bearer abc.DEF-123", f"Authorization: {MARK}"),
        ("got Bearer abc.DEF-123 back", f"got Bearer {MARK} back"),
        ("Cookie: sessionid=1; theme=dark\nAccept: */*", f"Cookie: {MARK}\nAccept: */*"),
        ('curl -H "Cookie: a=b; c=d" https://x.example', f'curl -H "Cookie: {MARK}" https://x.example'),
        (
            "https://b.s3.amazonaws.com/k.mp4?X-Amz-Date=20251123&X-Amz-Signature=ab12&X-Amz-Expires=900",
            f"https://b.s3.amazonaws.com/k.mp4?X-Amz-Date=20251123&X-Amz-Signature={MARK}&X-Amz-Expires=900",
        ),
        (f"*job Cookie: {MARK}* · failed · attempt 1 of 1", f"*job Cookie: {MARK}* · failed · attempt 1 of 1"),
        ("https://hooks.slack.com/services/T0/B0/abcdefgh", f"https://hooks.slack.com/{MARK}"),
        (
            "https://d1.cloudfront.net/v.mp4?Expires=17&Signature=ab~c-D_&Key-Pair-Id=K2JCJMDEHXQW5F&Policy=eyJTdGF0ZW1_",
            f"https://d1.cloudfront.net/v.mp4?Expires=17&Signature={MARK}&Key-Pair-Id={MARK}&Policy={MARK}",
        ),
        ("to=ana%40example.com&n=1", f"to=a{MARK}%40example.com&n=1"),
        (
            "https://api.telegram.org/bot123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/x",
            f"https://api.telegram.org/bot{MARK}/x",
        ),
        ("key sk-proj-abcdefghijklmnop0123456789", f"key {MARK}"),
        ("SG.abcdefghijklmnopqrstuv.wxyz0123456789ABCD", MARK),
        ("token: 123456", f"token: {MARK}"),
        ("password: hunter2, user: bob", f"password: {MARK}, user: bob"),
        ("redis-cli --pass s3cr3t -n 0", f"redis-cli --pass {MARK} -n 0"),
        ("Invalid token 9f8e7d6c5b4a39281706", f"Invalid token {MARK}"),
        ('"cookies": ["a=1", "b=2"], "n": 1', f'"cookies": {MARK}, "n": 1'),
        ("1234567890-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd", MARK),
        ("upload to act.example12345678!4567.va", f"upload to {MARK}"),
    ],
)
def test_what_is_not_secret_stays_beside_what_is(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_data_is_masked_by_the_names_of_its_keys_and_by_its_values() -> None:
    data: dict[str, Any] = {
        "access_token": "x",
        "tokens": 512,
        "token_type": "bearer",
        "password": 1234,
        "cookies": {"sessionid": "v"},
        "headers": [{"name": "Set-Cookie", "value": "v"}, {"name": "Accept", "value": "*/*"}],
        "job": {"id": "550e8400-e29b-41d4-a716-446655440000", "url": "https://h/k?Signature=zz9&v=1"},
        "owner": "bob@example.org",
        "nothing": None,
        "client_secret": None,
    }
    assert mask_data(data) == {
        "access_token": MARK,
        "tokens": 512,
        "token_type": "bearer",
        "password": MARK,
        "cookies": MARK,
        "headers": [{"name": "Set-Cookie", "value": MARK}, {"name": "Accept", "value": "*/*"}],
        "job": {"id": "550e8400-e29b-41d4-a716-446655440000", "url": f"https://h/k?Signature={MARK}&v=1"},
        "owner": f"b{MARK}@example.org",
        "nothing": None,
        "client_secret": None,
    }


def test_data_that_holds_itself_ends() -> None:
    data: dict[str, Any] = {}
    data["self"] = data
    assert MARK in json.dumps(mask_data(data), ensure_ascii=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_masking_data_twice_is_masking_it_once(data: Any) -> None:
    once = mask_data(data)
    assert mask_data(once) == once


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("accessToken", True),
        ("IG_TOKEN", True),
        ("Set-Cookie", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("sig", True),
        ("token_type", False),
        ("author", False),
        ("key", False),
        ("queue", False),
        ("monkey", False),
    ],
)
def test_the_name_of_a_secret_is_known(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


PATHOLOGICAL = [
    *(
        "mysql ",
        "curl -u a:",
        "login ",
        "code 1",
        "AKIA" + "A" * 16 + " ",
        "a_",
        "a1_",
        "whsec_",
        "%22",
        "&quot;",
        "password\n",
    ),
    *(
        "password:\n",
        "password,'",
        '["password", "',
        "password value=",
        "b" * 40 + " ",
        "eyJhIjox",
        "\u200ba",
        "pass is ",
    ),
    *(
        "jdbc:oracle:a:",
        "identified by '",
        "key=",
        "?key=a",
        "Private-Lines: 1 ",
        "0" * 32 + "-",
        "password ->",
        "a" * 99 + "_",
    ),
    *("a", "A", "1", "=", "{", "eyJ", "EAA", "a@", "aaa.", "act.", "://a:", "xoxb-", "--token-", "token ", "bearer "),
    *('token="', 'token=\\"', "token:[", "cookie: ", "password: ab, ", "-----BEGIN PRIVATE KEY-----"),
]


@pytest.mark.parametrize("piece", PATHOLOGICAL)
def test_hostile_text_of_100_kilobytes_is_masked_well_under_a_second(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 0.8


@pytest.mark.parametrize("piece", PATHOLOGICAL)
def test_a_megabyte_takes_a_few_seconds_at_the_very_most(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    mask(text)
    assert time.process_time() - began < 8  # 0.01–1.3 s on an idle machine; what is quadratic takes minutes
