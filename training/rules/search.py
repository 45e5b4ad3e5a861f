"""Search for archive rules: conjunctions that match expected findings only, as few as cover most of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from scoring.aws.analyzers import Family
from scoring.aws.archive_rule_filter import CONDITION_KEYS, MOST_VALUES
from scoring.findings.arn import Arn, is_account_id
from scoring.findings.finding import Finding

Atom = tuple[str, str]
"""A key of a filter and the value that it has to equal."""
Rule = frozenset[Atom]
"""A conjunction; of values of the same key one is enough."""

_MOST_ATOMS: Final = 3
_MOST_PICKS: Final = 300
_ANCHORS: Final = re.compile(r"principal\.|condition\.|resource$")
# What can be typed, pasted and put into a template as it is; a value with anything else is in no suggestion.
_PLAIN: Final = re.compile(r"[A-Za-z0-9:/_.,=@+-]{1,500}", re.ASCII)


@dataclass(frozen=True)
class Past:
    """A finding of the history; the verdict is 0 for expected, 1 for unintended and -1 for none.

    `is_fair` says that the verdict was given whatever the score.
    """

    finding: Finding
    verdict: int
    is_fair: bool = True


def _atoms(finding: Finding, family: Family) -> list[Atom]:
    """Return what a rule could ask of a finding, each a key of a filter with its value."""
    found: list[Atom] = [
        ("resource", finding.resource),
        ("resourceType", finding.resource_type),
        ("resourceOwnerAccount", finding.account or ""),
    ]
    if family == "unused":
        found.append(("findingType", finding.finding_type))
    else:
        for kind, value in finding.principals[:3]:
            if kind in ("AWS", "Federated"):
                found.append((f"principal.{kind}", _account_of_root(value) or value))
        for name, values in finding.conditions:
            if name in CONDITION_KEYS and len(values) == 1:
                found.append((f"condition.{name}", values[0]))
    return sorted({(key, value) for key, value in found if _PLAIN.fullmatch(value)})


def _account_of_root(principal: str) -> str | None:
    arn = Arn.try_parse(principal)
    if arn is None or (arn.service, arn.region, arn.resource) != ("iam", "", "root"):
        return None
    return arn.account if is_account_id(arn.account) else None


def _rules(atoms: Sequence[Atom], family: Family) -> Iterator[Rule]:
    """Yield the conjunctions to try: up to three things, at least one of them the principal, a condition or
    the resource (or, for unused access, account and kind), and none that the others imply.
    """
    for size in range(1, _MOST_ATOMS + 1):
        for some in combinations(atoms, size):
            keys = {key for key, _ in some}
            if len(keys) < size or ("resource" in keys and keys & {"resourceType", "resourceOwnerAccount"}):
                continue
            if "principal.Federated" in keys and "resource" not in keys:
                continue  # a provider may vouch for anybody, and no filter asks whom for
            if any(_ANCHORS.match(key) for key in keys) or (
                family == "unused" and {"resourceOwnerAccount", "findingType"} <= keys
            ):
                yield frozenset(some)


def cover(early: Sequence[Past], family: Family, support: int) -> list[Rule]:
    """Pick rules that match no unintended finding, each adding as many expected ones as possible."""
    unintended: set[Rule] = set()
    counts: Counter[Rule] = Counter()
    for past in early:
        rules = list(_rules(_atoms(past.finding, family), family))
        unintended.update(rules) if past.verdict else counts.update(rules)
    candidates = {rule for rule, count in counts.items() if count >= support and rule not in unintended}
    covers: dict[Rule, set[int]] = defaultdict(set)
    for number, past in enumerate(early):
        if not past.verdict:
            for rule in _rules(_atoms(past.finding, family), family):
                if rule in candidates:
                    covers[rule].add(number)
    picked: list[Rule] = []
    left = dict(covers)
    while left and len(picked) < _MOST_PICKS:
        best = min(left, key=lambda rule: (-len(left[rule]), len(rule), sorted(rule)))
        taken = left.pop(best)
        if len(taken) < support:
            break
        picked.append(best)
        left = {rule: rest for rule, numbers in left.items() if len(rest := numbers - taken) >= support}
    return picked


def merged(picked: Sequence[Rule]) -> dict[Rule, list[Rule]]:
    """Make one rule of those that differ in the values of one key only, in the order they were picked."""
    groups: dict[tuple[Rule, str], list[Rule]] = defaultdict(list)
    for rule in picked:
        for key, value in rule:
            groups[rule - {(key, value)}, key].append(rule)
    made: dict[Rule, list[Rule]] = {}
    done: set[Rule] = set()
    for rule in picked:
        if rule in done:
            continue
        alike = max(
            (groups[rule - {(key, value)}, key] for key, value in sorted(rule)),
            key=lambda parts: len([part for part in parts if part not in done]),
        )
        parts = [part for part in alike if part not in done][:MOST_VALUES]
        done.update(parts)
        made[frozenset().union(*parts)] = parts
    return made
