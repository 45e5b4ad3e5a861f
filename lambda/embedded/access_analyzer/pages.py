"""One page of a list at a time.

The token holds the place after the last item given out, not the item itself. So a caller may archive a page
of findings before asking for the next, as one does who lists the active findings, and misses none; moto's
own paginator answers that with an error, because the item its token names has left the filtered list.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

from embedded.access_analyzer.exceptions import ValidationException

MOST = 100
Place = tuple[str, int]
Item = TypeVar("Item")


def take(
    items: Iterable[Item],
    place: Callable[[Item], Place],
    *,
    most: int | None,
    token: str | None,
    descending: bool = False,
) -> tuple[list[Item], str | None]:
    """Sort by place and return the page after `token`, with the token of the next one or None.

    Parameters
    ----------
    items
        All that is listed.
    place
        Where an item stands: what it is sorted by, and a number that no other item has.
    most
        How many items at most; None is 100, and more than 100 is 100 (an assumption, not verified against
        AWS).
    token
        What the page before returned.
    descending
        Highest place first.

    Raises
    ------
    ValidationException
        The token is none of ours, or `most` is below 1.

    Examples
    --------
    >>> numbers = [("", n) for n in range(5)]
    >>> page, token = take(numbers, lambda n: n, most=3, token=None)
    >>> page, take(numbers, lambda n: n, most=3, token=token)
    ([('', 0), ('', 1), ('', 2)], ([('', 3), ('', 4)], None))
    """
    if most is not None and most < 1:
        raise ValidationException("maxResults must be at least 1", "fieldValidationFailed")
    ordered = sorted(items, key=place, reverse=descending)
    if token:
        last = _decode(token)
        ordered = [item for item in ordered if (place(item) < last if descending else place(item) > last)]
    page = ordered[: min(most or MOST, MOST)]
    return page, _encode(place(page[-1])) if len(page) < len(ordered) else None


def _encode(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _decode(token: str) -> Place:
    try:
        value, number = json.loads(base64.urlsafe_b64decode(token.encode()))
        return str(value), int(number)
    except (binascii.Error, ValueError, TypeError) as error:
        raise ValidationException("nextToken is not valid", "fieldValidationFailed") from error
