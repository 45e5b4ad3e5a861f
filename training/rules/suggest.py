"""Suggest native archive rules: few and general ones that would have archived expected findings only.

Rules are found on the earlier part of the labelled history and checked on the later one. A candidate asks
for the equality of up to three things that a finding says: who is let in, under which condition, to what. It
must have matched enough findings found to be expected, and none found to be unintended. A greedy set cover
picks the ones that archive most; those that differ in one value only become one rule. What the later part
contradicts, or says too little of, is dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, get_args

from scoring.aws.analyzers import Family
from scoring.aws.archive_rule_filter import Criterion, check, check_name, matches, may_hide_public
from scoring.findings.access import principal
from scoring.findings.access.access_level import access_level
from scoring.findings.access.action_reference import LEVELS
from scoring.findings.access.oidc_subjects import is_shared
from scoring.findings.finding import Finding
from training.dataset.dataset import Dataset
from training.dataset.files import read_cases
from training.rules.search import Past, Rule, cover, merged
from training.threshold.bounds import share_upper
from training.threshold.gates import cannot_say

FAMILIES: Final[tuple[Family, ...]] = get_args(Family)

_UNUSED: Final = "Unused"


@dataclass(frozen=True)
class Requirements:
    """What a suggested rule has to meet.

    Attributes
    ----------
    most : int
        Rules at most.
    support : int
        Expected findings at least that each part of a rule adds, in the earlier part of the history.
    precision : float
        Lower confidence bound at least on the share of expected findings among what a rule archives.
    delta : float
        All bounds hold together with probability 1 - delta.
    test_share : float
        Share of the labelled findings, the latest ones, that rules are checked on.
    """

    most: int = 10
    support: int = 10
    precision: float = 0.5
    delta: float = 0.05
    test_share: float = 0.3


@dataclass(frozen=True)
class Suggestion:
    """A rule, and what is known of it.

    Attributes
    ----------
    filter : mapping
        As the API takes it, by key.
    support, checked : int
        Expected findings that it matches: in the earlier part of the history, and in the later one, of which
        only verdicts count that were given whatever the score.
    precision_lower : float
        Lower confidence bound on its precision, by the later part alone (Clopper, Pearson 1934).
    archived, unlabelled : int
        Findings of the whole history that it matches, and how many of them nobody has given a verdict on.
    levels : dict
        Those findings by access level.
    examples : tuple of str
        Resources of some of them.
    risks : tuple of str
        What can go wrong, in words.
    """

    name: str
    family: Family
    filter: Mapping[str, Criterion]
    support: int
    checked: int
    precision_lower: float
    archived: int
    unlabelled: int
    levels: dict[str, int]
    examples: tuple[str, ...]
    risks: tuple[str, ...]


def read_past(paths: Sequence[str], dataset: Dataset) -> list[Past]:
    """Read the findings of a history with the verdicts that a dataset settled on, in the order of time.

    Parameters
    ----------
    paths : sequence of str
        The files that the dataset was read from.
    """
    rows = dataset.about["row"].tolist()
    wanted = set(rows)
    findings = {row: case.finding for row, case in enumerate(read_cases(paths)) if row in wanted}
    verdicts = zip(rows, dataset.about["verdict"].tolist(), dataset.for_threshold.tolist(), strict=True)
    return [
        Past(found, verdict, is_fair)
        for row, verdict, is_fair in verdicts
        if isinstance(found := findings[row], Finding)
    ]


def no_evidence(dataset: Dataset) -> str:
    """Return why nothing can be said of how precise a rule is; empty where something can."""
    return cannot_say(dataset.unintended[dataset.for_threshold])


def suggest(history: Sequence[Past], requirements: Requirements) -> list[Suggestion]:
    """Suggest rules, those that archive most first.

    Parameters
    ----------
    history : sequence of Past
        One entry a finding, in the order of time.
    """
    found: list[Suggestion] = []
    for family in FAMILIES:
        of_family = [_judged(past) for past in history if family_of(past.finding) == family]
        found += _suggest(of_family, family, requirements)
    found.sort(key=lambda one: (-one.support - one.checked, one.name))
    return found[: requirements.most]


def _suggest(history: Sequence[Past], family: Family, requirements: Requirements) -> list[Suggestion]:
    labelled = [past for past in history if past.verdict >= 0]
    first_late = len(labelled) - round(len(labelled) * requirements.test_share)
    early, late = labelled[:first_late], labelled[first_late:]
    found = merged(cover(early, family, requirements.support))
    # All rules that are looked at in the later part were fixed before it: each gets its share of delta.
    tests = len(found) + sum(len(parts) for parts in found.values() if len(parts) > 1)
    delta = requirements.delta / (len(FAMILIES) * max(tests, 1))
    kept: dict[str, tuple[Mapping[str, Criterion], int, float]] = {}
    for rule, parts in found.items():
        tried = [_filter(rule, family)]
        if _misses(labelled, tried[0]):
            tried = [_filter(part, family) for part in parts] if len(parts) > 1 else []
        for filters in tried:
            hits = _expected((past for past in late if past.is_fair), filters)
            lower = 1.0 - float(share_upper(0, hits, delta)) if hits else 0.0
            # A finding may say more than the search asks about, such as further principals.
            if not _misses(labelled, filters) and lower >= requirements.precision:
                kept[_name(filters)] = filters, hits, lower
    apart = _without_overlaps({name: filters for name, (filters, _, _) in kept.items()}, labelled)
    return [_described(name, family, *kept[name], early, history) for name in apart[: requirements.most]]


def _judged(past: Past) -> Past:
    """Count what no rule may archive as unintended, whatever its verdict is.

    Public access, errors, and issuers that anybody can get tokens from: no filter asks whom these let in.
    """
    finding = past.finding
    is_open = finding.is_public or any(_may_be_anyone(kind, value) for kind, value in finding.principals)
    return Past(finding, 1, past.is_fair) if is_open or finding.error else past


def _may_be_anyone(kind: str, value: str) -> bool:
    return value == "*" or is_shared(principal.parse(kind, value).issuer or "")


def family_of(finding: Finding) -> Family:
    """Return which analyzers have such findings."""
    if finding.finding_type.startswith(_UNUSED):
        return "unused"
    return "internal" if finding.finding_type.startswith("Internal") else "external"


def _filter(rule: Rule, family: Family) -> dict[str, Criterion]:
    """Write a rule as a filter; one on external access never matches what is public."""
    values: dict[str, list[str]] = defaultdict(list)
    for key, value in sorted(rule):
        values[key].append(value)
    filters = {key: Criterion(eq=tuple(some)) for key, some in values.items()}
    if family == "external":
        filters["isPublic"] = Criterion(eq=("false",))
    check(filters, family)
    if may_hide_public(filters, family):
        raise AssertionError(f"a rule that may hide public access: {sorted(rule)}")
    return filters


def _expected(history: Iterable[Past], filters: Mapping[str, Criterion]) -> int:
    return sum(past.verdict == 0 and matches(past.finding, filters) for past in history)


def _misses(history: Iterable[Past], filters: Mapping[str, Criterion]) -> int:
    return sum(past.verdict == 1 and matches(past.finding, filters) for past in history)


def _without_overlaps(kept: Mapping[str, Mapping[str, Criterion]], labelled: Sequence[Past]) -> list[str]:
    """Drop rules that archive nothing which the others do not, the smallest first; the largest come first."""
    covers = {
        name: {n for n, past in enumerate(labelled) if past.verdict == 0 and matches(past.finding, filters)}
        for name, filters in kept.items()
    }
    for name in sorted(covers, key=lambda name: (len(covers[name]), name)):
        others = set().union(*(numbers for other, numbers in covers.items() if other != name))
        if covers[name] <= others:
            del covers[name]
    return sorted(covers, key=lambda name: (-len(covers[name]), name))


def _name(filters: Mapping[str, Criterion]) -> str:
    """Name a rule after its filter; the same filter has the same name."""
    about = "-".join(
        part
        for key in sorted(filters)
        if key != "isPublic"
        for part in (key.rpartition(".")[2].rpartition(":")[2], filters[key].eq[0].rpartition(":")[2][-24:])
    )
    digest = hashlib.sha256(repr(sorted((k, c.eq) for k, c in filters.items())).encode()).hexdigest()
    name = f"expected-{re.sub(r'[^A-Za-z0-9]+', '-', about)[:80].strip('-')}-{digest[:6]}"
    check_name(name)
    return name


def _described(
    name: str,
    family: Family,
    filters: Mapping[str, Criterion],
    checked: int,
    lower: float,
    early: Sequence[Past],
    history: Sequence[Past],
) -> Suggestion:
    matched = [past for past in history if matches(past.finding, filters)]
    levels = Counter(access_level(past.finding.actions).level or "not known" for past in matched)
    ordered = {level: levels[level] for level in (*LEVELS, "not known") if levels[level]}
    return Suggestion(
        name=name,
        family=family,
        filter=filters,
        support=_expected(early, filters),
        checked=checked,
        precision_lower=lower,
        archived=len(matched),
        unlabelled=sum(past.verdict < 0 for past in matched),
        levels={} if family == "unused" else ordered,
        examples=tuple(dict.fromkeys(past.finding.resource for past in matched[:50]))[:3],
        risks=tuple(_risks(filters, family, ordered)),
    )


def _risks(filters: Mapping[str, Criterion], family: Family, levels: Mapping[str, int]) -> Iterator[str]:
    keys = set(filters)
    if family == "unused":
        yield "What is no longer used stays as it is, and nobody is told."
    else:
        highest = next((level for level in reversed(LEVELS) if level in levels), "not known")
        yield (
            "An archive rule sees neither actions nor tags: whatever access is given this way is archived,"
            f" not only what was seen so far (at most {highest})."
        )
        if not any(key.startswith(("principal.", "condition.")) for key in keys):
            yield "Whoever else is let in to the resource is archived too."
    if "resource" not in keys and "resourceOwnerAccount" not in keys:
        yield "It holds in every account, also in those that come later."
    if any(key.startswith("principal.") for key in keys):
        yield "Whoever gets hold of the principal has access that nobody is told of."
    elif any(key.startswith("condition.") for key in keys):
        yield "It trusts the condition, whoever the principal is."
    if "condition.aws:SourceIp" in keys:
        yield "An address can come to belong to somebody else."
