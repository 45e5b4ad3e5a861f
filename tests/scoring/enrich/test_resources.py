"""Each resource type: the call, AccessDenied, the permissions it declares, and what it costs."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.core.base_backend import BackendDict
from policy_sentry.querying.actions import get_action_data

from scoring.enrich import ENRICHERS, Aws, enrich, enrich_many
from scoring.facts import ABSENT, NOT_LOOKED_UP, Present, Unknown
from scoring.finding import RESOURCE_TYPES, Finding

TAGS = {"Environment": "prod", "Owner": "team blue"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
EVERYONE = json.dumps({"Version": "2012-10-17", "Statement": []})
REGION = "eu-west-1"
OWN = "123456789012"


class Made(NamedTuple):
    """A resource, and what is to be found out about it."""

    arn: str
    details: dict[str, Any]
    tags: Any = Present(TAGS)
    aliases: Any = ABSENT


def bucket(owner: boto3.Session) -> Made:
    s3 = owner.client("s3")
    s3.create_bucket(Bucket="payroll.data", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket="payroll.data", Tagging={"TagSet": PAIRS})
    s3.put_public_access_block(
        Bucket="payroll.data",
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True},
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/pay"}}
    s3.put_bucket_encryption(Bucket="payroll.data", ServerSideEncryptionConfiguration={"Rules": [rule]})
    block = "without BlockPublicPolicy, RestrictPublicBuckets"
    return Made(
        "arn:aws:s3:::payroll.data",
        {"public_access_block": Present(block), "encryption": Present("aws:kms alias/pay")},
    )


def directory_bucket(owner: boto3.Session) -> Made:
    # moto has none: see ANSWERS.
    arn = f"arn:aws:s3express:{REGION}:{OWN}:bucket/fast--euw1-az1--x-s3"
    return Made(arn, {"encryption": Present("AES256")})


def role(owner: boto3.Session) -> Made:
    made = owner.client("iam").create_role(
        Path="/apps/pay/",
        RoleName="deployer",
        AssumeRolePolicyDocument=EVERYONE,
        Description="Deploys",
        Tags=PAIRS,
    )
    details = {"path": Present("/apps/pay/"), "description": Present("Deploys"), "last_used": ABSENT}
    return Made(made["Role"]["Arn"], details)


def user(owner: boto3.Session) -> Made:
    iam = owner.client("iam")
    arn = iam.create_user(Path="/people/", UserName="kim", Tags=PAIRS)["User"]["Arn"]
    key = iam.create_access_key(UserName="kim")["AccessKey"]
    shown = [f"{key['AccessKeyId']} Active, created {datetime.now(UTC):%Y-%m-%d}"]
    return Made(
        arn, {"path": Present("/people/"), "password_last_used": ABSENT, "access_keys": Present(shown)}
    )


def queue(owner: boto3.Session) -> Made:
    owner.client("sqs").create_queue(
        QueueName="orders.fifo",
        tags=TAGS,
        Attributes={"FifoQueue": "true", "KmsMasterKeyId": "alias/orders"},
    )
    return Made(f"arn:aws:sqs:{REGION}:{OWN}:orders.fifo", {"encryption": Present("alias/orders")})


def topic(owner: boto3.Session) -> Made:
    arn = owner.client("sns").create_topic(Name="news", Tags=PAIRS)["TopicArn"]
    return Made(arn, {"encryption": ABSENT, "subscriptions": Present("0")})


def function(owner: boto3.Session) -> Made:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("app.py", "")
    arn = owner.client("lambda").create_function(
        FunctionName="resize",
        Role=owner.client("iam").create_role(RoleName="resize", AssumeRolePolicyDocument=EVERYONE)["Role"][
            "Arn"
        ],
        Runtime="python3.13",
        Handler="app.handler",
        Code={"ZipFile": archive.getvalue()},
        Tags=TAGS,
    )["FunctionArn"]
    # A finding may name a version or an alias. moto lists no function URLs: see ANSWERS.
    return Made(f"{arn}:live", {"function_url": Present("authentication AWS_IAM, authentication NONE")})


def layer_version(owner: boto3.Session) -> Made:
    client = owner.client("lambda")
    client.publish_layer_version(LayerName="fonts", Description="older", Content={"ZipFile": b"y"})
    made = client.publish_layer_version(LayerName="fonts", Description="newer", Content={"ZipFile": b"z"})
    details = {"description": Present("newer"), "created": Present(made["CreatedDate"])}
    return Made(made["LayerVersionArn"], details, tags=ABSENT)


def key(owner: boto3.Session) -> Made:
    kms = owner.client("kms")
    pairs = [{"TagKey": name, "TagValue": value} for name, value in TAGS.items()]
    arn = kms.create_key(Description="Orders", Tags=pairs)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=arn)
    kms.create_alias(AliasName="alias/DevelopmentKey", TargetKeyId=arn)
    details = {"enabled": Present(True), "manager": Present("CUSTOMER"), "description": Present("Orders")}
    return Made(arn, details, aliases=Present(("alias/orders", "alias/DevelopmentKey")))


def secret(owner: boto3.Session) -> Made:
    made = owner.client("secretsmanager").create_secret(
        Name="pay/db", SecretString="s", Description="Password", Tags=PAIRS
    )
    details = {"rotation": Present(False), "description": Present("Password"), "last_accessed": ABSENT}
    return Made(made["ARN"], details)


def file_system(owner: boto3.Session) -> Made:
    made = owner.client("efs").create_file_system(CreationToken="t", Encrypted=True, Tags=PAIRS)
    return Made(made["FileSystemArn"], {"encrypted": Present(True), "name": ABSENT})


def snapshot(owner: boto3.Session) -> Made:
    ec2 = owner.client("ec2")
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    specification = [{"ResourceType": "snapshot", "Tags": PAIRS}]
    made = ec2.create_snapshot(VolumeId=volume, Description="nightly", TagSpecifications=specification)
    details = {
        "encrypted": Present(False),
        "description": Present("nightly"),
        "created": Present(f"{made['StartTime'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),
    }
    return Made(f"arn:aws:ec2:{REGION}::snapshot/{made['SnapshotId']}", details)


def repository(owner: boto3.Session) -> Made:
    made = owner.client("ecr").create_repository(
        repositoryName="team/app", tags=PAIRS, imageScanningConfiguration={"scanOnPush": True}
    )["repository"]
    created = f"{made['createdAt'].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Made(made["repositoryArn"], {"scan_on_push": Present(True), "created": Present(created)})


def db_snapshot(owner: boto3.Session) -> Made:
    rds = owner.client("rds")
    common = {"Engine": "postgres", "MasterUsername": "admin1", "MasterUserPassword": "password1"}
    rds.create_db_instance(
        DBInstanceIdentifier="orders", DBInstanceClass="db.t3.micro", AllocatedStorage=10, **common
    )
    made = rds.create_db_snapshot(DBInstanceIdentifier="orders", DBSnapshotIdentifier="before", Tags=PAIRS)
    details = {"encrypted": Present(False), "database": Present("orders"), "engine": Present("postgres")}
    return Made(made["DBSnapshot"]["DBSnapshotArn"], details)


def db_cluster_snapshot(owner: boto3.Session) -> Made:
    rds = owner.client("rds")
    common = {"Engine": "aurora-mysql", "MasterUsername": "admin1", "MasterUserPassword": "password1"}
    rds.create_db_cluster(DBClusterIdentifier="orders", **common)
    made = rds.create_db_cluster_snapshot(
        DBClusterIdentifier="orders", DBClusterSnapshotIdentifier="before", Tags=PAIRS
    )
    details = {"encrypted": Present(False), "database": Present("orders"), "engine": Present("aurora-mysql")}
    return Made(made["DBClusterSnapshot"]["DBClusterSnapshotArn"], details)


def _table(owner: boto3.Session) -> dict[str, Any]:
    made: dict[str, Any] = owner.client("dynamodb").create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        Tags=PAIRS,
    )["TableDescription"]
    return made


def table(owner: boto3.Session) -> Made:
    return Made(_table(owner)["TableArn"], {"encryption": Present("key owned by AWS"), "items": Present(0)})


def stream(owner: boto3.Session) -> Made:
    return Made(_table(owner)["LatestStreamArn"], {"stream_view": Present("NEW_IMAGE")})


MAKERS: dict[str, Callable[[boto3.Session], Made]] = {
    "AWS::S3::Bucket": bucket,
    "AWS::S3Express::DirectoryBucket": directory_bucket,
    "AWS::IAM::Role": role,
    "AWS::IAM::User": user,
    "AWS::SQS::Queue": queue,
    "AWS::SNS::Topic": topic,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::LayerVersion": layer_version,
    "AWS::KMS::Key": key,
    "AWS::SecretsManager::Secret": secret,
    "AWS::EFS::FileSystem": file_system,
    "AWS::EC2::Snapshot": snapshot,
    "AWS::ECR::Repository": repository,
    "AWS::RDS::DBSnapshot": db_snapshot,
    "AWS::RDS::DBClusterSnapshot": db_cluster_snapshot,
    "AWS::DynamoDB::Table": table,
    "AWS::DynamoDB::Stream": stream,
}
# What moto does not answer.
ANSWERS: dict[str, dict[str, Any]] = {
    "s3control:ListTagsForResource": {"Tags": PAIRS},
    "lambda:ListFunctionUrlConfigs": {
        "FunctionUrlConfigs": [
            {
                "FunctionUrl": "https://example.lambda-url.eu-west-1.on.aws/",
                "FunctionArn": f"arn:aws:lambda:{REGION}:{OWN}:function:resize",
                "CreationTime": "2026-01-01T00:00:00Z",
                "LastModifiedTime": "2026-01-01T00:00:00Z",
                "AuthType": kind,
            }
            for kind in ("NONE", "AWS_IAM", "NONE")
        ]
    },
}
DIRECTORY_BUCKET_ENCRYPTION = {
    "ServerSideEncryptionConfiguration": {
        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    }
}
# Operations whose IAM action has another name.
ACTION_OF = {
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "efs:DescribeFileSystems": "elasticfilesystem:DescribeFileSystems",
    "s3control:ListTagsForResource": "s3express:ListTagsForResource",
}
DENIED = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "s3": "AccessDenied"}


def action_of(call: str, resource_type: str) -> str:
    """Name the IAM action that an operation needs."""
    if resource_type == "AWS::S3Express::DirectoryBucket":
        call = call.replace("s3:GetBucketEncryption", "s3express:GetEncryptionConfiguration")
    return ACTION_OF.get(call, call)


every_type = pytest.mark.parametrize("resource_type", MAKERS)


Found = tuple[Finding, Made]


@pytest.fixture
def made(
    resource_type: str, owner: boto3.Session, wire: Any, aws: Aws, a_finding: Callable[..., Finding]
) -> Found:
    """One resource of the type, and a finding about it; the accounts are known already."""
    made = MAKERS[resource_type](owner)
    wire.answers.update(ANSWERS)
    if resource_type == "AWS::S3Express::DirectoryBucket":
        wire.answers["s3:GetBucketEncryption"] = DIRECTORY_BUCKET_ENCRYPTION
    finding = a_finding(resource_type, made.arn)
    aws.organization.resource_account(OWN)
    wire.forget()
    return finding, made


def test_every_type_is_on_the_table() -> None:
    assert set(ENRICHERS) == set(RESOURCE_TYPES) == set(MAKERS)


@every_type
def test_the_call(made: Found, aws: Aws) -> None:
    finding, expected = made
    context = enrich(finding, aws)
    assert context.tags == expected.tags
    assert context.aliases == expected.aliases
    assert context.details == expected.details


@every_type
def test_access_denied_is_unknown(resource_type: str, made: Found, aws: Aws, wire: Any) -> None:
    """A refusal costs the facts of that request, and no others; never does it look like "no tags"."""
    finding, expected = made
    facts = {"tags": expected.tags, "aliases": expected.aliases, **expected.details}
    enrich(finding, aws)
    for call in tuple(wire.calls):
        code = DENIED.get(call.split(":")[0], "AccessDeniedException")
        wire.faults = {call: code}
        context = enrich(finding, aws)
        lost = [
            fact
            for lookup in ENRICHERS[resource_type].lookups
            if action_of(call, resource_type) in lookup.actions
            for fact in lookup.facts
        ]
        assert lost
        assert {"tags": context.tags, "aliases": context.aliases, **context.details} == {
            **facts,
            **dict.fromkeys(lost, Unknown(code)),
        }


@every_type
def test_declared_actions_are_those_used(resource_type: str, made: Found, aws: Aws, wire: Any) -> None:
    enrich(made[0], aws)
    used = {action_of(call, resource_type) for call in wire.calls}
    assert used == set(ENRICHERS[resource_type].actions)


@every_type
def test_bulk_and_single_tags_agree(resource_type: str, made: Found, aws: Aws) -> None:
    enricher = ENRICHERS[resource_type]
    single = enrich(made[0], aws).tags
    bulk = next(enrich_many([made[0]], aws)).tags
    assert bulk == (single if enricher.bulk_tags or "tags" in enricher.known else NOT_LOOKED_UP)


@every_type
def test_declared_actions_exist(resource_type: str) -> None:
    for action in ENRICHERS[resource_type].actions:
        service, name = action.split(":")
        assert get_action_data(service, name), action


@every_type
def test_an_event_costs_at_most_three_calls(made: Found, aws: Aws, wire: Any) -> None:
    enrich(made[0], aws)
    assert len(wire.calls) <= 3


@every_type
def test_lookups_tell_what_they_promise(resource_type: str, made: Found, aws: Aws) -> None:
    enricher = ENRICHERS[resource_type]
    resource = enricher.resource(made[0])
    told = dict(enricher.known)
    for lookup in enricher.lookups:
        found = lookup.find(aws.sessions.client(lookup.service), resource)
        assert tuple(found) == lookup.facts
        assert not set(told) & set(found)
        told.update(found)
    assert "tags" in told


@every_type
def test_the_arn_of_something_else_is_not_asked_about(
    resource_type: str, aws: Aws, wire: Any, a_finding: Callable[..., Finding]
) -> None:
    for arn in (
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/p",
        "arn:aws:glue:::x",
        "no arn",
        "*",
        "arn:::::",
    ):
        context = enrich(a_finding(resource_type, arn), aws)
        facts = {"tags": context.tags, **context.details}
        asked = {
            fact for lookup in ENRICHERS[resource_type].lookups for fact in lookup.facts if fact in facts
        }
        assert all(facts[fact] == Unknown("unexpected resource ARN") for fact in asked)
    assert all(call.startswith("organizations:") for call in wire.calls)


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


@pytest.mark.parametrize("resource_type", sorted(set(MAKERS) - {"AWS::S3Express::DirectoryBucket"}))
def test_what_is_gone_is_unknown(resource_type: str, made: Found, aws: Aws) -> None:
    """The resource was deleted since: there is no telling what tags it had."""
    BackendDict.reset()
    context = enrich(made[0], aws)
    if "tags" not in ENRICHERS[resource_type].known:
        assert isinstance(context.tags, Unknown)
        assert context.tags.asked


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
