"""What would change a decision: the same finding with one or two facts different, decided on anew.

Nothing is worked out from words: each variant goes through `scoring.decision.decide`, guardrails included.
Only alerts have variants, so that deciding costs nothing more.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, Final, NamedTuple

import msgspec

from scoring.decision.decide import Decision, decide
from scoring.explanation.safe_text import visible
from scoring.features.exposure import Exposure
from scoring.files.errors import BadInput
from scoring.findings.access.access_level import access_level
from scoring.findings.arn import bucket_of
from scoring.findings.context import Account, Context, PrincipalAccount
from scoring.findings.facts import ABSENT, Present, Unknown
from scoring.findings.finding import Condition, Finding
from scoring.findings.record import Case
from scoring.points import said_points
from scoring.policy import policy as policies
from scoring.policy.policy import Policy
from scoring.scorecard.scorecard import Scorecard

_SHOWN: Final = 3
_MOST_PRINCIPALS: Final = 50
_ANY_EXTERNAL_ID: Final = "an-id-that-only-this-customer-has"


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One or two facts changed, and what would be decided then.

    Attributes
    ----------
    changes : tuple of str
        Each in words: "listing account 444455556666 as contracted".
    before, after : float
        The score, worst case, with one decimal.
    outcome : str
        ``alert`` or ``archive``; empty where it is not said, see `variants`.
    guardrails : tuple of str
        Names of those that would still stand in the way of archiving.
    """

    changes: tuple[str, ...]
    before: float
    after: float
    outcome: str = ""
    guardrails: tuple[str, ...] = ()

    def __str__(self) -> str:
        changes = " and ".join(self.changes)
        said = f"{changes}: {_said(self.before)} -> {_said(self.after)}"
        if not self.outcome:
            return said
        if self.outcome == "archive":
            return f"{said}, archived"
        still = f" (guardrail {', '.join(self.guardrails)})" if self.guardrails else ""
        return f"{said}, still an alert{still}"


class _Facts(NamedTuple):
    finding: Finding
    context: Context
    policy: Policy


class _Change(NamedTuple):
    words: str
    apply: Callable[[_Facts], _Facts]


def variants(
    case: Case, decision: Decision, policy: Policy, card: Scorecard, *, is_blind: bool = False
) -> tuple[Variant, ...]:
    """Say what would move an alert: the facts that matter most, scored by the same card.

    Parameters
    ----------
    decision : Decision
        The one that `card` and `policy` made of `case`.
    is_blind : bool
        Whether nothing may tell how far the score is from the threshold (findings drawn by lot): no
        outcome is said then, and none decides what is shown.

    Returns
    -------
    tuple of Variant
        At most three: what lowers the score most, then the fewest changes that together archive it. Empty
        for what is no alert, could not be analyzed, was decided on by another card, or is an alert for a
        reason that lies outside card and policy, such as the circuit breaker.
    """
    finding = case.finding
    if not isinstance(finding, Finding) or finding.error or decision.outcome != "alert":
        return ()
    if card.sha256 != decision.model.sha256 or len(finding.principals) > _MOST_PRINCIPALS:
        return ()
    threshold = None if decision.threshold is None else round(decision.threshold * 10)
    if threshold is None and not is_blind and policy.threshold_for(card.sha256, card.threshold) is not None:
        return ()
    now = _Facts(finding, case.context, policy)
    plain = decide(*now[:2], card, policy, threshold)
    if plain.score != decision.score or (plain.outcome != decision.outcome and not is_blind):
        return ()
    changes = _changes(Exposure(*now), decision)

    def scored(*parts: _Change) -> Variant:
        facts = now
        for part in parts:
            facts = part.apply(facts)
        then = decide(facts.finding, facts.context, card, facts.policy, threshold)
        words = tuple([part.words for part in parts])
        if is_blind:
            return Variant(changes=words, before=decision.score, after=then.score)
        names = tuple(dict.fromkeys(rail.name for rail in then.guardrails))
        return Variant(
            changes=words, before=decision.score, after=then.score, outcome=then.outcome, guardrails=names
        )

    singles = [scored(change) for change in changes]
    moving = [one for one in singles if one.after < one.before or one.outcome == "archive"]
    moving.sort(key=lambda one: (one.outcome != "archive", one.after))
    if is_blind or any(one.outcome == "archive" for one in moving):
        return tuple(moving[:_SHOWN])
    pairs = (scored(*pair) for pair in combinations(changes, 2))
    crossing = min(
        (one for one in pairs if one.outcome == "archive"), key=lambda one: one.after, default=None
    )
    return tuple(moving[:_SHOWN]) if crossing is None else (*moving[: _SHOWN - 1], crossing)


