"""Who can set a fact: whoever shares the resource, its account, the organization, or AWS alone."""

from typing import Final, Literal, get_args

SetBy = Literal["sharer", "account", "organization", "aws"]
"""From the weakest to the strongest.

``sharer``
    Whoever manages the resource: its name, its tags and aliases, the conditions of its policy.
``account``
    Administrators of the account that owns it: the account's name.
``organization``
    Who administers the organization, or wrote the policy: organizational units, account tags, membership.
``aws``
    Nobody but AWS, which says what it found: public or not, principals, actions.
"""

PROVENANCES: Final[tuple[SetBy, ...]] = get_args(SetBy)


def weakest(*provenances: SetBy) -> SetBy:
    """Return who of several can set a fact that rests on several facts: the one with the least rights.

    Examples
    --------
    >>> weakest("aws", "sharer", "organization")
    'sharer'
    """
    return min(provenances, key=PROVENANCES.index, default="aws")
