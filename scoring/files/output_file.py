"""Where a command writes: standard output, or a file that is there whole or not at all."""

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from scoring.files.errors import BadInput

STANDARD = "-"


@contextmanager
def destination(path: str | None, inputs: Iterable[str | None] = ()) -> Iterator[BinaryIO]:
    """Open what a command writes to.

    A file is written under a temporary name in the same folder and renamed at the end. If an exception leaves
    the block, the old file stays as it was. A pipe or a device is written to directly.

    Parameters
    ----------
    path : str or None
        A file; None or ``-`` for standard output.
    inputs : iterable of str or None
        Files that are read at the same time and must not be written over.

    Raises
    ------
    BadInput
        The path is a directory, or one of the inputs.
    OSError
        Nothing can be written there.
    """
    if path is None or path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path).resolve()
    if target.is_dir():
        raise BadInput("expected a file, got a directory", field="--output", where=path)
    if any(_is_same(target, source) for source in inputs if source is not None):
        raise BadInput("expected another file than the one that is read", field="--output", where=path)
    if target.exists() and not target.is_file():
        with target.open("wb") as stream:
            yield stream
    else:
        with _replacing(target) as stream:
            yield stream


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    beside = target.with_name(f".{target.name[:40]}.{secrets.token_hex(4)}")
    try:
        stream = beside.open("xb")
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror or error}", where=str(target)) from None
    try:
        with stream:
            yield stream
        if target.exists():
            beside.chmod(stat.S_IMODE(target.stat().st_mode))
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _is_same(target: Path, source: str) -> bool:
    try:
        read = os.fstat(sys.stdin.fileno()) if source == STANDARD else Path(source).stat()
        return os.path.samestat(target.stat(), read)
    except (OSError, ValueError):
        return False
