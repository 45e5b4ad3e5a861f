"""Whose workloads a federated identity lets in, where they come from an OpenID Connect issuer."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

import msgspec

from scoring.findings.access.conditions import split_values
from scoring.findings.access.identity_claims import ClaimPins, issuer_of
from scoring.findings.finding import Condition

SUBJECT_WIDTHS: Final = ("pinned", "one repository", "wildcard", "any subject")
"""How closely claims pin who comes from an issuer, from near to far."""

WORKFLOW_CAVEAT: Final = "only if no repository of others may call that workflow"

_GITHUB: Final = "token.actions.githubusercontent.com"
_PULL_REQUEST: Final = ":pull_request"  # any branch of a contributor opens one
_TYPED: Final = re.compile(r"[!-+\--~]{1,300}")  # what a policy may list: no blanks, no commas
_SCOPE: Final = re.compile(r"[\w-]+:|[*?]+$")  # what a subject, or a pattern of all, begins with
_OPEN, _PINNED, _REPOSITORY, _WILDCARD = "any subject", "pinned", "one repository", "wildcard"
# What an exact value of a claim comes to, by what the claim pins.
_BY_PINS: Final = {"one": _PINNED, "repository": _REPOSITORY, "tenant": _WILDCARD, "person": _WILDCARD}


class Claims(msgspec.Struct, frozen=True):
    """What the claims of one issuer come to.

    Attributes
    ----------
    width : str
        One of `SUBJECT_WIDTHS`: of several claims the closest counts.
    is_certain : bool
        False where it is any subject for all that is known, though a claim may narrow it: a workflow that
        only some may call, a pool that may have no guests.
    not_judged : tuple of str
        Keys of claims that the catalogue does not know.
    has_guests : bool
        Whether guests of an identity pool may come in.
    """

    width: str
    is_certain: bool = True
    not_judged: tuple[str, ...] = ()
    has_guests: bool = False


@lru_cache(maxsize=4096)
def judge_claims(issuer: str, conditions: tuple[Condition, ...]) -> Claims:
    """Say how closely conditions pin who comes in from an issuer.

    Examples
    --------
    >>> github = "token.actions.githubusercontent.com"
    >>> judge_claims(github, ((f"{github}:sub", ("repo:acme/*:*",)),)).width
    'wildcard'
    >>> judge_claims(github, ((f"{github}:repository_id", ("67890",)),)).width
    'one repository'
    >>> judge_claims(github, ((f"{github}:environment", ("production",)),)).width
    'any subject'
    """
    known = issuer_of(issuer).claims
    found = _claims(issuer, conditions)
    guests = _guests(found, known)
    widths, not_judged, is_certain = [_OPEN], [], True
    for claim, (key, values) in found.items():
        pins = known.get(claim)
        if pins is None:
            not_judged.append(key)
        elif pins == "workflow":
            is_certain = is_certain and _is_open_workflow(values)
        elif pins == "pool":
            is_pinned = all(_is_exact(value) for value in values)
            is_certain = is_certain and not (is_pinned and guests is None)
            widths.append(_WILDCARD if is_pinned and guests is False else _OPEN)
        else:
            widths.append(max((_width(issuer, pins, value) for value in values), key=SUBJECT_WIDTHS.index))
            if pins == "subject" and widths[-1] == _OPEN:
                is_certain = is_certain and any(_is_open_subject(issuer, value) for value in values)
    width = min(widths, key=SUBJECT_WIDTHS.index)
    return Claims(width, is_certain or width != _OPEN, tuple(not_judged), guests is not False)


def subject(issuer: str, conditions: tuple[Condition, ...]) -> str:
    """Return how closely conditions pin who comes in from an issuer: one of `SUBJECT_WIDTHS`.

    Examples
    --------
    >>> key = "token.actions.githubusercontent.com:sub"
    >>> subject("token.actions.githubusercontent.com", ((key, ("repo:acme/app:ref:refs/heads/main",)),))
    'pinned'
    """
    return judge_claims(issuer, conditions).width


def pinning_claims(issuer: str, conditions: tuple[Condition, ...]) -> dict[str, tuple[str, ...]]:
    """Return the claims that say who comes in, with their values; what any tenant can have is left out.

    Examples
    --------
    >>> github = "token.actions.githubusercontent.com"
    >>> pinning_claims(github, ((f"{github}:aud", ("sts",)), (f"{github}:repository_id", ("67890",))))
    {'repository_id': ('67890',)}
    """
    known = issuer_of(issuer).claims
    found = _claims(issuer, conditions)
    return {claim: values for claim, (_, values) in found.items() if known.get(claim, "") != "nobody"}


@lru_cache(maxsize=4096)
def _claims(issuer: str, conditions: tuple[Condition, ...]) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Return the claims of an issuer: name in small letters to key and values."""
    prefix = f"{issuer.lower()}:"
    found = {}
    for key, raw in conditions:
        if key.lower().startswith(prefix):
            values = tuple(value for value in _values(raw) if value)
            found[key.lower().removeprefix(prefix)] = key, values or ("*",)
    return found


