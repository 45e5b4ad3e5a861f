"""KMS keys."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, some, tags
from scoring.aws.sessions import Client


def _pages(operation: str, kms: Client, key: Resource) -> Any:
    return kms.get_paginator(operation).paginate(KeyId=key.arn).build_full_result()


def _describe(key: Mapping[str, Any]) -> Facts:
    return {
        "enabled": some(key.get("Enabled")),
        "manager": some(key.get("KeyManager")),
        "description": some(key.get("Description")),
    }


KEY = Enricher(
    resource_type="AWS::KMS::Key",
    pattern=r"([\w-]+)",
    bulk_tags="kms:key",
    lookups=(
        Lookup(
            service="kms",
            actions=("kms:ListResourceTags",),
            facts=("tags",),
            ask=lambda kms, key: _pages("list_resource_tags", kms, key),
            read=lambda response: {"tags": tags(response["Tags"], "TagKey", "TagValue")},
        ),
        Lookup(
            service="kms",
            actions=("kms:ListAliases",),
            facts=("aliases",),
            on_any_resource=True,
            ask=lambda kms, key: _pages("list_aliases", kms, key),
            read=lambda response: {"aliases": some(tuple(a["AliasName"] for a in response["Aliases"]))},
        ),
        Lookup(
            service="kms",
            actions=("kms:DescribeKey",),
            facts=("enabled", "manager", "description"),
            ask=lambda kms, key: kms.describe_key(KeyId=key.arn)["KeyMetadata"],
            read=_describe,
        ),
    ),
)
