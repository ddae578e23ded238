"""Why jobs failed: what differs from job to job is taken out, what tells causes apart stays, and the table is whole."""

from __future__ import annotations

import random
import re
import string
import time
import tomllib
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.triage.causes import CauseRow, CauseTable, WrongTable
from bot.triage.normalise import normalise, shape

TRIAGE = Path(__file__).parents[2] / "templates" / "triage.toml"
TABLE = CauseTable.load(TRIAGE)
ROWS = {row.cause.key: row for row in TABLE.rows}
SAMPLES = [(key, name, reason) for key, row in ROWS.items() for name, reason in row.samples]


def keys(rows: list[CauseRow]) -> list[str]:
    return [row.cause.key for row in rows]


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "name", "reason"), SAMPLES, ids=[f"{key}-{n}" for n, (key, _, _) in enumerate(SAMPLES)]
)
def test_a_sample_is_given_its_cause(key: str, name: str, reason: str) -> None:
    assert TABLE.cause(reason, name).key == key
    assert TABLE.cause(f"  {reason}\n    at Worker.run (/app/worker.js:12:3)", name).key == key


@pytest.mark.parametrize("key", ROWS)
def test_each_row_has_a_sample_that_fits_no_other_row(key: str) -> None:
    assert any(keys(TABLE.matching(reason, name)) == [key] for name, reason in ROWS[key].samples)


def test_each_row_says_what_a_person_needs_in_few_words() -> None:
    for row in TABLE.rows:
        cause = row.cause
        assert re.fullmatch(r"[a-z][a-z0-9-]{1,40}", cause.key)
        assert 3 <= len(cause.title) <= 45, cause.key
        assert cause.meaning.endswith(".")
        assert cause.advice.endswith(".")
        assert len(cause.advice) <= 200, cause.key
        assert not re.search("[!<>]", cause.meaning + cause.advice)
        assert cause.source == "" or cause.source.startswith("https://")
        assert cause.platform in ("", "instagram", "youtube", "x", "tiktok")
        assert row.runbook
        assert TABLE.runbook(cause.key) == row.runbook
    assert list(TABLE.known()) == [row.cause for row in TABLE.rows]
    assert TABLE.runbook("not-in-the-table-123456") == "replay"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row.update(match=["("]), "cause 'a'"),
        (lambda row: row.update(retry="soon"), "retry is one of now, look, after_refresh, tomorrow, never"),
        (lambda row: row.update(maybe_out="yes"), "maybe_out is true or false, not 'yes'"),
        (lambda row: row.pop("advice"), "lacks advice"),
        (lambda row: row.update(colour="red"), "has colour"),
        (lambda row: row.update(codes=["x-y"]), "cause 'a'"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: object, reason: str) -> None:
    row = {
        **dict.fromkeys(("title", "platform", "runbook", "meaning", "advice", "source"), "x"),
        "key": "a",
        "retry": "now",
        "sample": [["a", "b"]],
    }
    assert callable(change)
    change(row)
    path = tmp_path / "triage.toml"
    path.write_text("[[cause]]\n" + "\n".join(f"{name} = {value!r}" for name, value in row.items()))
    tomllib.loads(path.read_text())
    with pytest.raises(WrongTable, match=re.escape(reason)):
        CauseTable.load(path)


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "triage.toml"
    path.write_text(TRIAGE.read_text() + TRIAGE.read_text())
    with pytest.raises(WrongTable, match="there twice: child-failed"):
        CauseTable.load(path)


