"""`triage history pull`: whose word becomes a verdict, and whose does not."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.client import BaseClient
from botocore.stub import Stubber

from embedded import EmbeddedAws
from scoring.aws.errors import AwsError
from scoring.findings.finding import Finding
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
)
from training.dataset.dataset import read_dataset
from training.history import pull
from training.history.cloudtrail import Change, status_changes
from training.history.pull import Logged, from_analyzer, without_context

ARN = "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/org"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
ADA = "arn:aws:sts::111122223333:assumed-role/analyst/ada"


def told(
    ids: list[str] | None = None,
    *,
    arn: str = ADA,
    analyzer: str = ARN,
    status: str = "ARCHIVED",
    identity: dict[str, Any] | None = None,
    agent: str = "Mozilla/5.0",
    hours: float = 0,
    **more: Any,
) -> dict[str, Any]:
    """An event as LookupEvents gives it."""
    asked = {"analyzerArn": analyzer, "status": status, "ids": ids}
    event = {
        "eventSource": "access-analyzer.amazonaws.com",
        "eventTime": (NOON + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "userAgent": agent,
        "userIdentity": identity or {"type": "AssumedRole", "arn": arn},
        "requestParameters": asked,
        **more,
    }
    return {"EventName": "UpdateFindings", "CloudTrailEvent": json.dumps(event)}


def changes(*events: dict[str, Any], own_roles: tuple[str, ...] = ()) -> list[Change]:
    client = boto3.client("cloudtrail", region_name="eu-west-1")
    with Stubber(client) as stub:
        asked = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "UpdateFindings"}]}
        half = len(events) // 2
        stub.add_response("lookup_events", {"Events": list(events[:half]), "NextToken": "more"}, asked)
        stub.add_response("lookup_events", {"Events": list(events[half:])}, asked | {"NextToken": "more"})
        return status_changes(client, ARN, own_roles)


def finding(finding_id: str = "f-1", status: str = "ARCHIVED", **more: Any) -> tuple[Finding, dict[str, Any]]:
    made = Finding(
        id=finding_id,
        resource="arn:aws:sqs:eu-west-1:111122223333:q",
        resource_type="AWS::SQS::Queue",
        status=status,
        finding_type="ExternalAccess",
        **more,
    )
    return made, {"id": finding_id, "status": status}


def verdict(
    case: tuple[Finding, dict[str, Any]], *made: Change, known: Logged | None = None
) -> tuple[str | None, str]:
    counts: Counter[str] = Counter()
    [record] = from_analyzer(without_context([case]), made, known or Logged(), timedelta(days=7), counts)
    [reason] = counts
    return record.get("label", {}).get("verdict"), reason


def test_archived_by_a_person_is_expected():
    counts: Counter[str] = Counter()
    [record] = from_analyzer(
        without_context([finding()]), changes(told(["f-1"])), Logged(), timedelta(days=7), counts
    )
    assert record["label"] == {
        "verdict": "expected",
        "by": ADA,
        "at": "2026-11-02T12:00:00Z",
        "source": "console",
    }


@pytest.mark.parametrize(
    "event",
    [
        told(["f-1"], identity={"type": "AWSService", "invokedBy": "access-analyzer.amazonaws.com"}),
        told(["f-1"], agent="Boto3/1.44 exec-env/AWS_Lambda_python3.13"),
        told(["f-1"], agent="Boto3/1.44 md/Botocore#1.44 access-triage"),
        told(["f-1"], errorCode="AccessDenied"),
        told(["f-1"], analyzer=ARN + "-other"),
        told(["f-2"]),
        told(["f-1"], eventSource="guardduty.amazonaws.com"),
        told(["f-1"], identity={"type": "Unknown"}),
        told(None),
    ],
)
def test_what_no_person_did_to_it_is_no_verdict(event):
    assert verdict(finding(), *changes(event)) == (None, pull.NOT_A_PERSON)


@pytest.mark.parametrize("named", ["triage-archiver", "arn:aws:iam::111122223333:role/triage-archiver"])
def test_our_own_role_is_no_person(named):
    issuer = {"arn": "arn:aws:iam::111122223333:role/triage-archiver", "userName": "triage-archiver"}
    session = "arn:aws:sts::111122223333:assumed-role/triage-archiver/run"
    identity = {"type": "AssumedRole", "arn": session, "sessionContext": {"sessionIssuer": issuer}}
    event = told(["f-1"], identity=identity)
    assert verdict(finding(), *changes(event, own_roles=(named,)))[0] is None
    assert verdict(finding(), *changes(event))[0] == "expected"


def test_our_archive_with_a_persons_credentials_is_no_verdict():
    ours = Logged(archived={"f-1": [NOON - timedelta(minutes=1)]})
    assert verdict(finding(), *changes(told(["f-1"])), known=ours) == (None, pull.OURS)
    later = changes(told(["f-1"]), told(["f-1"], hours=30))
    assert verdict(finding(), *later, known=ours)[0] == "expected", "archived again by a person, a day later"


def test_the_last_word_of_a_person_counts():
    back = changes(told(["f-1"], hours=1, status="ACTIVE"), told(["f-1"]))
    assert verdict(finding(), *back) == (None, pull.BACK)


def test_findings_named_by_their_resource():
    change = Change(NOON, "ARCHIVED", ADA, True, frozenset(), finding()[0].resource)
    assert verdict(finding(), change)[0] == "expected"


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        (2, {}, ("unintended", pull.FIXED)),
        (8, {}, (None, pull.UNALERTED)),
        (-1, {}, (None, pull.UNALERTED)),
        (2, {"is_deleted": True}, (None, pull.GONE)),
        (None, {}, (None, pull.UNALERTED)),
    ],
)
def test_resolved_soon_after_an_alert_is_unintended(days, more, expected):
    known = Logged(alerted={"f-1": [NOON]})
    updated = None if days is None else NOON + timedelta(days=days)
    assert verdict(finding(status="RESOLVED", updated_at=updated, **more), known=known) == expected
    assert verdict(finding(status="RESOLVED", updated_at=NOON)) == (None, pull.UNALERTED)


def test_active_findings_are_precedent():
    assert verdict(finding(status="ACTIVE")) == (None, pull.OPEN)


# The command, on the embedded AWS; the whole way is in test_history_whole_way.py.


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as box:
        make_table(box)
        yield box


@pytest.fixture
def run(capfd) -> Run:
    return runner(capfd)


def answering(*events: dict[str, Any]) -> Any:
    """CloudTrail, which the embedded AWS has not, answers with these events."""
    call = BaseClient._make_api_call

    def answer(client: Any, name: str, parameters: Any) -> Any:
        return {"Events": list(events)} if name == "LookupEvents" else call(client, name, parameters)

    return patch.object(BaseClient, "_make_api_call", answer)


@pytest.mark.parametrize("name", ["h.jsonl", "h.jsonl.gz", "h.parquet"])
def test_pull(aws, run, tmp_path, name):
    arn = aws.findings.analyzer_for("external")
    ours = share_key(aws, make_key(aws, DEVELOPMENT)).id
    theirs, still = (share_key(aws, make_key(aws, {})).id for _ in range(2))
    policy = enforcing(tmp_path / "policy.toml")
    options = ("--policy", policy, "--table", TABLE, "--apply", "--yes", "--format", "jsonl")
    assert run("scan", "--analyzer-arn", arn, *options).code == 0
    client = aws.client("accessanalyzer")
    client.update_findings(analyzerArn=arn, ids=[theirs], status="ARCHIVED")
    out = tmp_path / name
    hours = (datetime.now(UTC) - NOON) / timedelta(hours=1) + 1
    with answering(told([theirs], analyzer=arn, hours=hours)):
        result = run("history", "pull", "--analyzer-arn", arn, "--table", TABLE, "--out", out)
    assert (result.code, result.err) == (0, "")
    assert f"1 {pull.EXPECTED}" in result.out
    assert f"1 {pull.OURS}" in result.out
    assert f"1 {pull.OPEN}" in result.out
    dataset = read_dataset([str(out)], report=pytest.fail)
    about = dataset.about.set_index(dataset.about["finding_id"].astype(str))
    assert about["verdict"].to_dict() == {ours: -1, theirs: 0, still: -1}


def test_pull_says_what_aws_refuses(aws, run, tmp_path):
    arn = aws.findings.analyzer_for("external")
    out = tmp_path / "h.jsonl"
    with failing("LookupEvents", "AccessDeniedException"):
        result = run("history", "pull", "--analyzer-arn", arn, "--out", out)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert "AccessDeniedException" in result.err
    assert not out.exists()


def test_pull_without_cloudtrail_takes_no_archive_for_a_verdict(aws, run, tmp_path):
    arn = aws.findings.analyzer_for("external")
    shared = share_key(aws, make_key(aws, {})).id
    aws.client("accessanalyzer").update_findings(analyzerArn=arn, ids=[shared], status="ARCHIVED")
    result = run("history", "pull", "--no-cloudtrail", "--analyzer-arn", arn, "--out", tmp_path / "h.jsonl")
    assert (result.code, result.err) == (0, "")
    assert f"1 {pull.NOT_A_PERSON}" in result.out


def test_pull_wants_a_source(run, tmp_path):
    result = run("history", "pull", "--out", tmp_path / "h.jsonl")
    assert result.code == 2
    assert "--analyzer-arn" in result.err


@pytest.mark.parametrize("days", ["nan", "inf", "-1"])
def test_pull_wants_days_that_make_sense(run, tmp_path, days):
    out = tmp_path / "h.jsonl"
    result = run("history", "pull", "--table", TABLE, "--out", out, "--resolved-within", days)
    assert result.code == 2
    assert "--resolved-within" in result.err
    assert not out.exists()


def test_refusal_names_what_was_asked():
    client = boto3.client("cloudtrail", region_name="eu-west-1")
    with Stubber(client) as stub:
        stub.add_client_error("lookup_events", "AccessDeniedException")
        with pytest.raises(AwsError, match="look up who changed"):
            status_changes(client, ARN, ())
