"""Settings: what is read, what wins, what is wrong, and that no secret shows."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.settings.catalogue import Access, Ecs, MaintenanceEntry, Pace, QueueEntry, ServiceEntry
from bot.settings.environment import Address, Part, Role, Secret, Settings, SettingsError, load
from bot.store.base import LEASE

ENV = {"SLACK_BOT_TOKEN": "xoxb-1-SECRET", "SLACK_APP_TOKEN": "xapp-1-SECRET"}
EXAMPLES = Path(__file__).parents[2]

Problems = Callable[..., list[str]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """What is wrong with these variables, this catalogue and this .env; [] when nothing is."""

    def find(
        role: Role = "up", toml: str = "", dotenv: str = "", env: dict[str, str] | None = None, **more: str
    ) -> list[str]:
        (tmp_path / "firewatch.toml").write_text(toml, encoding="utf-8")
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        try:
            load({**(ENV if env is None else env), **more}, tmp_path, role)
        except SettingsError as error:
            return error.problems
        return []

    return find


# ---------------------------------------------------------------- what is read


def test_two_tokens_are_enough_and_the_rest_has_its_default(tmp_path: Path) -> None:
    found = load(ENV, tmp_path)
    assert found.slack.door == "socket"
    assert found.slack.bot_token.reveal() == "xoxb-1-SECRET"
    assert found.slack.api_url == "https://slack.com/api/"
    assert (found.host, found.port, found.log) == ("127.0.0.1", 8080, "info")
    assert found.lease == LEASE == 5.0
    assert found.redis_url.reveal() == found.queue_redis_url.reveal() == "redis://127.0.0.1:6379/0"
    assert found.queue_prefix == "bull"
    assert (found.pagerduty, found.statuspage, found.github, found.database) == (None, None, None, None)
    assert found.catalogue.access == Access(channels=("*",), oncall=(), leads=())
    assert found.catalogue.clocks.of("sev1") == Pace(
        ack=timedelta(minutes=5), update=timedelta(minutes=15), postmortem=timedelta(hours=24)
    )
    assert found.catalogue.queues == {}


def test_the_door_is_http_when_there_is_a_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    http = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
    assert load(http, tmp_path).slack.door == "http"
    assert load({**http, "SLACK_APP_TOKEN": "xapp-1"}, tmp_path).slack.door == "socket"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('# ours\nexport SLACK_BOT_TOKEN="xoxb-file"\nPORT=9000\nHOST=0.0.0.0\n')
    found = load({"SLACK_SIGNING_SECRET": "s", "PORT": "9001"}, tmp_path)
    assert found.slack.bot_token.reveal() == "xoxb-file"
    assert (found.host, found.port) == ("0.0.0.0", 9001)


def test_a_dollar_in_the_file_is_a_dollar(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SLACK_SIGNING_SECRET='a${HOME}b$c'\n")
    found = load({"SLACK_BOT_TOKEN": "xoxb-1"}, tmp_path)
    assert found.slack.signing_secret == Secret("a${HOME}b$c")


def test_an_empty_variable_is_unset_and_hides_the_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGERDUTY_API_KEY=k\n")
    assert load(ENV, tmp_path).pagerduty is not None
    assert load({**ENV, "PAGERDUTY_API_KEY": ""}, tmp_path).pagerduty is None


def test_the_queues_may_live_on_another_redis(tmp_path: Path) -> None:
    found = load({**ENV, "REDIS_URL": "rediss://a:1/2", "QUEUE_PREFIX": "{q}"}, tmp_path)
    assert found.queue_redis_url.reveal() == "rediss://a:1/2"
    assert found.queue_prefix == "{q}"
    found = load({**ENV, "QUEUE_REDIS_URL": "unix:///run/redis.sock"}, tmp_path)
    assert found.queue_redis_url.reveal() == "unix:///run/redis.sock"
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
    assert found.pagerduty is not None
    assert (found.pagerduty.from_address, found.pagerduty.api_url) == ("bot@example.com", "http://127.0.0.1:1")
    assert found.statuspage is not None
    assert found.statuspage.page_id == "page"
    assert found.github is not None
    assert found.github.repository == "acme/reposts"
    assert str(found.database) == "postgresql://***@db/reposts"


def test_a_github_token_without_a_repository_leaves_github_off(tmp_path: Path) -> None:
    assert load({**ENV, "GITHUB_TOKEN": "gk"}, tmp_path).github is None


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("pagerduty", "PAGERDUTY_API_KEY"),
        ("statuspage", "STATUSPAGE_PAGE_ID"),
        ("github", "GITHUB_REPOSITORY"),
        ("database", "DATABASE_URL"),
        ("queues", "[queues.NAME]"),
    ],
)
def test_a_part_that_is_off_says_how_to_turn_it_on(tmp_path: Path, part: Part, word: str) -> None:
    assert word in load(ENV, tmp_path).off(part)


def test_the_catalogue_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "ours.toml").write_text(
        """
        [access]
        channels = ["#ops", "C0PS", "inc-*"]
        oncall = ["UONCALL", "group:oncall", "pagerduty:PSCHED1"]
        leads = ["ULEAD"]
        [clocks]
        update = "20m"
        sev1 = { update = "1m30s" }
        [queues.repost-dispatch]
        max_replay = 5
        [queues."odd: {name} \\"é\\" / *.x"]
        backend = "rq"
        prefix = "other"
        [services.reposting]
        pagerduty = "PSERVICE1"
        channel = "C0PS"
        queue = "repost-dispatch"
        ecs = { cluster = "prod", service = "worker" }
        health = "/health"
        runbook = "uploads"
        [scaling]
        minimum = 2
        [[maintenance]]
        task = "tiktok-cookies"
        at = "0 9 * * TUE"
        zone = "Europe/Berlin"
        owner = "group:oncall"
        """,
        encoding="utf-8",
    )
    catalogue = load({**ENV, "FIREWATCH_CONFIG": "ours.toml"}, tmp_path).catalogue
    assert catalogue.access.channels == ("ops", "C0PS", "inc-*")
    assert catalogue.access.oncall == ("UONCALL", "group:oncall", "pagerduty:PSCHED1")
    assert catalogue.clocks.of("sev1").update == timedelta(seconds=90)
    assert catalogue.clocks.of("sev1").ack == timedelta(minutes=5)
    assert catalogue.clocks.of("sev2").update == timedelta(minutes=20)
    odd = 'odd: {name} "é" / *.x'
    assert catalogue.queues == {
        "repost-dispatch": QueueEntry("repost-dispatch", "bullmq", 5, None),
        odd: QueueEntry(odd, "rq", 1000, "other"),
    }
    assert catalogue.services == {
        "reposting": ServiceEntry(
            "reposting", "PSERVICE1", "C0PS", "repost-dispatch", Ecs("prod", "worker"), "/health", "uploads"
        )
    }
    assert (catalogue.scaling.minimum, catalogue.scaling.maximum) == (2, 8)
    assert catalogue.maintenance == (
        MaintenanceEntry("tiktok-cookies", "0 9 * * TUE", "Europe/Berlin", "group:oncall"),
    )


def test_the_example_files_are_right_as_they_stand(tmp_path: Path) -> None:
    filled = re.sub(r"=(xoxb-|xapp-)$", r"=\g<1>1", (EXAMPLES / ".env.example").read_text(), flags=re.M)
    (tmp_path / ".env").write_text(filled)
    (tmp_path / "firewatch.toml").write_text((EXAMPLES / "firewatch.toml.example").read_text(encoding="utf-8"))
    found = load({}, tmp_path)
    assert found.slack.door == "socket"
    assert "repost-dispatch" in found.catalogue.queues


# ---------------------------------------------------------------- what is wrong


def test_everything_wrong_is_named_at_once(problems: Problems) -> None:
    found = problems(
        env={"SLACK_BOT_TOKN": "xoxb-1", "PORT": "http", "REDIS_URL": "localhost", "FIREWATCH_LOG": "debgu"},
        toml='[queues.a]\nbackend = "bulmq"\n\n[acces]\n',
    )
    assert found == [
        'firewatch.toml line 2: [queues.a] backend "bulmq" is not known here; it can be one of bullmq, rq; '
        "did you mean bullmq?",
        "firewatch.toml line 4: [acces] is not known; the sections are queues, access, clocks, services, scaling, "
        "maintenance; did you mean access?",
        "SLACK_BOT_TOKEN is not set: it begins with xoxb- and stands on the app's page OAuth & Permissions; "
        "is SLACK_BOT_TOKN a slip of the pen?",
        "Slack cannot reach the bot: set SLACK_APP_TOKEN (xapp-…) for Socket Mode, which needs no public address, "
        "or SLACK_SIGNING_SECRET for HTTP",
        "REDIS_URL is not an address of the form redis:// or rediss:// or unix://HOST[:PORT]",
        "PORT is 'http'; it is a port, 0 to 65535 (0: any that is free)",
        "FIREWATCH_LOG is 'debgu'; it is one of debug, info, warning, error; did you mean debug?",
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


@pytest.mark.parametrize(
    ("toml", "start", "holds"),
    [
        ("[access]\noncal = []", "line 2: [access] oncal is not known; the keys are channels", "mean oncall?"),
        ('[access]\nleads = [\n  "@alice",\n]', 'line 2: [access] leads "@alice" names no one', "group:HANDLE"),
        ("[access]\nchannels = 3", "line 2: [access] channels is a list of texts", "not 3"),
        ('[clocks]\nack = "5 minutes"', 'line 2: [clocks] ack "5 minutes" is no duration', "15m"),
        ("[clocks]\nack = 5", "line 2: [clocks] ack is a duration in quotes", "not 5"),
        ('[clocks]\n# pace\nsev1 = { update = "0s" }', 'line 3: [clocks.sev1] update "0s" is no', "15m"),
        ('[clocks]\nsev1.update = "x"', 'line 2: [clocks.sev1] update "x"', "15m"),
        ("[clocks]\nsev9 = {}", "line 2: [clocks] sev9 is not known", "sev4"),
        ('[clocks]\nsev1 = "5m"', "line 2: [clocks.sev1] is a table of keys and values", '"5m"'),
        ("[queues.a]\nmax_replay = 0", "line 2: [queues.a] max_replay is 0", "at least 1"),
        ("[queues.a]\nmax_replay = true", "line 2: [queues.a] max_replay is a whole number", "not true"),
        ('[queues."a b"]\nbackend = ""', 'line 2: [queues."a b"] backend "" is not known here', "rq"),
        ("[queues]\na = 1", "line 2: [queues.a] is a table of keys and values", "not 1"),
        ('[services.s]\nqueue = "q"\n[queues.queue-1]', 'line 2: [services.s] queue "q" is not a queue', "queue-1"),
        ('[services.s]\necs = { cluster = "c" }', "line 2: [services.s.ecs] service is missing", ""),
        ("[scaling]\nmaximum = 2\nminimum = 3", "line 3: [scaling] minimum is 3, more than maximum", "2"),
        ('[[maintenance]]\nat = "* * * * *"', "line 1: [[maintenance]] task is missing", ""),
        ('[[maintenance]]\ntask = "t"\nat = "9 o\'clock"', "line 3: [[maintenance]] at", "0 9 * * TUE"),
        (
            '[[maintenance]]\ntask = "t"\nat = "* * * * *"\n[[maintenance]]\ntask = "u"\nat = "* * * * *"\n'
            'zone = "Europe/Berln"',
            'line 7: [[maintenance]] zone "Europe/Berln" is no time zone',
            "Europe/Berlin?",
        ),
        ("maintenance = 1", "line 1: [maintenance] stands there as [[maintenance]]", ""),
        ('SLACK_BOT_TOKEN = "xoxb-SECRET"', "line 1: [SLACK_BOT_TOKEN] is set in the environment", ".env"),
        ("[access]\nchannels = [", "line 2: ", ""),
        ("[access", "line 1: ", ""),
    ],
)
def test_a_wrong_line_of_the_catalogue_is_named_with_what_would_be_right(
    problems: Problems, toml: str, start: str, holds: str
) -> None:
    [problem] = problems(toml=toml)
    assert problem.startswith(f"firewatch.toml {start}")
    assert holds in problem
    assert "SECRET" not in problem


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


# ---------------------------------------------------------------- secrets


def everything(secret: str) -> dict[str, str]:
    """Each setting that is a secret, holding this one."""
    return {
        "SLACK_BOT_TOKEN": f"xoxb-{secret}",
        "SLACK_APP_TOKEN": f"xapp-{secret}",
        "SLACK_SIGNING_SECRET": secret,
        "PAGERDUTY_API_KEY": secret,
        "PAGERDUTY_WEBHOOK_SECRET": secret,
        "PAGERDUTY_ROUTING_KEY": secret,
        "STATUSPAGE_API_KEY": secret,
        "STATUSPAGE_PAGE_ID": "page",
        "GITHUB_TOKEN": secret,
        "GITHUB_REPOSITORY": "acme/reposts",
        "REDIS_URL": f"redis://:{secret}@cache:6379/0?password={secret}",
        "QUEUE_REDIS_URL": f"redis://user:{secret}@cache:6379/1",
        "DATABASE_URL": f"postgresql://reader:{secret}@db/reposts",
    }


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=8, max_size=40))
def test_no_secret_shows_in_any_form_of_the_settings(tmp_path: Path, secret: str) -> None:
    found = load(everything(secret), tmp_path)
    assert secret not in repr(found)
    assert secret not in f"{found} {found.redis_url} {found.slack.bot_token:>60}"
    assert secret not in json.dumps(dataclasses.asdict(found), default=str)


def test_no_secret_shows_in_a_log_or_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = load(everything("HUSHHUSH"), tmp_path)
    logging.getLogger("firewatch").warning("%s %r", found.slack.bot_token, found.database)
    assert "HUSHHUSH" not in caplog.text
    with pytest.raises(SettingsError) as caught:
        load({name: f"?{value}" for name, value in everything("HUSHHUSH").items()}, tmp_path)
    assert "HUSHHUSH" not in str(caught.value)


def test_a_secret_is_neither_pickled_nor_written_as_json() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("HUSH"))
    with pytest.raises(TypeError):
        json.dumps(Secret("HUSH"))


def test_a_copy_of_the_settings_still_knows_its_secrets(tmp_path: Path) -> None:
    found: Settings = copy.deepcopy(load(ENV, tmp_path))
    assert found == load(ENV, tmp_path)
    assert found.slack.bot_token.reveal() == "xoxb-1-SECRET"


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("é") == Secret("é") != Secret("e")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("rediss://user:pw@host:1/2", "rediss://***@host:1/2"),
        ("redis://:p@w@host", "redis://***@host"),
        ("unix:///run/redis.sock?password=pw", "unix:///run/redis.sock?***"),
    ],
)
def test_an_address_shows_where_it_leads_but_not_how_to_get_in(url: str, shown: str) -> None:
    assert str(Address(url)) == shown
    assert repr(Address(url)) == f"Address('{shown}')"
