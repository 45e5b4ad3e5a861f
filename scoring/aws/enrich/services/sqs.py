"""SQS queues."""

from collections.abc import Mapping
from typing import Any

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, Resource, some
from scoring.aws.sessions import Client


def _url(sqs: Client, queue: Resource) -> str:
    # A queue's URL is its region's endpoint, the account and the name: no GetQueueUrl is needed.
    return f"{sqs.meta.endpoint_url.rstrip('/')}/{queue.account}/{queue.id}"


def _ask_attributes(sqs: Client, queue: Resource) -> Any:
    names = ["KmsMasterKeyId", "SqsManagedSseEnabled"]
    return sqs.get_queue_attributes(QueueUrl=_url(sqs, queue), AttributeNames=names)


def _encryption(response: Mapping[str, Any]) -> Facts:
    attributes = response.get("Attributes", {})
    managed = "key owned by SQS" if attributes.get("SqsManagedSseEnabled") == "true" else None
    return {"encryption": some(attributes.get("KmsMasterKeyId") or managed)}


QUEUE = Enricher(
    resource_type="AWS::SQS::Queue",
    pattern=r"([\w-]{1,80}(?:\.fifo)?)",
    bulk_tags="sqs",
    lookups=(
        Lookup(
            service="sqs",
            actions=("sqs:ListQueueTags",),
            facts=("tags",),
            ask=lambda sqs, queue: sqs.list_queue_tags(QueueUrl=_url(sqs, queue)),
            read=lambda response: {"tags": some(response.get("Tags"))},
        ),
        Lookup(
            service="sqs",
            actions=("sqs:GetQueueAttributes",),
            facts=("encryption",),
            ask=_ask_attributes,
            read=_encryption,
        ),
    ),
)
