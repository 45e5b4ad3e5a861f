"""Read Parquet files of records: the column `record` holds each as JSON; other columns are ignored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from scoring.files.errors import BadInput, printable
from scoring.files.json_file import STANDARD_INPUT
from scoring.policy.policy import Policy
from training.dataset.rows import Batch, encode_lines

RECORD: Final = "record"
_BEGINS_WITH: Final = b"PAR1"
_AT_ONCE: Final = 1000


def is_parquet(path: str) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    if path == STANDARD_INPUT:
        return False
    try:
        with Path(path).open("rb") as stream:
            return stream.read(len(_BEGINS_WITH)) == _BEGINS_WITH
    except (OSError, ValueError):
        return False  # reading it as text gives the better error


def row_groups(path: str) -> list[int]:
    """Return how many records each part of a file has that can be read by itself.

    Raises
    ------
    BadInput
        The file is damaged, or has no column of records.
    """
    with _opened(path) as file:
        return [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]


def encode_row_group(path: str, group: int, records_before: int, policy: Policy) -> Batch:
    """Read and encode one part of a file."""
    return encode_lines(printable(path), parquet_lines(path, [group]), records_before, policy)


def parquet_lines(path: str, groups: Sequence[int] | None = None) -> Iterator[str]:
    """Read the records of some parts of a file, each as a line; by default of all.

    Raises
    ------
    BadInput
        The file is damaged, or has no column of records.
    """
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=_AT_ONCE, row_groups=groups, columns=[RECORD]):
            for text in batch.column(0).to_pylist():
                # Between the parts of a record a line break means nothing; inside a text there is none.
                yield (text or "null").replace("\n", " ") + "\n"


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    from pyarrow import ArrowException, types
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            columns = {field.name: field.type for field in file.schema_arrow}
            expected = f"expected a column {RECORD} that holds each record as JSON"
            if RECORD not in columns:
                raise BadInput(expected, where=printable(path), value=", ".join(columns))
            if not (types.is_string(columns[RECORD]) or types.is_large_string(columns[RECORD])):
                raise BadInput(expected, where=printable(path), value=f"{RECORD}: {columns[RECORD]}")
            yield file
    except (ArrowException, OSError) as error:
        problem = f"is no Parquet file that can be read: {printable(str(error))}"
        raise BadInput(problem, where=printable(path)) from None
