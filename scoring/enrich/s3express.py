"""S3 directory buckets (Express One Zone)."""

from scoring.enrich.lookup import Enricher, Lookup, tags
from scoring.enrich.s3 import encryption

DIRECTORY_BUCKET = Enricher(
    service="s3express",
    pattern=r"bucket/([a-z0-9.-]+--[a-z0-9-]+--x-s3)",
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
            read=encryption,
        ),
    ),
)
