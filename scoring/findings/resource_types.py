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
    arn : str
        What stands between ``arn:aws:`` and the resource's own name in its ARN, with ``{region}`` and
        ``{account}`` where there are any: ``kms:{region}:{account}:key/``.
    security_hub : str or None
        The type in Security Hub's format; None where Security Hub has no name for it.
    has_path : bool
        Whether a path may stand before the own name: ``role/path/name``.
    is_global : bool
        Whether the analyzers of several regions may report the same resource.
    """

    name: str
    noun: str
    arn: str
    security_hub: str | None = None
    has_path: bool = False
    is_global: bool = False

    @property
    def service(self) -> str:
        """The service in the ARNs of the type: ``kms``."""
        return self.arn.split(":", 3)[0]

    @property
    def prefix(self) -> str:
        """What stands between the account and the own name: ``key/``."""
        return self.arn.split(":", 3)[3]


_ROWS: Final = (
    ResourceType("AWS::S3::Bucket", "S3 bucket", "s3:::", "AwsS3Bucket", is_global=True),
    ResourceType(
        "AWS::S3Express::DirectoryBucket", "S3 directory bucket", "s3express:{region}:{account}:bucket/"
    ),
    ResourceType(
        "AWS::IAM::Role", "IAM role", "iam::{account}:role/", "AwsIamRole", has_path=True, is_global=True
    ),
    ResourceType(
        "AWS::IAM::User", "IAM user", "iam::{account}:user/", "AwsIamUser", has_path=True, is_global=True
    ),
    ResourceType("AWS::SQS::Queue", "SQS queue", "sqs:{region}:{account}:", "AwsSqsQueue"),
    ResourceType("AWS::SNS::Topic", "SNS topic", "sns:{region}:{account}:", "AwsSnsTopic"),
    ResourceType(
        "AWS::Lambda::Function", "Lambda function", "lambda:{region}:{account}:function:", "AwsLambdaFunction"
    ),
    ResourceType(
        "AWS::Lambda::LayerVersion",
        "Lambda layer",
        "lambda:{region}:{account}:layer:",
        "AwsLambdaLayerVersion",
    ),
    ResourceType("AWS::KMS::Key", "KMS key", "kms:{region}:{account}:key/", "AwsKmsKey"),
    ResourceType(
        "AWS::SecretsManager::Secret",
        "secret",
        "secretsmanager:{region}:{account}:secret:",
        "AwsSecretsManagerSecret",
    ),
    ResourceType(
        "AWS::EFS::FileSystem", "EFS file system", "elasticfilesystem:{region}:{account}:file-system/"
    ),
    ResourceType("AWS::EC2::Snapshot", "EBS snapshot", "ec2:{region}::snapshot/"),
    ResourceType(
        "AWS::ECR::Repository", "ECR repository", "ecr:{region}:{account}:repository/", "AwsEcrRepository"
    ),
    ResourceType(
        "AWS::RDS::DBSnapshot", "RDS snapshot", "rds:{region}:{account}:snapshot:", "AwsRdsDbSnapshot"
    ),
    ResourceType(
        "AWS::RDS::DBClusterSnapshot",
        "RDS cluster snapshot",
        "rds:{region}:{account}:cluster-snapshot:",
        "AwsRdsDbClusterSnapshot",
    ),
    ResourceType(
        "AWS::DynamoDB::Table", "DynamoDB table", "dynamodb:{region}:{account}:table/", "AwsDynamoDbTable"
    ),
    ResourceType("AWS::DynamoDB::Stream", "DynamoDB stream", "dynamodb:{region}:{account}:table/"),
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
