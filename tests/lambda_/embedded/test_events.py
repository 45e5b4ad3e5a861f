"""The events of the embedded Access Analyzer against the samples of AWS's own."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from embedded import EmbeddedAws

SAMPLES = Path(__file__).parents[2] / "events"
ANALYZERS = sorted(
    path.name for path in SAMPLES.glob("*.json") if '"aws.access-analyzer"' in path.read_text()
)
FINDINGS = [name for name in ANALYZERS if name != "access-preview.json"]
FAMILY = {
    "Access Analyzer Finding": "external",
    "Internal Access Finding": "internal",
    "Unused Access Finding for IAM entities": "unused",
}
FREE = ("id", "time")  # each event's own
BUCKET = {"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket", "isPublic": True}


@pytest.fixture
def aws():
    with EmbeddedAws(clock=lambda: datetime(2026, 5, 4, 9, 15, 51, tzinfo=UTC)) as box:
        yield box


def sample(name) -> Any:
    return json.loads((SAMPLES / name).read_text())


def form(value) -> object:
    """A value with its digits blotted out: what is left is how it is written."""
    return re.sub(r"\d", "0", value) if isinstance(value, str) else value


def test_there_are_samples_of_all_families():
    assert {sample(name)["detail-type"] for name in FINDINGS} == set(FAMILY)
    assert len(FINDINGS) >= 10


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_read_from_a_sample_is_told_as_the_sample(aws, name):
    expected = sample(name)
    client = aws.client("accessanalyzer")
    kind = {"external": "", "internal": "_INTERNAL_ACCESS", "unused": "_UNUSED_ACCESS"}
    zone = f"ORGANIZATION{kind[FAMILY[expected['detail-type']]]}"
    arn = client.create_analyzer(analyzerName="org", type=zone)["arn"]
    aws.findings.put(expected, analyzer_arn=arn)
    [event] = aws.events
    assert list(event) == list(expected)
    assert {key: value for key, value in event.items() if key not in (*FREE, "detail")} == {
        key: value for key, value in expected.items() if key not in (*FREE, "detail")
    }
    detail, wanted = event["detail"], expected["detail"]
    assert set(detail) == set(wanted)
    times = {key for key in wanted if key.endswith("At")}
    free = {"version"} if "findingId" in wanted else set()  # the version of unused findings is a random id
    for key in set(wanted) - times - free:
        assert detail[key] == wanted[key], key
    for key in times:
        assert form(detail[key]) == form(wanted[key]), key
        assert detail[key][:19] == wanted[key][:19], key
    assert event["time"] == expected["time"] == "2026-05-04T09:15:51Z"


def test_every_change_of_status_is_an_event(aws):
    client = aws.client("accessanalyzer")
    finding = aws.findings.put(BUCKET)
    arn = aws.findings.analyzer_for("external")
    client.update_findings(analyzerArn=arn, ids=[finding.id], status="ARCHIVED")
    client.update_findings(analyzerArn=arn, ids=[finding.id], status="ACTIVE")
    aws.findings.resolve(finding.id)
    aws.findings.delete(finding.id)
    details = [event["detail"] for event in aws.events]
    assert [(detail["status"], detail["isDeleted"]) for detail in details] == [
        ("ACTIVE", False),
        ("ARCHIVED", False),
        ("ACTIVE", False),
        ("RESOLVED", False),
        ("RESOLVED", True),
    ]
    assert len({event["id"] for event in aws.events}) == 5
    assert {event["resources"][0] for event in aws.events} == {arn}


def test_unused_findings_tell_the_status_before(aws):
    client = aws.client("accessanalyzer")
    finding = aws.findings.put(
        {
            "resource": "arn:aws:iam::222233334444:role/old",
            "resourceType": "AWS::IAM::Role",
            "resourceOwnerAccount": "222233334444",
            "findingType": "UnusedPermission",
            "findingDetails": [
                {"unusedPermissionDetails": {"serviceNamespace": "sqs"}},
                {
                    "unusedPermissionDetails": {
                        "serviceNamespace": "s3",
                        "actions": [{"action": "s3:GetObject"}, {"action": "s3:PutObject"}],
                    }
                },
            ],
        }
    )
    arn = aws.findings.analyzer_for("unused")
    client.update_findings(analyzerArn=arn, ids=[finding.id], status="ARCHIVED")
    new, archived = (event["detail"] for event in aws.events)
    assert (new["previousStatus"], archived["previousStatus"]) == ("", "ACTIVE")
    assert (new["numberOfUnusedServices"], new["numberOfUnusedActions"]) == (1, 2)
    assert new["accountId"] == "222233334444"
    assert {event["account"] for event in aws.events} == {"111122223333"}
    assert {"principal", "action", "isPublic", "id"}.isdisjoint(new)


def test_an_event_can_get_lost(aws):
    finding = aws.findings.put(BUCKET, announce=False)
    aws.findings.update(finding.id, {"isPublic": False}, announce=False)
    assert aws.events == []
    assert aws.findings.get(finding.id).details[0]["isPublic"] is False


def test_an_access_preview_is_no_finding(aws):
    with pytest.raises(ValueError, match="resource"):
        aws.findings.put(sample("access-preview.json"))


def test_times_are_the_clocks(aws):
    finding = aws.findings.put(BUCKET)
    assert finding.created_at == datetime(2026, 5, 4, 9, 15, 51, tzinfo=UTC)
    assert aws.events[0]["detail"]["analyzedAt"] == "2026-05-04T09:15:51.000Z"
