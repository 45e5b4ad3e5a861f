"""The ledger of uses of calibration data: each training, tuning and threshold set by hand in a registry.

Whoever chooses a threshold once more by the same findings has one more chance to be lucky. The ledger counts;
the promise is stated for the findings of a year together, or, with ``--strict-delta``, for each version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from training.registry.registry import Registry
from training.threshold.certificate import error_of_run

USES: Final = "uses.jsonl"
YEAR: Final = timedelta(days=365)

Kind = Literal["train", "tune", "threshold"]


def key_of(kind: Kind, digest: str, asked: Mapping[str, Any]) -> str:
    """Return what tells one use from another: the same data asked the same is no other use.

    Parameters
    ----------
    digest : str
        Of the findings.
    asked : mapping
        What was asked of them.
    """
    content = msgspec.json.encode([kind, digest, dict(asked)], order="deterministic", enc_hook=str)
    return hashlib.sha256(content).hexdigest()[:16]


def number_of(registry: Registry, key: str, now: datetime) -> int:
    """Return which use of the year this is, from 1; one that is written down keeps its number."""
    lines = registry.lines(USES)
    for line in lines:
        if line.get("key") == key:
            return int(line["use"])
    since = (now - YEAR).isoformat()
    return 1 + sum(str(line.get("at", "")) > since for line in lines)


def delta_of(number: int, delta: float) -> float:
    """Return the part of the year's delta that a use spends; all parts together are no more than delta."""
    return round(error_of_run(number, delta), 12)


def keep(
    registry: Registry, key: str, kind: Kind, number: int, now: datetime, **more: str | float | None
) -> None:
    """Write a use down, once."""
    if all(line.get("key") != key for line in registry.lines(USES)):
        line = {"use": number, "kind": kind, "at": now.isoformat(), "key": key, **more}
        registry.append(USES, line)
