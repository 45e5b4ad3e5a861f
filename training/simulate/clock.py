"""Times as AWS writes them, from seconds since the epoch; no clock is read."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440))
_SECONDS = tuple(f"{second:02d}" for second in range(60))


@lru_cache(maxsize=20000)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).date().isoformat()


def _text(whole: int) -> str:
    day, rest = divmod(whole, 86400)
    minute, second = divmod(rest, 60)
    return f"{_day(day)}T{_MINUTES[minute]}:{_SECONDS[second]}"


def seconds(moment: float) -> str:
    """Whole seconds.

    >>> seconds(1767571200)
    '2026-01-05T00:00:00Z'
    """
    return _text(int(moment)) + "Z"


def millis(moment: float) -> str:
    """Milliseconds.

    >>> millis(1767571200.25)
    '2026-01-05T00:00:00.250Z'
    """
    whole = int(moment)
    return f"{_text(whole)}.{int((moment - whole) * 1000):03d}Z"


def nanos(moment: float) -> str:
    """Nanoseconds, as internal access findings have them.

    >>> nanos(1767571200.5)
    '2026-01-05T00:00:00.500000000Z'
    """
    whole = int(moment)
    return f"{_text(whole)}.{int((moment - whole) * 1_000_000_000):09d}Z"


def offset(moment: float) -> str:
    """Whole seconds with an offset, as the CLI prints them.

    >>> offset(1767571200)
    '2026-01-05T00:00:00+00:00'
    """
    return _text(int(moment)) + "+00:00"


def parse(text: str) -> float:
    """Seconds since the epoch of an ISO time in UTC.

    >>> parse("2026-01-05T00:00:00Z")
    1767571200.0
    """
    return (datetime.fromisoformat(text) - _EPOCH) / timedelta(seconds=1)
