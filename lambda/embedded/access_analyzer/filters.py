"""Filters of archive rules and of the lists: which keys there are, and which findings they match.

The keys are those of the page "IAM Access Analyzer filter keys" in the IAM User Guide. The page does not
define the operators to the letter, so how they match is an assumption here, not verified against AWS:

- all keys of a filter must match, and all operators of a key;
- `eq` and `contains` match if any of their values does, by exact case, `contains` anywhere in the text;
- `neq` matches if none of its values is equal, and so also a finding that lacks the key;
- `exists` asks whether the finding has a value for the key;
- an account id for `principal.AWS` also equals the ARN of that account's root, since findings write either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded.access_analyzer.exceptions import ValidationException
from embedded.access_analyzer.finding import Finding, summary_v2

Criterion = Mapping[str, Any]
Filter = Mapping[str, Criterion]

CONDITION_KEYS = (
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
ARCHIVE_RULE_KEYS = frozenset(
    {
        "resource",
        "resourceType",
        "resourceOwnerAccount",
        "isPublic",
        "findingType",
        "resourceControlPolicyRestriction",
        "error",
        "principal.AWS",
        "principal.Federated",
        *(f"condition.{key}" for key in CONDITION_KEYS),
    }
)
LIST_KEYS = ARCHIVE_RULE_KEYS | {"status", "id"}

# The two keys the documentation reserves for one kind of analyzer.
_ONLY_FOR = {"findingType": "unused", "resourceControlPolicyRestriction": "external"}


def check_rule(filters: Filter, family: str) -> None:
    """Refuse a filter that an archive rule of an analyzer of this family cannot have.

    Raises
    ------
    ValidationException
        The filter is empty, names a key that archive rules do not have, or asks nothing of a key.
    """
    if not filters:
        raise ValidationException(
            "filter: an archive rule needs at least one criterion", "fieldValidationFailed"
        )
    _check(filters, ARCHIVE_RULE_KEYS, family)


def check_list(filters: Filter, family: str) -> None:
    """Refuse a filter that a list of findings of this family cannot have; an empty one lists all.

    Raises
    ------
    ValidationException
        As for `check_rule`, but `status` and `id` are allowed.
    """
    _check(filters, LIST_KEYS, family)


def _check(filters: Filter, keys: frozenset[str], family: str) -> None:
    failed = []
    for key, criterion in filters.items():
        if key not in keys:
            failed.append((f"filter.{key}", "is not a filter key"))
        elif _ONLY_FOR.get(key, family) != family:
            failed.append((f"filter.{key}", f"is a filter key of {_ONLY_FOR[key]} access findings only"))
        elif not any(value is not None for value in criterion.values()):
            failed.append((f"filter.{key}", "needs one of eq, neq, contains, exists"))
    if failed:
        told = "; ".join(f"{name} {message}" for name, message in failed)
        raise ValidationException(told, "fieldValidationFailed", failed)


def matches(finding: Finding, filters: Filter) -> bool:
    """Whether a finding meets every criterion of a filter; the semantics are this module's assumption."""
    return all(_meets(_values(finding, key), criterion) for key, criterion in filters.items())


def _meets(values: set[str], criterion: Criterion) -> bool:
    equal, unequal = criterion.get("eq"), criterion.get("neq")
    parts, exists = criterion.get("contains"), criterion.get("exists")
    return (
        (equal is None or not values.isdisjoint(equal))
        and (unequal is None or values.isdisjoint(unequal))
        and (parts is None or any(part in value for part in parts for value in values))
        and (exists is None or exists == bool(values))
    )


def _values(finding: Finding, key: str) -> set[str]:
    """The values of one filter key in a finding, as text; none where the finding lacks the key."""
    detail: Mapping[str, Any] = finding.details[0] if finding.details else {}
    where, _, name = key.partition(".")
    if name:
        value = (detail.get(where) or {}).get(name)
    else:
        value = summary_v2(finding).get(key, detail.get(key))
    if value is None:
        return set()
    if isinstance(value, bool):
        return {str(value).lower()}
    values = {str(value)}
    if key == "principal.AWS":
        partition = finding.resource.removeprefix("arn:").partition(":")[0]
        account = str(value).removesuffix(":root").rpartition(":")[2]
        if str(value) in (account, root := f"arn:{partition}:iam::{account}:root"):
            values |= {account, root}
    return values
