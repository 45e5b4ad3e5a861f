"""The decision log's storage in a DynamoDB table; see `scoring.decision_log.table` for how it is made.

What DynamoDB refuses is told apart by the reasons it gives: a condition that does not hold is an answer, a
conflict or throttling is tried again.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from scoring.decision_log.storage import (
    AtMost,
    Change,
    ConditionFailed,
    Equals,
    Exists,
    HasLength,
    Item,
    ItemKey,
    Missing,
    Path,
    Put,
    Write,
    WriteCondition,
)
from scoring.decision_log.table import BY_EFFECT

_AT_ONCE = 100
_ATTEMPTS = 5
_PAUSE = 0.05


class DynamoDb(NamedTuple):
    """A table of the decision log.

    Parameters
    ----------
    client : DynamoDB client
    name : str
        The table's.
    """

    client: Any
    name: str

    def close(self) -> None:
        """Do nothing: the client is its maker's."""

    def get(self, key: ItemKey) -> Item | None:
        """Read an item, consistently."""
        found = self.client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=True)
        return _plain_item(found["Item"]) if "Item" in found else None

    def get_many(self, keys: Sequence[ItemKey]) -> Iterator[Item]:
        """Read items, 100 a request, consistently."""
        for start in range(0, len(keys), _AT_ONCE):
            wanted = [_key(key) for key in keys[start : start + _AT_ONCE]]
            asked: Any = {self.name: {"Keys": wanted, "ConsistentRead": True}}
            for attempt in range(_ATTEMPTS):
                answer = self.client.batch_get_item(RequestItems=asked)
                yield from map(_plain_item, answer["Responses"].get(self.name, ()))
                asked = answer.get("UnprocessedKeys")
                if not asked:
                    break
                time.sleep(_PAUSE * 2**attempt)
            else:
                raise TimeoutError(f"table {self.name}: some items could not be read")

    def of_finding(self, finding_id: str, prefix: str, *, newest: int | None = None) -> Iterator[Item]:
        """Read items of a finding; consistently, all pages, unless only the newest are wanted."""
        asked: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "finding_id = :id",
            "ExpressionAttributeValues": _typed_item({":id": finding_id}),
        }
        if prefix:  # DynamoDB takes no empty text in a key
            asked["KeyConditionExpression"] += " AND begins_with(#item, :prefix)"
            asked["ExpressionAttributeNames"] = {"#item": "item"}
            asked["ExpressionAttributeValues"] |= _typed_item({":prefix": prefix})
        if newest is not None:
            answer = self.client.query(**asked, ScanIndexForward=False, Limit=newest)
            yield from map(_plain_item, answer["Items"])
            return
        for page in self.client.get_paginator("query").paginate(**asked, ConsistentRead=True):
            yield from map(_plain_item, page["Items"])

    def by_effect(self, effect: str, *, since: str, until: str) -> Iterator[Item]:
        """Read items through the index, all pages."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            IndexName=BY_EFFECT,
            KeyConditionExpression="effect = :effect AND decided_at BETWEEN :since AND :until",
            ExpressionAttributeValues=_typed_item(
                {":effect": effect, ":since": since or " ", ":until": until}
            ),
        )
        for page in pages:
            yield from map(_plain_item, page["Items"])

    def with_prefix(self, prefix: str) -> Iterator[Item]:
        """Scan the table, consistently."""
        asked: dict[str, Any] = {"TableName": self.name, "ConsistentRead": True}
        if prefix:
            asked["FilterExpression"] = "begins_with(#item, :prefix)"
            asked["ExpressionAttributeNames"] = {"#item": "item"}
            asked["ExpressionAttributeValues"] = _typed_item({":prefix": prefix})
        for page in self.client.get_paginator("scan").paginate(**asked):
            yield from map(_plain_item, page["Items"])

    def write(self, writes: Sequence[Write]) -> None:
        """Write in one transaction, or in a plain request where there is one write without a condition.

        Raises
        ------
        ConditionFailed
            A condition did not hold.
        botocore.exceptions.ClientError
            AWS refused, or was busy however often it was tried.
        """
        if len(writes) == 1 and not writes[0].only_if:
            self._write_one(writes[0])
            return
        requests = [self._request(write) for write in writes]
        for attempt in range(_ATTEMPTS):
            try:
                self.client.transact_write_items(TransactItems=requests)
            except self.client.exceptions.TransactionCanceledException as error:
                failed = _failed_conditions(error.response.get("CancellationReasons", ()))
                if failed:
                    raise ConditionFailed(failed) from error
                if attempt == _ATTEMPTS - 1:
                    raise
                # At random, so that those in conflict do not meet again.
                time.sleep(random.uniform(_PAUSE, 2 * _PAUSE) * 2**attempt)  # noqa: S311
            else:
                return

    def change(self, change: Change) -> Item:
        """Change one item in a plain request."""
        request = self._request(change)["Update"]
        request.pop("ReturnValuesOnConditionCheckFailure", None)
        try:
            answer = self.client.update_item(**request, ReturnValues="ALL_NEW")
        except self.client.exceptions.ConditionalCheckFailedException as error:
            raise ConditionFailed({0: self.get(change.key)}) from error
        return _plain_item(answer["Attributes"])

    def _write_one(self, write: Write) -> None:
        ((kind, request),) = self._request(write).items()
        if kind == "Put":
            self.client.put_item(**request)
        elif kind == "Update":
            self.client.update_item(**request)
        else:
            self.client.delete_item(**request)

    def _request(self, write: Write) -> dict[str, dict[str, Any]]:
        """Return a write as an element of a transaction."""
        said = _Expression()
        if isinstance(write, Put):
            request = {"Put": {"TableName": self.name, "Item": _typed_item(write.item)}}
        elif isinstance(write, Change):
            update = said.update(write)
            request = {"Update": {"TableName": self.name, "Key": _key(write.key), "UpdateExpression": update}}
        else:
            request = {"Delete": {"TableName": self.name, "Key": _key(write.key)}}
        (inner,) = request.values()
        if write.only_if:
            inner["ConditionExpression"] = " AND ".join(said.condition(one) for one in write.only_if)
            inner["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        inner |= said.placeholders()
        return request


class _Expression:
    """Puts changes and conditions into DynamoDB's expressions; names and values become placeholders."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

    def update(self, change: Change) -> str:
        sets = [f"{self._path((name,))} = {self._value(value)}" for name, value in change.assign.items()]
        for name, more in change.append.items():
            sets.append(f"{self._path((name,))} = list_append({self._list(name)}, {self._value(more)})")
        for name, more in change.prepend.items():
            sets.append(f"{self._path((name,))} = list_append({self._value(more)}, {self._list(name)})")
        adds = [f"{self._path((name,))} {self._value(value)}" for name, value in change.add.items()]
        removes = [self._path((name,)) for name in change.remove]
        clauses = {"SET": sets, "ADD": adds, "REMOVE": removes}
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def condition(self, condition: WriteCondition) -> str:
        path = self._path(condition.path)
        match condition:
            case Missing():
                return f"attribute_not_exists({path})"
            case Exists():
                return f"attribute_exists({path})"
            case Equals(value=value):
                return f"{path} = {self._value(value)}"
            case AtMost(value=value):
                return f"(attribute_not_exists({path}) OR {path} <= {self._value(value)})"
            case HasLength(length=length):
                return f"size({path}) = {self._value(length)}"
            case _:
                assert_never(condition)

    def placeholders(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._names:
            found["ExpressionAttributeNames"] = {short: name for name, short in self._names.items()}
        if self._values:
            found["ExpressionAttributeValues"] = _typed_item(self._values)
        return found

    def _list(self, name: str) -> str:
        return f"if_not_exists({self._path((name,))}, {self._value([])})"

    def _path(self, path: Path) -> str:
        said = ""
        for part in path:
            if isinstance(part, int):
                said += f"[{part}]"
            else:
                said += "." * bool(said) + self._names.setdefault(part, f"#{len(self._names)}")
        return said

    def _value(self, value: Any) -> str:
        short = f":{len(self._values)}"
        self._values[short] = value
        return short


def _failed_conditions(reasons: Sequence[Mapping[str, Any]]) -> dict[int, Item | None]:
    return {
        number: _plain_item(reason["Item"]) if reason.get("Item") else None
        for number, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }


def _key(key: ItemKey) -> dict[str, Any]:
    return _typed_item({"finding_id": key[0], "item": key[1]})


def _typed_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write plain values as DynamoDB wants them."""
    from boto3.dynamodb.types import TypeSerializer

    write = TypeSerializer().serialize
    return {name: write(value) for name, value in values.items()}


def _plain_item(item: Mapping[str, Any]) -> Item:
    """Read what `_typed_item` wrote, with Python's own types for numbers and bytes."""
    from boto3.dynamodb.types import Binary, TypeDeserializer

    read = TypeDeserializer().deserialize

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        if isinstance(value, Binary):
            return bytes(value)
        if isinstance(value, list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return value

    return {name: plain(read(value)) for name, value in item.items()}