# --- telling causes apart -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason", "key"),
    [
        ("instagram-upload", "HTTP 429", "instagram-rate-limit"),
        ("youtube", "HTTP 429", "youtube-rate-limit"),
        ("upload-x", "HTTP 429", "x-rate-limit"),
        ("publishToX", "HTTP 429", "x-rate-limit"),
        ("twitter_post", "HTTP 429", "x-rate-limit"),
        ("TIKTOK_SYNC", "HTTP 429", "tiktok-rate-limit"),
        ("repost", "HTTP 429", "rate-limit"),
        ("tiktok-to-youtube", "HTTP 429", "youtube-rate-limit"),
        ("uploadToYouTube", "invalid_grant", "youtube-reconnect"),
        ("repost", "Instagram: HTTP 429", "instagram-rate-limit"),
        ("repost", "Tweet failed: HTTP 429", "x-rate-limit"),
        ("tiktok-to-instagram", "TikTok said HTTP 429", "tiktok-rate-limit"),
        ("youtube", "posted to Instagram before; HTTP 429", "youtube-rate-limit"),
        ("repost", "Token expired (190/463)", "instagram-token-expired"),
        ("repost", '{"error":{"code":190,"error_subcode":460}}', "instagram-reconnect"),
        ("repost", '{\\"error\\":{\\"code\\":190,\\"error_subcode\\":463}}', "instagram-token-expired"),
        ("instagram", "OAuthException 190 / 463", "instagram-token-expired"),
        ("instagram", "Request failed with status code 400", "instagram-request-failed-with-stat"),
        ("instagram", "(#4) limit", "instagram-rate-limit"),
        ("instagram", "code: -2, error_subcode: 2207003", "instagram-media-unreachable"),
        ("instagram", "code: 2", "instagram-down"),
        ("instagram", "Process exited with code 1", "instagram-process-exited-with-code"),
        ("repost", "spam_risk_too_many_posts", "tiktok-daily-cap"),
        ("repost", "Fetched 429 items, then failed oddly", "fetched"),
        ("instagram", "read ECONNRESET", "connection-lost"),
        ("repost", "connect ECONNREFUSED 10.0.0.1:443", "connection-lost"),
        ("repost", "connect ECONNREFUSED 10.0.0.1:6379", "redis-trouble"),
        ("repost", "GET https://api.example/v1/posts/503/items answered oddly", "get-answered-oddly"),
    ],
)
def test_the_platform_and_the_codes_decide(name: str, reason: str, key: str) -> None:
    assert TABLE.cause(reason, name).key.startswith(key)


def test_what_the_table_does_not_know_is_a_cause_of_its_own_with_a_stable_key() -> None:
    one = TABLE.cause("Shard 7 lost its leader while moving 4711 of 12000 rows", "repost")
    two = TABLE.cause("Shard 9 lost its leader while moving 15 of 99 rows", "repost")
    assert one == two
    assert re.fullmatch(r"shard-lost-its-leader-while-[0-9a-f]{6}", one.key)
    assert one.title == "Shard <n> lost its leader while moving <n> of <n> rows"
    assert one.retry == "look"
    assert TABLE.cause("Shard 9 lost its follower while moving 15 of 99 rows", "repost").key != one.key
    assert TABLE.cause("Process exited with code 137", "").key != TABLE.cause("Process exited with code 1", "").key


def test_the_same_words_of_two_platforms_are_two_causes() -> None:
    names = ("instagram-upload", "tiktok-post", "x-post", "repost")
    causes = [TABLE.cause("Request failed with status code 400", name) for name in names]
    assert len({cause.key for cause in causes}) == 4
    assert [cause.platform for cause in causes] == ["instagram", "tiktok", "x", ""]
    assert causes[0].key.startswith("instagram-request-failed-")
    assert causes[1].title == "TikTok: Request failed with status code 400"


def test_which_platform_it_is_does_not_hang_on_what_was_seen_first() -> None:
    reasons = ["Odd: https://open.tiktokapis.com/v2/x", "Odd: https://www.example.com/v2/y"]
    there, back = CauseTable(TABLE.rows), CauseTable(TABLE.rows)
    said = [there.cause(reason, "repost").key for reason in reasons]
    assert [back.cause(reason, "repost").key for reason in reversed(reasons)] == said[::-1]
    assert len(set(said)) == 2


def test_a_secret_makes_neither_a_key_nor_a_cause_of_its_own() -> None:
    reasons = ["Login failed: password=hunter", "Login failed: password=swordfish"]
    (one,) = {TABLE.cause(reason, "repost") for reason in reasons}
    assert one.key.startswith("login-failed-password-")
    assert "hunter" not in one.key + one.title
    people = {TABLE.cause(f"Could not mail {name}@reposter.example", "repost").key for name in ("ana", "bob")}
    assert len(people) == 1


