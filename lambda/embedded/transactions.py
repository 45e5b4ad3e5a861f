"""Transactions of DynamoDB in a table with many items, which moto copies whole for each of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch


@contextmanager
def cheap() -> Iterator[None]:
    """Copy, inside the block, no more of a table than a transaction can change.

    Before a transaction moto sets a deep copy of each table aside, to put it back should the transaction
    fail. Here it is a copy of the partitions that the transaction names.

    Examples
    --------
    >>> from embedded import EmbeddedAws
    >>> with EmbeddedAws() as aws, cheap():
    ...     dynamodb = aws.client("dynamodb")
    ...     made = dynamodb.create_table(TableName="log", BillingMode="PAY_PER_REQUEST",
    ...         KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    ...         AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    ...     made = dynamodb.put_item(TableName="log", Item={"id": {"S": "1"}, "n": {"N": "1"}})
    ...     change = {"TableName": "log", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET n = n + :one",
    ...               "ExpressionAttributeValues": {":one": {"N": "1"}}}
    ...     refused = {"TableName": "log", "Item": {"id": {"S": "2"}},
    ...                "ConditionExpression": "attribute_exists(id)"}
    ...     try:
    ...         dynamodb.transact_write_items(TransactItems=[{"Update": change}, {"Put": refused}])
    ...     except dynamodb.exceptions.TransactionCanceledException:
    ...         dynamodb.scan(TableName="log")["Items"]
    [{'id': {'S': '1'}, 'n': {'N': '1'}}]
    """
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.dynamo_type import DynamoType
    from moto.dynamodb.models.table import Table

    transact = DynamoDBBackend.transact_write_items
    named: list[tuple[str, Mapping[str, Any]]] = []

    def transact_write_items(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        operations = [operation for item in items for operation in item.values()]
        named[:] = [(one.get("TableName", ""), one.get("Key") or one.get("Item", {})) for one in operations]
        try:
            transact(backend, items)
        finally:
            named.clear()

    def set_aside(table: Table, memo: dict[int, Any]) -> Table:
        kept = cast(Table, Table.__new__(Table))
        if not named:  # a copy for another purpose
            memo[id(table)] = kept
            kept.__dict__.update(copy.deepcopy(table.__dict__, memo))
            return kept
        kept.__dict__.update(table.__dict__, items=copy.copy(table.items))
        for name, attributes in named:
            if name == table.name and table.hash_key_attr in attributes:
                key = DynamoType(attributes[table.hash_key_attr])
                if key in kept.items:
                    kept.items[key] = copy.deepcopy(table.items[key])
        return kept

    with (
        patch.object(DynamoDBBackend, "transact_write_items", transact_write_items),
        patch.object(Table, "__deepcopy__", set_aside, create=True),
    ):
        yield
