"""One resource of each type, made in moto, and what is to be found out about it."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3

from scoring.findings.facts import ABSENT, Present
from scoring.findings.finding import Finding

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


Found = tuple[Finding, Made]


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
