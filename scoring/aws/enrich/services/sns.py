"""SNS topics."""

from collections.abc import Mapping

from scoring.aws.enrich.lookup import Enricher, Facts, Lookup, some, tags


def _attributes(attributes: Mapping[str, str]) -> Facts:
    return {
        "encryption": some(attributes.get("KmsMasterKeyId")),
        "subscriptions": some(attributes.get("SubscriptionsConfirmed")),
    }


TOPIC = Enricher(
    resource_type="AWS::SNS::Topic",
    pattern=r"([\w-]{1,256}(?:\.fifo)?)",
    bulk_tags="sns",
    lookups=(
        Lookup(
            service="sns",
            actions=("sns:ListTagsForResource",),
            facts=("tags",),
            ask=lambda sns, topic: sns.list_tags_for_resource(ResourceArn=topic.arn),
            read=lambda response: {"tags": tags(response.get("Tags"))},
        ),
        Lookup(
            service="sns",
            actions=("sns:GetTopicAttributes",),
            facts=("encryption", "subscriptions"),
            ask=lambda sns, topic: sns.get_topic_attributes(TopicArn=topic.arn)["Attributes"],
            read=_attributes,
        ),
    ),
)
