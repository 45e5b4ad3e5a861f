"""Descriptions of organizations: every kind of resource, the same ids again, and what is refused."""

from dataclasses import replace

import pytest

from embedded import Account, EmbeddedAws, Organization, Resource, small_organization
from embedded.organization.resources import MAKERS
from scoring.findings.arn import Arn
from scoring.findings.resource_types import TABLE


def one_account(*resources) -> Organization:
    return Organization(
        management=Account("root", "999900001111"),
        accounts=(Account("only", "111122223333", resources=resources),),
        security="only",
    )


@pytest.mark.parametrize("resource_type", MAKERS)
def test_every_kind_of_resource_is_made_with_its_tags(resource_type):
    resource = Resource(resource_type, "some-thing", {"Environment": "prod", "Data Classification": "Secret"})
    with EmbeddedAws(one_account(resource)) as aws:
        arn = aws.organization.arn("some-thing")
        assert Arn.parse(arn).service == TABLE[resource_type].service
        assert Arn.parse(arn).resource.startswith(TABLE[resource_type].prefix)
        assert read_tags(aws, resource_type, arn) == resource.tags
        aws.findings.put({"resource": arn, "resourceType": resource_type})


def read_tags(aws, resource_type, arn) -> object:
    name = arn.rpartition("/")[2]
    calls = {
        "AWS::S3::Bucket": ("s3", "get_bucket_tagging", {"Bucket": arn.rpartition(":")[2]}, "TagSet"),
        "AWS::KMS::Key": ("kms", "list_resource_tags", {"KeyId": arn}, "Tags"),
        "AWS::IAM::Role": ("iam", "list_role_tags", {"RoleName": name}, "Tags"),
        "AWS::IAM::User": ("iam", "list_user_tags", {"UserName": name}, "Tags"),
        "AWS::SNS::Topic": ("sns", "list_tags_for_resource", {"ResourceArn": arn}, "Tags"),
        "AWS::SecretsManager::Secret": ("secretsmanager", "describe_secret", {"SecretId": arn}, "Tags"),
        "AWS::DynamoDB::Table": ("dynamodb", "list_tags_of_resource", {"ResourceArn": arn}, "Tags"),
        "AWS::ECR::Repository": ("ecr", "list_tags_for_resource", {"resourceArn": arn}, "tags"),
        "AWS::Lambda::Function": ("lambda", "get_function", {"FunctionName": arn}, "Tags"),
        "AWS::RDS::DBSnapshot": ("rds", "list_tags_for_resource", {"ResourceName": arn}, "TagList"),
        "AWS::RDS::DBClusterSnapshot": ("rds", "list_tags_for_resource", {"ResourceName": arn}, "TagList"),
        "AWS::EFS::FileSystem": ("efs", "list_tags_for_resource", {"ResourceId": name}, "Tags"),
    }
    if resource_type == "AWS::SQS::Queue":
        client = aws.client("sqs")
        return client.list_queue_tags(QueueUrl=client.list_queues()["QueueUrls"][0])["Tags"]
    if resource_type == "AWS::EC2::Snapshot":
        [snapshot] = aws.client("ec2").describe_snapshots(SnapshotIds=[name])["Snapshots"]
        return {tag["Key"]: tag["Value"] for tag in snapshot["Tags"] if tag["Key"] != "Name"}
    service, operation, arguments, key = calls[resource_type]
    tags = getattr(aws.client(service), operation)(**arguments)[key]
    if isinstance(tags, dict):
        return tags
    return {tag.get("Key") or tag["TagKey"]: tag.get("Value") or tag["TagValue"] for tag in tags}


def test_the_same_description_gives_the_same_organization():
    made = []
    for _ in range(2):
        with EmbeddedAws(small_organization(), seed=7) as aws:
            finding = aws.findings.put({"resource": "arn:aws:s3:::b", "resourceType": "AWS::S3::Bucket"})
            made.append((aws.organization, finding.id))
    assert made[0] == made[1]
    with EmbeddedAws(small_organization(), seed=8) as aws:
        assert aws.organization.arn("payments-key") != made[0][0].arn("payments-key")


def test_an_organization_is_described_in_plain_data():
    data = {
        "management": {"name": "root", "id": "999900001111"},
        "accounts": [
            {
                "name": "audit",
                "id": "111122223333",
                "ou": "Security",
                "resources": [{"type": "AWS::KMS::Key", "name": "k", "aliases": ["one", "two"]}],
            }
        ],
        "security": "audit",
        "id": "o-0123456789",
    }
    with EmbeddedAws(Organization.from_data(data)) as aws:
        assert aws.account == "111122223333"
        assert aws.organization.id == "o-0123456789"
        aliases = aws.client("kms").list_aliases(KeyId=aws.organization.arn("k"))["Aliases"]
        assert {alias["AliasName"] for alias in aliases} == {"alias/one", "alias/two"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"management": {"name": "root", "id": "12"}}, r"12 digits, got '12' - at `\$.management`"),
        ({"accounts": [{"name": "a", "id": 5}]}, r"Expected `str`, got `int` - at `\$.accounts\[0\].id`"),
        (
            {"accounts": [{"name": "a", "id": "1" * 12, "resources": [{"type": "AWS::X", "name": "x"}]}]},
            "cannot make 'AWS::X'",
        ),
        ({"security": None}, "Expected `str`, got `null`"),
    ],
)
def test_a_wrong_description_is_refused_with_its_field(change, message):
    data = {
        "management": {"name": "root", "id": "999900001111"},
        "accounts": [{"name": "audit", "id": "111122223333"}],
        "security": "audit",
    }
    with pytest.raises(ValueError, match=message):
        Organization.from_data({**data, **change})


def test_a_security_account_that_is_not_described_is_refused():
    with pytest.raises(ValueError, match="no member account is called 'nobody'"):
        EmbeddedAws(replace(small_organization(), security="nobody"))