def test_no_reason_is_a_cause_too() -> None:
    assert {TABLE.cause(reason, "repost").key for reason in ("", "null", "undefined", " ", "\n")} == {"no-reason"}


# --- normalising ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "normal"),
    [
        ("Job 4711 of ana@x.org: code 190", "Job <n> of <email>: code 190"),
        ("connect ETIMEDOUT 157.240.1.1:443", "connect ETIMEDOUT <address>"),
        ("GET https://a.example/b?c=1 failed at 2025-11-21T03:00:00Z", "GET <url> failed at <time>"),
        ("Session has expired on Friday, 21-Nov-25 03:00:00 PST.", "Session has expired on <time>."),
        ("video 7f3e2a1b-9c4d-4e5f-8a6b-1c2d3e4f5a6b gone", "video <id> gone"),
        ("sha da39a3ee5e6b4b0d3255bfef95601890afd80709", "sha <id>"),
        ("trace AbCdEfGhIjKLmNoPqRsTuV", "trace <id>"),
        ("at x (/app/src/worker.js:12:3)", "at x <position>"),
        ("open '/tmp/media/clip.mp4'", "open '<value>'"),
        ("no file /tmp/media/a/clip.mp4", "no file <path>"),
        ("User 'johnsmith' of @handle_1 not found", "User '<value>' of <user> not found"),
        ("Cannot read properties of undefined (reading 'id')", "Cannot read properties of undefined (reading 'id')"),
        ("took 512ms, attempt 3 of 5, 1.5 MB", "took <n>, attempt <n> of <n>, <n> MB"),
        ("HTTP 429", "HTTP 429"),
        ("503 Service Unavailable", "503 Service Unavailable"),
        ("403 quotaExceeded", "403 quotaExceeded"),
        ("refused 352/2207026", "refused 352/2207026"),
        ("(#190) subcode 463", "(#190) subcode 463"),
        ('{"code":190,"id":"17900001111"}', '{"code":190,"id":"<value>"}'),
        ("codec h264 in mp4", "codec h264 in mp4"),
        ("address 0x7ffde0 at fe80:0:0:0:1ff:fe23:4567:890a", "address <id> at <address>"),
        ("null", "no reason given"),
        ("", "no reason given"),
        ("first line\n    at Worker.run (/app/w.js:1:2)", "first line"),
    ],
)
def test_what_differs_is_taken_out_and_codes_stay(reason: str, normal: str) -> None:
    assert normalise(reason) == normal


PIECES = st.sampled_from(
    [
        *(
            "code",
            "190",
            "(#4)",
            "/",
            ":",
            "'",
            '"',
            "`",
            "(",
            ")",
            "{",
            "}",
            "@",
            "-",
            "\\",
            "\n",
            "\n    at ",
            " ",
            "<id>",
        ),
        *(
            "352/2207026",
            "https://a.b/c",
            "10.0.0.1:5432",
            "03:00:00",
            "21-Nov-25",
            "2025-11-21",
            "HTTP",
            "429",
            "x1",
            "mp4",
        ),
        *(
            "AbCdEfGhIjKLmNoPqRsTuV",
            "deadbeef01",
            "user",
            "failed",
            "é",
            "a.js:1:2",
            "/tmp/a/b",
            "a@b.cc",
            "null",
            "0x1f",
        ),
    ]
)
REASON = (
    st.lists(PIECES, max_size=14).map("".join) | st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=300)
)


@given(REASON)
@settings(max_examples=800, deadline=None)
def test_normalising_twice_is_normalising_once(reason: str) -> None:
    once = normalise(reason)
    assert normalise(once) == once
    assert 1 <= len(once) <= 200
    assert "\n" not in once


@given(REASON)
@settings(max_examples=300, deadline=None)
def test_every_reason_has_a_cause(reason: str) -> None:
    cause = TABLE.cause(reason, "repost")
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,45}", cause.key)
    assert cause.title.strip()
    assert TABLE.cause(reason, "repost") == cause