def _changes(exposure: Exposure, decision: Decision) -> list[_Change]:
    """Return what could be different about a finding, each a thing that people can find out or do."""
    found = [_known(exposure), _not_confidential(exposure)]
    if exposure.is_granting:
        found += [
            _contracted(exposure),
            _public_bucket(exposure),
            _external_id(exposure),
            _own_organization(exposure),
            _own_source(exposure),
            _only_reading(exposure),
            *[_policy_lines(rail.policy) for rail in decision.guardrails if rail.policy],
        ]
    return [change for change in found if change is not None]


def _known(exposure: Exposure) -> _Change | None:
    if not exposure.lacking:
        return None
    finding, names = exposure.finding, [name for name, _ in exposure.lacking]
    account = next(iter(exposure.foreign_accounts), None) if len(exposure.foreign_accounts) == 1 else None
    facts: dict[str, object] = {}
    if "tags" in names:
        facts["tags"] = ABSENT
    if "aliases" in names:
        facts["aliases"] = ABSENT
    if "resource_account" in names and finding.account:
        facts["resource_account"] = Present(Account(id=finding.account))
    if "principal_account" in names and account:
        facts["principal_account"] = Present(PrincipalAccount(id=account, in_org=False))
    if len(facts) < len(names):
        return None
    said = {
        "tags": "no tags",
        "aliases": "no aliases",
        "resource_account": "an account without a name",
        "principal_account": f"account {account} outside the organization",
    }
    words = f"a look-up that finds {_listed([said[name] for name in names])}"
    return _Change(words, lambda now: now._replace(context=msgspec.structs.replace(now.context, **facts)))


def _not_confidential(exposure: Exposure) -> _Change | None:
    tags = exposure.context.tags
    if isinstance(tags, Unknown) or "confidential" not in exposure.tags.get("dataclassification", ()):
        return None

    def apply(now: _Facts) -> _Facts:
        given = now.context.tags.value if isinstance(now.context.tags, Present) else {}
        kept = {key: value for key, value in given.items() if "classification" not in key.casefold()}
        tagged = Present({**kept, "DataClassification": "internal"})
        return now._replace(context=msgspec.structs.replace(now.context, tags=tagged))

    return _Change("data that is internal, not confidential", apply)


def _contracted(exposure: Exposure) -> _Change | None:
    accounts = sorted(exposure.foreign_accounts - exposure.policy.contracted)
    if not accounts or not {"stranger", "known vendor"} & {reach.trust for reach in exposure.reaches}:
        return None
    vendor = f" ({visible(exposure.vendor, 60)})" if exposure.vendor and len(accounts) == 1 else ""
    many = "account " if len(accounts) == 1 else "accounts "
    shown = ", ".join(accounts[:_SHOWN]) + (
        f" and {len(accounts) - _SHOWN} more" if accounts[_SHOWN:] else ""
    )

    def apply(now: _Facts) -> _Facts:
        listed = {**now.policy.allow.accounts, **dict.fromkeys(accounts, "contracted")}
        allow = msgspec.structs.replace(now.policy.allow, accounts=listed)
        return now._replace(policy=msgspec.structs.replace(now.policy, allow=allow))

    return _Change(f"listing {many}{shown}{vendor} as contracted", apply)


def _public_bucket(exposure: Exposure) -> _Change | None:
    finding = exposure.finding
    if not exposure.is_public or finding.resource_type != "AWS::S3::Bucket" or exposure.is_meant_to_be_public:
        return None
    name = bucket_of(finding.resource)

    def apply(now: _Facts) -> _Facts:
        listed = (*now.policy.allow.public_buckets, name)
        allow = msgspec.structs.replace(now.policy.allow, public_buckets=listed)
        return now._replace(policy=msgspec.structs.replace(now.policy, allow=allow))

    return _Change(f"listing bucket {visible(name, 80)} as meant to be public", apply)


