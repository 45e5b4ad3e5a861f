"""Moments as people type them."""

import re
from datetime import UTC, datetime, timedelta

from scoring.files.errors import BadInput

_AGO = re.compile(r"([0-9]{1,5})([mhd])", re.ASCII)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_moment(text: str, now: datetime, field: str) -> datetime:
    """Read a moment: a date, a date with a time (UTC unless it says otherwise), or so long ago.

    Parameters
    ----------
    field : str
        The option, for the message.

    Raises
    ------
    BadInput
        It is none.

    Examples
    --------
    >>> noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    >>> read_moment("2h", noon, "--since").isoformat()
    '2026-11-02T10:00:00+00:00'
    >>> read_moment("2026-11-01T10:00:00Z", noon, "--since").isoformat()
    '2026-11-01T10:00:00+00:00'
    >>> read_moment("soon", noon, "--since")
    Traceback (most recent call last):
    scoring.files.errors.BadInput: --since: expected 2026-11-01, ... or 7d, got 'soon'
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return now - int(ago[1]) * _UNITS[ago[2]]
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        expected = "expected 2026-11-01, 2026-11-01T10:00:00Z, 90m, 24h or 7d"
        raise BadInput(expected, field=field, value=text) from None
