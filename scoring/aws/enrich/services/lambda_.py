"""Lambda functions and layer versions.

GetFunction and GetLayerVersion would tell more in one call, but hand out the code; GetFunctionConfiguration
hands out environment variables. Neither is needed to judge who has access.
"""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, first, some
from scoring.aws.sessions import Client
from scoring.findings.facts import ABSENT


def _ask_urls(client: Client, function: Resource) -> Any:
    pages = client.get_paginator("list_function_url_configs").paginate(FunctionName=function.tagged_arn)
    return pages.build_full_result()["FunctionUrlConfigs"]


def _urls(configs: list[Mapping[str, Any]]) -> Facts:
    kinds = sorted({config["AuthType"] for config in configs})
    return {"function_url": some(", ".join(f"authentication {kind}" for kind in kinds))}


def _ask_layer(client: Client, layer: Resource) -> Any:
    pages = client.get_paginator("list_layer_versions").paginate(LayerName=layer.id)
    versions = pages.build_full_result()["LayerVersions"]
    return first([version for version in versions if version["LayerVersionArn"] == layer.arn])


def _layer(version: Mapping[str, Any]) -> Facts:
    return {"description": some(version.get("Description")), "created": some(version.get("CreatedDate"))}


FUNCTION = Enricher(
    resource_type="AWS::Lambda::Function",
    pattern=r"([\w-]+)(?::[\w$-]+)?",
    bulk_tags="lambda:function",
    lookups=(
        Lookup(
            service="lambda",
            actions=("lambda:ListTags",),
            facts=("tags",),
            ask=lambda client, function: client.list_tags(Resource=function.tagged_arn),
            read=lambda response: {"tags": some(response.get("Tags"))},
        ),
        Lookup(
            service="lambda",
            actions=("lambda:ListFunctionUrlConfigs",),
            facts=("function_url",),
            on_any_resource=True,
            ask=_ask_urls,
            read=_urls,
        ),
    ),
)

LAYER_VERSION = Enricher(
    resource_type="AWS::Lambda::LayerVersion",
    pattern=r"([\w-]+):\d+",
    known={"tags": ABSENT},  # a layer cannot be tagged
    lookups=(
        Lookup(
            service="lambda",
            actions=("lambda:ListLayerVersions",),
            facts=("description", "created"),
            on_any_resource=True,
            ask=_ask_layer,
            read=_layer,
        ),
    ),
)
