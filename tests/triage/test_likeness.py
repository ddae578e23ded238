"""One cause is one cause: what differs from job to job never splits it, and what is said otherwise never joins it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.cause import Cause
from bot.triage.causes import CauseTable

TABLE = CauseTable.load(Path(__file__).parents[2] / "templates" / "triage.toml")
UNKNOWN = "This error is not in the triage table."
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def cause(reason: str) -> Cause:
    """By a table that has seen nothing else."""
    return CauseTable(TABLE.rows).cause(reason, "repost")


WORDS = st.lists(
    st.sampled_from(
        [
            "draft",
            "shard",
            "lease",
            "window",
            "lost",
            "sulked",
            "while",
            "moving",
            "rows",
            "reader",
            "of",
            "its",
            "leader",
            "before",
            "it",
            "could",
            "begin",
            "odd",
            "quiet",
            "harbour",
            "lantern",
        ]
    ),
    min_size=3,
    max_size=8,
).map(" ".join)

TIMES = st.builds(
    lambda at, form: at.strftime(form).replace("Z0", "Z"),
    st.integers(10**9, 2 * 10**9).map(lambda at: datetime.fromtimestamp(at, UTC)),
    st.sampled_from(
        [
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y-%m-%dT%H:%M:%S.%fZ",
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M:%S+01:00",
            "%Y-%m-%d",
            "%A, %d-%b-%y %H:%M:%S PST",
            "%A, %d-%b-%y %H:%M:%S PDT",
            "%a, %d %b %Y %H:%M:%S GMT",
            "%b %d, %Y, %I:%M:%S %p",
            "%a %b %d %Y %H:%M:%S GMT+0100 (Central European Standard Time)",
            "%a %b %d %H:%M:%S %Y",
            "%B %d, %Y at %I:%M %p",
            "%d %B %Y",
            "%d.%m.%Y %H:%M",
            "%m/%d/%Y",
            "%d/%b/%Y:%H:%M:%S +0000",
            "%H:%M",
            "%Y-%m-%d %H:%M Europe/Berlin",
        ]
    ),
)
IDS = st.one_of(
    st.uuids().map(str),
    st.integers(0, 10**17).map(str),
    st.text("0123456789abcdef", min_size=24, max_size=40),
    st.text(LETTERS + LETTERS.upper() + "0123456789_-", min_size=11, max_size=22).filter(
        lambda word: re.search(r"\d", word) is not None and word[0].isalnum() and word[-1].isalnum()
    ),
    st.sampled_from(["AbCdEfGhIjK", "xKqZpLmNvB", "deadbeef", "HJZvdKuUjRi"]),
)
COUNTS = st.integers(0, 10**7).map(lambda count: f"{count:,}") | st.integers(0, 1000).map(str)
WAITS = st.builds(
    lambda count, unit: f"{count}{unit}",
    st.integers(0, 700),
    st.sampled_from([" seconds", " second", "s", "ms", " ms", " minutes", " hours", "m", "h"]),
)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.builds(lambda ip, port: f"{ip}:{port}", st.ip_addresses(v=4), st.integers(7000, 65535)),
    st.ip_addresses(v=6).map(str).filter(lambda ip: re.search(r"\d", ip) is not None),
)
PLACES = [
    "{before} {it} {after}",
    "{before} {it}",
    "{it} {before}",
    "{before}: {it}",
    "{before} ({it}) {after}",
    "[{it}] {before}",
    "{before} '{it}' {after}",
    'lantern="{it}" {after}',
    "{before} {it}, {after} {it}",
]
KINDS = {"times": TIMES, "ids": IDS, "counts": COUNTS, "waits": WAITS, "addresses": ADDRESSES}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), before=WORDS, after=WORDS)
@settings(max_examples=300, deadline=None)
def test_what_differs_from_job_to_job_does_not_split_a_cause(
    kind: str, data: st.DataObject, before: str, after: str
) -> None:
    one, two = data.draw(KINDS[kind]), data.draw(KINDS[kind])
    form = data.draw(st.sampled_from(PLACES))
    first, second = (form.format(before=before, it=each, after=after) for each in (one, two))
    assert cause(first).key == cause(second).key
    in_json = [json.dumps({"error": {"message": f"{before} {each}", "log_id": each}}) for each in (one, two)]
    assert cause(in_json[0]).key == cause(in_json[1]).key


SENTENCES = st.lists(st.text(LETTERS, min_size=3, max_size=9), min_size=3, max_size=8).map(" ".join)
FRAMES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "quoted": lambda said: f'Worker said: "{said}"',
    "in JSON": lambda said: json.dumps({"error": {"message": said, "id": "17"}}),
    "in JSON in JSON": lambda said: json.dumps({"body": json.dumps({"message": said})}),
    "encoded": lambda said: "error=" + quote(said),
    "escaped": lambda said: f"&quot;{said}&quot;",
}


@pytest.mark.parametrize("frame", FRAMES)
@given(first=SENTENCES, second=SENTENCES)
@settings(max_examples=200, deadline=None)
def test_two_different_sentences_are_two_causes_with_titles_that_are_read(frame: str, first: str, second: str) -> None:
    assume(first != second)
    one, two = (cause(FRAMES[frame](each)) for each in (first, second))
    assume(one.meaning == two.meaning == UNKNOWN)
    assert one.key != two.key
    assert first[:50] in one.title


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('Worker said: "The moon is late"', 'Worker said: "The sun is early"'),
        ('{"error":{"message":"The moon is late"}}', '{"error":{"message":"The sun is early"}}'),
        ("error=The%20moon%20is%20late", "error=The%20sun%20is%20early"),
        ("The shard lost 5 leaders", "The shard lost 5 followers"),
        ("Process exited with code 137", "Process exited with code 1"),
    ],
)
def test_what_is_said_otherwise_is_another_cause(one: str, two: str) -> None:
    assert cause(one).key != cause(two).key


def test_a_wait_in_seconds_is_one_cause_whatever_its_number() -> None:
    assert len({cause(f"Sulking, retry in {n} seconds").key for n in range(1000)}) == 1
    assert len({cause(f"Moved {n} rows, then sulked").key for n in range(1000)}) == 1


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ('{"error":{"message":"The draft sulks","code":77,"log_id":"AbCdE"}}', "The draft sulks"),
        ("error=The%20moon%20is%20late", "error=The moon is late"),
        ('{"detail":"Moon is \\"blue\\" now"}', 'Moon is \\"<value>\\" now'),
        ("Lease ran out at 2025-11-21T03:00:00Z", "Lease ran out at <time>"),
        ("Peer 10.0.0.1:443 sulked", "Peer <address> sulked"),
    ],
)
def test_a_title_is_read_by_people(reason: str, title: str) -> None:
    assert cause(reason).title == title
