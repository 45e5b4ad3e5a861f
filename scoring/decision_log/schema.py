"""The schema of the log's items: decisions and the latest states of findings carry its number.

An attribute that is added with a default needs no new number. One that is renamed, or means something else,
does: then `RECIPES` gets one more entry, which turns an item of the number before into one of the new.
"""

from collections.abc import Callable
from typing import Any, Final

from scoring.files.errors import BadInput

Recipe = Callable[[dict[str, Any]], dict[str, Any]]

RECIPES: Final[tuple[Recipe, ...]] = (
    # 0 -> 1: items before numbers were written; the attributes are the same
    lambda item: item,
)
"""The recipe at place n turns schema n into n + 1."""
SCHEMA: Final = len(RECIPES)
"""What this version writes."""


def upgraded(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as this version writes it.

    Raises
    ------
    BadInput
        A newer version has written it.

    Examples
    --------
    >>> upgraded({"finding_id": "f", "item": "latest"})["finding_id"]
    'f'
    """
    number = item.get("schema", 0)
    if not isinstance(number, int) or not 0 <= number <= SCHEMA:
        raise BadInput(
            f"expected a schema up to {SCHEMA}: a newer version wrote it", field="schema", value=number
        )
    for recipe in RECIPES[number:]:
        item = recipe(item)
    return item
