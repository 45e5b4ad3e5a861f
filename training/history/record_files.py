"""Write records to a file: JSON lines, gzipped JSON lines or Parquet, by the ending of its name."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, Final

import msgspec

from scoring.files.output_file import destination
from training.dataset.parquet import RECORD

_AT_ONCE: Final = 5_000


def write_records(records: Iterable[Mapping[str, Any]], path: str) -> int:
    """Write records and return how many; the file is there whole or not at all.

    Parquet has the JSON of each record in the column `record`, and `finding_id` and `verdict` in columns of
    their own, for queries.

    Raises
    ------
    BadInput
        Nothing can be written there.
    """
    with destination(path) as out:
        if path.endswith(".parquet"):
            return _write_parquet(records, out)
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packed:
                return _write_lines(records, packed)
        return _write_lines(records, out)


def _write_lines(records: Iterable[Mapping[str, Any]], out: BinaryIO | gzip.GzipFile) -> int:
    encode = msgspec.json.Encoder().encode
    count = 0
    for record in records:
        out.write(encode(record) + b"\n")
        count += 1
    return count


def _write_parquet(records: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([("finding_id", pa.string()), ("verdict", pa.string()), (RECORD, pa.string())])
    rows, count = _rows(records), 0
    with ParquetWriter(out, schema, compression="zstd") as writer:
        while some := list(islice(rows, _AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))
            count += len(some)
    return count


def _rows(records: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, str | None]]:
    for record in records:
        finding = record["finding"]
        detail = finding.get("detail", finding)
        yield {
            "finding_id": detail.get("id") or detail.get("findingId"),
            "verdict": (record.get("label") or {}).get("verdict"),
            RECORD: msgspec.json.encode(record).decode(),
        }
