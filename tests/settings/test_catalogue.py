"""The catalogue: what is read, and each mistake with its line and what would be right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.outside.parts import load
from bot.settings.catalogue import NAME, MaintenanceEntry, QueueEntry, ServiceEntry
from tests.settings.conftest import ENV, Problems


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
        "repost-dispatch": QueueEntry.model_validate({NAME: "repost-dispatch", "backend": "bullmq", "max_replay": 5}),
        odd: QueueEntry.model_validate({NAME: odd, "backend": "rq", "max_replay": 1000, "prefix": "other"}),
    }
    assert catalogue.services == {
        "reposting": ServiceEntry.model_validate(
            {
                NAME: "reposting",
                "pagerduty": "PSERVICE1",
                "channel": "C0PS",
                "queue": "repost-dispatch",
                "ecs": {"cluster": "prod", "service": "worker"},
                "health": "/health",
                "runbook": "uploads",
            }
        )
    }
    assert (catalogue.scaling.minimum, catalogue.scaling.maximum) == (2, 8)
    assert catalogue.maintenance == (
        MaintenanceEntry(task="tiktok-cookies", at="0 9 * * TUE", zone="Europe/Berlin", owner="group:oncall"),
    )


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
