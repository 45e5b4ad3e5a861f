"""ECR repositories."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, first, some, tags
from scoring.aws.sessions import Client


def _ask(ecr: Client, repository: Resource) -> Any:
    found = ecr.describe_repositories(registryId=repository.account, repositoryNames=[repository.id])
    return first(found["repositories"])


def _repository(repository: Mapping[str, Any]) -> Facts:
    return {
        "scan_on_push": some(repository.get("imageScanningConfiguration", {}).get("scanOnPush")),
        "created": some(repository.get("createdAt")),
    }


REPOSITORY = Enricher(
    resource_type="AWS::ECR::Repository",
    pattern=r"([a-z0-9._/-]+)",
    lookups=(
        Lookup(
            service="ecr",
            actions=("ecr:ListTagsForResource",),
            facts=("tags",),
            ask=lambda ecr, repository: ecr.list_tags_for_resource(resourceArn=repository.arn),
            read=lambda response: {"tags": tags(response.get("tags"))},
        ),
        Lookup(
            service="ecr",
            actions=("ecr:DescribeRepositories",),
            facts=("scan_on_push", "created"),
            ask=_ask,
            read=_repository,
        ),
    ),
)
