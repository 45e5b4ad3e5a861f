"""Files of records -> encoded rows, several processes at a time where the records stand one a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from joblib import Parallel, delayed

from scoring.errors import BadInput, printable
from scoring.json_stream import Scanner
from scoring.policy import Policy
from scoring.reading import STANDARD_INPUT, open_lines
from scoring.records import Case
from training.batches import Batch, Rows, cases_of, encode_lines

BATCH = 1000
# How many batches are read before they are encoded together.
WAVE = 8
RECORD = "record"
"""The column of a Parquet file that holds each record as JSON; all others are for people who query it."""

_PARQUET = b"PAR1"


class Encoded(NamedTuple):
    """What files held: rows, how many records were broken, and how many were events that are no finding."""

    rows: Rows
    faults: int
    notices: int


def encode_files(
    paths: Sequence[str],
    policy: Policy,
    *,
    report: Callable[[str], None],
    jobs: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Encoded:
    """Read files of records and encode them; the order of the rows is that of files and records.

    Parameters
    ----------
    paths : sequence of str
        JSON in any arrangement that `scoring.reading` knows, gzip or not, or Parquet with a column `record`.
    report : callable
        Takes each fault, in one line.
    jobs : int
        Processes.
    progress : callable
        Called with the number of records read since the last call.

    Raises
    ------
    BadInput
        A file cannot be read at all.
    """
    batches: list[Batch] = []
    for path in paths:
        name = "standard input" if path == STANDARD_INPUT else printable(path)
        for batch in _encode(name, _open(path), policy, jobs):
            for fault in batch.faults:
                report(fault)
            progress(len(batch.rows))
            batches.append(batch)
    rows = Rows.join([batch.rows for batch in batches])
    return Encoded(rows, sum(len(b.faults) for b in batches), sum(b.notices for b in batches))


def read_cases(paths: Sequence[str]) -> Iterator[Case]:
    """Read the same records as `encode_files`, in the same order; faults are passed over."""
    for path in paths:
        yield from cases_of(Scanner(printable(path), _open(path)), [])


def _encode(name: str, lines: Iterator[str], policy: Policy, jobs: int) -> Iterator[Batch]:
    done = 0
    with Parallel(n_jobs=jobs) as pool:
        while wave := list(islice(_groups(lines), WAVE * jobs)):
            plain = list(_until_not_plain(wave))
            tasks = []
            for group in plain:
                tasks.append((name, group, done, policy))
                done += len(group)
            run: Any = pool if len(tasks) > 1 else Parallel(n_jobs=1)
            yield from run(delayed(encode_lines)(*task) for task in tasks)
            if len(plain) < len(wave):
                # One document over many lines: from here on it is read as it comes.
                rest = chain.from_iterable([*wave[len(plain) :], lines])
                yield encode_lines(name, rest, done, policy)
                return
    if not done:
        yield encode_lines(name, (), 0, policy)


def _groups(lines: Iterator[str]) -> Iterator[list[str]]:
    while group := list(islice(lines, BATCH)):
        yield group


def _until_not_plain(groups: Iterable[list[str]]) -> Iterator[list[str]]:
    """Take groups of lines as long as each line is an object by itself, or looks like one."""
    for group in groups:
        if not all(line.startswith("{") and line.rstrip().endswith("}") for line in group):
            return
        yield group


def _open(path: str) -> Iterator[str]:
    if path != STANDARD_INPUT and _is_parquet(path):
        yield from _parquet_lines(path)
    else:
        with open_lines(path) as lines:
            yield from lines


def _is_parquet(path: str) -> bool:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(len(_PARQUET)) == _PARQUET
    except (OSError, ValueError):
        return False  # said better where it is read as text


def _parquet_lines(path: str) -> Iterator[str]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            if RECORD not in file.schema_arrow.names:
                expected = f"expected a column {RECORD} that holds each record as JSON"
                raise BadInput(expected, where=printable(path), value=", ".join(file.schema_arrow.names))
            for batch in file.iter_batches(columns=[RECORD]):
                for text in batch.column(0).to_pylist():
                    # Between the parts of a record a line break means nothing; inside a text there is none.
                    yield (str(text or "null")).replace("\n", " ") + "\n"
    except (ArrowException, OSError) as error:
        raise BadInput(f"is no Parquet file that can be read: {error}", where=printable(path)) from None
