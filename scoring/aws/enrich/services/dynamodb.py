"""DynamoDB tables and their streams. A stream carries no tags of its own: its table's speak for it."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, some, tags
from scoring.aws.sessions import Client


def _ask_tags(dynamodb: Client, resource: Resource) -> Any:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=resource.tagged_arn)
    return pages.build_full_result()


def _ask_table(dynamodb: Client, resource: Resource) -> Any:
    return dynamodb.describe_table(TableName=resource.id)["Table"]


def _table(table: Mapping[str, Any]) -> Facts:
    key = table.get("SSEDescription", {})
    return {
        "encryption": some(key.get("KMSMasterKeyArn") or key.get("SSEType") or "key owned by AWS"),
        "items": some(table.get("ItemCount")),
    }


def _stream(table: Mapping[str, Any]) -> Facts:
    return {"stream_view": some(table.get("StreamSpecification", {}).get("StreamViewType"))}


_TAGS = Lookup(
    service="dynamodb",
    actions=("dynamodb:ListTagsOfResource",),
    facts=("tags",),
    ask=_ask_tags,
    read=lambda response: {"tags": tags(response["Tags"])},
)

TABLE = Enricher(
    resource_type="AWS::DynamoDB::Table",
    pattern=r"([\w.-]+)",
    bulk_tags="dynamodb:table",
    lookups=(
        _TAGS,
        Lookup(
            service="dynamodb",
            actions=("dynamodb:DescribeTable",),
            facts=("encryption", "items"),
            ask=_ask_table,
            read=_table,
        ),
    ),
)

STREAM = Enricher(
    resource_type="AWS::DynamoDB::Stream",
    pattern=r"([\w.-]+)/stream/[\w:.-]+",
    bulk_tags="dynamodb:table",
    lookups=(
        _TAGS,
        Lookup(
            service="dynamodb",
            actions=("dynamodb:DescribeTable",),
            facts=("stream_view",),
            ask=_ask_table,
            read=_stream,
        ),
    ),
)
