"""Filters of native archive rules: their keys, what they match, and whether they hide public access.

The keys are those of the page "IAM Access Analyzer filter keys" in the IAM User Guide. How operators match is
documented in part only: `matches` takes all keys and all operators of a key together; ``eq`` and ``contains``
match if one of their values does, by exact case; ``neq`` also matches what lacks the key.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from scoring.aws.analyzers import Family
from scoring.files.errors import BadInput, did_you_mean
from scoring.findings.arn import account_id, is_account_id
from scoring.findings.finding import FINDING_TYPES, Finding
from scoring.findings.resource_types import RESOURCE_TYPES

MOST_VALUES: Final = 20
MOST_RULES: Final = 100
OPERATORS: Final = ("eq", "neq", "contains", "exists")
CONDITION_KEYS: Final = (
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:UserId",
    "cognito-identity.amazonaws.com:aud",
    "graph.facebook.com:app_id",
    "accounts.google.com:aud",
    "kms:CallerAccount",
    "www.amazon.com:app_id",
)
_OF_ALL: Final = ("resource", "resourceType", "resourceOwnerAccount", "error")
_OF_GRANTS: Final = (
    "principal.AWS",
    "principal.Federated",
    *(f"condition.{key}" for key in CONDITION_KEYS),
)
KEYS: Final[Mapping[Family, tuple[str, ...]]] = {
    "external": (*_OF_ALL, "isPublic", "resourceControlPolicyRestriction", *_OF_GRANTS),
    "internal": (*_OF_ALL, *_OF_GRANTS),
    "unused": (*_OF_ALL, "findingType"),
}
"""Filter keys by what the analyzer finds; a key that its findings never have would match none, or all."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,254}", re.ASCII)
_CHOICES: Final = {
    "isPublic": ("true", "false"),
    "resourceType": RESOURCE_TYPES,
    "findingType": tuple(name for name in FINDING_TYPES if name.startswith("Unused")),
    "resourceControlPolicyRestriction": ("APPLICABLE", "FAILED_TO_EVALUATE_RCP", "NOT_APPLICABLE"),
}


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a filter asks of one key; everything that is asked must hold."""

    eq: tuple[str, ...] = ()
    neq: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    exists: bool | None = None

    def __str__(self) -> str:
        asked = [f"{name} {' '.join(values)}" for name in OPERATORS[:3] if (values := getattr(self, name))]
        return " and ".join(
            [*asked, *([] if self.exists is None else [f"exists {str(self.exists).lower()}"])]
        )


Filter = Mapping[str, Criterion]


def parse(texts: Iterable[str]) -> dict[str, Criterion]:
    """Read a filter from words such as ``principal.AWS eq 111122223333 444455556666``.

    Words part values; quotes keep a value with spaces together. What is said of a key again is added.

    Raises
    ------
    BadInput
        Naming what was expected.

    Examples
    --------
    >>> str(parse(["principal.AWS eq 111122223333", "isPublic eq false"])["isPublic"])
    'eq false'
    """
    asked: dict[str, dict[str, Any]] = {}
    for text in texts:
        try:
            key, operator, *values = shlex.split(text)
        except ValueError:
            raise BadInput("expected 'KEY OPERATOR VALUE...'", field="--filter", value=text) from None
        if operator not in OPERATORS or not values:
            expected = f"expected one of {', '.join(OPERATORS)} between key and value"
            raise BadInput(expected, field="--filter", value=text)
        if operator == "exists":
            if values not in (["true"], ["false"]):
                raise BadInput("expected exists true or exists false", field="--filter", value=text)
            asked.setdefault(key, {})["exists"] = values == ["true"]
        else:
            asked.setdefault(key, {}).setdefault(operator, []).extend(values)
    return from_json(asked)


def from_json(value: object) -> dict[str, Criterion]:
    """Read a filter as the API takes it: ``{"principal.AWS": {"eq": ["111122223333"]}}``.

    An archive rule as the AWS CLI shows it is read for its filter.

    Raises
    ------
    BadInput
        Naming the key and what was expected.
    """
    if isinstance(value, dict):
        value = value.get("archiveRule", value)
    if isinstance(value, dict) and "ruleName" in value:
        value = value.get("filter")
    try:
        return msgspec.convert(value, dict[str, Criterion])
    except msgspec.ValidationError as error:
        raise BadInput.from_validation(error, "filter", keys=OPERATORS) from None


def to_api(filters: Filter) -> dict[str, Any]:
    """Write a filter as the API takes it."""
    return {
        key: {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(criterion).items()
            if value not in ((), None)
        }
        for key, criterion in filters.items()
    }


def check_name(name: str) -> None:
    """Raise BadInput where no rule can be called so."""
    if not _NAME.fullmatch(name):
        expected = "expected a letter, then letters, digits, _ . -; at most 255 characters"
        raise BadInput(expected, field="NAME", value=name)


def check(filters: Filter, family: Family) -> None:
    """Refuse a filter that AWS would refuse, or take without its ever matching anything.

    Raises
    ------
    BadInput
        Naming the key and what was expected.
    """
    if not filters:
        raise BadInput("expected at least one criterion", field="filter")
    for key, criterion in filters.items():
        field = f"filter.{key}"
        if key not in KEYS[family]:
            elsewhere = [other for other, keys in KEYS.items() if key in keys]
            if elsewhere:
                raise BadInput(
                    f"findings of {family} access have no such key; those of {elsewhere[0]} access do",
                    field=field,
                )
            raise BadInput(f"no filter key of archive rules{did_you_mean(key, KEYS[family])}", field=field)
        if criterion == Criterion():
            raise BadInput(f"expected one of {', '.join(OPERATORS)}", field=field)
        for operator in OPERATORS[:3]:
            _check_values(
                key, getattr(criterion, operator), f"{field}.{operator}", is_part=operator == "contains"
            )


def _check_values(key: str, values: tuple[str, ...], field: str, *, is_part: bool) -> None:
    if len(values) > MOST_VALUES:
        raise BadInput(f"expected at most {MOST_VALUES} values", field=field, value=len(values))
    for value in values:
        if not value:
            raise BadInput("expected a value that is not empty", field=field, value=value)
        if is_part:
            continue
        choices = _CHOICES.get(key)
        if choices is not None and value not in choices:
            near = did_you_mean(value, choices)
            raise BadInput(f"expected one of {', '.join(choices[:4])}...{near}", field=field, value=value)
        if key == "resourceOwnerAccount":
            account_id(value, field=field)
        if key == "principal.AWS" and not (is_account_id(value) or re.fullmatch(r"\*|arn:.+", value)):
            raise BadInput("expected twelve digits, an ARN or *", field=field, value=value)


def may_hide_public(filters: Filter, family: Family) -> bool:
    """Say whether a rule can archive a finding of public access, now or later.

    Only findings of external access can be public. A rule cannot where it pins ``isPublic`` to false, or
    names accounts, users or roles: what is open to everyone names none. Findings of resources that could not
    be analyzed do not say whether they are public, so ``isPublic neq true`` is not enough.
    """
    if family != "external":
        return False
    is_public, principal = filters.get("isPublic", Criterion()), filters.get("principal.AWS", Criterion())
    names_somebody = any(values and "*" not in values for values in (principal.eq, principal.contains))
    return is_public.eq != ("false",) and not names_somebody


def matches(finding: Finding, filters: Filter) -> bool:
    """Say whether a finding meets every criterion of a filter; see the module for how."""
    return all(_meets(_values(finding, key), criterion) for key, criterion in filters.items())


def _meets(values: frozenset[str], criterion: Criterion) -> bool:
    return (
        (not criterion.eq or not values.isdisjoint(criterion.eq))
        and (not criterion.neq or values.isdisjoint(criterion.neq))
        and (not criterion.contains or any(part in value for part in criterion.contains for value in values))
        and (criterion.exists is None or criterion.exists == bool(values))
    )


_SIMPLE: Final[Mapping[str, Callable[[Finding], object]]] = {
    "resource": lambda finding: finding.resource,
    "resourceType": lambda finding: finding.resource_type,
    "resourceOwnerAccount": lambda finding: finding.account,
    "findingType": lambda finding: finding.finding_type,
    "error": lambda finding: finding.error,
    "isPublic": lambda finding: None if finding.is_public is None else str(finding.is_public).lower(),
}


def _values(finding: Finding, key: str) -> frozenset[str]:
    """Give the values of one key in a finding, as text; none where the finding lacks the key."""
    kind, _, name = key.partition(".")
    if kind == "principal":
        return frozenset(
            form for of, value in finding.principals if of == name for form in _forms(finding, value)
        )
    if kind == "condition":
        return frozenset(value for of, values in finding.conditions if of == name for value in values)
    if key == "resourceControlPolicyRestriction":
        return frozenset(finding.restrictions)
    value = _SIMPLE[key](finding)
    return frozenset() if value is None else frozenset({str(value)})


def _forms(finding: Finding, principal: str) -> tuple[str, ...]:
    """Findings write an account as its number or as its root's ARN; filters mean the same by both."""
    account = principal.removesuffix(":root").rpartition(":")[2]
    root = f"arn:{finding.partition}:iam::{account}:root"
    return (account, root) if principal in (account, root) else (principal,)
