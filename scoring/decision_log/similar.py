"""Similar past decisions: what people said of findings that have much in common with this one.

A verdict is written down under three keys of its finding, so that three queries find those on its like.
Automatic archives are nobody's verdict and are never in there. Nothing in here fails: an explanation without
past decisions is still an explanation.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from scoring.decision_log.decisions import LoggedDecision
from scoring.decision_log.entries import stamp
from scoring.decision_log.log import DecisionLog
from scoring.decision_log.storage import Delete, Item, Put, Write
from scoring.explanation import words
from scoring.explanation.content import Similar
from scoring.explanation.safe_text import visible
from scoring.features.exposure import Exposure
from scoring.features.features import ABSENT, NOT_APPLICABLE, NOT_KNOWN, UNKNOWN, features_of
from scoring.files.errors import BadInput
from scoring.findings.access.principal import principals_of
from scoring.findings.finding import Finding
from scoring.findings.record import Case, Label, read_case
from scoring.policy.policy import Policy

SHOWN: Final = 3

_VERDICT: Final = "verdict#"
_LATEST: Final = 30  # verdicts that are looked at under each key
_LONGEST: Final = 200
_DIFFERENCES: Final = 4
_SILENT: Final = frozenset((UNKNOWN, NOT_KNOWN, NOT_APPLICABLE, ABSENT, "none"))
# What is compared, and how much it counts to have it in common; the order is that of the words.
_WEIGHTS: Final = {
    "resource": 8,
    "principal": 6,
    "principal account": 5,
    "resource type": 3,
    "access level": 2,
    "public": 2,
    "finding type": 2,
    "owner": 2,
    "account": 2,
    "condition": 1,
    "environment": 1,
}
_FEATURES: Final = {
    "access level": "access_level",
    "public": "public",
    "owner": "owner",
    "condition": "condition",
    "environment": "environment",
}
_NAMES: Final = {"public": "exposure"}
_IMPLIED: Final = frozenset(("public", "finding type"))  # of the rest, for whoever reads

logger = logging.getLogger(__name__)


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict as it is kept for comparison.

    Attributes
    ----------
    of_finding, of_item : str
        Which decision it was on.
    at : str
        When, as `scoring.decision_log.entries.stamp` writes it.
    traits : dict
        See `traits_of`.
    """

    of_finding: str
    of_item: str
    verdict: str
    by: str
    at: str
    headline: str
    traits: dict[str, str]
    verified: bool = True
    note: str = ""


def traits_of(case: Case) -> dict[str, str]:
    """Return the properties by which findings are compared; those that are not known are left out.

    The policy plays no part: what was the same stays the same when the policy changes.
    """
    finding = case.finding
    if not isinstance(finding, Finding):
        return {}
    exposure = Exposure(finding, case.context, Policy())
    features = features_of(exposure)
    foreign = [name for name in principals_of(finding) if name != finding.account]
    found = {
        "resource": finding.resource,
        "principal": ", ".join(sorted({value for _, value in finding.principals})),
        "principal account": ", ".join(sorted(foreign)),
        "resource type": finding.resource_type,
        "finding type": finding.finding_type,
        "account": finding.account or "",
        **{name: features[feature] for name, feature in _FEATURES.items()},
    }
    return {name: _bounded(found[name]) for name in _WEIGHTS if found[name] and found[name] not in _SILENT}


def keep(decision: LoggedDecision, label: Label) -> list[Write]:
    """Return the writes that keep a verdict for comparison; they go with that of the verdict itself."""
    return [Put(item=item) for item in _items(decision, label)]


def forget(decision: LoggedDecision, label: Label) -> list[Write]:
    """Return the writes that undo those of `keep`."""
    return [Delete(key=(item["finding_id"], item["item"])) for item in _items(decision, label)]


