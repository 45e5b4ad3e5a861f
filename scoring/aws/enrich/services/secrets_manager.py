"""Secrets Manager secrets. DescribeSecret never gives the secret's value."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, some, tags


def _secret(secret: Mapping[str, Any]) -> Facts:
    return {
        "tags": tags(secret.get("Tags")),
        "rotation": some(bool(secret.get("RotationEnabled"))),
        "description": some(secret.get("Description")),
        "last_accessed": some(secret.get("LastAccessedDate")),
    }


SECRET = Enricher(
    resource_type="AWS::SecretsManager::Secret",
    pattern=r"([\w/+=.@!-]+)",
    bulk_tags="secretsmanager:secret",
    lookups=(
        Lookup(
            service="secretsmanager",
            actions=("secretsmanager:DescribeSecret",),
            facts=("tags", "rotation", "description", "last_accessed"),
            ask=lambda client, secret: client.describe_secret(SecretId=secret.arn),
            read=_secret,
        ),
    ),
)
