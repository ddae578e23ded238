"""Settings from the environment and `.env`: what is read, what wins, what is wrong."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from bot.outside.database.part import DATABASE
from bot.outside.github.part import GITHUB
from bot.outside.pagerduty.part import PAGERDUTY
from bot.outside.part import AnyPart, Part
from bot.outside.parts import load
from bot.outside.queues.part import QUEUES
from bot.outside.slack.part import SLACK
from bot.outside.statuspage.part import STATUSPAGE
from bot.settings.catalogue import Access, PaceEntry
from bot.settings.environment import SettingsError, read
from bot.settings.fields import Role, Variables, names_of, variable
from bot.settings.secrets import Address, Secret
from bot.store.base import LEASE
from tests.settings.conftest import ENV, Problems


def test_two_tokens_are_enough_and_the_rest_has_its_default(tmp_path: Path) -> None:
    found = load(ENV, tmp_path)
    assert found.need(SLACK).door == "socket"
    assert found.need(SLACK).bot_token.reveal() == "xoxb-1-SECRET"
    assert found.need(SLACK).api_url == "https://slack.com/api/"
    assert (found.host, found.port, found.log) == ("127.0.0.1", 8080, "info")
    assert found.lease == LEASE == 5.0
    assert found.redis_url.reveal() == "redis://127.0.0.1:6379/0"
    assert (found.need(QUEUES).redis_url, found.need(QUEUES).prefix) == (None, "bull")
    assert [found.find(each) for each in (PAGERDUTY, STATUSPAGE, GITHUB, DATABASE)] == [None, None, None, None]
    assert found.catalogue.access == Access(channels=("*",), oncall=(), leads=())
    assert found.catalogue.clocks.of("sev1") == PaceEntry(
        ack=timedelta(minutes=5), update=timedelta(minutes=15), postmortem=timedelta(hours=24)
    )
    assert found.catalogue.queues == {}


def test_the_door_is_http_when_there_is_a_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    http = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
    assert load(http, tmp_path).need(SLACK).door == "http"
    assert load({**http, "SLACK_APP_TOKEN": "xapp-1"}, tmp_path).need(SLACK).door == "socket"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('# ours\nexport SLACK_BOT_TOKEN="xoxb-file"\nPORT=9000\nHOST=0.0.0.0\n')
    found = load({"SLACK_SIGNING_SECRET": "s", "PORT": "9001"}, tmp_path)
    assert found.need(SLACK).bot_token.reveal() == "xoxb-file"
    assert (found.host, found.port) == ("0.0.0.0", 9001)


def test_a_dollar_in_the_file_is_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_SIGNING_SECRET='a${HOME}b$c'\n")
    found = load({"SLACK_BOT_TOKEN": "xoxb-1"}, tmp_path)
    assert found.need(SLACK).signing_secret == Secret("a${HOME}b$c")


def test_an_empty_variable_is_unset_and_hides_the_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGERDUTY_API_KEY=k\n")
    assert load(ENV, tmp_path).find(PAGERDUTY) is not None
    assert load({**ENV, "PAGERDUTY_API_KEY": ""}, tmp_path).find(PAGERDUTY) is None


def test_the_queues_may_live_on_another_redis(tmp_path: Path) -> None:
    found = load({**ENV, "REDIS_URL": "rediss://a:1/2", "QUEUE_PREFIX": "{q}"}, tmp_path)
    assert (found.redis_url.reveal(), found.need(QUEUES).redis_url) == ("rediss://a:1/2", None)
    assert found.need(QUEUES).prefix == "{q}"
    found = load({**ENV, "QUEUE_REDIS_URL": "unix:///run/redis.sock"}, tmp_path)
    assert found.need(QUEUES).redis_url == Address("unix:///run/redis.sock")
    assert found.redis_url.reveal() == "redis://127.0.0.1:6379/0"


def test_the_parts_that_have_their_keys_are_on(tmp_path: Path) -> None:
    found = load(
        {
            **ENV,
            "PAGERDUTY_API_KEY": "pk",
            "PAGERDUTY_FROM": "bot@example.com",
            "PAGERDUTY_API_URL": "http://127.0.0.1:1/",
            "STATUSPAGE_API_KEY": "sk",
            "STATUSPAGE_PAGE_ID": "page",
            "GITHUB_TOKEN": "gk",
            "GITHUB_REPOSITORY": "acme/reposts",
            "DATABASE_URL": "postgresql://reader:pw@db/reposts",
        },
        tmp_path,
    )
    pagerduty = found.need(PAGERDUTY)
    assert (pagerduty.from_address, pagerduty.api_url) == ("bot@example.com", "http://127.0.0.1:1")
    assert found.need(STATUSPAGE).page_id == "page"
    assert found.need(GITHUB).repository == "acme/reposts"
    assert str(found.need(DATABASE).url) == "postgresql://***@db/reposts"


def test_a_github_token_without_a_repository_leaves_github_off(tmp_path: Path) -> None:
    assert load({**ENV, "GITHUB_TOKEN": "gk"}, tmp_path).find(GITHUB) is None


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (PAGERDUTY, "PAGERDUTY_API_KEY"),
        (STATUSPAGE, "STATUSPAGE_PAGE_ID"),
        (GITHUB, "GITHUB_REPOSITORY"),
        (DATABASE, "DATABASE_URL"),
        (QUEUES, "[queues.NAME] with a backend to firewatch.toml"),
    ],
)
def test_a_part_that_is_off_says_how_to_turn_it_on(tmp_path: Path, part: AnyPart, word: str) -> None:
    assert word in load(ENV, tmp_path).off(part)


# ---------------------------------------------------------------- what is wrong


def test_everything_wrong_is_named_at_once(problems: Problems) -> None:
    found = problems(
        env={"SLACK_BOT_TOKN": "xoxb-1", "PORT": "http", "REDIS_URL": "localhost", "FIREWATCH_LOG": "debgu"},
        toml='[queues.a]\nbackend = "bulmq"\n\n[acces]\n',
    )
    assert found == [
        'firewatch.toml line 2: [queues.a] backend "bulmq" is not known here; it can be one of bullmq, rq; '
        "did you mean bullmq?",
        "firewatch.toml line 4: [acces] is not known; the sections are access, clocks, queues, services, scaling, "
        "maintenance, runbook, triage, parts; did you mean access?",
        "REDIS_URL is not an address of the form redis:// or rediss:// or unix://HOST[:PORT]",
        "PORT is 'http'; it is a port, 0 to 65535 (0: any that is free)",
        "FIREWATCH_LOG is 'debgu'; it is one of debug, info, warning, error; did you mean debug?",
        "SLACK_BOT_TOKEN is not set: it begins with xoxb- and stands on the app's page OAuth & Permissions; "
        "is SLACK_BOT_TOKN a slip of the pen?",
        "Slack cannot reach the bot: set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which needs no public address, "
        "or SLACK_SIGNING_SECRET for HTTP",
    ]


@pytest.mark.parametrize(
    ("role", "count"), [("up", 2), ("slack", 2), ("worker", 1), ("clock", 1), ("do", 1), ("offline", 0)]
)
def test_each_role_asks_only_for_what_it_needs(problems: Problems, role: Role, count: int) -> None:
    assert len(problems(role, env={})) == count


def test_a_token_in_the_wrong_place_is_told_without_being_shown(problems: Problems) -> None:
    [bot, app] = problems(env={"SLACK_BOT_TOKEN": "xapp-9-SECRET", "SLACK_APP_TOKEN": '"xapp-9-SECRET"'})
    assert bot.startswith("SLACK_BOT_TOKEN is not of the form xoxb-…")
    assert bot.endswith("this is an app-level token")
    assert app.endswith("this is in quotes")
    assert "SECRET" not in bot + app


def test_the_beginning_of_a_token_is_not_yet_a_token(problems: Problems) -> None:
    [problem] = problems(env={**ENV, "SLACK_BOT_TOKEN": "xoxb-"})
    assert problem == (
        "SLACK_BOT_TOKEN is not of the form xoxb-…: it is the bot token of the app's page OAuth & Permissions"
    )


def test_a_status_page_key_without_a_page_is_a_problem(problems: Problems) -> None:
    [problem] = problems(STATUSPAGE_API_KEY="k", STATUSPAGE_PAGE="p")
    assert problem == (
        "STATUSPAGE_PAGE_ID is not set: STATUSPAGE_API_KEY is set, and needs to know the page; "
        "is STATUSPAGE_PAGE a slip of the pen?"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://host:99999"),
        ("QUEUE_REDIS_URL", "http://host"),
        ("SLACK_API_URL", "slack.com"),
        ("PAGERDUTY_API_URL", "https://[::1"),
        ("DATABASE_URL", "mysql://host/db"),
        ("FIREWATCH_LEASE", "0"),
        ("FIREWATCH_LEASE", "5s"),
        ("FIREWATCH_LEASE", "61"),
        ("FIREWATCH_LEASE", "nan"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PAGERDUTY_FROM", "someone"),
        ("GITHUB_REPOSITORY", "reposts"),
        ("FIREWATCH_CONFIG", "nowhere.toml"),
    ],
)
def test_a_value_of_the_wrong_form_names_its_variable(problems: Problems, name: str, value: str) -> None:
    [problem] = problems(env={**ENV, name: value})
    assert problem.startswith(name)


def test_a_line_of_the_file_that_is_no_setting_is_named(problems: Problems) -> None:
    [problem] = problems(dotenv='HOST=::1\n"SECRET\n')
    assert problem == ".env line 2: not of the form NAME=value"


def test_files_that_are_not_text_are_problems_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    (tmp_path / "firewatch.toml").write_bytes(b"# \xff")
    with pytest.raises(SettingsError) as caught:
        load(ENV, tmp_path)
    assert [each.partition(":")[0] for each in caught.value.problems] == [
        ".env cannot be read",
        "firewatch.toml is not UTF-8",
    ]


class Trial(Variables):
    """What a team's part may ask for."""

    key: Secret = variable("TRIAL_KEY", "Key", "From the page Keys.", ...)
    count: int = variable("TRIAL_COUNT", "Count", "How many.", 1)
    share: float = variable("TRIAL_SHARE", "Share", "How much.", 0.5)
    loud: bool = variable("TRIAL_LOUD", "Loud", "Whether it is loud.", False)
    tone: Literal["high", "low"] = variable("TRIAL_TONE", "Tone", "high or low.", "low")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TRIAL_KEY", "", "TRIAL_KEY is not set: From the page Keys; is TRIAL_KY a slip of the pen?"),
        ("TRIAL_COUNT", "many", "TRIAL_COUNT is not a whole number"),
        ("TRIAL_SHARE", "half", "TRIAL_SHARE is not a number"),
        ("TRIAL_LOUD", "loud", "TRIAL_LOUD is not true or false"),
        ("TRIAL_TONE", "hgih", "TRIAL_TONE is 'hgih'; it is one of high, low; did you mean high?"),
    ],
)
def test_a_plain_field_of_a_model_tells_what_would_be_right(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    environ = {"TRIAL_KEY": "k", "TRIAL_KY": "x", name: value}
    trial: Part[Trial, None] = Part("trial", Trial, off="Never.")
    with pytest.raises(SettingsError) as caught:
        read(environ, tmp_path, "offline", lambda packages, folder: [trial])
    assert caught.value.problems == [sentence]


def test_a_field_that_names_no_variable_is_a_mistake_of_the_program() -> None:
    class Nameless(Variables):
        count: int = 1

    with pytest.raises(TypeError, match="count names no variable"):
        names_of(Nameless)
