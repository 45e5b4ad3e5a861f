"""The resource types: how common each is, its ARN, and what is granted on it.

The access level beside each set of actions is the one of the Service Authorization Reference: the highest of
the set.
"""

from dataclasses import dataclass

LEVELS = ("List", "Read", "Tagging", "Write", "Permissions management")

Grant = tuple[int, float, tuple[str, ...]]  # index into LEVELS, weight, actions


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource type: how common it is, what its ARN looks like, what is granted on it."""

    type: str
    weight: float
    arn: str
    grants: tuple[Grant, ...]
    public: bool = False  # whether a policy on it is at times opened to everyone
    services: tuple[str, ...] = ()  # service principals that are given access to it
    internal: bool = False  # whether internal access findings exist for it


_ROLE_GRANTS: tuple[Grant, ...] = (
    (3, 0.8, ("sts:AssumeRole",)),
    (3, 0.2, ("sts:AssumeRole", "sts:TagSession")),
)
_TABLE_GRANTS: tuple[Grant, ...] = (
    (1, 0.55, ("dynamodb:GetItem", "dynamodb:Query")),
    (1, 0.15, ("dynamodb:DescribeTable", "dynamodb:Scan")),
    (3, 0.24, ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")),
    (4, 0.06, ("dynamodb:PutItem", "dynamodb:PutResourcePolicy")),
)

KINDS: tuple[Kind, ...] = (
    Kind(
        "AWS::S3::Bucket",
        22,
        "arn:aws:s3:::{name}",
        (
            (0, 0.16, ("s3:ListBucket",)),
            (1, 0.3, ("s3:GetObject",)),
            (1, 0.18, ("s3:GetObject", "s3:ListBucket")),
            (2, 0.03, ("s3:GetObject", "s3:PutObjectTagging")),
            (3, 0.24, ("s3:GetObject", "s3:PutObject")),
            (3, 0.04, ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")),
            (4, 0.05, ("s3:PutBucketPolicy", "s3:PutObjectAcl")),
        ),
        public=True,
        services=("logging.s3.amazonaws.com", "cloudtrail.amazonaws.com", "delivery.logs.amazonaws.com"),
        internal=True,
    ),
    Kind(
        "AWS::S3Express::DirectoryBucket",
        2,
        "arn:aws:s3express:{region}:{account}:bucket/{name}--use1-az4--x-s3",
        (
            (3, 0.9, ("s3express:CreateSession",)),
            (4, 0.1, ("s3express:CreateSession", "s3express:PutBucketPolicy")),
        ),
        internal=True,
    ),
    Kind("AWS::IAM::Role", 24, "arn:aws:iam::{account}:role/{name}", _ROLE_GRANTS, public=True),
    Kind("AWS::IAM::User", 5, "arn:aws:iam::{account}:user/{name}", ()),
    Kind(
        "AWS::SQS::Queue",
        9,
        "arn:aws:sqs:{region}:{account}:{name}",
        (
            (1, 0.08, ("sqs:GetQueueAttributes", "sqs:GetQueueUrl")),
            (1, 0.22, ("sqs:GetQueueAttributes", "sqs:ReceiveMessage")),
            (3, 0.52, ("sqs:SendMessage",)),
            (3, 0.12, ("sqs:DeleteMessage", "sqs:ReceiveMessage")),
            (4, 0.06, ("sqs:AddPermission", "sqs:SendMessage", "sqs:SetQueueAttributes")),
        ),
        public=True,
        services=("sns.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"),
    ),
    Kind(
        "AWS::SNS::Topic",
        6,
        "arn:aws:sns:{region}:{account}:{name}",
        (
            (1, 0.1, ("sns:GetTopicAttributes",)),
            (3, 0.5, ("sns:Publish",)),
            (3, 0.34, ("sns:Subscribe",)),
            (4, 0.06, ("sns:AddPermission", "sns:SetTopicAttributes")),
        ),
        public=True,
        services=("cloudwatch.amazonaws.com", "s3.amazonaws.com", "budgets.amazonaws.com"),
    ),
    Kind(
        "AWS::Lambda::Function",
        5,
        "arn:aws:lambda:{region}:{account}:function:{name}",
        (
            (1, 0.14, ("lambda:GetFunction",)),
            (3, 0.7, ("lambda:InvokeFunction",)),
            (3, 0.1, ("lambda:GetFunction", "lambda:UpdateFunctionCode")),
            (4, 0.06, ("lambda:AddPermission", "lambda:InvokeFunction")),
        ),
        public=True,
        services=("apigateway.amazonaws.com", "s3.amazonaws.com", "events.amazonaws.com"),
    ),
    Kind(
        "AWS::Lambda::LayerVersion",
        2,
        "arn:aws:lambda:{region}:{account}:layer:{name}:{number}",
        ((1, 1.0, ("lambda:GetLayerVersion",)),),
        public=True,
    ),
    Kind(
        "AWS::KMS::Key",
        11,
        "arn:aws:kms:{region}:{account}:key/{uuid}",
        (
            (1, 0.1, ("kms:DescribeKey",)),
            (3, 0.46, ("kms:Decrypt", "kms:DescribeKey")),
            (3, 0.3, ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")),
            (4, 0.1, ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey")),
            (4, 0.04, ("kms:PutKeyPolicy", "kms:TagResource")),
        ),
        services=("logs.eu-west-1.amazonaws.com", "cloudtrail.amazonaws.com"),
    ),
    Kind(
        "AWS::SecretsManager::Secret",
        5,
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}",
        (
            (1, 0.16, ("secretsmanager:DescribeSecret",)),
            (1, 0.66, ("secretsmanager:GetSecretValue",)),
            (3, 0.12, ("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue")),
            (4, 0.06, ("secretsmanager:GetSecretValue", "secretsmanager:PutResourcePolicy")),
        ),
        services=("serverlessrepo.amazonaws.com",),
    ),
    Kind(
        "AWS::EFS::FileSystem",
        2,
        "arn:aws:elasticfilesystem:{region}:{account}:file-system/fs-{hex}",
        (
            (1, 0.4, ("elasticfilesystem:ClientMount",)),
            (3, 0.5, ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")),
            (3, 0.1, ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess")),
        ),
        public=True,
    ),
    Kind(
        "AWS::EC2::Snapshot",
        3,
        "arn:aws:ec2:{region}::snapshot/snap-{hex}",
        ((3, 0.7, ("ec2:CreateVolume",)), (3, 0.3, ("ec2:CopySnapshot", "ec2:CreateVolume"))),
        public=True,
    ),
    Kind(
        "AWS::ECR::Repository",
        4,
        "arn:aws:ecr:{region}:{account}:repository/{name}",
        (
            (0, 0.12, ("ecr:DescribeImages", "ecr:ListImages")),
            (1, 0.64, ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")),
            (
                3,
                0.2,
                ("ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
            ),
            (4, 0.04, ("ecr:BatchGetImage", "ecr:SetRepositoryPolicy")),
        ),
        public=True,
    ),
    Kind(
        "AWS::RDS::DBSnapshot",
        2,
        "arn:aws:rds:{region}:{account}:snapshot:{name}",
        ((3, 1.0, ("rds:CopyDBSnapshot", "rds:RestoreDBInstanceFromDBSnapshot")),),
        public=True,
        internal=True,
    ),
    Kind(
        "AWS::RDS::DBClusterSnapshot",
        2,
        "arn:aws:rds:{region}:{account}:cluster-snapshot:{name}",
        ((3, 1.0, ("rds:CopyDBClusterSnapshot", "rds:RestoreDBClusterFromSnapshot")),),
        public=True,
        internal=True,
    ),
    Kind(
        "AWS::DynamoDB::Table",
        4,
        "arn:aws:dynamodb:{region}:{account}:table/{name}",
        _TABLE_GRANTS,
        internal=True,
    ),
    Kind(
        "AWS::DynamoDB::Stream",
        2,
        "arn:aws:dynamodb:{region}:{account}:table/{name}/stream/2025-11-{day}T10:22:31.482",
        ((1, 1.0, ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")),),
        services=("replication.dynamodb.amazonaws.com",),
        internal=True,
    ),
)

KIND_INDEX = {kind.type: number for number, kind in enumerate(KINDS)}
