"""Findings through real boto3 clients: lists, details, filters, pages, and changes of status."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from embedded import EmbeddedAws
from embedded.access_analyzer.finding import Finding
from embedded.access_analyzer.pages import take

SAMPLES = Path(__file__).parents[1] / "events"
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


def put_buckets(aws, number) -> list[Finding]:
    return [aws.findings.put({**EXTERNAL, "resource": f"arn:aws:s3:::b{index}"}) for index in range(number)]


# --- shapes


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


# --- filters, order and pages


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "pq"),
        ({"status": {"eq": ["ACTIVE"]}}, "pq"),
        ({"isPublic": {"eq": ["true"]}}, "p"),
        ({"isPublic": {"neq": ["true"]}}, "q"),
        ({"resource": {"contains": ["site", "never"]}}, "p"),
        ({"resource": {"contains": ["arn:aws"], "neq": ["arn:aws:s3:::site"]}}, "q"),
        ({"resourceType": {"eq": ["AWS::S3::Bucket"]}, "isPublic": {"eq": ["true"]}}, "p"),
        ({"principal.AWS": {"eq": ["*"]}}, "p"),
        ({"principal.AWS": {"eq": ["444455556666"]}}, "q"),
        ({"principal.AWS": {"eq": ["arn:aws:iam::444455556666:root"]}}, "q"),
        ({"principal.Federated": {"exists": False}}, "pq"),
        ({"condition.aws:SourceVpc": {"exists": True}}, "q"),
        ({"condition.aws:SourceVpc": {"neq": ["vpc-1"]}}, "p"),
        ({"error": {"exists": True}}, ""),
        ({"resourceOwnerAccount": {"eq": ["111122223333", "222233334444"]}}, "pq"),
    ],
)
def test_a_filter_finds_what_meets_all_of_it(aws, client, arn, filters, found):
    aws.findings.put(
        {
            **BUCKET,
            "id": "p",
            "resource": "arn:aws:s3:::site",
            "principal": {"AWS": "*"},
            "isPublic": True,
        }
    )
    aws.findings.put({**EXTERNAL, "id": "q"})
    for operation in (client.list_findings, client.list_findings_v2):
        rows = operation(analyzerArn=arn, filter=filters)["findings"]
        assert "".join(row["id"] for row in rows) == found


@pytest.mark.parametrize(
    "filters",
    [
        {"colour": {"eq": ["red"]}},
        {"principal": {"eq": ["*"]}},
        {"condition.aws:Imaginary": {"exists": True}},
        {"resource": {}},
        {"resource": {"eq": [str(number) for number in range(21)]}},
        {"findingType": {"eq": ["ExternalAccess"]}},
    ],
)
def test_a_filter_the_service_does_not_know_is_refused(client, arn, filters):
    with pytest.raises(client.exceptions.ValidationException) as raised:
        client.list_findings_v2(analyzerArn=arn, filter=filters)
    assert raised.value.response["fieldList"][0]["name"].startswith("filter.")


def test_the_service_checks_what_a_careless_client_does_not(aws, arn):
    careless = aws.session().client("accessanalyzer", config=Config(parameter_validation=False))
    with pytest.raises(careless.exceptions.ValidationException) as raised:
        careless.list_findings_v2(analyzerArn=arn, filter={"resource": {"contains": []}})
    assert raised.value.response["fieldList"][0]["name"] == "filter.resource.contains"
    with pytest.raises(careless.exceptions.ValidationException) as raised:
        careless.update_findings(analyzerArn=arn)
    assert raised.value.response["fieldList"] == [{"name": "status", "message": "is required"}]


def test_unused_findings_are_filtered_by_their_type(aws, client):
    aws.findings.put(SIX_TYPES["UnusedIAMRole"][0])
    aws.findings.put(SIX_TYPES["UnusedIAMUserPassword"][0])
    rows = client.list_findings_v2(
        analyzerArn=aws.findings.analyzer_for("unused"), filter={"findingType": {"eq": ["UnusedIAMRole"]}}
    )["findings"]
    assert [row["findingType"] for row in rows] == ["UnusedIAMRole"]


def test_findings_are_sorted(aws, client, arn):
    findings = [
        aws.findings.put({**EXTERNAL, "id": f"f{day}", "updatedAt": f"2026-05-0{day}T00:00:00Z"})
        for day in (2, 3, 1)
    ]

    def ids(**sort) -> list[str]:
        return [row["id"] for row in client.list_findings_v2(analyzerArn=arn, sort=sort)["findings"]]

    assert ids() == [finding.id for finding in findings]
    assert ids(attributeName="updatedAt") == ["f1", "f2", "f3"]
    assert ids(attributeName="id", orderBy="DESC") == ["f3", "f2", "f1"]
    with pytest.raises(client.exceptions.ValidationException):
        ids(attributeName="beauty")


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_findings_come_in_pages_of_at_most_a_hundred(aws, client, arn, order):
    expected = [finding.id for finding in put_buckets(aws, 230)]
    first = client.list_findings_v2(analyzerArn=arn, maxResults=1000)
    assert len(first["findings"]) == 100
    pages = client.get_paginator("list_findings_v2").paginate(
        analyzerArn=arn, sort={"attributeName": "createdAt", "orderBy": order}
    )
    listed = [row["id"] for page in pages for row in page["findings"]]
    assert listed == (expected if order == "ASC" else expected[::-1])


def test_archiving_each_page_before_the_next_misses_none(aws, client, arn):
    put_buckets(aws, 25)
    pages = client.get_paginator("list_findings_v2").paginate(
        analyzerArn=arn, filter={"status": {"eq": ["ACTIVE"]}}, PaginationConfig={"PageSize": 10}
    )
    for page in pages:
        ids = [row["id"] for row in page["findings"]]
        client.update_findings(analyzerArn=arn, ids=ids, status="ARCHIVED")
    assert {finding.status for finding in aws.findings.all()} == {"ARCHIVED"}


@pytest.mark.parametrize("bad", [{"nextToken": "!"}, {"nextToken": "e30="}, {"maxResults": 0}])
def test_a_page_that_cannot_be_is_refused(client, arn, bad):
    with pytest.raises(client.exceptions.ValidationException):
        client.list_findings_v2(analyzerArn=arn, **bad)


@given(
    values=st.lists(st.text(alphabet="ab", max_size=2), max_size=30),
    most=st.integers(1, 7),
    descending=st.booleans(),
    gone=st.sets(st.integers(0, 29)),
)
def test_pages_hold_everything_once_even_while_items_leave(values, most, descending, gone):
    items = list(zip(values, range(len(values)), strict=True))
    seen, token = [], None
    while True:
        left = [item for item in items if item[1] not in gone or item in seen]
        page, token = take(left, lambda item: item, most=most, token=token, descending=descending)
        seen += page
        if token is None:
            break
        items = [item for item in items if item not in page]
    whole = zip(values, range(len(values)), strict=True)
    assert seen == sorted((item for item in whole if item[1] not in gone), reverse=descending)


# --- changes


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
