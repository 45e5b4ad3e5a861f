"""Makes moto faster with many findings: leaves out slow work whose result nobody reads.

The demo with 300 findings takes 11 s of processor time; without the patches, transactions would add 38 s,
sorting 6 s and keys 0.7 s.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch


@contextmanager
def patched() -> Iterator[None]:
    """Patch moto inside the block; what the API answers is the same.

    A transaction of DynamoDB copies the partitions that it names and not whole tables, and no copy is kept;
    a query sorts keys by their plain values; a symmetric key of KMS gets no RSA key beside it.

    Examples
    --------
    >>> from embedded import EmbeddedAws
    >>> with EmbeddedAws() as aws:  # which is patched
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
    with _small_transactions(), _sorted_partitions(), _plain_keys():
        yield


@contextmanager
def _plain_keys() -> Iterator[None]:
    from moto.kms import models
    from moto.kms.utils import generate_private_key as make

    def generate_private_key(key_spec: str) -> Any:
        return None if key_spec == "SYMMETRIC_DEFAULT" else make(key_spec)

    with patch.object(models, "generate_private_key", generate_private_key):
        yield


@contextmanager
def _sorted_partitions() -> Iterator[None]:
    """Sort a table's items, as each query does, partition by partition and each key read once.

    moto compares all items of the table in pairs, and converts both keys for every comparison.
    """
    from moto.dynamodb.models.dynamo_type import DynamoType, Item
    from moto.dynamodb.models.table import Table

    def value(pair: tuple[DynamoType, Any]) -> Any:
        return pair[0].cast_value

    def all_items(table: Table) -> list[Item]:
        partitions = [items for _, items in sorted(table.items.items(), key=value)]
        if not table.range_key_attr:
            return cast(list[Item], partitions)
        return [item for items in partitions for _, item in sorted(items.items(), key=value)]

    with patch.object(Table, "all_items", all_items):
        yield


@contextmanager
def _small_transactions() -> Iterator[None]:
    """Copy only those parts of a table that a transaction can change.

    Before a transaction moto sets a deep copy of each table aside, to put it back should the transaction
    fail. Here it is a copy of the partitions that the transaction names.
    """
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.dynamo_type import DynamoType, Item
    from moto.dynamodb.models.table import Table

    transact = DynamoDBBackend.transact_write_items
    named: list[tuple[str, Mapping[str, Any]]] = []
    aside: dict[str, Table] = {}  # moto asks once for each operation, before the first one

    def transact_write_items(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        operations = [operation for item in items for operation in item.values()]
        named[:] = [(one.get("TableName", ""), one.get("Key") or one.get("Item", {})) for one in operations]
        try:
            transact(backend, items)
        finally:
            named.clear()
            aside.clear()

    def set_aside(table: Table, memo: dict[int, Any]) -> Table:
        if table.name in aside:
            return aside[table.name]
        kept = cast(Table, Table.__new__(Table))
        if not named:  # a copy for another purpose
            memo[id(table)] = kept
            kept.__dict__.update(copy.deepcopy(table.__dict__, memo))
            return kept
        kept.__dict__.update(table.__dict__, items=copy.copy(table.items))
        aside[table.name] = kept
        for name, attributes in named:
            if name == table.name and table.hash_key_attr in attributes:
                key = DynamoType(attributes[table.hash_key_attr])
                if key in kept.items:
                    kept.items[key] = copy.deepcopy(table.items[key])
        return kept

    untracked: deque[object] = deque(maxlen=0)  # moto's list of all that it ever made would hold every copy
    with (
        patch.object(Table, "instances_tracked", untracked),
        patch.object(Item, "instances_tracked", untracked),
        patch.object(DynamoDBBackend, "transact_write_items", transact_write_items),
        patch.object(Table, "__deepcopy__", set_aside, create=True),
    ):
        yield
