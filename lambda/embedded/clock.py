"""What time it is in the embedded AWS: the machine's clock, unless a test or the demo brings its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def _system() -> datetime:
    return datetime.now(UTC)


_clock: Clock = _system


def now() -> datetime:
    """The embedded AWS's present moment, an aware datetime in UTC."""
    return _clock().astimezone(UTC)


@contextmanager
def running(clock: Clock | None) -> Iterator[None]:
    """Use `clock` inside the block; None keeps the clock that is in use.

    It holds for every thread, since a moto server answers from threads of its own.

    Examples
    --------
    >>> with running(lambda: datetime(2026, 5, 4, tzinfo=UTC)):
    ...     now().isoformat()
    '2026-05-04T00:00:00+00:00'
    """
    global _clock
    before = _clock
    _clock = clock or before
    try:
        yield
    finally:
        _clock = before


def iso(moment: datetime) -> str:
    """A moment as EventBridge writes it.

    Examples
    --------
    >>> iso(datetime(2026, 5, 4, 9, 15, 51, 70, tzinfo=UTC))
    '2026-05-04T09:15:51Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