IDS = st.one_of(
    st.integers(10_000_000, 10**15).map(str),
    st.uuids().map(str),
    st.text(alphabet="0123456789abcdef", min_size=24, max_size=40).filter(lambda s: bool(re.search(r"\d", s))),
    st.text(alphabet=string.ascii_letters + string.digits, min_size=20, max_size=30).filter(
        lambda s: bool(re.search(r"\d", s))
    ),
)
WORDS = st.lists(
    st.sampled_from(["upload", "of", "video", "could", "not", "reach", "shard", "lost", "while", "moving", "rows"]),
    min_size=3,
    max_size=9,
)


@given(WORDS, st.lists(IDS, min_size=6, max_size=6), st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_reasons_that_differ_by_their_ids_have_one_cause(words: list[str], ids: list[str], place: int) -> None:
    first, second = (
        " ".join([*words[:place], ids[n], *words[place:], f"(id: {ids[n + 2]}, trace={ids[n + 4]})"]) for n in (0, 1)
    )
    fresh = CauseTable(TABLE.rows)
    assert fresh.cause(first).key == CauseTable(TABLE.rows).cause(second).key


FILLS = (
    IDS | st.integers(0, 9_999_999).map(str) | st.sampled_from(["h264", "x17", "3-4", "1.5", "-2", "0x1f", "503", "a1"])
)
FORM = st.lists(PIECES | st.just("\0"), max_size=10).map(" ".join) | st.lists(PIECES | st.just("\0"), max_size=10).map(
    "".join
)


@given(FORM, FILLS, FILLS)
@settings(max_examples=1000, deadline=None)
def test_reasons_of_one_shape_have_one_cause_whichever_is_seen_first(form: str, one: str, two: str) -> None:
    first, second = form.replace("\0", one), form.replace("\0", two)
    if shape(first[:1000]) == shape(second[:1000]):
        assert CauseTable(TABLE.rows).cause(first).key == CauseTable(TABLE.rows).cause(second).key


# --- quickly, whatever comes ----------------------------------------------------------------------------------------


def test_a_hundred_thousand_reasons_take_seconds_and_bounded_memory() -> None:
    rng = random.Random(7)
    forms = [
        "Upload failed for job {n}: (#190) Error validating access token. fbtrace_id: {h}",
        "connect ETIMEDOUT 157.240.12.35:443 after {n} ms",
        "NoSuchKey: The specified key does not exist. media/{n}/{u}.mp4",
        *(f"step {word} failed for {{n}}: {{u}}" for word in string.ascii_lowercase),
    ]
    reasons = [
        rng.choice(forms).format(
            n=rng.randrange(10**5, 10**9), h=f"{rng.getrandbits(80):020x}", u=uuid.UUID(int=rng.getrandbits(128))
        )
        for _ in range(100_000)
    ]
    table = CauseTable(TABLE.rows)
    began = time.process_time()
    found = {table.cause(reason, "instagram-upload").key for reason in reasons}
    assert time.process_time() - began < 5  # 0.4 s on an idle core
    assert len(found) == 29
    assert len(table._shapes) < 2_000


def test_what_is_remembered_is_bounded() -> None:
    table = CauseTable(TABLE.rows)
    letters = random.Random(3)
    for _ in range(21_000):
        table._shapes[((), "".join(letters.choices(string.ascii_lowercase, k=12)))] = TABLE.rows[0].cause
    table.cause("something quite new")
    assert len(table._shapes) < 100


@pytest.mark.parametrize(
    "piece", ["a", "a/", "1.", "1:", "<", '"a', "@a.", "a-", "-", "\\", "code ", "aB", "0x", "é", "\n at "]
)
def test_a_megabyte_is_read_as_quickly_as_its_beginning(piece: str) -> None:
    began = time.process_time()
    normalise(piece * (1_000_000 // len(piece)))
    TABLE.cause(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 1


def test_what_the_table_goes_by_is_not_forgotten_over_what_it_does_not_know() -> None:
    table = CauseTable(TABLE.rows)
    unknown = table.cause("a" * 50, "publish")
    assert unknown.key.startswith("unknown")
    assert table.cause("unaudited_client_can_only_post_to_private_accounts", "publish").key == "tiktok-privacy"
