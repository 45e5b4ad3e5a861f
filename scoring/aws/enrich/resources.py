"""Every resource type that Access Analyzer names, and who finds out about it.

A new type is one module, one line here, one test of the call and one of AccessDenied.
"""

from scoring.aws.enrich.lookup import Enricher
from scoring.aws.enrich.services import (
    dynamodb,
    ec2,
    ecr,
    efs,
    iam,
    kms,
    lambda_,
    rds,
    s3,
    secrets_manager,
    sns,
    sqs,
)
from scoring.aws.enrich.services import s3 as s3_module

ENRICHERS: dict[str, Enricher] = {
    "AWS::S3::Bucket": s3.BUCKET,
    "AWS::S3Express::DirectoryBucket": s3_module.DIRECTORY_BUCKET,
    "AWS::IAM::Role": iam.ROLE,
    "AWS::IAM::User": iam.USER,
    "AWS::SQS::Queue": sqs.QUEUE,
    "AWS::SNS::Topic": sns.TOPIC,
    "AWS::Lambda::Function": lambda_.FUNCTION,
    "AWS::Lambda::LayerVersion": lambda_.LAYER_VERSION,
    "AWS::KMS::Key": kms.KEY,
    "AWS::SecretsManager::Secret": secrets_manager.SECRET,
    "AWS::EFS::FileSystem": efs.FILE_SYSTEM,
    "AWS::EC2::Snapshot": ec2.SNAPSHOT,
    "AWS::ECR::Repository": ecr.REPOSITORY,
    "AWS::RDS::DBSnapshot": rds.DB_SNAPSHOT,
    "AWS::RDS::DBClusterSnapshot": rds.DB_CLUSTER_SNAPSHOT,
    "AWS::DynamoDB::Table": dynamodb.TABLE,
    "AWS::DynamoDB::Stream": dynamodb.STREAM,
}