def _values(raw: tuple[str, ...]) -> tuple[str, ...]:
    """Take values apart; a comma in the name of a branch or an environment separates nothing."""
    scope, colon, _ = raw[0].partition(":") if raw else ("", "", "")
    start = scope + colon if colon else ""
    return split_values(raw, lambda part: part.startswith(start) or bool(_SCOPE.match(part)))


def _guests(found: Mapping[str, tuple[str, tuple[str, ...]]], known: Mapping[str, str]) -> bool | None:
    """Say whether guests of an identity pool may come in; None where no claim says so."""
    claim = next((name for name, pins in known.items() if pins == "guests"), None)
    if claim is None:
        return False
    if claim not in found:
        return None
    return any(value.lower() == "unauthenticated" or not _is_exact(value) for value in found[claim][1])


def _is_exact(value: str) -> bool:
    return bool(value) and not set(value) & set("*?")


def _width(issuer: str, pins: str, value: str) -> str:
    if pins == "subject":
        return subject_width(issuer, value)
    if pins == "repository name":
        return _name_width(value)
    return _BY_PINS.get(pins, _OPEN) if _is_exact(value) else _OPEN


def _name_width(value: str) -> str:
    owner, slash, name = value.partition("/")
    if not owner or not slash or not _is_exact(owner):
        return _OPEN
    return _REPOSITORY if _is_exact(name) else _WILDCARD


def _is_open_workflow(values: tuple[str, ...]) -> bool:
    """Say whether anybody's workflow matches; one that is named may be open to all, or to some."""
    return any(_name_width(value) == _OPEN for value in values)


def subject_width(issuer: str, value: str) -> str:
    """Return which of `SUBJECT_WIDTHS` one pattern of a subject is."""
    known = issuer_of(issuer)
    is_github = known.called == "GitHub Actions"
    if is_github and known.is_shared:
        return _github_width(known.claims, value)
    if _is_exact(value):
        return _REPOSITORY if is_github and value.endswith(_PULL_REQUEST) else _PINNED
    fixed = re.split(r"[*?]", value, maxsplit=1)[0]
    if known.is_shared:
        # The tenant has to stand there in full.
        parts = re.split(r"[:/]", fixed)
        return _WILDCARD if len(parts) > known.tenant_part and parts[known.tenant_part - 1] else _OPEN
    return _WILDCARD if len(fixed) > 2 else _OPEN


def _github_width(claims: Mapping[str, ClaimPins], value: str) -> str:
    """Judge a subject of GitHub's shared issuer: claims, as an organization's template strings them together.

    Any organization may choose a template: a subject of ``environment:production`` alone is anybody's.
    """
    pins, named = _first_claim(claims, value)
    if pins == "repository name":
        width = _name_width(named)
    else:
        width = _BY_PINS.get(pins, _OPEN) if _is_exact(named) else _OPEN
    is_whole = _is_exact(value) and not value.endswith(_PULL_REQUEST)
    return _PINNED if is_whole and width == _REPOSITORY else width


def _first_claim(claims: Mapping[str, ClaimPins], value: str) -> tuple[str, str]:
    """Return what the first claim of a GitHub subject pins, empty where nobody knows, and its value."""
    claim, colon, rest = value.partition(":")
    if not colon:
        return "", ""
    return "repository name" if claim == "repo" else claims.get(claim, ""), rest.partition(":")[0]


def _is_open_subject(issuer: str, value: str) -> bool:
    """Say whether a subject is certainly anybody's; one that names a workflow first may be open to some."""
    known = issuer_of(issuer)
    if subject_width(issuer, value) != _OPEN:
        return False
    return not _names_workflow(known.claims, value)


