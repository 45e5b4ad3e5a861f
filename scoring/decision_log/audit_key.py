"""The secret key of the audit sample, kept in the decision log."""

import secrets
from contextlib import suppress
from functools import lru_cache
from typing import Final

from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import IS_NEW, ConditionFailed, ItemKey, Put, Storage

_KEY: Final[ItemKey] = ("audit", "key")


def secret_of(log: DecisionLog) -> bytes:
    """Return the deployment's key, which lies in the decision log; made when it is first asked for."""
    return _secret_of(log.storage)


def keep_secret(log: DecisionLog, secret: bytes) -> None:
    """Keep a key in the decision log, unless there is one."""
    _keep(log.storage, secret)


@lru_cache(maxsize=8)
def _secret_of(storage: Storage) -> bytes:
    found = _read(storage)
    if found is not None:
        return found
    _keep(storage, secrets.token_bytes(32))
    found = _read(storage)
    if found is None:
        raise LookupError(f"the key of the audit sample cannot be kept in {storage.name}")
    return found


def _keep(storage: Storage, secret: bytes) -> None:
    item = {"finding_id": _KEY[0], "item": _KEY[1], "secret": secret}
    with suppress(ConditionFailed):
        storage.write([Put(item=item, only_if=(IS_NEW,))])


def _read(storage: Storage) -> bytes | None:
    found = storage.get(_KEY)
    return None if found is None else bytes(found["secret"])
