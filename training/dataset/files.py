"""Read files of records and encode them as rows; parts of large files can be encoded at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from scoring.files.errors import BadInput, printable
from scoring.files.json_file import STANDARD_INPUT, open_lines
from scoring.files.json_stream import Scanner
from scoring.findings.record import Case
from scoring.policy.policy import Policy
from training.dataset.parallel import Executor, Part, StreamPart, one_by_one
from training.dataset.parquet import encode_row_group, is_parquet, parquet_lines, row_groups
from training.dataset.rows import Rows, cases_of, encode_lines

LINES: Final = 1000
"""Of a text file in one part."""
ENDINGS: Final = (".parquet", ".jsonl", ".jsonl.gz", ".json", ".json.gz")
"""Of the files of a folder that are read."""


class Encoded(NamedTuple):
    """Rows of all findings, how many records cannot be read, and how many were events that are no finding."""

    rows: Rows
    faults: int
    notices: int


def encode_files(
    paths: Sequence[str],
    policy: Policy,
    *,
    report: Callable[[str], None],
    executor: Executor = one_by_one,
    progress: Callable[[int], None] = lambda _: None,
) -> Encoded:
    """Read files of records and encode them; the order of the rows is that of files and records.

    Parameters
    ----------
    paths : sequence of str
        JSON in any arrangement that `scoring.files.json_file` knows, gzip or not, Parquet with a column
        `record`, or
        folders of such files.
    report : callable
        Takes each fault, in one line.
    executor : callable
        Who encodes, see `training.dataset.parallel`; the rows do not depend on it. By default this process.
    progress : callable
        Called with the number of records read since the last call.

    Raises
    ------
    BadInput
        A file cannot be read at all.
    """
    rows: list[Rows] = []
    faults = notices = 0
    parts = chain.from_iterable(_parts(path, policy) for path in files_of(paths))
    for batch in executor(parts):
        for fault in batch.faults:
            report(fault)
        progress(len(batch.rows))
        rows.append(batch.rows)
        faults += len(batch.faults)
        notices += batch.notices
    return Encoded(Rows.join(rows), faults, notices)


def read_cases(paths: Sequence[str]) -> Iterator[Case]:
    """Read the same records as `encode_files`, in the same order; faults are passed over."""
    for path in files_of(paths):
        lines = parquet_lines(path) if is_parquet(path) else _lines(path)
        yield from cases_of(Scanner(printable(path), lines), [])


def files_of(paths: Sequence[str]) -> list[str]:
    """List files, and in the place of a folder all files of records below it, in the order of their names.

    Names that begin with a dot or an underscore are what programs put beside data.

    Raises
    ------
    BadInput
        A folder has none.
    """
    listed: list[str] = []
    for path in paths:
        if path == STANDARD_INPUT or "\0" in path or not Path(path).is_dir():
            listed.append(path)
            continue
        below = [one.relative_to(path) for one in Path(path).rglob("*") if one.name.endswith(ENDINGS)]
        found = sorted(one for one in below if not any(part.startswith((".", "_")) for part in one.parts))
        if not found:
            raise BadInput(f"expected files ending with {', '.join(ENDINGS)} in it", where=printable(path))
        listed += [str(Path(path) / one) for one in found]
    return listed


def _parts(path: str, policy: Policy) -> Iterator[Part | StreamPart]:
    if is_parquet(path):
        before = 0
        for group, size in enumerate(row_groups(path)):
            yield Part(encode_row_group, path, group, before, policy)
            before += size
        return
    name = "standard input" if path == STANDARD_INPUT else printable(path)
    lines, done = _lines(path), 0
    while some := list(islice(lines, LINES)):
        if not all(map(_is_plain, some)):
            # A document over many lines: it has no parts, and is read to its end.
            yield StreamPart(encode_lines, name, chain(some, lines), done, policy)
            return
        yield Part(encode_lines, name, some, done, policy)
        done += len(some)
    if not done:
        yield StreamPart(encode_lines, name, (), 0, policy)


def _is_plain(line: str) -> bool:
    """Whether a line is an object by itself, or looks like one."""
    return line.startswith("{") and line.rstrip().endswith("}")


def _lines(path: str) -> Iterator[str]:
    with open_lines(path) as lines:
        yield from lines
