"""GitHub's client against a GitHub that keeps its rules: one issue for one incident."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import Gone, Later, Refused, Unreachable
from bot.outside.github.client import GitHub
from bot.sandbox.github import GitHubSandbox, TrackedIssue
from bot.sandbox.serving import Refusal
from tests.outside.outsides import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def there(clock: Clock) -> Iterator[GitHubSandbox]:
    with GitHubSandbox(now=clock) as running:
        yield running


@pytest.fixture
def tracker(there: GitHubSandbox) -> GitHub:
    return GitHub(there.token, there.repository, there.api_url)


@pytest.mark.parametrize("reset", ["before", "after"])
def test_an_issue_is_opened_once_whatever_becomes_of_the_answer(
    there: GitHubSandbox, tracker: GitHub, clock: Clock, reset: Any
) -> None:
    there.faults.next(f"POST /repos/{there.repository}/issues", reset=reset)
    with pytest.raises(Unreachable, match="could not reach GitHub"):
        tracker.create("Refresh tokens in time", "What happened", "inc-12", ["incident"], clock.now)
    issue = tracker.create("Refresh tokens in time", "What happened", "inc-12", ["incident"], clock.now)
    assert (issue.number, issue.new) == (1, reset == "before")
    assert issue.url.endswith("/issues/1")
    assert len(there.issues) == 1
    assert there.issues[0].labels == ["incident"]
    assert there.issues[0].body.startswith("What happened\n\n<!-- firewatch:")


def test_it_is_found_on_any_page_and_another_incident_gets_another(there: GitHubSandbox, tracker: GitHub) -> None:
    first = tracker.create("First", "What happened", "inc-12")
    there.issues += [TrackedIssue(number, "Somebody else's", "", [], there.now()) for number in range(2, 122)]
    assert tracker.create("First", "What happened", "inc-12") == type(first)(first.number, first.url, new=False)
    assert tracker.create("First", "What happened", "inc-13").new


def test_only_what_changed_since_the_incident_began_is_searched(
    there: GitHubSandbox, tracker: GitHub, clock: Clock
) -> None:
    tracker.create("First", "What happened", "inc-12")
    clock.passes(hours=2)
    assert tracker.create("First", "What happened", "inc-12", since=clock.now - timedelta(hours=1)).new


def test_long_texts_are_cut_and_keep_their_mark(there: GitHubSandbox, tracker: GitHub) -> None:
    assert tracker.create("t" * 300, "b" * 100_000, "inc-12").new
    assert len(there.issues[0].title) == 256
    assert len(there.issues[0].body) <= 65_536
    assert not tracker.create("t" * 300, "b" * 100_000, "inc-12").new


def test_what_github_refuses_is_said_with_what_to_do(there: GitHubSandbox, tracker: GitHub) -> None:
    with pytest.raises(Refused, match="GITHUB_TOKEN"):
        GitHub("wrong", there.repository, there.api_url).create("T", "b", "inc-12")
    with pytest.raises(Gone, match="no repository reposter/other"):
        GitHub(there.token, "reposter/other", there.api_url).create("T", "b", "inc-12")
    with pytest.raises(Refused, match=r"Validation Failed \(title invalid\)"):
        tracker.create("  ", "b", "inc-12")
    there.has_issues = False
    with pytest.raises(Gone, match="keeps no issues"):
        tracker.create("T", "b", "inc-12")


def test_a_limit_is_a_pause_until_github_lifts_it(there: GitHubSandbox, tracker: GitHub) -> None:
    there.faults.next("*", status=429, retry_after=120)
    with pytest.raises(Later) as later:
        tracker.create("T", "b", "inc-12")
    assert 110 <= later.value.seconds <= 120


def test_the_second_kind_of_limit_says_for_how_long(
    there: GitHubSandbox, tracker: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    secondary = Refusal(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "30"})
    monkeypatch.setattr(there, "limited", lambda seconds: secondary)
    there.faults.next("*", status=429)
    with pytest.raises(Later) as later:
        tracker.create("T", "b", "inc-12")
    assert later.value.seconds == 30


def test_a_403_that_is_no_limit_is_a_no(there: GitHubSandbox, tracker: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    no = Refusal(403, {"message": "Resource not accessible by personal access token"})
    monkeypatch.setattr(there, "limited", lambda seconds: no)
    there.faults.next("*", status=429)
    with pytest.raises(Refused, match="Resource not accessible"):
        tracker.create("T", "b", "inc-12")


def test_no_secret_leaves_in_title_or_body(there: GitHubSandbox, tracker: GitHub) -> None:
    tracker.create("Down: password=hunter2", "token=abcd1234 of <@U012ABCDE|noor>", "inc-12")
    (made,) = there.issues
    assert made.title == "Down: password=•••"
    assert made.body.startswith("token=••• of @\u200bnoor\n\n<!-- firewatch:")
