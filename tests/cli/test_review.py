"""`triage review` as people run it: alerts of the real handler, and what a verdict does."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws
from handlers import single
from handlers.runtime import settings
from scoring.findings.record import read_case
from tests.live_aws import (
    DEVELOPMENT,
    TABLE,
    Run,
    enforcing,
    failing,
    make_key,
    make_table,
    runner,
    share_key,
    status,
)


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


@pytest.fixture
def aws(monkeypatch, tmp_path) -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        settings.clients.cache_clear()
        make_table(box)
        monkeypatch.setenv("TRIAGE_TABLE", TABLE)
        monkeypatch.setenv("TRIAGE_TOPIC_ARN", box.create_topic("alerts").topic_arn)
        monkeypatch.setenv("TRIAGE_POLICY", str(enforcing(tmp_path / "policy.toml")))
        box.deliver_to(single.handler)
        yield box
        settings.clients.cache_clear()


@pytest.fixture
def alert(aws) -> str:
    finding_id: str = share_key(aws, make_key(aws, {})).id
    return finding_id


@pytest.fixture
def archived(aws) -> str:
    finding_id: str = share_key(aws, make_key(aws, DEVELOPMENT)).id
    assert status(aws, finding_id) == "ARCHIVED"
    return finding_id


def open_ids(run: Run) -> list[str]:
    out = run("review", "--list", "--format", "jsonl").out
    return [json.loads(line)["decision"]["finding_id"] for line in out.splitlines()]


def labels(aws: EmbeddedAws) -> list[Any]:
    items = aws.client("dynamodb").scan(TableName=TABLE)["Items"]
    return [item["label"]["M"] for item in items if "label" in item]


def test_open_alerts_are_listed(aws, run, alert, archived):
    result = run("review", "--list")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[0].split() == [
        *("Severity", "Points", "Age", "Finding", "Resource", "Reason")
    ]
    assert alert in result.out
    assert archived not in result.out
    assert result.out.splitlines()[-1] == "1 open alert"
    assert run("review", "--list", "--since", "1h").out == result.out
    assert run("review", "--list", "--since", "2099-01-01").out == "0 open alerts\n"
    [record] = [json.loads(line) for line in run("review", "--list", "--format", "jsonl").out.splitlines()]
    assert read_case(record).finding.id == alert


def test_expected_archives_and_labels(aws, run, alert):
    result = run("review", alert, "--verdict", "expected", "--note", "the partner's key")
    assert (result.code, result.out) == (0, "Expected: archived.\n")
    assert status(aws, alert) == "ARCHIVED"
    [label] = labels(aws)
    assert label["verdict"]["S"] == "expected"
    assert label["source"]["S"] == "cli"
    assert label["note"]["S"] == "the partner's key"
    assert label["by"]["S"].startswith("arn:aws:")
    assert open_ids(run) == []
    assert "Expected, says arn:aws:" in run("review", alert).out


def test_unintended_keeps_it_active(aws, run, alert):
    assert run("review", alert, "--verdict", "unintended").out == "Unintended: it stays active.\n"
    assert status(aws, alert) == "ACTIVE"
    assert open_ids(run) == []


def test_the_command_of_the_alert_works_as_it_stands(aws, run, alert, capfd):
    out = run("review", alert).out
    command = next(line.strip() for line in out.splitlines() if "--verdict unintended" in line)
    assert run(*command.split()[1:]).code == 0


def test_an_archive_that_was_unintended_comes_back(aws, run, archived):
    result = run("review", archived, "--verdict", "unintended")
    assert result.out == "Unintended: it was archived automatically: brought back.\n"
    assert status(aws, archived) == "ACTIVE"


@pytest.mark.parametrize("verdict", ["expected", "unintended"])
def test_both_can_be_taken_back(aws, run, alert, verdict):
    run("review", alert, "--verdict", verdict)
    result = run("review", alert, "--undo")
    told = "the finding is active again" if verdict == "expected" else "the finding stays as it is"
    assert (result.code, result.out) == (0, f"Taken back: {told}.\n")
    assert status(aws, alert) == "ACTIVE"
    assert labels(aws) == []
    again = run("review", alert, "--undo")
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "nobody has given a verdict on it" in again.err


def test_a_second_opinion_has_to_take_the_first_one_back(aws, run, alert):
    run("review", alert, "--verdict", "unintended")
    result = run("review", alert, "--verdict", "expected")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "has said unintended on" in result.err
    assert run("review", alert, "--verdict", "unintended").code == 0, "the same again is no contradiction"
    run("review", alert, "--undo")
    assert run("review", alert, "--verdict", "expected").out == "Expected: archived.\n"


def test_what_has_changed_since_is_not_archived(aws, run, alert):
    aws.delivery.at_once = False
    aws.findings.update(alert, {"principal": {"AWS": "*"}, "isPublic": True})
    result = run("review", alert, "--verdict", "expected")
    assert result.out == (
        "Expected: not archived: it has changed since it was decided on, and is decided on anew.\n"
    )
    assert status(aws, alert) == "ACTIVE"


@pytest.mark.parametrize(
    ("happens", "told"), [("resolve", "it is RESOLVED already"), ("delete", "the finding is gone")]
)
def test_what_is_over_is_labelled_all_the_same(aws, run, alert, happens, told):
    getattr(aws.findings, happens)(alert)
    assert run("review", alert, "--verdict", "expected").out == f"Expected: {told}.\n"
    assert len(labels(aws)) == 1


def test_an_archive_that_aws_refused_is_made_by_the_same_command(aws, run, alert):
    with failing("UpdateFindings", "AccessDeniedException"):
        result = run("review", alert, "--verdict", "expected")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "AWS refuses UpdateFindings" in result.err
    assert run("review", alert, "--verdict", "expected").out == "Expected: archived.\n"
    assert status(aws, alert) == "ARCHIVED"


def test_in_shadow_nothing_is_archived(aws, run, monkeypatch):
    monkeypatch.setenv("TRIAGE_MODE", "shadow")
    finding_id = share_key(aws, make_key(aws, {})).id
    assert open_ids(run) == [finding_id]
    result = run("review", finding_id, "--verdict", "expected")
    assert result.out == "Expected: shadow mode: the finding stays as it is.\n"
    assert status(aws, finding_id) == "ACTIVE"
    assert len(labels(aws)) == 1


def test_undo_by_model_leaves_a_persons_archive_alone(aws, run, alert, archived):
    run("review", alert, "--verdict", "expected")
    assert "1 brought back" in run("undo", "--since", "1h", "--apply").out
    assert (status(aws, alert), status(aws, archived)) == ("ARCHIVED", "ACTIVE")


def test_an_id_alone_shows_the_explanation(aws, run, alert):
    result = run("review", alert)
    assert result.code == 0
    assert result.out.startswith("ALERT")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "expected --list, or the id of a finding"),
        (("--list", "x"), "expected --list, or the id of a finding"),
        (("--list", "--verdict", "expected"), "expected --list, or the id of a finding"),
        (("x", "--verdict", "expected", "--undo"), "expected --verdict or --undo"),
        (("x", "--note", "why"), "--note: expected a --verdict beside it"),
        (("x", "--verdict", "maybe"), "maybe"),
        (("x", "--verdict", "expected"), "ID: the decision log has no decision on it, got 'x'"),
        (("x", "--verdict", "expected", "--note", "n" * 2001), "--note: expected at most 2000 characters"),
        (("x", "--since", "1h"), "expected ids, or --since and --where"),
        (("--list", "--since", "soon"), "--since: expected 2026-11-01"),
        (("--list", "--table", "none"), "review in none: it is not there"),
        (("--list", "--table", ""), "--table: expected the decision log's table"),
    ],
)
def test_bad_usage(aws, run, arguments, told):
    result = run("review", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert told in result.err


def test_hostile_text_is_harmless(aws, run, tmp_path: Path):
    finding = share_key(aws, make_key(aws, {}), condition={"aws:UserId": "\x1b[2J=cmd()\u202e"})
    shown = run("review", finding.id).out + run("review", "--list").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
