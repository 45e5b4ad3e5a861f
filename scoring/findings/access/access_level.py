"""Actions -> access level: List, Read, Tagging, Write or Permissions management.

A level says what kind of thing an action can do, not how much harm: in the reference ``kms:Decrypt`` and
``sts:AssumeRole`` are Write, ``secretsmanager:GetSecretValue`` is Read.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from scoring.files.errors import printable
from scoring.findings.access.action_reference import LEVELS, reference, verb_of

MOST_PATTERNS: Final = 200
"""Different wildcard entries of one finding that are looked up; any beyond count as the highest level."""

_HIGHEST: Final = len(LEVELS) - 1
_LONGEST_NAME: Final = 128  # IAM's API takes no longer one (ActionNameType)
_LONGEST_SHOWN: Final = 80
_ENTRY: Final = re.compile(r"(?:([A-Za-z0-9*?-]*):)?([A-Za-z0-9*?-]+)")


class AccessLevel(msgspec.Struct, frozen=True):
    """The access level of a set of actions, and what it rests on.

    Attributes
    ----------
    level : str or None
        One of `LEVELS`; None (unknown) where there are no actions.
    assumed : bool
        Whether any entry is not in the reference and was therefore taken at its worst.
    decisive : str
        The entry with the highest level, as it was written (it may be long and hold any character): a known
        one before an assumed one, then the first. Empty where the level is unknown.
    others : int
        How many further, different entries have that level too.
    covers : str
        Where the decisive entry is a wildcard within one service: a known action under it with its level.
    unrecognised : tuple of str
        The entries that are not in the reference, as they were written.
    """

    level: str | None
    assumed: bool = False
    decisive: str = ""
    others: int = 0
    covers: str = ""
    unrecognised: tuple[str, ...] = ()


class _Judged(NamedTuple):
    rank: int
    known: bool
    covers: str = ""


_RANK_THEN_KNOWN: Final = itemgetter(0, 1)
_WORST: Final = _Judged(_HIGHEST, known=False)
_KNOWN: Final = tuple(_Judged(rank, known=True) for rank in range(len(LEVELS)))


@lru_cache(maxsize=1024)
def access_level(actions: tuple[str, ...]) -> AccessLevel:
    """Give the highest access level among a finding's actions.

    Upper and lower case are alike. A wildcard (``*`` any characters, ``?`` one) has the highest level among
    the known actions it covers. An action that is not in the reference has the highest level among the
    actions of its service that begin with the same verb (its first word), else among those of all services,
    else the highest of all. So has an entry that no statement could hold (two colons, a bracket, a control
    character) or that turns its meaning round (``NotAction:...``).

    Parameters
    ----------
    actions : tuple of str
        As the finding carries them, such as ``("s3:GetObject", "kms:*")``; any text is accepted.

    Returns
    -------
    AccessLevel
        Its level is None (unknown) where there are no actions.

    Notes
    -----
    Time is bounded for any input: at most `MOST_PATTERNS` wildcards are looked up, each at most once against
    each action of the reference, with an expression that never goes back behind an earlier ``*``.

    Examples
    --------
    >>> access_level(("kms:DescribeKey", "kms:Decrypt")).level
    'Write'
    >>> access_level(("s3:put*",)).covers
    's3:PutBucketAcl'
    >>> access_level(("sns:Receive",)).assumed
    True
    >>> access_level(()).level is None
    True
    """
    if not actions:
        return AccessLevel(level=None)
    entries = tuple(dict.fromkeys(actions))
    judged = _judge_all(entries)
    best = max(judged, key=_RANK_THEN_KNOWN)
    unrecognised = tuple([entry for entry, one in zip(entries, judged, strict=True) if not one.known])
    return AccessLevel(
        level=LEVELS[best.rank],
        assumed=bool(unrecognised),
        decisive=entries[judged.index(best)],
        others=[one.rank for one in judged].count(best.rank) - 1,
        covers=best.covers,
        unrecognised=unrecognised,
    )


def rank(level: str | None) -> int:
    """Give a level's place in `LEVELS`, from 0; None (unknown) comes after all of them, for it may be any.

    Examples
    --------
    >>> max("Write", "Read", "Tagging", key=rank)
    'Write'
    """
    return len(LEVELS) if level is None else LEVELS.index(level)


def at_least(level: str | None, floor: str) -> bool:
    """Tell whether a level is `floor` or higher; an unknown level may be, so it counts as higher.

    Examples
    --------
    >>> at_least("Tagging", "Write"), at_least("Permissions management", "Write"), at_least(None, "Write")
    (False, True, True)
    """
    return rank(level) >= rank(floor)


def describe(access: AccessLevel) -> str:
    """Say an access level and what it rests on, on one printable line.

    Examples
    --------
    >>> print(describe(access_level(("kms:Decrypt", "kms:Encrypt", "kms:DescribeKey"))))
    Write (decisive: kms:Decrypt and 1 more)
    >>> print(describe(access_level(("s3:*", "s3:GetObject"))))
    Permissions management (decisive: s3:*, which covers s3:PutBucketAcl)
    >>> print(describe(access_level(("sns:Publish", "sns:Receive"))))
    Write (decisive: sns:Publish and 1 more; not in the reference, taken at its worst: sns:Receive)
    """
    if access.level is None:
        return "unknown (no actions)"
    covers = f", which covers {access.covers}" if access.covers else ""
    reasons = [f"decisive: {_shown(access.decisive)}{covers}{_more(access.others)}"]
    if access.unrecognised:
        first, others = access.unrecognised[0], len(access.unrecognised) - 1
        reasons.append(f"not in the reference, taken at its worst: {_shown(first)}{_more(others)}")
    return f"{access.level} ({'; '.join(reasons)})"


def _shown(entry: str) -> str:
    short = entry if len(entry) <= _LONGEST_SHOWN else entry[:_LONGEST_SHOWN] + "..."
    return printable(short) or "an empty entry"


def _more(count: int) -> str:
    return f" and {count} more" if count else ""


def _judge_all(entries: Iterable[str]) -> list[_Judged]:
    judged, patterns, service_of = [], 0, reference().service
    for entry in entries:
        prefix, _, name = entry.lower().partition(":")
        service = service_of(prefix)
        # Beyond ASCII, a letter such as the Kelvin sign can become one of ours in lower case.
        if service is not None and name in service.ranks and entry.isascii():
            judged.append(_KNOWN[service.ranks[name]])
            continue
        patterns += _has_wildcard(entry)
        judged.append(_judge(entry) if patterns <= MOST_PATTERNS else _WORST)
    return judged


def _judge(entry: str) -> _Judged:
    """Judge an entry that is no known action: a wildcard, an unknown action, or neither."""
    if entry and not entry.strip("*"):
        return _KNOWN[_HIGHEST]
    parts = _ENTRY.fullmatch(entry)
    if parts is None:
        return _WORST
    prefix, name = (parts[1] or "").lower(), parts[2]
    if prefix == "notaction":
        return _WORST
    fits = all(len(pattern) - pattern.count("*") <= _LONGEST_NAME for pattern in (prefix, name))
    covered = _best_covered(prefix, name.lower()) if _has_wildcard(entry) and fits else None
    return covered or _assume(prefix, name)


def _has_wildcard(entry: str) -> bool:
    return "*" in entry or "?" in entry


@lru_cache(maxsize=1024)
def _best_covered(prefix: str, name: str) -> _Judged | None:
    """Find the highest level among the known actions that two patterns cover; None where they cover none."""
    one_service, best = not _has_wildcard(prefix), None
    covers_prefix, covers = _matcher(prefix), _matcher(name)
    for candidate in [prefix] if one_service else filter(covers_prefix, reference().services):
        service = reference().service(candidate)
        for action in service.highest_first if service else ():
            if best is not None and action.rank <= best.rank:
                break
            if covers(action.folded):
                best = _Judged(action.rank, True, f"{candidate}:{action.written}" if one_service else "")
                break
    return best


def _matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(pattern)).match


def _assume(prefix: str, name: str) -> _Judged:
    """Take an unknown action at the worst that its verb can do."""
    verb = verb_of(name)
    if name[len(verb) : len(verb) + 1] in ("*", "?"):
        return _WORST  # the word may go on
    service = reference().service(prefix)
    verbs = service.verbs if service and verb.lower() in service.verbs else reference().verbs
    return _Judged(verbs.get(verb.lower(), _HIGHEST), known=False)
