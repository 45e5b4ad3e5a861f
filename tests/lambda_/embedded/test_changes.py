"""What becomes of findings: archived and re-activated by callers, changed and forgotten by the service."""

import pytest
from botocore.exceptions import ClientError

from embedded import EmbeddedAws
from embedded.access_analyzer.finding import Finding

ROLE = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
BUCKET = {"resource": "arn:aws:s3:::cardholder-data", "resourceType": "AWS::S3::Bucket"}
EXTERNAL = {
    **BUCKET,
    "principal": {"AWS": "444455556666"},
    "action": ["s3:GetObject"],
    "condition": {"aws:SourceVpc": "vpc-1"},
    "isPublic": False,
}


@pytest.fixture
def aws():
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def client(aws):
    return aws.client("accessanalyzer")


@pytest.fixture
def arn(aws):
    return aws.findings.analyzer_for("external")


def put_buckets(aws, number) -> list[Finding]:
    return [aws.findings.put({**EXTERNAL, "resource": f"arn:aws:s3:::b{index}"}) for index in range(number)]


def test_many_findings_are_archived_in_a_call_and_each_gets_an_event(aws, client, arn):
    findings = put_buckets(aws, 3)
    client.update_findings(analyzerArn=arn, ids=[finding.id for finding in findings], status="ARCHIVED")
    told = [(event["detail"]["id"], event["detail"]["status"]) for event in aws.events]
    assert told[3:] == [(finding.id, "ARCHIVED") for finding in findings]
    after = aws.findings.get(findings[0].id)
    assert (after.status, after.previous_status) == ("ARCHIVED", "ACTIVE")
    assert after.updated_at > findings[0].updated_at
    assert after.created_at == findings[0].created_at


def test_a_status_it_has_already_changes_nothing(aws, client, arn):
    finding = aws.findings.put(EXTERNAL)
    client.update_findings(analyzerArn=arn, ids=[finding.id], status="ACTIVE")
    assert aws.findings.get(finding.id) == finding
    assert len(aws.events) == 1


def test_all_findings_of_a_resource_change_together(aws, client, arn):
    two = [aws.findings.put(EXTERNAL), aws.findings.put({**EXTERNAL, "principal": {"AWS": "*"}})]
    resolved = aws.findings.resolve(aws.findings.put(EXTERNAL).id)
    other = aws.findings.put({**EXTERNAL, "resource": "arn:aws:s3:::other"})
    client.update_findings(analyzerArn=arn, resourceArn=EXTERNAL["resource"], status="ARCHIVED")
    statuses = [aws.findings.get(finding.id).status for finding in (*two, resolved, other)]
    assert statuses == ["ARCHIVED", "ARCHIVED", "RESOLVED", "ACTIVE"]


def test_a_resolved_finding_cannot_be_changed_and_then_none_is(aws, client, arn):
    good, resolved = put_buckets(aws, 2)
    aws.findings.resolve(resolved.id)
    with pytest.raises(client.exceptions.ValidationException):
        client.update_findings(analyzerArn=arn, ids=[good.id, resolved.id], status="ARCHIVED")
    with pytest.raises(client.exceptions.ValidationException):
        client.update_findings(analyzerArn=arn, resourceArn=resolved.resource, status="ARCHIVED")
    assert aws.findings.get(good.id).status == "ACTIVE"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "ValidationException"),
        ({"ids": ["f"], "resourceArn": "arn:aws:s3:::b"}, "ValidationException"),
        ({"ids": ["f"], "status": "RESOLVED"}, "ValidationException"),
        ({"resourceArn": "not an arn"}, "ValidationException"),
        ({"ids": ["never there"]}, "ResourceNotFoundException"),
        ({"resourceArn": "arn:aws:s3:::never-there"}, "ResourceNotFoundException"),
    ],
)
def test_an_update_that_cannot_be_is_refused(client, arn, arguments, error):
    with pytest.raises(ClientError) as raised:
        client.update_findings(**{"analyzerArn": arn, "status": "ARCHIVED", **arguments})
    assert raised.value.response["Error"]["Code"] == error


def test_analyzing_again_changes_what_was_found(aws):
    before = aws.findings.put({**EXTERNAL, "updatedAt": "2030-01-01T00:00:00Z"})
    after = aws.findings.update(before.id, {"isPublic": True, "principal": {"AWS": "*"}})
    assert after.details[0] == {**before.details[0], "isPublic": True, "principal": {"AWS": "*"}}
    assert after.updated_at > before.updated_at, "a clock that lags still moves a changed finding on"
    broken = aws.findings.update(after.id, {"error": "INTERNAL_ERROR"})
    assert (broken.error, broken.details) == ("INTERNAL_ERROR", ({"condition": {}},))
    healed = aws.findings.update(after.id, {"error": None, "isPublic": False})
    assert (healed.error, healed.details) == (None, ({"condition": {}, "isPublic": False},))


def test_access_that_comes_back_is_active_again(aws):
    finding = aws.findings.put(EXTERNAL)
    aws.findings.resolve(finding.id)
    again = aws.findings.update(finding.id, {"status": "ACTIVE"})
    assert (again.status, again.previous_status) == ("ACTIVE", "RESOLVED")
    assert [event["detail"]["status"] for event in aws.events] == ["ACTIVE", "RESOLVED", "ACTIVE"]


def test_a_deleted_finding_is_gone(aws, client, arn):
    finding = aws.findings.put(EXTERNAL)
    aws.findings.delete(finding.id)
    assert client.list_findings_v2(analyzerArn=arn)["findings"] == []
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_finding_v2(analyzerArn=arn, id=finding.id)
    with pytest.raises(KeyError):
        aws.findings.get(finding.id)


def test_the_same_id_in_two_regions_is_told_apart_by_the_analyzer(aws):
    arns = []
    for region in ("eu-west-1", "us-east-1"):
        client = aws.client("accessanalyzer", region=region)
        arns.append(client.create_analyzer(analyzerName="org", type="ORGANIZATION")["arn"])
        aws.findings.put({**ROLE, "id": "same"}, analyzer_arn=arns[-1])
    aws.findings.resolve("same", analyzer_arn=arns[1])
    assert [aws.findings.get("same", analyzer_arn=arn).status for arn in arns] == ["ACTIVE", "RESOLVED"]
    assert [event["region"] for event in aws.events] == ["eu-west-1", "us-east-1", "us-east-1"]
    assert len(aws.findings.all()) == 2
    assert len(aws.findings.all(arns[0])) == 1
