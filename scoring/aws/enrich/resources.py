"""Every resource type that has an enricher, and the enricher.

docs/how-to/resource-type.md says how a type is added.
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

_ENRICHERS = (
    s3.BUCKET,
    s3.DIRECTORY_BUCKET,
    iam.ROLE,
    iam.USER,
    sqs.QUEUE,
    sns.TOPIC,
    lambda_.FUNCTION,
    lambda_.LAYER_VERSION,
    kms.KEY,
    secrets_manager.SECRET,
    efs.FILE_SYSTEM,
    ec2.SNAPSHOT,
    ecr.REPOSITORY,
    rds.DB_SNAPSHOT,
    rds.DB_CLUSTER_SNAPSHOT,
    dynamodb.TABLE,
    dynamodb.STREAM,
)
ENRICHERS: dict[str, Enricher] = {enricher.resource_type: enricher for enricher in _ENRICHERS}
