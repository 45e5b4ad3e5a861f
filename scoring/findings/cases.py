"""Reads the cases of a file one by one; errors are reported and skipped, whatever the size of the file."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from scoring.files.errors import BadInput
from scoring.files.json_file import read
from scoring.files.json_stream import Located
from scoring.findings.record import Case, read_value


class Cases(Iterable[Case]):
    """The cases of a file in their order, read lazily and only once.

    Parameters
    ----------
    source : str, path or binary file
        ``-`` is standard input.
    report : callable
        Takes each fault.
    is_strict : bool
        Whether the first fault ends it.
    located : iterable of Located, optional
        Values of the source that somebody has read already.

    Attributes
    ----------
    faults : int
        How many records could not be read so far.
    """

    def __init__(
        self,
        source: str | Path | BinaryIO,
        report: Callable[[BadInput], None],
        *,
        is_strict: bool = False,
        located: Iterable[Located] | None = None,
    ) -> None:
        self.source, self.report, self.is_strict, self.located = source, report, is_strict, located
        self.faults = 0

    def __iter__(self) -> Iterator[Case]:
        for located in read(self.source) if self.located is None else self.located:
            error = located.error
            if isinstance(located.value, list):
                error = BadInput(
                    "expected a finding, an event or a record", value=located.value, where=located.where
                )
            if error is not None:
                if self._fault(error):
                    return
                continue
            for entry in read_value(located.value):
                if entry.case is not None:
                    yield entry.case
                elif entry.error is not None:
                    where = f"{located.where}: {entry.where}" if entry.where else located.where
                    if self._fault(entry.error.at(where)):
                        return

    def _fault(self, error: BadInput) -> bool:
        self.faults += 1
        self.report(error)
        return self.is_strict
