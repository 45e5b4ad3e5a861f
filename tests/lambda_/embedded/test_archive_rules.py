"""Archive rules through real boto3 clients: their life, what they archive, and what the service refuses."""

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from embedded import EmbeddedAws
from embedded.access_analyzer.filters import ARCHIVE_RULE_KEYS, matches
from embedded.access_analyzer.finding import read_finding

AUDITOR = {"principal.AWS": {"eq": ["444455556666"]}}
BY_AUDITOR = {
    "resource": "arn:aws:iam::111122223333:role/audit",
    "resourceType": "AWS::IAM::Role",
    "principal": {"AWS": "arn:aws:iam::444455556666:root"},
    "action": ["sts:AssumeRole"],
}
BY_STRANGER = {**BY_AUDITOR, "principal": {"AWS": "999988887777"}}


@pytest.fixture
def aws():
    with EmbeddedAws() as box:
        box.findings.analyzer_for("external")
        yield box


@pytest.fixture
def client(aws):
    return aws.client("accessanalyzer")


def test_a_rule_is_created_read_changed_and_deleted(client):
    client.create_archive_rule(analyzerName="external", ruleName="auditor", filter=AUDITOR)
    [listed] = client.list_archive_rules(analyzerName="external")["archiveRules"]
    read = client.get_archive_rule(analyzerName="external", ruleName="auditor")["archiveRule"]
    assert listed == read
    assert read["filter"] == AUDITOR
    other = {"resourceType": {"eq": ["AWS::KMS::Key"]}, "isPublic": {"exists": True}}
    client.update_archive_rule(analyzerName="external", ruleName="auditor", filter=other)
    changed = client.get_archive_rule(analyzerName="external", ruleName="auditor")["archiveRule"]
    assert changed["filter"] == other
    assert changed["createdAt"] == read["createdAt"]
    assert changed["updatedAt"] > read["updatedAt"]
    client.delete_archive_rule(analyzerName="external", ruleName="auditor")
    assert client.list_archive_rules(analyzerName="external")["archiveRules"] == []


def test_a_rule_archives_what_is_found_after_it(aws, client):
    before = aws.findings.put(BY_AUDITOR)
    client.create_archive_rule(analyzerName="external", ruleName="auditor", filter=AUDITOR)
    after, stranger = aws.findings.put(BY_AUDITOR), aws.findings.put(BY_STRANGER)
    assert [aws.findings.get(finding.id).status for finding in (before, after, stranger)] == [
        "ACTIVE",
        "ARCHIVED",
        "ACTIVE",
    ]
    assert [event["detail"]["status"] for event in aws.events] == ["ACTIVE", "ARCHIVED", "ACTIVE"]


def test_applying_a_rule_archives_what_is_there(aws, client):
    one, stranger = aws.findings.put(BY_AUDITOR), aws.findings.put(BY_STRANGER)
    gone = aws.findings.resolve(aws.findings.put(BY_AUDITOR).id)
    client.create_archive_rule(analyzerName="external", ruleName="auditor", filter=AUDITOR)
    analyzer = aws.findings.analyzer_for("external")
    client.apply_archive_rule(analyzerArn=analyzer, ruleName="auditor")
    statuses = [aws.findings.get(finding.id).status for finding in (one, stranger, gone)]
    assert statuses == ["ARCHIVED", "ACTIVE", "RESOLVED"]
    assert aws.events[-1]["detail"]["id"] == one.id
    client.apply_archive_rule(analyzerArn=analyzer, ruleName="auditor")
    assert len(aws.events) == 5, "a second application changes nothing and tells nothing"


def test_an_analyzer_is_created_with_its_rules(aws, client):
    rules = [{"ruleName": "auditor", "filter": AUDITOR}]
    arn = client.create_analyzer(analyzerName="two", type="ACCOUNT", archiveRules=rules)["arn"]
    assert aws.findings.put(BY_AUDITOR, analyzer_arn=arn).status == "ARCHIVED"


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": {"eq": ["ACTIVE"]}},
        {"id": {"eq": ["f"]}},
        {"action": {"contains": ["s3:"]}},
        {"tags": {"exists": True}},
        {"findingType": {"eq": ["UnusedIAMRole"]}},
        {"resource": {}},
        {"resource": {"eq": ["arn"] * 21}},
    ],
)
def test_a_filter_no_rule_can_have_is_refused(client, filters):
    with pytest.raises(client.exceptions.ValidationException) as raised:
        client.create_archive_rule(analyzerName="external", ruleName="one", filter=filters)
    assert raised.value.response["reason"] == "fieldValidationFailed"
    client.create_archive_rule(analyzerName="external", ruleName="one", filter=AUDITOR)
    with pytest.raises(client.exceptions.ValidationException):
        client.update_archive_rule(analyzerName="external", ruleName="one", filter=filters)
    kept = client.get_archive_rule(analyzerName="external", ruleName="one")["archiveRule"]
    assert kept["filter"] == AUDITOR


