"""Decisions as Parquet, for notebooks and query engines; needs pyarrow."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

_ROWS: Final = 1_000  # in memory at once
_TEXTS: Final = pa.list_(pa.string())
_CONTRIBUTION: Final = pa.struct(
    {
        "feature": pa.string(),
        "value": pa.string(),
        "points": pa.float64(),
        "text": pa.string(),
        "known": pa.bool_(),
        "set_by": pa.string(),
    }
)
SCHEMA: Final = pa.schema(
    {
        **dict.fromkeys(
            ("finding_id", "resource", "resource_type", "account", "finding_type", "status", "outcome"),
            pa.string(),
        ),
        **dict.fromkeys(("score", "threshold", "base", "risk", "known"), pa.float64()),
        **dict.fromkeys(("severity", "reason", "region", "analyzer", "analysis_error"), pa.string()),
        **dict.fromkeys(("principals", "actions", "unknown"), _TEXTS),
        "is_public": pa.bool_(),
        "contributions": pa.list_(_CONTRIBUTION),
        "guardrails": pa.list_(pa.struct({"name": pa.string(), "text": pa.string()})),
        "model": pa.struct(dict.fromkeys(("name", "version", "kind", "sha256"), pa.string())),
        "record": pa.string(),
    }
)
"""Keys of the decision as columns; `record` is the whole record as JSON, which `triage train` reads."""


def write(encoded: Iterable[tuple[bytes, bytes]], out: BinaryIO) -> None:
    """Write a row a decision, a thousand at a time, in the columns of `SCHEMA`.

    Parameters
    ----------
    encoded : iterable of (bytes, bytes)
        A decision, and its record, as JSON.
    """
    rest = iter(encoded)
    with pq.ParquetWriter(out, SCHEMA) as writer:
        while some := list(islice(rest, _ROWS)):
            writer.write_table(pa.Table.from_pylist([_row(one) for one in some], schema=SCHEMA))


def _row(encoded: tuple[bytes, bytes]) -> dict[str, Any]:
    decision, record = encoded
    return {**msgspec.json.decode(decision), "record": record.decode()}
