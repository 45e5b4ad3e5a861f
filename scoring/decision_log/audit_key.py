"""The secret key of the audit sample, kept in the decision log."""

import secrets
from functools import lru_cache
from typing import Any

from scoring.aws.errors import code
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.table import from_item, key, to_item

_PLACE = key("audit", "key")


@lru_cache(maxsize=8)
def secret_of(log: DecisionLog) -> bytes:
    """Return the deployment's key, which lies in the decision log; made when it is first asked for."""
    found = _read(log)
    if found is not None:
        return found
    keep_secret(log.client, log.table, secrets.token_bytes(32))
    found = _read(log)
    if found is None:
        raise LookupError(f"the key of the audit sample cannot be kept in {log.table}")
    return found


def keep_secret(client: Any, table: str, secret: bytes) -> None:
    """Keep a key in the decision log, unless there is one."""
    item = {**_PLACE, **to_item({"secret": secret})}
    try:
        client.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(finding_id)")
    except Exception as error:
        if code(error) != "ConditionalCheckFailedException":
            raise


def _read(log: DecisionLog) -> bytes | None:
    answer = log.client.get_item(TableName=log.table, Key=_PLACE, ConsistentRead=True)
    return bytes(from_item(answer["Item"])["secret"]) if "Item" in answer else None
