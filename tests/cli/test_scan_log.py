"""`triage scan` with a decision log: what it writes down, and what it leaves as it is."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from embedded import EmbeddedAws
from handlers import single
from handlers.runtime import settings
from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.log import DecisionLog
from scoring.findings.record import Label
from scoring.review import verdict
from tests.live_aws import (
    DEVELOPMENT,
    TABLE,
    Result,
    Run,
    enforcing,
    make_key,
    make_table,
    runner,
    share_key,
    status,
)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    return runner(capfd)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


class Scan:
    def __init__(self, run: Run, aws: EmbeddedAws, tmp_path: Path, path: Path) -> None:
        self.run, self.path = run, path
        self.arn = aws.findings.analyzer_for("external")
        self.policy = enforcing(tmp_path / "policy.toml")

    def __call__(self, *more: object) -> Result:
        options = ("--policy", self.policy, "--log", self.path, "--format", "jsonl")
        return self.run("scan", "--analyzer-arn", self.arn, *options, *more)


@pytest.fixture
def scan(run: Run, aws: EmbeddedAws, tmp_path: Path, path: Path) -> Scan:
    return Scan(run, aws, tmp_path, path)


def logged(path: Path) -> list[LoggedDecision]:
    log = DecisionLog.in_file(path)
    try:
        return sorted(log.all_decisions(), key=lambda one: one.decided_at)
    finally:
        log.close()


def test_alerts_and_archives_are_recorded_alike(aws: EmbeddedAws, scan: Scan, path: Path) -> None:
    expected, alerting = (share_key(aws, make_key(aws, tags)).id for tags in (DEVELOPMENT, {}))
    result = scan()
    assert result.code == 0
    assert f"Decision log {path}: 2 recorded. triage review goes through" in result.err
    found = {one.finding_id: (one.outcome, one.effect, one.mode) for one in logged(path)}
    assert found == {
        expected: ("archive", "none", "shadow"),
        alerting: ("alert", "none", "shadow"),
    }
    assert status(aws, expected) == "ACTIVE"
    again = scan()
    assert (again.code, again.err) == (0, "")
    assert len(logged(path)) == 2, "the second time nothing is new"


def test_with_apply_a_verdict_is_carried_out(aws: EmbeddedAws, scan: Scan, path: Path, run: Run) -> None:
    archived, alerting = (share_key(aws, make_key(aws, tags)).id for tags in (DEVELOPMENT, {}))
    scan()
    assert run("review", alerting, "--log", path).code == 0
    result = scan("--apply", "--yes")
    assert "Archived: 1 finding" in result.err
    assert "1 recorded again" in result.err
    assert status(aws, archived) == "ARCHIVED"
    said = run("review", alerting, "--verdict", "expected", "--log", path).out
    assert said == "Expected: archived.\n"
    assert status(aws, alerting) == "ARCHIVED"
    undone = run("undo", "--finding", archived, "--log", path, "--apply")
    assert "1 brought back" in undone.out
    assert status(aws, archived) == "ACTIVE"


def test_what_somebody_has_answered_stays_answered(
    aws: EmbeddedAws, scan: Scan, path: Path, run: Run
) -> None:
    alerting = share_key(aws, make_key(aws, {})).id
    scan()
    assert run("review", alerting, "--verdict", "unintended", "--log", path).code == 0
    assert scan("--apply", "--yes").err.endswith("\nTo archive: 0 findings\n")
    assert run("review", "--list", "--log", path).out == "0 open alerts\n"
    aws.findings.update(alerting, {"principal": {"AWS": "*"}, "isPublic": True})
    scan()
    assert run("review", "--list", "--log", path).out.endswith("1 open alert\n"), "it says something new"


def test_a_deployment_still_sends_its_own_alert(
    aws: EmbeddedAws, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.clients.cache_clear()
    make_table(aws)
    inbox = aws.create_topic("alerts")
    arn = aws.findings.analyzer_for("external")
    alerting = share_key(aws, make_key(aws, {})).id
    policy = enforcing(tmp_path / "policy.toml")
    assert run("scan", "--analyzer-arn", arn, "--table", TABLE, "--policy", policy).code == 0
    for name, value in {"TABLE": TABLE, "TOPIC_ARN": inbox.topic_arn, "POLICY": str(policy)}.items():
        monkeypatch.setenv(f"TRIAGE_{name}", value)
    aws.deliver_to(single.handler)
    aws.findings.update(alerting, {"condition": {}})  # its event comes after the scan
    settings.clients.cache_clear()
    assert [alerting in mail.text for mail in inbox.messages()] == [True]
    log = DecisionLog.in_table(aws.client("dynamodb"), TABLE)
    (alert,) = verdict.open_alerts(log)
    assert (alert.effect, alert.mode) == ("alert", "enforce")
    label = Label("unintended", by="ana", at=datetime.now(UTC), source="cli")
    verdict.give(alert, label, log)
    run("scan", "--analyzer-arn", arn, "--table", TABLE, "--policy", policy)
    assert list(verdict.open_alerts(log)) == []


@pytest.mark.parametrize("named", ["--table decisions --log l.sqlite", "--log /no/such/folder/l.sqlite"])
def test_a_log_that_is_none(scan: Scan, named: str, aws: EmbeddedAws) -> None:
    share_key(aws, make_key(aws, {}))
    result = scan.run("scan", "--analyzer-arn", scan.arn, *named.split())
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "--log: expected a table or a file" in result.err or "cannot be made" in result.err


def test_an_option_counts_before_the_environment(
    scan: Scan, aws: EmbeddedAws, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share_key(aws, make_key(aws, {}))
    monkeypatch.setenv("TRIAGE_TABLE", "none")
    assert scan().code == 0
    assert len(logged(path)) == 1
    monkeypatch.setenv("TRIAGE_LOG", str(path))
    result = scan.run("review", "--list")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "expected a table or a file, not both" in result.err
