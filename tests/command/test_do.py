"""`firewatch do`: what it prints where, what it confirms, and how it ends, also when things are down."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from bot.domain.action import ACTIONS, Risk, action
from bot.domain.call import Call
from bot.domain.errors import Refused
from bot.domain.procedure import Next, Procedure
from bot.domain.reply import Begin, Plan
from bot.doors import terminal
from bot.road.outbox import Outbox
from bot.sandbox.queues.pipeline import QUEUE, seed
from bot.sandbox.stage import Stage
from bot.tools import Tools
from handlers import jobs_switch
from handlers.jobs_switch import Switch
from tests.command.commands import Run, catalogue, closed_port, opened, paused
from tests.played import played


def test_an_answer_is_printed(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs status {QUEUE}")
    assert (ended.code, ended.err) == (0, "")
    assert QUEUE in ended.out
    assert stage.slack.channel("ops").messages == []


def test_what_is_refused_goes_to_standard_error_and_ends_with_1(do: Run) -> None:
    ended = do(f"/jobs pause {QUEUE}", actor="UGUEST")
    assert (ended.code, ended.out) == (1, "")
    assert ended.one_line().startswith("Not done: /jobs pause: that is for on-call engineers. On call now: ")


def test_what_cannot_be_read_is_wrong_usage_with_a_near_miss(do: Run) -> None:
    ended = do("/jobs reply")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean /jobs replay?" in ended.err


def test_help_is_no_failure(do: Run) -> None:
    ended = do("/jobs help")
    assert (ended.code, ended.err) == (0, "")
    assert "/jobs pause QUEUE" in ended.out


def test_a_channel_that_is_not_served_is_refused(do: Run) -> None:
    assert "I do not serve this channel" in do("/jobs status", channel="CGENERAL").err


def test_a_plan_is_shown_and_changes_nothing_until_it_is_confirmed(do: Run, run: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}")
    assert (ended.code, ended.err) == (0, "")
    assert "Nothing has been changed yet. Confirm with: firewatch do " in ended.out
    assert not paused(stage)
    [line] = [each for each in ended.out.splitlines() if each.startswith("Nothing has been changed yet")]
    sentence = line.split('"')[1]
    confirmed = do(sentence, "--wait")
    assert (confirmed.code, confirmed.err) == (0, "")
    assert paused(stage)
    again = do(sentence)
    assert again.code == 1
    assert "That plan was confirmed already" in again.err


def test_yes_confirms_what_the_asker_may_confirm_alone(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert (ended.code, ended.err) == (0, "")
    assert "Confirmed by" in ended.out
    assert paused(stage)


def test_without_wait_a_worker_carries_it_on(do: Run, stage: Stage) -> None:
    ended = do(f"/jobs pause {QUEUE}", "--yes")
    assert ended.code == 0
    assert "a worker carries it on" in ended.out
    assert not paused(stage)
    made = opened(stage)
    due = made.store.next_due()
    assert due
    assert due <= made.desk.now()


def test_a_replay_is_followed_to_its_receipt(stage: Stage) -> None:
    """As a command: the whole road, with nobody at work but this process and the reposting system's own worker."""
    seed(stage.redis_url)
    with stage.pipeline() as pipeline:
        for destination in pipeline.switches.faults():
            pipeline.switches.off(destination)
        sentence = f"/jobs replay {stage.queue} --count 4 --rate none"
        ended = stage.do("do", sentence, "--as", "UONCALL", "--channel", "COPS", "--yes", "--wait")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Replay 4 jobs" in ended.stdout
    assert "Replay done: 4 of 4" in ended.stdout
    receipts = [each for each in stage.slack.channel("ops").messages if "4 of 4" in each.text]
    assert receipts, "what it began spoke in the channel too"


