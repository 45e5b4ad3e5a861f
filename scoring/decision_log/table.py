"""The DynamoDB table of the decision log, as a deployment makes it.

Keys are ``finding_id`` and ``item``; the index `BY_EFFECT` has ``effect`` and ``decided_at``.
"""

from typing import Any

from scoring.decision_log import storage

BY_EFFECT = "by_effect"
EXPIRES_AT = storage.EXPIRES_AT


def definition(name: str) -> dict[str, Any]:
    """Return the arguments of CreateTable."""
    return {
        "TableName": name,
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "S"}
            for key in ("finding_id", "item", "effect", "decided_at")
        ],
        "KeySchema": _schema("finding_id", "item"),
        "GlobalSecondaryIndexes": [
            {
                "IndexName": BY_EFFECT,
                "KeySchema": _schema("effect", "decided_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }


def create(client: Any, name: str) -> None:
    """Create the table, with its time to live; returns when it can be used."""
    client.create_table(**definition(name))
    client.get_waiter("table_exists").wait(TableName=name)
    client.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRES_AT}
    )


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