def nearest(log: DecisionLog, case: Case, item: str = "") -> tuple[Similar, ...]:
    """Find the verdicts on the findings that have most in common with this one; never raises.

    Parameters
    ----------
    item : str
        The decision that asks: a verdict on itself is none of the past.

    Returns
    -------
    tuple of Similar
        Three at most; of those with as much in common the later ones.
    """
    try:
        traits = traits_of(case)
        found: dict[tuple[str, str], Past] = {}
        for partition in _partitions(traits):
            for past in _latest(log, partition):
                found[past.of_finding, past.of_item] = past
        found.pop((_stored(case.finding.id), item), None)
        return tuple([_words(past, traits) for past in ranked(found.values(), traits)])
    except Exception:
        logger.warning("similar past decisions could not be looked up", exc_info=True)
        return ()


def ranked(found: Iterable[Past], traits: Mapping[str, str]) -> list[Past]:
    """Return those with most in common, at most `SHOWN`; the order does not depend on that of `found`."""
    ordered = sorted(found, key=lambda past: (past.at, past.of_finding, past.of_item), reverse=True)
    return sorted(ordered, key=lambda past: -_in_common(past, traits))[:SHOWN]


def _items(decision: LoggedDecision, label: Label) -> list[Item]:
    record = decision.record
    try:
        case = read_case({name: record.get(name) for name in ("finding", "context")})
    except BadInput:  # written by another version: the verdict counts all the same
        return []
    if not isinstance(case.finding, Finding):
        return []
    at = stamp(label.at)
    past = Past(
        of_finding=_stored(decision.finding_id),
        of_item=decision.item,
        verdict=label.verdict,
        by=label.by,
        at=at,
        headline=str(words.headline(Exposure(case.finding, case.context, Policy()))),
        traits=traits_of(case),
        verified=label.verified,
        note=_stored(label.note),
    )
    values = msgspec.structs.asdict(past)
    name = f"{_VERDICT}{at}#{_digest(decision.finding_id + decision.item)}"
    return [{"finding_id": partition, "item": name, **values} for partition in _partitions(past.traits)]


def _in_common(past: Past, traits: Mapping[str, str]) -> int:
    return sum(weight for name, weight in _WEIGHTS.items() if _is_same(past, traits, name))


def _is_same(past: Past, traits: Mapping[str, str], name: str) -> bool:
    return name in traits and past.traits.get(name) == traits[name]


def _latest(log: DecisionLog, partition: str) -> list[Past]:
    return [
        msgspec.convert(found, Past) for found in log.storage.of_finding(partition, _VERDICT, newest=_LATEST)
    ]


def _partitions(traits: Mapping[str, str]) -> list[str]:
    """Name the partitions that a finding's like is kept in: by whom, by resource, by kind."""
    kind = [traits.get(name, "") for name in ("finding type", "resource type", "access level", "public")]
    whom = traits.get("principal account") or traits.get("principal")
    named = [("whom", whom), ("resource", traits.get("resource")), ("kind", "\n".join(kind))]
    return [f"similar#{name}#{_digest(value)}" for name, value in named if value and value.strip()]


def _words(past: Past, traits: Mapping[str, str]) -> Similar:
    who = visible(past.by) + ("" if past.verified else " (not verified)")
    same = [name for name in _WEIGHTS if _is_same(past, traits, name)]
    different = [
        f"{_NAMES.get(name, name)} {_shown(past.traits.get(name))}, here {_shown(traits.get(name))}"
        for name in _WEIGHTS
        if name not in (*same, "resource") and (name in past.traits or name in traits)
    ]
    implied = _IMPLIED | ({"principal account"} if "principal" in same else set())
    more = len(different) - _DIFFERENCES
    if more > 0:
        different = [*different[:_DIFFERENCES], f"{more} more"]
    return Similar(
        said=f"{visible(past.verdict, 20).capitalize()}, says {who} on {visible(past.at[:10])}",
        headline=visible(past.headline, _LONGEST),
        same=", ".join([name for name in same if name not in implied]),
        differs="; ".join(different),
        note=visible(past.note, _LONGEST),
    )


def _shown(value: str | None) -> str:
    return "not stated" if value is None else visible(value, 80)


def _bounded(value: str) -> str:
    """Keep a value short without making two of them equal, and such that it can be stored."""
    value = _stored(value)
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST // 2]}...{_digest(value)}"


def _stored(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:24]
