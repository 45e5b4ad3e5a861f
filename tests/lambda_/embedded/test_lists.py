"""Lists of findings through real boto3 clients: filters, order and pages."""

import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from embedded import EmbeddedAws
from embedded.access_analyzer.finding import Finding
from embedded.access_analyzer.pages import take

ROLE = {"resource": "arn:aws:iam::111122223333:role/old", "resourceType": "AWS::IAM::Role"}
USER = {"resource": "arn:aws:iam::111122223333:user/jenkins", "resourceType": "AWS::IAM::User"}
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
    aws.findings.put({**ROLE, "findingType": "UnusedIAMRole"})
    aws.findings.put({**USER, "findingType": "UnusedIAMUserPassword"})
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
