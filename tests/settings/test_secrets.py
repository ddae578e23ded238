"""Secrets: none shows itself in the settings, in a log or in an error."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.outside.database.part import DATABASE
from bot.outside.parts import load
from bot.outside.slack.part import SLACK
from bot.settings.environment import Settings, SettingsError
from bot.settings.secrets import Address, Secret
from tests.settings.conftest import ENV


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
    assert secret not in f"{found} {found.redis_url} {found.need(SLACK).bot_token:>60}"
    assert secret not in json.dumps(dataclasses.asdict(found), default=str)


def test_no_secret_shows_in_a_log_or_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = load(everything("HUSHHUSH"), tmp_path)
    logging.getLogger("firewatch").warning("%s %r", found.need(SLACK).bot_token, found.need(DATABASE).url)
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
    assert found.need(SLACK).bot_token.reveal() == "xoxb-1-SECRET"


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
