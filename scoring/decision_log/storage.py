"""What the decision log asks of a storage: items by key, writes that happen together or not at all, queries.

An item is a mapping of plain values: text, integers, booleans, bytes, lists, mappings, sets of text. Its key
are two of them, ``finding_id`` and ``item``. A write says under which conditions it may happen, as data; each
storage puts them into its own words (`scoring.decision_log.dynamodb`, `scoring.decision_log.sqlite`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec

from scoring.decision_log.schema import upgraded
from scoring.files.errors import BadInput

S = TypeVar("S", bound=msgspec.Struct)

Item = dict[str, Any]
ItemKey = tuple[str, str]
"""``finding_id`` and ``item``."""
Path = tuple[str | int, ...]
"""Names of an attribute and of what is inside it, numbers of a list's elements."""

EXPIRES_AT: Final = "expires_at"
"""Attribute that ends an item's life: seconds since 1970."""
MOST_WRITES: Final = 100
"""Writes that may happen together."""


class Missing(msgspec.Struct, frozen=True):
    """There is no such attribute, or no item at all."""

    path: Path


class Exists(msgspec.Struct, frozen=True):
    """There is such an attribute."""

    path: Path


class Equals(msgspec.Struct, frozen=True):
    """The attribute has this value."""

    path: Path
    value: str | int


class AtMost(msgspec.Struct, frozen=True):
    """The attribute is missing, or no larger than this value (text by its order)."""

    path: Path
    value: str | int


class HasLength(msgspec.Struct, frozen=True):
    """The attribute is a list of so many elements."""

    path: Path
    length: int


WriteCondition = Missing | Exists | Equals | AtMost | HasLength

IS_NEW: Final = Missing(("finding_id",))
"""There is no item under the key."""
IS_THERE: Final = Exists(("finding_id",))
"""There is an item under the key."""


class Put(msgspec.Struct, frozen=True, kw_only=True):
    """Write an item, in place of the one that is there."""

    item: Mapping[str, Any]
    only_if: tuple[WriteCondition, ...] = ()

    @property
    def key(self) -> ItemKey:
        """The item's own."""
        return self.item["finding_id"], self.item["item"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Change attributes of an item; one that is not there is made.

    Parameters
    ----------
    assign : mapping
        Attributes and their new values.
    remove : tuple of str
        Attributes that are to go.
    append, prepend : mapping
        Attributes that are lists, and what is put after or before their elements.
    add : mapping
        Attributes and what is added to each: a number, or a set of text.
    """

    key: ItemKey
    assign: Mapping[str, Any] = {}
    remove: tuple[str, ...] = ()
    append: Mapping[str, list[Any]] = {}
    prepend: Mapping[str, list[Any]] = {}
    add: Mapping[str, int | set[str]] = {}
    only_if: tuple[WriteCondition, ...] = ()


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """Delete an item; one that is not there is gone already."""

    key: ItemKey
    only_if: tuple[WriteCondition, ...] = ()


Write = Put | Change | Delete


class ConditionFailed(Exception):
    """Nothing was written, since conditions did not hold.

    Attributes
    ----------
    failed : dict
        Number of the write, in the order given, to the item as it stood; None where there was none.
    """

    def __init__(self, failed: Mapping[int, Item | None]) -> None:
        self.failed = failed
        super().__init__(f"conditions of writes {sorted(failed)} did not hold")


class Storage(Protocol):
    """Where items are kept.

    Every method raises what the storage raises where it cannot be reached: errors of botocore, or `BadInput`
    that names a file.
    """

    def __hash__(self) -> int:
        """Tell one storage from another."""

    @property
    def name(self) -> str:
        """What messages call it: a table's name, a file's path."""

    def close(self) -> None:
        """Let go of what is held open."""

    def get(self, key: ItemKey) -> Item | None:
        """Read an item as it is now."""

    def get_many(self, keys: Sequence[ItemKey]) -> Iterator[Item]:
        """Read items as they are now, in no order; those that are not there are left out."""

    def of_finding(self, finding_id: str, prefix: str, *, newest: int | None = None) -> Iterator[Item]:
        """Read the items of a finding whose ``item`` begins so, as they are now, in the order of ``item``.

        Parameters
        ----------
        newest : int, optional
            Only so many, the last one first; they may be a second or so behind.
        """

    def by_effect(self, effect: str, *, since: str, until: str) -> Iterator[Item]:
        """Read items with a value of ``effect``, by ``decided_at``; they may be a second or so behind.

        Parameters
        ----------
        since, until : str
            Bounds of ``decided_at``, both included.
        """

    def with_prefix(self, prefix: str) -> Iterator[Item]:
        """Read all items whose ``item`` begins so, in no order."""

    def write(self, writes: Sequence[Write]) -> None:
        """Make at most `MOST_WRITES` writes to as many items, all or none.

        Raises
        ------
        ConditionFailed
            A condition did not hold.
        """

    def change(self, change: Change) -> Item:
        """Make one change, and return the item after it; raises as `write`."""


def convert(item: Item, to: type[S]) -> S:
    """Read a stored item as a structure.

    Raises
    ------
    BadInput
        An attribute is none that this version could have written; it names the item.
    """
    where = f"decision log: {item.get('finding_id')} {item.get('item')}"
    try:
        return msgspec.convert(upgraded(item), to)
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error).at(where) from None
    except BadInput as error:
        raise error.at(where) from None


def write_each(storage: Storage, writes: Sequence[Write]) -> list[bool]:
    """Make many writes, as many together as there may be; one whose condition does not hold is left out.

    Returns
    -------
    list of bool
        For each write whether it was made.
    """
    made: list[bool] = []
    for start in range(0, len(writes), MOST_WRITES):
        waiting = dict(enumerate(writes[start : start + MOST_WRITES]))
        count = len(waiting)
        while waiting:
            numbers = list(waiting)
            try:
                storage.write(list(waiting.values()))
                break
            except ConditionFailed as error:
                for place in error.failed:
                    del waiting[numbers[place]]
        made += [number in waiting for number in range(count)]
    return made