def _external_id(exposure: Exposure) -> _Change | None:
    finding = exposure.finding
    has_one = any(key.lower() == "sts:externalid" for key, _ in finding.conditions)
    if finding.resource_type != "AWS::IAM::Role" or has_one or not exposure.foreign_accounts:
        return None
    return _Change("an external id", _with_condition(("sts:ExternalId", (_ANY_EXTERNAL_ID,))))


def _own_organization(exposure: Exposure) -> _Change | None:
    own = exposure.policy.organization_id
    if own is None and isinstance(exposure.resource_account, Present):
        own = exposure.resource_account.value.org_id
    is_pinned = any(key.lower() == "aws:principalorgid" for key, _ in exposure.finding.conditions)
    if own is None or is_pinned or not exposure.is_public:
        return None
    words = f"a condition aws:PrincipalOrgID = {visible(own, 40)}"
    return _Change(words, _with_condition(("aws:PrincipalOrgID", (own,))))


def _own_source(exposure: Exposure) -> _Change | None:
    account = exposure.finding.account
    is_pinned = any(key.lower() == "aws:sourceaccount" for key, _ in exposure.finding.conditions)
    if account is None or is_pinned or exposure.trust != "AWS service":
        return None
    return _Change(
        f"a condition aws:SourceAccount = {account}", _with_condition(("aws:SourceAccount", (account,)))
    )


def _only_reading(exposure: Exposure) -> _Change | None:
    actions = exposure.finding.actions
    kept = tuple([action for action in actions if access_level((action,)).level in ("List", "Read")])
    if not kept or len(kept) == len(actions):
        return None
    return _Change(
        "access for reading only",
        lambda now: now._replace(finding=msgspec.structs.replace(now.finding, actions=kept)),
    )


def _policy_lines(lines: str) -> _Change | None:
    """Add the lines of the policy that a guardrail names to say that it is meant."""
    try:
        named = policies.parse(lines)
    except BadInput:
        return None
    typed = [visible(line, 120) for line in lines.splitlines()[1:]]
    table = visible(lines.splitlines()[0], 60)

    def apply(now: _Facts) -> _Facts:
        allow, own, more = now.policy.allow, now.policy.own, named
        allow = msgspec.structs.replace(
            allow,
            subjects=_joined(allow.subjects, more.allow.subjects),
            conditions=_joined(allow.conditions, more.allow.conditions),
        )
        own = msgspec.structs.replace(
            own,
            buckets=(*own.buckets, *more.own.buckets),
            distributions=(*own.distributions, *more.own.distributions),
            providers=(*own.providers, *more.own.providers),
        )
        return now._replace(policy=msgspec.structs.replace(now.policy, allow=allow, own=own))

    return _Change(f"the policy's {table} with {'; '.join(typed)}", apply)


def _joined(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, Any]:
    """Add lists by key; what is listed by claim is added by claim."""
    joined: dict[str, Any] = dict(one)
    for key, values in other.items():
        had = joined.get(key)
        if isinstance(had, tuple) and isinstance(values, tuple):
            joined[key] = (*had, *values)
        elif isinstance(had, dict) and isinstance(values, dict):
            joined[key] = _joined(had, values)
        else:
            joined[key] = values
    return joined


def _with_condition(condition: Condition) -> Callable[[_Facts], _Facts]:
    """Return what adds a condition as AWS would report it: what it pins is no longer public."""

    def apply(now: _Facts) -> _Facts:
        conditions = tuple(sorted((*now.finding.conditions, condition)))
        narrower = msgspec.structs.replace(now.finding, conditions=conditions)
        if condition[0] == "aws:PrincipalOrgID":
            narrower = msgspec.structs.replace(narrower, is_public=False)
        return now._replace(finding=narrower)

    return apply


def _listed(parts: list[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def _said(points: float) -> str:
    return said_points(round(points * 10))