def is_shared(issuer: str) -> bool:
    """Say whether anybody on the internet can get a token from an issuer."""
    return issuer_of(issuer).is_shared


ListedClaims = Mapping[str, tuple[str, ...]]
"""Claim, in small letters, to the patterns that the policy lists."""


def has_listed_subject(issuer: str, conditions: tuple[Condition, ...], listed: ListedClaims) -> bool:
    """Say whether conditions let in nobody but whom the policy lists.

    Parameters
    ----------
    listed : mapping
        Patterns with ``*`` and ``?``, as in the conditions themselves; ``*`` alone as subject lists whoever
        comes.

    Notes
    -----
    One listed claim is enough, since all claims have to hold. Guests of an identity pool are never listed
    with it.

    Examples
    --------
    >>> issuer = "token.actions.githubusercontent.com"
    >>> for allowed in ("repo:acme/app:*", "repo:acme/*", "repo:*"):
    ...     has_listed_subject(issuer, ((f"{issuer}:sub", (allowed,)),), {"sub": ("repo:acme/*",)})
    True
    True
    False
    """
    if not listed:
        return False
    if "*" in listed.get("sub", ()):
        return True
    known = issuer_of(issuer).claims
    found = _claims(issuer, conditions)
    guests = _guests(found, known)
    for claim, patterns in listed.items():
        if claim not in found or (known.get(claim) == "pool" and guests is not False):
            continue
        # What stands for any text, or any character, in a condition is matched by nothing less than that.
        globs = [pattern.replace("[", "[[]").replace("?", "[!*]") for pattern in patterns]
        if all(any(fnmatchcase(value, glob) for glob in globs) for value in found[claim][1]):
            return True
    return False


def is_listable(issuer: str, claim: str, pattern: str) -> bool:
    """Say whether listing a pattern of a claim lets in only who was meant: no stranger of a shared issuer."""
    known = issuer_of(issuer)
    pins = known.claims.get(claim, "nobody")
    if pins == "workflow":
        return _name_width(pattern) != _OPEN
    if pins == "pool":
        return _is_exact(pattern)
    if pins == "subject" and (not known.is_shared or _names_workflow(known.claims, pattern)):
        return True
    return _width(issuer, pins, pattern) != _OPEN


def _names_workflow(claims: Mapping[str, ClaimPins], value: str) -> bool:
    pins, named = _first_claim(claims, value)
    return pins == "workflow" and _name_width(named) != _OPEN


@lru_cache(maxsize=4096)
def policy_line(issuer: str, conditions: tuple[Condition, ...]) -> str:
    """Write the line for the policy's ``[allow.subjects]`` that lists whom conditions let in.

    Returns
    -------
    str
        Empty where no claim pins anybody down: such a line would let in strangers too.

    Examples
    --------
    >>> github = "token.actions.githubusercontent.com"
    >>> policy_line(github, ((f"{github}:repository_id", ("67890",)),))
    '"token.actions.githubusercontent.com" = { repository_id = ["67890"] }'
    """
    found = _claims(issuer, conditions)
    known = issuer_of(issuer).claims
    ranked = []
    for claim, (_, values) in found.items():
        pins = known.get(claim, "nobody")
        if pins == "pool":
            widths = {_OPEN if _guests(found, known) is not False else _WILDCARD}
        elif pins == "workflow":
            widths = {_OPEN if _is_open_workflow(values) else "workflow"}
        else:
            is_workflow = pins == "subject" and any(_names_workflow(known, value) for value in values)
            widths = {"workflow"} if is_workflow else set()
            widths |= {
                _width(issuer, pins, value)
                for value in values
                if not (is_workflow and _names_workflow(known, value))
            }
        are_typed = all(_TYPED.fullmatch(value) and is_listable(issuer, claim, value) for value in values)
        if _OPEN not in widths and are_typed:
            rank = max((*SUBJECT_WIDTHS, "workflow").index(width) for width in widths)
            ranked.append((rank, claim != "sub", claim, values))
    if not ranked:
        return ""
    _, _, claim, values = min(ranked)
    listed = json.dumps(list(values))
    if claim == "sub":
        return f"{json.dumps(issuer)} = {listed}"
    name = claim if re.fullmatch(r"[A-Za-z0-9_-]+", claim) else json.dumps(claim)
    return f"{json.dumps(issuer)} = {{ {name} = {listed} }}"
