"""The table of resource types that Access Analyzer reports: one row each, and the only one.

A type without a row is scored with what is known, shown as ``resource (AWS::New::Type)``, and never archived
(guardrail ``unknown_type``).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from scoring.findings.arn import Arn


class ResourceType(NamedTuple):
    """One resource type.

    Attributes
    ----------
    name : str
        As CloudFormation and Access Analyzer write it, such as ``AWS::KMS::Key``.
    noun : str
        As people say it, such as ``KMS key``.
    service : str
        The service in the ARNs of the type: ``kms`` in ``arn:aws:kms:...``.
    prefix : str
        What stands between the account and the resource's own name in its ARN: ``key/``.
    security_hub : str or None
        The type in Security Hub's format; None where Security Hub has no name for it.
    has_path : bool
        Whether a path may stand before the own name: ``role/path/name``.
    is_global : bool
        Whether the analyzers of several regions may report the same resource.
    """

    name: str
    noun: str
    service: str
    prefix: str = ""
    security_hub: str | None = None
    has_path: bool = False
    is_global: bool = False


_ROWS: Final = (
    ResourceType("AWS::S3::Bucket", "S3 bucket", "s3", security_hub="AwsS3Bucket", is_global=True),
    ResourceType("AWS::S3Express::DirectoryBucket", "S3 directory bucket", "s3express", "bucket/"),
    ResourceType("AWS::IAM::Role", "IAM role", "iam", "role/", "AwsIamRole", has_path=True, is_global=True),
    ResourceType("AWS::IAM::User", "IAM user", "iam", "user/", "AwsIamUser", has_path=True, is_global=True),
    ResourceType("AWS::SQS::Queue", "SQS queue", "sqs", security_hub="AwsSqsQueue"),
    ResourceType("AWS::SNS::Topic", "SNS topic", "sns", security_hub="AwsSnsTopic"),
    ResourceType("AWS::Lambda::Function", "Lambda function", "lambda", "function:", "AwsLambdaFunction"),
    ResourceType("AWS::Lambda::LayerVersion", "Lambda layer", "lambda", "layer:", "AwsLambdaLayerVersion"),
    ResourceType("AWS::KMS::Key", "KMS key", "kms", "key/", "AwsKmsKey"),
    ResourceType(
        "AWS::SecretsManager::Secret", "secret", "secretsmanager", "secret:", "AwsSecretsManagerSecret"
    ),
    ResourceType("AWS::EFS::FileSystem", "EFS file system", "elasticfilesystem", "file-system/"),
    ResourceType("AWS::EC2::Snapshot", "EBS snapshot", "ec2", "snapshot/"),
    ResourceType("AWS::ECR::Repository", "ECR repository", "ecr", "repository/", "AwsEcrRepository"),
    ResourceType("AWS::RDS::DBSnapshot", "RDS snapshot", "rds", "snapshot:", "AwsRdsDbSnapshot"),
    ResourceType(
        "AWS::RDS::DBClusterSnapshot",
        "RDS cluster snapshot",
        "rds",
        "cluster-snapshot:",
        "AwsRdsDbClusterSnapshot",
    ),
    ResourceType("AWS::DynamoDB::Table", "DynamoDB table", "dynamodb", "table/", "AwsDynamoDbTable"),
    ResourceType("AWS::DynamoDB::Stream", "DynamoDB stream", "dynamodb", "table/"),
)

TABLE: Final[Mapping[str, ResourceType]] = MappingProxyType({row.name: row for row in _ROWS})
RESOURCE_TYPES: Final = tuple(TABLE)


def own_name(resource_type: str, resource: str) -> str:
    """Return a resource's own name, without the rest of its ARN; the whole text where it is no ARN.

    Examples
    --------
    >>> own_name("AWS::IAM::Role", "arn:aws:iam::111122223333:role/ci/deploy")
    'ci/deploy'
    >>> own_name("AWS::New::Type", "arn:aws:new:eu-west-1:111122223333:thing/one")
    'thing/one'
    """
    arn = Arn.try_parse(resource)
    own = (arn.resource if arn else "") or resource
    row = TABLE.get(resource_type)
    return (own.removeprefix(row.prefix) if row else own) or own
