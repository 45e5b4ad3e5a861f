"""Reads the JSON values of a file or of standard input, one at a time; every error says where it is.

The arrangement is recognised by content, not by the file's name: JSON lines, one document, a list, the list
under `findings` that the AWS CLI and Security Hub print, or several documents one after another. A broken
value gives an error; the values before and after it are still read. Only one value is held in memory, and one
of more than `scoring.files.json_stream.MAX_RECORD` characters is an error.
"""

import codecs
import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from scoring.files.errors import BadInput, printable
from scoring.files.json_stream import Located, Scanner

STANDARD_INPUT = "-"

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PIECE = 16 * 1024 * 1024  # bytes of a line that are read at once: more than a record may have


def read(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Located]:
    r"""Read the JSON values of a file, lazily and in order; never raises for what the input holds.

    Parameters
    ----------
    source : str, path or binary file
        A path, ``-`` for standard input, or an open binary file; gzip is recognised by its first bytes.

    Yields
    ------
    Located
        A value, or the error that stands in its place. A file that cannot be read at all gives one error.

    Examples
    --------
    >>> for record in read(io.BytesIO(b'{"id": 1}\n{"id": 2\n{"id": 3}\n')):
    ...     print(record.where, record.value, record.error)
    input: line 1 {'id': 1} None
    input: line 2 None input: line 2: cut off: another record begins before it ends
    input: line 3 {'id': 3} None
    """
    name = name_of(source)
    try:
        with open_lines(source) as lines:
            yield from Scanner(name, lines).records()
    except BadInput as error:
        yield Located(name, error=error)


def check(source: str) -> None:
    """Raise `BadInput` for a path where nothing can be read, before anything is written. It is not opened."""
    if source == STANDARD_INPUT or "\0" in source:
        return
    try:
        mode = Path(source).stat().st_mode
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", where=name_of(source)) from None
    if stat.S_ISDIR(mode):
        raise BadInput("expected a file, got a directory", where=name_of(source))


@contextmanager
def open_lines(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Iterator[str]]:
    """Open a file as lines of text, gzip or not; what is not UTF-8 is decoded with ``surrogateescape``.

    A line of more than 16 MiB comes in pieces, of which only the last one ends with a line end.

    Raises
    ------
    BadInput
        What is wrong with the file, there and while its lines are read.
    """
    name = name_of(source)
    try:
        with _opened(source) as stream:
            yield _lines(stream)
    except BadInput as error:
        raise error.at(name) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadInput("the gzip data is damaged or cut off", where=name) from None
    except IsADirectoryError:
        raise BadInput("expected a file, got a directory", where=name) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", where=name) from None


def name_of(source: object) -> str:
    """Return what an input is called in messages."""
    if source == STANDARD_INPUT:
        return "standard input"
    return printable(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "input"


@contextmanager
def _opened(source: str | os.PathLike[str] | BinaryIO) -> Iterator[BinaryIO]:
    if source == STANDARD_INPUT:
        if sys.stdin is None:
            raise BadInput("expected input, but standard input is closed")
        yield sys.stdin.buffer
    elif not isinstance(source, (str, os.PathLike)):
        yield source
    elif "\0" in os.fspath(source):
        raise BadInput("expected a path without NUL")
    else:
        with Path(source).open("rb") as stream:
            yield stream


class _Rejoined(io.RawIOBase):
    """A stream with its first bytes, which were read to see what it is, put back in front."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        head, self._head = self._head, b""
        return head or self._stream.read(size)


def _lines(stream: BinaryIO) -> Iterator[str]:
    head = stream.read(2)
    if head == _GZIP:
        stream = gzip.GzipFile(fileobj=_Rejoined(head, stream))  # type: ignore[assignment]
        head = stream.read(2)
    if head in _UTF16:
        raise BadInput("expected UTF-8, got UTF-16: convert it with iconv -f UTF-16 -t UTF-8")
    first = head + stream.readline(_PIECE)
    if first.startswith(_PARQUET):
        raise BadInput("expected JSON, got Parquet, which only a history for training may be")
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    piece = first
    while piece:
        is_end_of_line = piece.endswith(b"\n") or len(piece) < _PIECE
        yield decoder.decode(piece, is_end_of_line)
        piece = stream.readline(_PIECE)
    if rest := decoder.decode(b"", final=True):
        yield rest
