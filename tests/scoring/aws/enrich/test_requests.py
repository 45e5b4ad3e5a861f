"""What goes out: the identifiers that the API wants, the pages, and the codes that mean "nothing"."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from scoring.aws.enrich import Aws, enrich
from scoring.findings.facts import ABSENT, Present, Unknown
from scoring.findings.finding import Finding
from tests.scoring.aws.enrich.resource_makers import OWN, REGION, TAGS, Found


@pytest.mark.parametrize(
    ("resource_type", "operation", "parameter", "value"),
    [
        ("AWS::S3::Bucket", "s3:GetBucketTagging", "Bucket", "payroll.data"),
        ("AWS::S3::Bucket", "s3:GetBucketEncryption", "ExpectedBucketOwner", OWN),
        ("AWS::S3Express::DirectoryBucket", "s3:GetBucketEncryption", "Bucket", "fast--euw1-az1--x-s3"),
        ("AWS::S3Express::DirectoryBucket", "s3control:ListTagsForResource", "AccountId", OWN),
        ("AWS::IAM::Role", "iam:GetRole", "RoleName", "deployer"),
        ("AWS::IAM::User", "iam:ListAccessKeys", "UserName", "kim"),
        (
            "AWS::SQS::Queue",
            "sqs:ListQueueTags",
            "QueueUrl",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo",
        ),
        (
            "AWS::Lambda::Function",
            "lambda:ListTags",
            "Resource",
            "arn:aws:lambda:eu-west-1:123456789012:function:resize",
        ),
        ("AWS::Lambda::LayerVersion", "lambda:ListLayerVersions", "LayerName", "fonts"),
        ("AWS::ECR::Repository", "ecr:DescribeRepositories", "repositoryNames", ["team/app"]),
        ("AWS::RDS::DBSnapshot", "rds:DescribeDBSnapshots", "DBSnapshotIdentifier", "before"),
        (
            "AWS::DynamoDB::Stream",
            "dynamodb:ListTagsOfResource",
            "ResourceArn",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
        ),
    ],
)
def test_the_api_hears_the_identifier_it_wants(
    made: Found, aws: Aws, wire: Any, operation: str, parameter: str, value: object
) -> None:
    enrich(made[0], aws)
    assert wire.parameters[operation][parameter] == value


@pytest.mark.parametrize("resource_type", ["AWS::S3Express::DirectoryBucket"])
def test_a_directory_bucket_refuses_to_hear_its_owner(made: Found, aws: Aws, wire: Any) -> None:
    enrich(made[0], aws)
    assert "ExpectedBucketOwner" not in wire.parameters["s3:GetBucketEncryption"]


@pytest.mark.parametrize("resource_type", ["AWS::S3::Bucket"])
@pytest.mark.parametrize("code", ["NoSuchTagSet", "NoSuchBucket", "PermanentRedirect", "AccessDenied", "404"])
def test_only_no_such_tag_set_means_no_tags(made: Found, aws: Aws, wire: Any, code: str) -> None:
    wire.faults = {"s3:GetBucketTagging": code}
    assert enrich(made[0], aws).tags == (ABSENT if code == "NoSuchTagSet" else Unknown(code))


@pytest.mark.parametrize("resource_type", ["AWS::S3::Bucket"])
def test_a_bare_bucket_has_nothing(
    owner: boto3.Session, aws: Aws, resource_type: str, a_finding: Callable[..., Finding]
) -> None:
    owner.client("s3").create_bucket(Bucket="bare", CreateBucketConfiguration={"LocationConstraint": REGION})
    context = enrich(a_finding(resource_type, "arn:aws:s3:::bare"), aws)
    assert context.tags == ABSENT
    assert context.details == {"public_access_block": ABSENT, "encryption": ABSENT}


@pytest.mark.parametrize("resource_type", ["AWS::DynamoDB::Table"])
def test_many_tags_take_several_pages(
    owner: boto3.Session, aws: Aws, made: Found, wire: Any, resource_type: str
) -> None:
    more = {f"tag-{number}": str(number) for number in range(40)}
    owner.client("dynamodb").tag_resource(
        ResourceArn=made[1].arn, Tags=[{"Key": key, "Value": value} for key, value in more.items()]
    )
    assert enrich(made[0], aws).tags == Present({**TAGS, **more})
    assert wire.calls.count("dynamodb:ListTagsOfResource") == 5


@pytest.mark.parametrize("resource_type", ["AWS::KMS::Key"])
def test_tags_and_aliases_of_a_key_take_several_pages(made: Found, aws: Aws, wire: Any) -> None:
    def tags(parameters: dict[str, Any]) -> dict[str, Any]:
        page = int(parameters.get("Marker", 0))
        more = {"Truncated": True, "NextMarker": str(page + 1)} if page < 2 else {"Truncated": False}
        return {"Tags": [{"TagKey": f"key-{page}", "TagValue": "v"}], **more}

    def aliases(parameters: dict[str, Any]) -> dict[str, Any]:
        page = int(parameters.get("Marker", 0))
        more = {"Truncated": True, "NextMarker": str(page + 1)} if page < 2 else {"Truncated": False}
        return {"Aliases": [{"AliasName": f"alias/a{page}"}], **more}

    wire.answers.update({"kms:ListResourceTags": tags, "kms:ListAliases": aliases})
    context = enrich(made[0], aws)
    assert context.tags == Present({"key-0": "v", "key-1": "v", "key-2": "v"})
    assert context.aliases == Present(("alias/a0", "alias/a1", "alias/a2"))


@pytest.mark.parametrize("resource_type", ["AWS::KMS::Key"])
def test_a_failure_on_the_second_page_is_no_short_list(made: Found, aws: Aws, wire: Any) -> None:
    def aliases(parameters: dict[str, Any]) -> dict[str, Any]:
        if "Marker" in parameters:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "ListAliases")
        return {"Aliases": [{"AliasName": "alias/a"}], "Truncated": True, "NextMarker": "1"}

    wire.answers["kms:ListAliases"] = aliases
    assert enrich(made[0], aws).aliases == Unknown("ThrottlingException")
