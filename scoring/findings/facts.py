"""A fact about a finding: present, absent, or unknown.

"No tags" and "we were not allowed to read the tags" must never look alike, so the difference is a type.
"""

from typing import Generic, TypeAlias, TypeVar

import msgspec

T = TypeVar("T", covariant=True)


class Present(msgspec.Struct, Generic[T], frozen=True):
    """The fact was looked up and is there."""

    value: T


class Absent(msgspec.Struct, frozen=True):
    """The fact was looked up and there is nothing."""


class Unknown(msgspec.Struct, frozen=True):
    """Nobody knows: it was refused or failed (`asked`), or it was never looked up.

    Parameters
    ----------
    reason : str
        An error code such as ``AccessDenied``, or ``not looked up``.
    asked : bool
        Whether somebody tried.
    """

    reason: str
    asked: bool = True


Fact: TypeAlias = Present[T] | Absent | Unknown

ABSENT = Absent()
NOT_LOOKED_UP = Unknown("not looked up", asked=False)
