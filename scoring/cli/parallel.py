"""Findings of a file decided on in several processes: the same bytes, in order, with flat memory.

Each process takes some hundred lines at a time. That needs a record on each line; from the first line on that
is no whole record, this process reads and decides on the rest by itself, as it does without others.
"""

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from typing import BinaryIO, Final

import msgspec

from scoring.cli.output.decisions import FORMS
from scoring.cli.progress import ProgressBar
from scoring.decision.settings import decide_all, load_settings
from scoring.files.errors import BadInput
from scoring.files.json_file import name_of, open_lines
from scoring.files.json_stream import Located, Scanner, whole_record
from scoring.findings.accounts import described, read_accounts
from scoring.findings.cases import Cases
from scoring.findings.record import Case

Named = tuple[str | None, str | None, str | None, str | None]
"""Model, policy, threshold and accounts, as the command line names them."""

_LINES: Final = 400
_CHARACTERS: Final = 4_000_000


class Chunk(msgspec.Struct, frozen=True):
    """Lines in a row, the number of lines before them, and what is wrong with the file behind them."""

    before: int
    lines: list[str]
    fault: Exception | None = None


class Written(msgspec.Struct, frozen=True):
    """What became of a chunk: rows as they are written, faults between them, and how many findings it was."""

    parts: list[bytes | BadInput]
    count: int


def write_in_parallel(
    source: str,
    out: BinaryIO,
    report: Callable[[BadInput], None],
    bar: ProgressBar,
    *,
    jobs: int,
    output_format: str,
    named: Named,
) -> None:
    """Decide on the findings of a file in several processes, and write the decisions.

    Parameters
    ----------
    report : callable
        Takes each fault, in the order of the file.
    named : tuple
        Model, policy, threshold and accounts as the command line names them.
    """
    form = FORMS[output_format]
    separator, is_empty = form.begin, True
    for part in _parts(source, bar, jobs, output_format, named):
        if isinstance(part, BadInput):
            report(part)
        else:
            out.write(separator + part)
            separator, is_empty = form.between, False
    out.write(form.empty if is_empty else form.end)


def _parts(
    source: str,
    bar: ProgressBar,
    jobs: int,
    output_format: str,
    named: Named,
) -> Iterator[bytes | BadInput]:
    name, has_records = name_of(source), False
    waiting: deque[tuple[Chunk, Future[Written | None]]] = deque()
    pool = ProcessPoolExecutor(jobs, initializer=_begin, initargs=(name, output_format, named))
    try:
        with open_lines(source) as lines:
            chunks = _chunks(lines)
            while True:
                while len(waiting) < 2 * jobs and (chunk := next(chunks, None)) is not None:
                    waiting.append((chunk, pool.submit(_written, chunk.before, chunk.lines)))
                if not waiting:
                    break
                chunk, future = waiting.popleft()
                written = future.result()
                if written is None:
                    rest = chain([chunk], (one for one, _ in waiting), chunks)
                    yield from _rest(name, rest, bar, output_format, named)
                    return
                bar.add(written.count)
                has_records = has_records or bool(written.parts)
                yield from written.parts
                if chunk.fault is not None:
                    raise chunk.fault
        if not has_records:
            yield from (located.error for located in Scanner(name, iter(())).records() if located.error)
    except BrokenProcessPool:
        raise BadInput("a process was ended from outside: try fewer", field="--jobs", value=jobs) from None
    except BadInput as error:
        yield error
    finally:
        pool.shutdown(cancel_futures=True)


def _chunks(lines: Iterator[str]) -> Iterator[Chunk]:
    before, taken, length = 0, list[str](), 0
    fault: Exception | None = None
    try:
        for line in lines:
            taken.append(line)
            length += len(line)
            if len(taken) >= _LINES or length > _CHARACTERS:
                yield Chunk(before, taken)
                before, taken, length = before + len(taken), [], 0
    except Exception as error:
        fault = error
    if taken or fault:
        yield Chunk(before, taken, fault)


def _rest(
    name: str, chunks: Iterable[Chunk], bar: ProgressBar, output_format: str, named: Named
) -> Iterator[bytes | BadInput]:
    """Read and decide on what is left in this process."""
    chunks = iter(chunks)
    first = next(chunks)
    scanner = Scanner(name, _lines(chain([first], chunks)))
    scanner.lines_read = first.before
    faults: deque[BadInput] = deque()
    settings = load_settings(*named[:3])
    read = Cases(source=name, report=faults.append, located=scanner.records())
    cases = described(read, named[3], settings.policy.known_vendors)
    row = FORMS[output_format].row
    try:
        for _, decision in decide_all(bar.each(cases), settings):
            while faults:
                yield faults.popleft()
            yield row(decision)
    except Exception:
        yield from faults
        raise
    yield from faults


def _lines(chunks: Iterable[Chunk]) -> Iterator[str]:
    for chunk in chunks:
        yield from chunk.lines
        if chunk.fault is not None:
            raise chunk.fault


# In the processes.

_worker: "_Worker"


class _Worker:
    """What one process keeps from chunk to chunk."""

    def __init__(self, name: str, output_format: str, named: Named) -> None:
        self.name, self.form, self.settings = name, FORMS[output_format], load_settings(*named[:3])
        self.repeated = self.settings.repeated()
        self.accounts = read_accounts(named[3]) if named[3] is not None else None

    def write(self, chunk: Chunk) -> Written | None:
        """Return what becomes of a chunk; None where one of its lines is no whole record."""
        records = []
        for number, line in enumerate(chunk.lines, chunk.before + 1):
            if not line.strip(" \t\r\n"):
                continue
            record = whole_record(line)
            if record is None:
                return None
            records.append(Located(f"{self.name}: line {number}", record))
        faults: list[BadInput] = []
        cases: Iterable[Case] = Cases(self.name, faults.append, located=records)
        if self.accounts is not None:
            vendors = self.settings.policy.known_vendors
            cases = (self.accounts.describe(case, vendors) for case in cases)
        parts: list[bytes | BadInput] = []
        rows: list[bytes] = []
        count = 0
        for _, decision in decide_all(cases, self.settings, self.repeated):
            if faults:
                parts += [self.form.between.join(rows), *faults] if rows else faults
                faults.clear()
                rows.clear()
            rows.append(self.form.row(decision))
            count += 1
        parts += [self.form.between.join(rows), *faults] if rows else faults
        return Written(parts, count)


def _begin(name: str, output_format: str, named: Named) -> None:
    # An interrupt reaches all processes of a terminal; the parent says so, and ends these.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    global _worker
    _worker = _Worker(name, output_format, named)


def _written(before: int, lines: list[str]) -> Written | None:
    return _worker.write(Chunk(before, lines))
