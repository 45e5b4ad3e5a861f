"""The resources an embedded organization can have: a literal table from resource type to what makes one.

Each maker takes a boto3 session in the owning account and region, and returns the ARN that a finding about
the resource would name.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

_DB_LOGIN = {"MasterUsername": "admin", "MasterUserPassword": "not a secret"}
TRUST_NOBODY: Mapping[str, Any] = {"Version": "2012-10-17", "Statement": []}


@dataclass(frozen=True)
class Resource:
    """A resource of an account.

    Parameters
    ----------
    type
        One of AWS's resource types; `MAKERS` lists those that can be made.
    name
        Its name; keys and EC2 snapshots have none and are only called so in the description.
    aliases
        Aliases of a KMS key, without `alias/`.
    path
        The path of an IAM role or user.
    trust
        The trust policy of an IAM role.
    """

    type: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    path: str = "/"
    trust: Mapping[str, Any] = field(default_factory=lambda: dict(TRUST_NOBODY))

    def __post_init__(self) -> None:
        if self.type not in MAKERS:
            raise ValueError(f"type: cannot make {self.type!r}, only {', '.join(MAKERS)}")


def _bucket(session: boto3.Session, resource: Resource) -> str:
    client = session.client("s3")
    where = {} if session.region_name == "us-east-1" else {"LocationConstraint": session.region_name}
    client.create_bucket(Bucket=resource.name, **({"CreateBucketConfiguration": where} if where else {}))
    if resource.tags:
        client.put_bucket_tagging(Bucket=resource.name, Tagging={"TagSet": _tags(resource)})
    return f"arn:aws:s3:::{resource.name}"


def _key(session: boto3.Session, resource: Resource) -> str:
    client = session.client("kms")
    tags = [{"TagKey": key, "TagValue": value} for key, value in resource.tags.items()]
    key = client.create_key(Description=resource.name, Tags=tags)["KeyMetadata"]
    for alias in resource.aliases:
        client.create_alias(AliasName=f"alias/{alias}", TargetKeyId=key["KeyId"])
    return str(key["Arn"])


def _role(session: boto3.Session, resource: Resource) -> str:
    made = session.client("iam").create_role(
        RoleName=resource.name,
        Path=resource.path,
        AssumeRolePolicyDocument=json.dumps(dict(resource.trust)),
        Tags=_tags(resource),
    )
    return str(made["Role"]["Arn"])


def _user(session: boto3.Session, resource: Resource) -> str:
    made = session.client("iam").create_user(UserName=resource.name, Path=resource.path, Tags=_tags(resource))
    return str(made["User"]["Arn"])


def _queue(session: boto3.Session, resource: Resource) -> str:
    client = session.client("sqs")
    url = client.create_queue(QueueName=resource.name, tags=dict(resource.tags))["QueueUrl"]
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(told["Attributes"]["QueueArn"])


def _topic(session: boto3.Session, resource: Resource) -> str:
    return str(session.client("sns").create_topic(Name=resource.name, Tags=_tags(resource))["TopicArn"])


def _secret(session: boto3.Session, resource: Resource) -> str:
    made = session.client("secretsmanager").create_secret(
        Name=resource.name, SecretString="example", Tags=_tags(resource)
    )
    return str(made["ARN"])


def _table(session: boto3.Session, resource: Resource) -> str:
    made = session.client("dynamodb").create_table(
        TableName=resource.name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=_tags(resource),
    )
    return str(made["TableDescription"]["TableArn"])


def _repository(session: boto3.Session, resource: Resource) -> str:
    made = session.client("ecr").create_repository(repositoryName=resource.name, tags=_tags(resource))
    return str(made["repository"]["repositoryArn"])


def _file_system(session: boto3.Session, resource: Resource) -> str:
    made = session.client("efs").create_file_system(CreationToken=resource.name, Tags=_tags(resource))
    return str(made["FileSystemArn"])


def _function(session: boto3.Session, resource: Resource) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return None\n")
    role = session.client("iam").create_role(
        RoleName=f"{resource.name}-role", AssumeRolePolicyDocument=json.dumps(dict(resource.trust))
    )
    made = session.client("lambda").create_function(
        FunctionName=resource.name,
        Runtime="python3.13",
        Handler="app.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
        Tags=dict(resource.tags),
    )
    return str(made["FunctionArn"])


def _volume_snapshot(session: boto3.Session, resource: Resource) -> str:
    client = session.client("ec2")
    volume = client.create_volume(AvailabilityZone=f"{session.region_name}a", Size=1)["VolumeId"]
    tags = [{"Key": "Name", "Value": resource.name}, *_tags(resource)]
    made = client.create_snapshot(
        VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}]
    )
    return f"arn:aws:ec2:{session.region_name}::snapshot/{made['SnapshotId']}"


def _db_snapshot(session: boto3.Session, resource: Resource) -> str:
    client = session.client("rds")
    client.create_db_instance(
        DBInstanceIdentifier=f"{resource.name}-db",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        **_DB_LOGIN,
    )
    made = client.create_db_snapshot(
        DBSnapshotIdentifier=resource.name,
        DBInstanceIdentifier=f"{resource.name}-db",
        Tags=_tags(resource),
    )
    return str(made["DBSnapshot"]["DBSnapshotArn"])


def _db_cluster_snapshot(session: boto3.Session, resource: Resource) -> str:
    client = session.client("rds")
    client.create_db_cluster(
        DBClusterIdentifier=f"{resource.name}-db", Engine="aurora-postgresql", **_DB_LOGIN
    )
    made = client.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=resource.name,
        DBClusterIdentifier=f"{resource.name}-db",
        Tags=_tags(resource),
    )
    return str(made["DBClusterSnapshot"]["DBClusterSnapshotArn"])


def _tags(resource: Resource) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in resource.tags.items()]


MAKERS: Mapping[str, Callable[[boto3.Session, Resource], str]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::KMS::Key": _key,
    "AWS::IAM::Role": _role,
    "AWS::IAM::User": _user,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::DynamoDB::Table": _table,
    "AWS::ECR::Repository": _repository,
    "AWS::EFS::FileSystem": _file_system,
    "AWS::Lambda::Function": _function,
    "AWS::EC2::Snapshot": _volume_snapshot,
    "AWS::RDS::DBSnapshot": _db_snapshot,
    "AWS::RDS::DBClusterSnapshot": _db_cluster_snapshot,
}
