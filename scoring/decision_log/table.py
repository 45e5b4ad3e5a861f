"""The table of the decision log: its keys, its items, and writes that happen together or not at all.

Keys are ``finding_id`` and ``item``; the index `BY_EFFECT` has ``effect`` and ``decided_at``, and holds
decisions only. What DynamoDB refuses is told apart by the reasons it gives: a condition that does not hold
is an answer, a conflict or throttling is tried again.
"""

import random
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

BY_EFFECT = "by_effect"
EXPIRES_AT = "expires_at"

# An item may have 400 KB; a record above the first limit is compressed, above the second one cut.
_PLAIN, _MOST = 100_000, 350_000
_AT_ONCE = 100
_ATTEMPTS = 5
_PAUSE = 0.05

Item = dict[str, Any]


class ConditionFailed(Exception):
    """Nothing was written, since conditions did not hold.

    Attributes
    ----------
    failed : dict
        Number of the write, in the order given, to the item as it stood (None where the write did not ask).
    """

    def __init__(self, failed: Mapping[int, Mapping[str, Any] | None]) -> None:
        self.failed = failed
        super().__init__(f"conditions of writes {sorted(failed)} did not hold")


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


def to_item(values: Mapping[str, Any]) -> Item:
    """Write plain values as DynamoDB wants them."""
    from boto3.dynamodb.types import TypeSerializer

    write = TypeSerializer().serialize
    return {name: write(value) for name, value in values.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `to_item` wrote; numbers come as Decimal."""
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items()}


def pack(record: Mapping[str, Any]) -> dict[str, Any]:
    """Write a record as an attribute: as JSON, compressed where it is long.

    A finding that is too long even then keeps what every list of findings says of it, and is marked as
    incomplete; AWS has the rest.
    """
    text = msgspec.json.encode(record)
    if len(text) <= _PLAIN:
        return {"record": text.decode()}
    packed = zlib.compress(text)
    if len(packed) <= _MOST:
        return {"record_zlib": packed}
    raw = record["finding"]
    detail = raw.get("detail", raw)
    core = {name: value for name, value in detail.items() if isinstance(value, (str, bool))}
    kept = raw | {"detail": core | {"nextToken": "cut"}} if "detail" in raw else core | {"nextToken": "cut"}
    return {"record_zlib": zlib.compress(msgspec.json.encode({**record, "finding": kept}))}


def unpack(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read the record of a decision's plain values.

    Examples
    --------
    >>> unpack(from_item(to_item(pack({"finding": {"id": "x" * 200_000}}))))["finding"]["id"][:3]
    'xxx'
    """
    packed = values.get("record_zlib")
    text = values["record"] if packed is None else zlib.decompress(bytes(packed))
    record: dict[str, Any] = msgspec.json.decode(text)
    return record


def write_together(client: Any, writes: Sequence[Mapping[str, Any]]) -> None:
    """Make at most 100 writes, all or none.

    Raises
    ------
    ConditionFailed
        A condition did not hold.
    botocore.exceptions.ClientError
        AWS refused, or was busy however often it was tried.
    """
    for attempt in range(_ATTEMPTS):
        try:
            client.transact_write_items(TransactItems=list(writes))
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            failed = {
                number: reason.get("Item")
                for number, reason in enumerate(reasons)
                if reason.get("Code") == "ConditionalCheckFailed"
            }
            if failed:
                raise ConditionFailed(failed) from error
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(_PAUSE, 2 * _PAUSE) * 2**attempt)  # noqa: S311 - to part those in conflict
        else:
            return


def write_each(client: Any, writes: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Make many writes, 100 a request; one whose condition does not hold is left out.

    Returns
    -------
    list of bool
        For each write whether it was made.
    """
    made: list[bool] = []
    for start in range(0, len(writes), _AT_ONCE):
        waiting = dict(enumerate(writes[start : start + _AT_ONCE]))
        count = len(waiting)
        while waiting:
            numbers = list(waiting)
            try:
                write_together(client, list(waiting.values()))
                break
            except ConditionFailed as error:
                for place in error.failed:
                    del waiting[numbers[place]]
        made += [number in waiting for number in range(count)]
    return made


def read_many(client: Any, table: str, keys: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Read items by their keys, 100 a request, consistently; those that are not there are left out."""
    for start in range(0, len(keys), _AT_ONCE):
        wanted = [key(*pair) for pair in keys[start : start + _AT_ONCE]]
        asked: Any = {table: {"Keys": wanted, "ConsistentRead": True}}
        for attempt in range(_ATTEMPTS):
            answer = client.batch_get_item(RequestItems=asked)
            yield from map(from_item, answer["Responses"].get(table, ()))
            asked = answer.get("UnprocessedKeys")
            if not asked:
                break
            time.sleep(_PAUSE * 2**attempt)
        else:
            raise TimeoutError(f"table {table}: some items could not be read")


def by_effect(
    client: Any, table: str, effect: str, *, since: str = "", until: str = "~"
) -> Iterator[dict[str, Any]]:
    """Read decisions through the index, oldest first, all pages; the index may lag behind by a second or so.

    Parameters
    ----------
    since, until : str
        Bounds of ``decided_at``, both included.
    """
    pages = client.get_paginator("query").paginate(
        TableName=table,
        IndexName=BY_EFFECT,
        KeyConditionExpression="effect = :effect AND decided_at BETWEEN :since AND :until",
        ExpressionAttributeValues=to_item({":effect": effect, ":since": since or " ", ":until": until}),
    )
    for page in pages:
        # What says where a finding stands has the same attributes, and so it is in the index too.
        yield from (
            found for item in page["Items"] if (found := from_item(item))["item"].startswith("decision#")
        )


def of_finding(client: Any, table: str, finding_id: str) -> Iterator[dict[str, Any]]:
    """Read all decisions on a finding, oldest first, consistently."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="finding_id = :id AND begins_with(#item, :decision)",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues=to_item({":id": finding_id, ":decision": "decision#"}),
    )
    for page in pages:
        yield from map(from_item, page["Items"])


def key(finding_id: str, item: str) -> Item:
    """Return the key of an item."""
    return to_item({"finding_id": finding_id, "item": item})


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