def test_what_it_began_and_was_refused_later_ends_with_1(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(data: Any, under_way: Procedure, tools: Tools) -> Next:
        raise Refused("Somebody was quicker.")

    begins = played(monkeypatch, "refuses", refuses)
    monkeypatch.setattr(jobs_switch, "Switch", lambda queue, paused: begins())
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert ended.code == 1
    assert "Somebody was quicker." in ended.out


def test_all_that_is_said_on_the_way_is_printed_in_order(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.domain.reply import Reply

    def talks(data: Any, under_way: Procedure, tools: Tools) -> Next:
        wait = 0.01 if data.n % 7 == 0 else 0.0
        say = [Reply("incident/noted", {"text": f"part {data.n}"})]
        return Next("go" if data.n < 29 else "", replace(data, n=data.n + 1), wait=wait, say=say)

    monkeypatch.setattr(terminal, "POLL", 0.01)
    monkeypatch.setattr(Outbox, "deliver", lambda outbox, posting: None)
    begins = played(monkeypatch, "talks", talks)
    monkeypatch.setattr(jobs_switch, "Switch", lambda queue, paused: begins())
    ended = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    parts = [line.rpartition(" ")[2] for line in ended.out.splitlines() if line.startswith("Note by")]
    assert parts == [f"{n}" for n in range(30)]


@pytest.fixture
def destroys() -> Iterator[str]:
    @action("/trial", Risk.DESTROY)
    def trial(call: Call, tools: Tools) -> Plan:
        """Do what a lead has to confirm."""
        facts = {"queue": QUEUE, "paused": True, "depth": 0, "active": 0, "workers": 0}
        return Plan("jobs/switch", Begin(Switch(QUEUE, paused=True)), facts)

    yield "/trial"
    ACTIONS.pop("/trial")


def test_what_a_lead_has_to_confirm_is_put_before_the_leads_whatever_the_terminal_says(
    do: Run, destroys: str, stage: Stage
) -> None:
    ended = do(destroys, "--yes", "--wait")
    assert (ended.code, ended.err) == (0, "")
    assert "A lead who is someone else confirms it" in ended.out
    assert not paused(stage)
    [card] = stage.slack.channel("ops").messages
    assert "Confirm" in str(card.blocks)


# ---------------------------------------------------------------- when things are down


def test_with_slack_down_those_named_by_id_work_on_and_are_answered_here(
    do: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    (stage.folder / "firewatch.toml").write_text(catalogue("UONCALL"), encoding="utf-8")
    looked = do(f"/jobs status {QUEUE}")
    assert (looked.code, looked.err) == (0, "")
    changed = do(f"/jobs pause {QUEUE}", "--yes", "--wait")
    assert (changed.code, changed.err) == (0, "")
    assert paused(stage)


def test_with_slack_down_a_group_that_was_never_seen_is_nobody(do: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    ended = do(f"/jobs pause {QUEUE}")
    assert ended.code == 1
    assert "On call now: nobody that I know of." in ended.err


def test_with_slack_down_a_group_that_was_seen_is_who_it_was(
    do: Run, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert do(f"/jobs pause {QUEUE}").code == 0
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{closed_port()}/api/")
    with Redis.from_url(stage.redis_url) as redis:
        redis.delete("firewatch:memo:people:group:oncall")
    assert do(f"/jobs pause {QUEUE}").code == 0


@pytest.mark.parametrize("command", [["do", "/jobs status", "--as", "UONCALL", "--channel", "COPS"]])
def test_with_redis_down_a_line_says_so(run: Run, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{closed_port()}/0")
    ended = run(*command)
    assert (ended.code, ended.out) == (1, "")
    assert "Connection refused" in ended.one_line()
    assert "secret" not in ended.err


def test_a_door_whose_port_is_taken_says_so_and_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        ended = run("slack")
    assert ended.code == 1
    assert "Cannot listen on 127.0.0.1" in ended.err
    assert "Set HOST or PORT to another" in ended.err
    assert "Traceback" not in ended.err
