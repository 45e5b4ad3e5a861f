"""S3 buckets: general purpose buckets and directory buckets."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, some, tags

# The four switches of a bucket's public access block, as the API names them.
_SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def _owned(bucket: Resource) -> dict[str, str]:
    # By name, not by ARN; and with the owner, for a stranger may have made a bucket of that name after us.
    return {"Bucket": bucket.id, "ExpectedBucketOwner": bucket.account}


def _public_access_block(response: Mapping[str, Any]) -> Facts:
    switches = response["PublicAccessBlockConfiguration"]
    off = [switch for switch in _SWITCHES if not switches.get(switch)]
    return {"public_access_block": some(f"without {', '.join(off)}" if off else "complete")}


def _encryption(response: Mapping[str, Any]) -> Facts:
    """Read a bucket's default encryption: the algorithm, and the key where one is named."""
    rules = response["ServerSideEncryptionConfiguration"]["Rules"]
    defaults = [rule.get("ApplyServerSideEncryptionByDefault", {}) for rule in rules]
    shown = [f"{d['SSEAlgorithm']} {d.get('KMSMasterKeyID', '')}".strip() for d in defaults if d]
    return {"encryption": some(", ".join(shown))}


BUCKET = Enricher(
    resource_type="AWS::S3::Bucket",
    pattern=r"([\w.-]{3,255})",
    bulk_tags="s3",
    lookups=(
        Lookup(
            service="s3",
            actions=("s3:GetBucketTagging",),
            facts=("tags",),
            ask=lambda s3, bucket: s3.get_bucket_tagging(**_owned(bucket)),
            read=lambda response: {"tags": tags(response["TagSet"])},
            nothing=("NoSuchTagSet",),
        ),
        Lookup(
            service="s3",
            actions=("s3:GetBucketPublicAccessBlock",),
            facts=("public_access_block",),
            ask=lambda s3, bucket: s3.get_public_access_block(**_owned(bucket)),
            read=_public_access_block,
            nothing=("NoSuchPublicAccessBlockConfiguration",),
        ),
        Lookup(
            service="s3",
            actions=("s3:GetEncryptionConfiguration",),
            facts=("encryption",),
            ask=lambda s3, bucket: s3.get_bucket_encryption(**_owned(bucket)),
            read=_encryption,
            nothing=("ServerSideEncryptionConfigurationNotFoundError",),
        ),
    ),
)

DIRECTORY_BUCKET = Enricher(
    resource_type="AWS::S3Express::DirectoryBucket",
    pattern=r"([a-z0-9.-]+--[a-z0-9-]+--x-s3)",
    lookups=(
        Lookup(
            service="s3control",
            actions=("s3express:ListTagsForResource",),
            facts=("tags",),
            ask=lambda control, bucket: control.list_tags_for_resource(
                AccountId=bucket.account, ResourceArn=bucket.arn
            ),
            read=lambda response: {"tags": tags(response.get("Tags"))},
        ),
        Lookup(
            service="s3",
            actions=("s3express:GetEncryptionConfiguration",),
            facts=("encryption",),
            # Directory buckets refuse ExpectedBucketOwner; only the owner may ask at all.
            ask=lambda s3, bucket: s3.get_bucket_encryption(Bucket=bucket.id),
            read=_encryption,
        ),
    ),
)
