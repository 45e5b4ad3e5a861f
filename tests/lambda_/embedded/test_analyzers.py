"""Analyzers and their tags through real boto3 clients; and every answer against botocore's model."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from embedded import EmbeddedAws

TYPES = [
    f"{zone}{kind}"
    for zone in ("ACCOUNT", "ORGANIZATION")
    for kind in ("", "_UNUSED_ACCESS", "_INTERNAL_ACCESS")
]
BUCKET = {"resource": "arn:aws:s3:::site", "resourceType": "AWS::S3::Bucket", "principal": {"AWS": "*"}}


@pytest.fixture
def aws():
    with EmbeddedAws() as box:
        yield box


@pytest.fixture
def client(aws):
    return aws.client("accessanalyzer")


def code(raised) -> object:
    return raised.value.response["Error"]["Code"]


@pytest.mark.parametrize("analyzer_type", TYPES)
def test_an_analyzer_of_every_type_is_created_and_read_back(client, analyzer_type):
    arn = client.create_analyzer(analyzerName="one", type=analyzer_type, tags={"owner": "security"})["arn"]
    analyzer = client.get_analyzer(analyzerName="one")["analyzer"]
    assert arn == "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/one"
    assert (analyzer["arn"], analyzer["type"], analyzer["status"]) == (arn, analyzer_type, "ACTIVE")
    assert analyzer["tags"] == {"owner": "security"}
    assert client.list_analyzers(type=analyzer_type)["analyzers"] == [analyzer]
    other = next(name for name in TYPES if name != analyzer_type)
    assert client.list_analyzers(type=other)["analyzers"] == []


def test_the_configuration_says_what_the_analyzer_looks_for(client):
    client.create_analyzer(analyzerName="default", type="ACCOUNT_UNUSED_ACCESS")
    client.create_analyzer(
        analyzerName="quick",
        type="ACCOUNT_UNUSED_ACCESS",
        configuration={"unusedAccess": {"unusedAccessAge": 30}},
    )

    def age(name) -> object:
        return client.get_analyzer(analyzerName=name)["analyzer"]["configuration"]["unusedAccess"]

    assert age("default") == {"unusedAccessAge": 90}
    assert age("quick") == {"unusedAccessAge": 30}
    changed = client.update_analyzer(
        analyzerName="quick", configuration={"unusedAccess": {"unusedAccessAge": 60}}
    )
    assert changed["configuration"]["unusedAccess"] == age("quick") == {"unusedAccessAge": 60}


def test_a_configuration_of_another_kind_of_analyzer_is_refused(client):
    with pytest.raises(client.exceptions.ValidationException):
        client.create_analyzer(
            analyzerName="one", type="ACCOUNT", configuration={"unusedAccess": {"unusedAccessAge": 30}}
        )
    assert client.list_analyzers()["analyzers"] == []


def test_errors_carry_the_fields_of_the_model(client):
    client.create_analyzer(analyzerName="one", type="ACCOUNT")
    with pytest.raises(client.exceptions.ConflictException) as conflict:
        client.create_analyzer(analyzerName="one", type="ACCOUNT")
    assert conflict.value.response["resourceId"] == "one"
    assert conflict.value.response["resourceType"] == "Analyzer"
    assert conflict.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    with pytest.raises(client.exceptions.ResourceNotFoundException) as missing:
        client.get_analyzer(analyzerName="two")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(client.exceptions.ValidationException) as invalid:
        client.create_analyzer(analyzerName="1 bad name", type="GLOBAL")
    assert invalid.value.response["reason"] == "fieldValidationFailed"
    assert [field["name"] for field in invalid.value.response["fieldList"]] == ["analyzerName", "type"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("get_analyzer", {"analyzerName": "gone"}),
        ("update_analyzer", {"analyzerName": "gone"}),
        ("delete_analyzer", {"analyzerName": "gone"}),
        ("list_archive_rules", {"analyzerName": "gone"}),
        ("list_findings", {"analyzerArn": "arn:aws:access-analyzer:eu-west-1:111122223333:analyzer/gone"}),
        ("list_findings_v2", {"analyzerArn": "arn:aws:access-analyzer:eu-west-1:444455556666:analyzer/org"}),
        ("list_findings_v2", {"analyzerArn": "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/org"}),
        ("list_tags_for_resource", {"resourceArn": "arn:aws:access-analyzer:eu-west-1:1:analyzer/gone"}),
    ],
)
def test_what_is_not_there_is_not_found(client, operation, arguments):
    client.create_analyzer(analyzerName="org", type="ACCOUNT")
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**arguments)
    assert code(raised) == "ResourceNotFoundException"


def test_analyzers_are_kept_apart_by_account_and_region(aws, client):
    client.create_analyzer(analyzerName="org", type="ACCOUNT")
    assert aws.client("accessanalyzer", account="222233334444").list_analyzers()["analyzers"] == []
    assert aws.client("accessanalyzer", region="us-east-1").list_analyzers()["analyzers"] == []


def test_analyzers_come_in_pages(client):
    names = [f"analyzer{number}" for number in range(5)]
    for name in reversed(names):
        client.create_analyzer(analyzerName=name, type="ACCOUNT")
    pages = list(client.get_paginator("list_analyzers").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["analyzers"]) for page in pages] == [2, 2, 1]
    assert [analyzer["name"] for page in pages for analyzer in page["analyzers"]] == names


def test_deleting_an_analyzer_deletes_its_findings_and_tells_of_each(aws, client):
    finding = aws.findings.put(BUCKET)
    client.delete_analyzer(analyzerName="external")
    assert client.list_analyzers()["analyzers"] == []
    assert aws.findings.all() == []
    assert [event["detail"]["isDeleted"] for event in aws.events] == [False, True]
    assert aws.events[1]["detail"]["id"] == finding.id


def test_tags_come_and_go(client):
    arn = client.create_analyzer(analyzerName="one", type="ACCOUNT", tags={"a": "1", "b": "2"})["arn"]
    client.tag_resource(resourceArn=arn, tags={"b": "3", "c": "4"})
    client.untag_resource(resourceArn=arn, tagKeys=["a", "never there"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "3", "c": "4"}


def test_the_last_analyzed_resource_is_told(aws, client):
    arn = aws.findings.analyzer_for("external")
    assert "lastResourceAnalyzed" not in client.get_analyzer(analyzerName="external")["analyzer"]
    aws.findings.put(BUCKET, analyzer_arn=arn)
    assert (
        client.get_analyzer(analyzerName="external")["analyzer"]["lastResourceAnalyzed"] == BUCKET["resource"]
    )


def test_every_answer_has_the_shape_of_the_model(aws, client):
    arn = aws.findings.analyzer_for("external")
    finding = aws.findings.put(BUCKET)
    rule = {"analyzerName": "external", "ruleName": "one"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("CreateAnalyzer", {"analyzerName": "two", "type": "ACCOUNT_INTERNAL_ACCESS"}),
        ("GetAnalyzer", {"analyzerName": "external"}),
        ("UpdateAnalyzer", {"analyzerName": "two"}),
        ("ListAnalyzers", {}),
        ("CreateArchiveRule", {**rule, "filter": {"isPublic": {"eq": ["false"]}}}),
        ("GetArchiveRule", rule),
        ("ListArchiveRules", {"analyzerName": "external"}),
        ("UpdateArchiveRule", {**rule, "filter": {"isPublic": {"exists": False}}}),
        ("ApplyArchiveRule", {"analyzerArn": arn, "ruleName": "one"}),
        ("DeleteArchiveRule", rule),
        ("ListFindings", {"analyzerArn": arn}),
        ("ListFindingsV2", {"analyzerArn": arn}),
        ("GetFinding", {"analyzerArn": arn, "id": finding.id}),
        ("GetFindingV2", {"analyzerArn": arn, "id": finding.id}),
        ("UpdateFindings", {"analyzerArn": arn, "ids": [finding.id], "status": "ARCHIVED"}),
        ("TagResource", {"resourceArn": arn, "tags": {"a": "b"}}),
        ("ListTagsForResource", {"resourceArn": arn}),
        ("UntagResource", {"resourceArn": arn, "tagKeys": ["a"]}),
        ("DeleteAnalyzer", {"analyzerName": "two"}),
    ]
    for operation, arguments in calls:
        answer = getattr(client, boto3.session.botocore.xform_name(operation))(**arguments)
        metadata = answer.pop("ResponseMetadata")
        assert metadata["HTTPStatusCode"] == 200, operation
        shape = client.meta.service_model.operation_model(operation).output_shape
        if shape is None:
            assert answer == {}, operation
        else:
            report = ParamValidator().validate(answer, shape)
            assert not report.has_errors(), (operation, report.generate_report())
