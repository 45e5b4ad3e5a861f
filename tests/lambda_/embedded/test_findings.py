"""Findings through real boto3 clients: what each type and version of the API looks like."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator

from embedded import EmbeddedAws

SAMPLES = Path(__file__).parents[2] / "events"
ROLE = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
USER = {"resource": "arn:aws:iam::111122223333:user/jenkins", "resourceType": "AWS::IAM::User"}
BUCKET = {"resource": "arn:aws:s3:::cardholder-data", "resourceType": "AWS::S3::Bucket"}
EXTERNAL = {
    **BUCKET,
    "principal": {"AWS": "444455556666"},
    "action": ["s3:GetObject"],
    "condition": {"aws:SourceVpc": "vpc-1"},
    "isPublic": False,
    "resourceControlPolicyRestriction": "NOT_APPLICABLE",
    "sources": [{"type": "POLICY"}],
}
SIX_TYPES: dict[str, tuple[dict[str, Any], str]] = {
    "ExternalAccess": (EXTERNAL, "externalAccessDetails"),
    "InternalAccess": (
        {
            **BUCKET,
            "findingType": "InternalAccess",
            "principal": {"AWS": "arn:aws:iam::777788889999:role/analytics/reader"},
            "action": ["s3:GetObject"],
            "condition": {},
            "accessType": "INTRA_ORG",
            "principalType": "IAM_ROLE",
            "principalOwnerAccount": "777788889999",
            "serviceControlPolicyRestriction": "APPLIED",
        },
        "internalAccessDetails",
    ),
    "UnusedIAMRole": ({**ROLE, "findingType": "UnusedIAMRole"}, "unusedIamRoleDetails"),
    "UnusedIAMUserAccessKey": (
        {**USER, "findingType": "UnusedIAMUserAccessKey", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
        "unusedIamUserAccessKeyDetails",
    ),
    "UnusedIAMUserPassword": (
        {**USER, "findingType": "UnusedIAMUserPassword"},
        "unusedIamUserPasswordDetails",
    ),
    "UnusedPermission": (
        {**ROLE, "findingType": "UnusedPermission", "serviceNamespace": "s3"},
        "unusedPermissionDetails",
    ),
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


def sample(name) -> Any:
    return json.loads((SAMPLES / name).read_text())


@pytest.mark.parametrize("finding_type", SIX_TYPES)
def test_a_finding_of_every_type_is_listed_and_detailed(aws, client, finding_type):
    given_finding, key = SIX_TYPES[finding_type]
    finding = aws.findings.put(given_finding)
    analyzer = aws.findings.analyzer_for(finding.family)
    [row] = client.list_findings_v2(analyzerArn=analyzer)["findings"]
    whole = client.get_finding_v2(analyzerArn=analyzer, id=finding.id)
    assert row["findingType"] == whole["findingType"] == finding_type
    assert {field: whole[field] for field in row} == row
    [details] = whole["findingDetails"]
    expected = {
        field: value
        for field, value in given_finding.items()
        if field not in ("resource", "resourceType", "findingType")
    }
    assert details == {key: expected}
    whole.pop("ResponseMetadata")
    shape = client.meta.service_model.operation_model("GetFindingV2").output_shape
    assert not ParamValidator().validate(whole, shape).has_errors()


def test_the_first_version_has_the_access_inline(aws, client, arn):
    finding = aws.findings.put(EXTERNAL)
    [row] = client.list_findings(analyzerArn=arn)["findings"]
    assert row == client.get_finding(analyzerArn=arn, id=finding.id)["finding"]
    assert {field: row[field] for field in EXTERNAL} == EXTERNAL
    assert "findingType" not in row


@pytest.mark.parametrize("family", ["unused", "internal"])
def test_the_first_version_knows_external_findings_only(aws, client, family):
    analyzer = aws.findings.analyzer_for(family)
    for call in (client.list_findings, lambda **given: client.get_finding(id="f", **given)):
        with pytest.raises(client.exceptions.ValidationException):
            call(analyzerArn=analyzer)


def test_an_error_finding_says_nothing_of_access(aws, client, arn):
    finding = aws.findings.put({**EXTERNAL, "error": "ACCESS_DENIED"})
    whole = client.get_finding_v2(analyzerArn=arn, id=finding.id)
    assert whole["error"] == "ACCESS_DENIED"
    assert whole["findingDetails"] == [{"externalAccessDetails": {"condition": {}}}]
    first = client.get_finding(analyzerArn=arn, id=finding.id)["finding"]
    assert first["error"] == "ACCESS_DENIED"
    assert {"principal", "action", "isPublic"}.isdisjoint(first)


def times_parsed(finding) -> dict[str, Any]:
    return {key: parse_timestamp(value) if key.endswith("At") else value for key, value in finding.items()}


@pytest.mark.parametrize("name", ["cli-get-finding-v2.json", "cli-get-finding-v2-error.json"])
def test_the_second_version_reads_as_its_samples(aws, client, arn, name):
    aws.findings.put(sample(name))
    answer = client.get_finding_v2(analyzerArn=arn, id=sample(name)["id"])
    answer.pop("ResponseMetadata")
    assert answer == times_parsed(sample(name))


def test_the_other_answers_read_as_their_samples(aws, client, arn):
    aws.findings.put(sample("cli-get-finding.json"))
    expected = times_parsed(sample("cli-get-finding.json")["finding"])
    assert client.get_finding(analyzerArn=arn, id=expected["id"])["finding"] == expected
    aws.findings.delete(expected["id"])
    rows = sample("cli-list-findings.json")["findings"]
    for row in rows:
        aws.findings.put(row)
    assert client.list_findings(analyzerArn=arn)["findings"] == [times_parsed(row) for row in rows]


def test_the_list_of_the_second_version_reads_as_its_sample(aws, client):
    rows = sample("cli-list-findings-v2.json")["findings"]
    listed = []
    for row in rows:
        finding = aws.findings.put(row)
        analyzer = aws.findings.analyzer_for(finding.family)
        listed += client.list_findings_v2(analyzerArn=analyzer)["findings"]
    assert listed == [times_parsed(row) for row in rows]


def test_details_come_in_pages(aws, client):
    services = [{"unusedPermissionDetails": {"serviceNamespace": f"service{n}"}} for n in range(5)]
    finding = aws.findings.put({**ROLE, "findingType": "UnusedPermission", "findingDetails": services})
    analyzer = aws.findings.analyzer_for("unused")
    pages = client.get_paginator("get_finding_v2").paginate(
        analyzerArn=analyzer, id=finding.id, PaginationConfig={"PageSize": 2}
    )
    pages = list(pages)
    assert [len(page["findingDetails"]) for page in pages] == [2, 2, 1]
    assert [detail for page in pages for detail in page["findingDetails"]] == services
    assert {page["id"] for page in pages} == {finding.id}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"resource": "arn:aws:s3:::b"},
        {**BUCKET, "status": "OPEN"},
        {**BUCKET, "findingType": "Gossip"},
        {**BUCKET, "principal": "everyone"},
        {**BUCKET, "findingType": "ExternalAccess", "findingDetails": [{"unusedIamRoleDetails": {}}]},
        sample("access-preview.json"),
    ],
)
def test_what_the_service_could_not_have_found_is_refused(aws, wrong):
    with pytest.raises(ValueError, match=r"resource|findingType|findingDetails|not a finding"):
        aws.findings.put(wrong)


def test_an_analyzer_finds_its_own_kind_only(aws, arn):
    with pytest.raises(ValueError, match="ACCOUNT makes no UnusedIAMRole"):
        aws.findings.put(SIX_TYPES["UnusedIAMRole"][0], analyzer_arn=arn)