def test_the_restriction_by_policy_is_a_key_of_external_findings_only(client):
    filters = {"resourceControlPolicyRestriction": {"eq": ["NOT_APPLICABLE"]}}
    client.create_archive_rule(analyzerName="external", ruleName="one", filter=filters)
    client.create_analyzer(analyzerName="unused", type="ACCOUNT_UNUSED_ACCESS")
    with pytest.raises(client.exceptions.ValidationException):
        client.create_archive_rule(analyzerName="unused", ruleName="one", filter=filters)


def test_an_analyzer_holds_a_hundred_rules(client):
    for number in range(100):
        client.create_archive_rule(analyzerName="external", ruleName=f"rule{number:03}", filter=AUDITOR)
    with pytest.raises(client.exceptions.ServiceQuotaExceededException) as raised:
        client.create_archive_rule(analyzerName="external", ruleName="one-more", filter=AUDITOR)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402
    pages = client.get_paginator("list_archive_rules").paginate(
        analyzerName="external", PaginationConfig={"PageSize": 30}
    )
    sizes = [len(page["archiveRules"]) for page in pages]
    assert sizes == [30, 30, 30, 10]
    client.delete_archive_rule(analyzerName="external", ruleName="rule000")
    client.create_archive_rule(analyzerName="external", ruleName="one-more", filter=AUDITOR)


@pytest.mark.parametrize(
    ("operation", "arguments", "error"),
    [
        ("create_archive_rule", {"ruleName": "there", "filter": AUDITOR}, "ConflictException"),
        ("create_archive_rule", {"ruleName": "not a name", "filter": AUDITOR}, "ValidationException"),
        ("update_archive_rule", {"ruleName": "gone", "filter": AUDITOR}, "ResourceNotFoundException"),
        ("delete_archive_rule", {"ruleName": "gone"}, "ResourceNotFoundException"),
        ("get_archive_rule", {"ruleName": "gone"}, "ResourceNotFoundException"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(client, operation, arguments, error):
    client.create_archive_rule(analyzerName="external", ruleName="there", filter=AUDITOR)
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(analyzerName="external", **arguments)
    assert raised.value.response["Error"]["Code"] == error


def test_a_rule_that_is_not_there_cannot_be_applied(aws, client):
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.apply_archive_rule(analyzerArn=aws.findings.analyzer_for("external"), ruleName="gone")


@given(
    key=st.sampled_from(sorted(ARCHIVE_RULE_KEYS)),
    values=st.lists(st.sampled_from(["*", "444455556666", "false", "vpc-1", "AWS::IAM::Role"]), min_size=1),
    resource=st.sampled_from([BY_AUDITOR["resource"], "arn:aws-cn:s3:::b", "not an arn", ""]),
    principal=st.dictionaries(
        st.sampled_from(["AWS", "Federated"]), st.sampled_from(["*", "444455556666", ":root"])
    ),
)
def test_neq_is_the_opposite_of_eq_and_exists_of_not_exists(key, values, resource, principal):
    whole = {
        "resource": resource,
        "resourceType": "AWS::IAM::Role",
        "principal": principal,
        "isPublic": False,
        "condition": {"aws:SourceVpc": "vpc-1"},
    }
    finding = read_finding(whole, finding_id="f", account="444455556666")
    assert matches(finding, {key: {"eq": values}}) != matches(finding, {key: {"neq": values}})
    assert matches(finding, {key: {"exists": True}}) != matches(finding, {key: {"exists": False}})
    if matches(finding, {key: {"eq": values}}):
        assert matches(finding, {key: {"exists": True}})
        assert matches(finding, {key: {"contains": values}})
